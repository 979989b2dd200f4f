// A record as ftrace prints it.
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Kernel;
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Reclaim;
using ClusterSwap.Kernel.Tracing;

namespace ClusterSwap.Blades.Tracing;

/// <summary>Prints records in the field formats of a release (<c>include/trace/events/*.h</c>).</summary>
/// <param name="era">The release of the blade's kernel.</param>
/// <param name="processes">Processes of the blade: readers of ordinary sockets come behind them.</param>
/// <param name="zonesPerNode">Zones of each node, where there are several.</param>
/// <param name="secondKswapd">Task of kswapd1; −1: there is none.</param>
/// <param name="faults">Faults of the scenario, by number.</param>
public sealed class TraceText(
    Era era, int processes, int zonesPerNode = int.MaxValue, int secondKswapd = -1, IReadOnlyList<FaultSpec>? faults = null)
{
    private const int SectorsPerPage = 8;

    // Start of the memory map and of the direct mapping of x86-64, and size of a struct page.
    private const ulong MemoryMap = 0xffff_ea00_0000_0000;
    private const ulong DirectMap = 0xffff_8800_0000_0000;
    private const ulong PageStructBytes = 64;

    // Where requests are said to lie: made up, like all addresses.
    private const ulong RequestMap = DirectMap + 0x100_0000;
    private const ulong RequestBytes = 512;

    // ETH_P_IP.
    private const int EthernetIp = 2048;
    private const int FirstPid = 1000;

    private static readonly (Gfp Flags, string Name)[] GfpNames =
    [
        (Gfp.HighUserMovable, "GFP_HIGHUSER_MOVABLE"), (Gfp.Kernel, "GFP_KERNEL"), (Gfp.NoFs, "GFP_NOFS"),
        (Gfp.Atomic, "GFP_ATOMIC"), (Gfp.NoIo, "GFP_NOIO"), (Gfp.High, "GFP_HIGH"), (Gfp.Io, "GFP_IO"),
        (Gfp.Fs, "GFP_FS"), (Gfp.Cold, "GFP_COLD"), (Gfp.NoWarn, "GFP_NOWARN"), (Gfp.Repeat, "GFP_REPEAT"),
        (Gfp.NoFail, "GFP_NOFAIL"), (Gfp.NoRetry, "GFP_NORETRY"), (Gfp.MemAlloc, "GFP_MEMALLOC"),
        (Gfp.Comp, "GFP_COMP"), (Gfp.Zero, "GFP_ZERO"), (Gfp.NoMemAlloc, "GFP_NOMEMALLOC"),
        (Gfp.HardWall, "GFP_HARDWALL"), (Gfp.ThisNode, "GFP_THISNODE"), (Gfp.Reclaimable, "GFP_RECLAIMABLE"),
        (Gfp.Movable, "GFP_MOVABLE"), (Gfp.HighMem, "GFP_HIGHMEM"), (Gfp.Dma, "GFP_DMA"), (Gfp.Dma32, "GFP_DMA32"),
        (Gfp.NoKswapd, "GFP_NO_KSWAPD"),
    ];

    private static readonly string[] LruNames = ["inactive_anon", "active_anon", "inactive_file", "active_file"];

    // By how many marks the free pages are above.
    private static readonly string[] Marks = ["below min", "above min", "above low", "above high"];

    // By SkbDrop: made-up addresses in the kernel's text, always the same.
    private static readonly string[] Places =
        ["ffffffff81400000", "ffffffff81400100", "ffffffff81400200", "ffffffff81400300"];

    private static readonly string[] Reasons =
        ["SOCKET_FILTER", "SOCKET_BACKLOG", "SOCKET_RCVBUFF", "SOCKET_RCVBUFF"];

    /// <summary>For a blade.</summary>
    public static TraceText For(BladePlace place) => For(place.Group, place.ScenarioFaults);

    /// <summary>For the blades of a group, in a scenario with these faults.</summary>
    public static TraceText For(BladeGroup group, IReadOnlyList<FaultSpec>? faults = null) => group.Nodes == 1
        ? new TraceText(group.Rules.Era, group.Processes, faults: faults)
        : new TraceText(
            group.Rules.Era,
            group.Processes,
            NodeLayout.Grid((ZoneLayout)group.ZoneLayout, group.RamPages, group.Nodes).Length / group.Nodes,
            BladeTasks.KswapdOf(group, 1),
            faults);

    private bool Later => era == Era.Linux61;

    /// <summary>A line of the trace, without its end.</summary>
    public string Line(in TraceRecord record)
    {
        var seconds = record.TimeNs / 1_000_000_000;
        var micros = record.TimeNs / 1_000 % 1_000_000;
        var flags = record.Softirq ? "..s." : "....";
        var task = Text($"{CommOf(record.Task),16}-{PidOf(record.Task),-5} [{record.Cpu:000}] {flags}");
        return Text($"{task} {seconds,5}.{micros:000000}: {record.Event}: {Fields(record)}");
    }

    /// <summary>What stands behind the name of the event.</summary>
    public string Fields(in TraceRecord record) => record.Event switch
    {
        TraceEvent.mm_vmscan_kswapd_sleep => Text($"nid={record.A}"),
        TraceEvent.mm_vmscan_kswapd_wake => Text($"nid={record.A} order={record.B}"),
        TraceEvent.mm_vmscan_wakeup_kswapd => Later
            ? Text($"nid={NodeOf(record.A)} order={record.B} gfp_flags={Flags(record.C)}")
            : Text($"nid={NodeOf(record.A)} zid={TypeOfZone(record.A)} order={record.B}"),
        TraceEvent.mm_vmscan_direct_reclaim_begin => Later
            ? Text($"order={record.A} gfp_flags={Flags(record.C)}")
            : Text($"order={record.A} may_writepage={record.B} gfp_flags={GfpText(record.C)}"),
        TraceEvent.mm_vmscan_direct_reclaim_end => Text($"nr_reclaimed={record.A}"),
        TraceEvent.mm_vmscan_lru_isolate => Isolate(record),
        TraceEvent.mm_vmscan_writepage => $"{PageText(record.A)} flags=RECLAIM_WB_ANON|RECLAIM_WB_ASYNC",
        TraceEvent.mm_vmscan_lru_shrink_inactive => Shrink(record),
        TraceEvent.block_plug => $"[{CommOf(record.Task)}]",
        TraceEvent.block_unplug => Text($"[{CommOf(record.Task)}] {record.A}"),
        TraceEvent.block_rq_insert or TraceEvent.block_rq_issue =>
            $"{Device(record)} 0 () {Sectors(record)} [{CommOf(record.Task)}]",
        TraceEvent.block_rq_complete => $"{Device(record)} () {Sectors(record)} [0]",
        TraceEvent.block_getrq or TraceEvent.block_sleeprq =>
            $"{Device(record)} {Sectors(record)} [{CommOf(record.Task)}]",
        TraceEvent.kfree_skb => Drop(record),
        TraceEvent.mm_page_alloc => PageText(record.A)
            + Text($" order={record.B} migratetype={TypeOf(record.C)} gfp_flags={Flags(record.D)}"),
        TraceEvent.mm_vmscan_throttled =>
            Text($"nid=0 usec_timeout={record.A} usect_delayed={record.B} reason={ReasonOf(record.C)}"),
        TraceEvent.nbd_send_request => Text($"nbd0: request {RequestText(record.A)}"),
        TraceEvent.nbd_header_sent or TraceEvent.nbd_payload_sent
            or TraceEvent.nbd_header_received or TraceEvent.nbd_payload_received =>
            Text($"nbd transport event: request {RequestText(record.A)}, handle 0x{(ulong)record.B:x16}"),
        TraceEvent.page_refused => Text($"order={record.A} gfp_flags={Flags(record.B)} nr_free={record.C}"),
        TraceEvent.reserve_entered or TraceEvent.reserve_left => Text($"nr_free={record.A}"),
        TraceEvent.watermark_crossed => Text($"nid={NodeOf(record.A)} zid={TypeOfZone(record.A)} ")
            + Text($"{Marks[record.B]} -> {Marks[record.C]} nr_free={record.D}"),
        TraceEvent.reclaim_throttled => Text($"nid={record.A} gfp_flags={Flags(record.B)}"),
        TraceEvent.reclaim_released => Text($"nid={record.A}"),
        TraceEvent.ring_overrun => Text($"nr_frames={record.A}"),
        TraceEvent.fault_begin or TraceEvent.fault_end => Fault(record),
        TraceEvent.nbd_disconnected => record.A == 1 ? "nbd0: connection reset" : "nbd0: connection timed out",
        TraceEvent.request_failed => $"{Device(record)} {Sectors(record)} [-5]",
        _ => throw new InvalidOperationException($"no text for {record.Event}"),
    };

    /// <summary>Name of a task's thread.</summary>
    public string CommOf(int task) => task switch
    {
        < 0 => "<idle>",
        BladeTasks.Kswapd => "kswapd0",
        BladeTasks.NbdSender => "nbd0",
        BladeTasks.NbdReceiver => "nbd-client",
        _ when task == secondKswapd => "kswapd1",
        _ => task < BladeTasks.FirstReader(processes) ? "vmscan-anon" : "reader",
    };

    /// <summary>Process id of a task: made up, but always the same.</summary>
    public static int PidOf(int task) => task < 0 ? 0 : FirstPid + task;

    /// <summary>Names of request flags, joined as the kernel joins them; of no flags, GFP_NOWAIT.</summary>
    /// <param name="flags">Flags, <see cref="Gfp"/>.</param>
    /// <param name="later">The spelling of 4.8 and later: single flags begin with two underscores.</param>
    public static string GfpText(long flags, bool later = false)
    {
        // 4.4 and later say it by the absence of a flag.
        var left = (Gfp)flags & (later ? ~Gfp.NoKswapd : ~Gfp.None);
        if (left == Gfp.None)
        {
            return "GFP_NOWAIT";
        }

        List<string> names = [];
        foreach (var (value, name) in GfpNames)
        {
            if ((left & value) == value)
            {
                names.Add(later && !IsCompound(value) ? LaterName(name) : name);
                left &= ~value;
            }
        }

        if (left != Gfp.None)
        {
            names.Add(Text($"0x{(uint)left:x}"));
        }

        return string.Join('|', names);
    }

    private string Flags(long flags) => GfpText(flags, Later);

    private static bool IsCompound(Gfp value) => value is Gfp.HighUserMovable or Gfp.Kernel or Gfp.NoFs or Gfp.Atomic or Gfp.NoIo;

    private static string LaterName(string name) => name == "GFP_REPEAT" ? "__GFP_RETRY_MAYFAIL" : "__" + name;

    private static string Text(FormattableString text) => FormattableString.Invariant(text);

    private string Isolate(in TraceRecord r)
    {
        var counts = Text($"order={r.A} nr_requested={r.B} nr_scanned={r.C}");
        return Later
            ? Text($"isolate_mode=0 classzone={r.F} {counts} nr_skipped=0 nr_taken={r.D} lru={LruNames[r.E]}")
            : Text($"isolate_mode=0 {counts} nr_taken={r.D} file={LruLists.FileOf((LruList)r.E)}");
    }

    // Of a cable each way begins and ends for itself.
    private string Fault(in TraceRecord r)
    {
        if (faults is null || r.A >= faults.Count)
        {
            return Text($"fault={r.A}");
        }

        var fault = faults[(int)r.A];
        var way = fault.Effect is LinkEffect && r.B != (long)LinkDirection.Both
            ? " direction=" + ((LinkDirection)r.B).ToString().ToLowerInvariant()
            : "";
        return $"fault={fault.Name} kind={fault.Effect.Kind}{way}";
    }

    private string Shrink(in TraceRecord r)
    {
        var kind = r.E == ZoneReclaimState.File ? "FILE" : "ANON";
        var counts = Text($"nr_scanned={r.B} nr_reclaimed={r.C}");
        var end = Text($"priority={r.D} flags=RECLAIM_WB_{kind}|RECLAIM_WB_ASYNC");
        return Later
            ? Text($"nid={NodeOf(r.A)} {counts} {Fates(BatchCounts.From(r.F), r.E == ZoneReclaimState.File)} {end}")
            : Text($"nid={NodeOf(r.A)} zid={TypeOfZone(r.A)} {counts} {end}");
    }

    // Dirty and congested count file pages, which nobody writes here; a page that is mapped can always be unmapped.
    private static string Fates(BatchCounts counts, bool file) =>
        Text($"nr_dirty=0 nr_writeback={counts.Writeback} nr_congested=0 nr_immediate={counts.Immediate} ")
        + Text($"nr_activate_anon={(file ? 0 : counts.Activated)} nr_activate_file={(file ? counts.Activated : 0)} ")
        + Text($"nr_ref_keep={counts.ReferenceKept} nr_unmap_fail=0");

    private static string ReasonOf(long reason) => (ThrottleReason)reason switch
    {
        ThrottleReason.Writeback => "VMSCAN_THROTTLE_WRITEBACK",
        ThrottleReason.Isolated => "VMSCAN_THROTTLE_ISOLATED",
        ThrottleReason.NoProgress => "VMSCAN_THROTTLE_NOPROGRESS",
        _ => "VMSCAN_THROTTLE_NONE",
    };

    private static string RequestText(long tag) => Text($"{RequestMap + (ulong)tag * RequestBytes:x16}");

    private string Drop(in TraceRecord r)
    {
        var skb = r.A < 0 ? 0 : DirectMap + ((ulong)r.A << 12);
        var line = Text($"skbaddr={skb:x16} protocol={EthernetIp} location={Places[r.B]}");
        return Later ? $"{line} reason: {Reasons[r.B]}" : line;
    }

    // Zones are numbered node by node.
    private long NodeOf(long zone) => zone / zonesPerNode;

    private long TypeOfZone(long zone) => zone % zonesPerNode;

    // 6.1 shows page frame numbers in hexadecimal.
    private string PageText(long page)
    {
        var address = MemoryMap + (ulong)page * PageStructBytes;
        return Later ? Text($"page={address:x16} pfn=0x{page:x}") : Text($"page={address:x16} pfn={page}");
    }

    // The kernel numbers unmovable 0, reclaimable 1, movable 2.
    private static int TypeOf(long type) => (MigrateType)type switch
    {
        MigrateType.Unmovable => 0,
        MigrateType.Movable => 2,
        _ => 1,
    };

    private static string Device(in TraceRecord record) => record.A == 1 ? "43,0 W" : "43,0 R";

    private static string Sectors(in TraceRecord record) =>
        Text($"{record.B * SectorsPerPage} + {record.C * SectorsPerPage}");
}
