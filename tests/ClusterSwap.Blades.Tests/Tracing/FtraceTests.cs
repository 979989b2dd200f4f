// Trace events: what is recorded, how it reads, and that recording changes nothing.
using ClusterSwap.Blades.Runs;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Blades.Tests.ProcFiles;
using ClusterSwap.Blades.Tests.Scenarios;
using ClusterSwap.Blades.Tracing;
using ClusterSwap.Kernel;
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Tracing;

namespace ClusterSwap.Blades.Tests.Tracing;

public sealed class FtraceTests
{
    [Fact]
    public void A_trace_agrees_with_the_counters_and_changes_nothing()
    {
        using var folder = new TemporaryFolder();
        var plain = Run(null, "vmscan");
        var file = Path.Combine(folder.Path, "trace.txt");
        var traced = Run(file, "*");
        Assert.Equal(plain.Fingerprint, traced.Fingerprint);
        var text = File.ReadAllText(file);
        Assert.StartsWith("# tracer: nop\n#\n", text);
        var counts = text.Split('\n').Where(line => line.Length > 0 && line[0] != '#')
            .GroupBy(line => line.Split(": ")[1]).ToDictionary(group => group.Key, group => group.LongCount());
        var vmstat = traced.Blades[0].VmStat.ToDictionary(pair => pair.Key, pair => pair.Value);
        Assert.Equal(vmstat["allocstall"], counts["mm_vmscan_direct_reclaim_begin"]);
        Assert.Equal(vmstat["pswpout"], counts["mm_vmscan_writepage"]);
        var netstat = traced.Blades[0].NetStat.ToDictionary(pair => pair.Key, pair => pair.Value);
        Assert.Equal(netstat["nbd_reads"] + netstat["nbd_writes"], counts["block_rq_complete"]);
        Assert.Equal(counts["block_rq_insert"], counts["block_rq_issue"]);
        Assert.Equal(netstat["block_sleeprq"], counts.GetValueOrDefault("block_sleeprq"));
    }

    [Fact]
    public void A_restored_run_is_traced_from_where_it_was_restored()
    {
        using var folder = new TemporaryFolder();
        var checkpoint = Path.Combine(folder.Path, "checkpoint");
        var whole = Path.Combine(folder.Path, "whole");
        var rest = Path.Combine(folder.Path, "rest");
        var first = Run(whole, "block_rq_*", request => request with
        {
            CheckpointFile = checkpoint,
            CheckpointAtNs = Trial.Second,
        });
        var second = Run(rest, "block_rq_*", request => request with { RestoreFile = checkpoint });
        Assert.Equal(first.Fingerprint, second.Fingerprint);
        var lines = File.ReadAllLines(rest).Where(line => line[0] != '#').ToArray();
        Assert.NotEmpty(lines);
        Assert.Equal(lines, File.ReadAllLines(whole).TakeLast(lines.Length));
    }

    [Theory]
    [InlineData(Era.Linux36, TraceEvent.mm_vmscan_wakeup_kswapd, "nid=0 zid=1 order=2")]
    [InlineData(Era.Linux36, TraceEvent.mm_vmscan_direct_reclaim_begin, "order=1 may_writepage=2 gfp_flags=GFP_NOWAIT")]
    [InlineData(Era.Linux61, TraceEvent.mm_vmscan_direct_reclaim_begin, "order=1 gfp_flags=GFP_NOWAIT")]
    [InlineData(Era.Linux36, TraceEvent.mm_vmscan_direct_reclaim_end, "nr_reclaimed=1")]
    [InlineData(Era.Linux36, TraceEvent.block_rq_issue, "43,0 W 0 () 16 + 0 [kswapd0]")]
    [InlineData(Era.Linux36, TraceEvent.block_rq_complete, "43,0 W () 16 + 0 [0]")]
    [InlineData(Era.Linux36, TraceEvent.block_unplug, "[kswapd0] 1")]
    [InlineData(Era.Linux36, TraceEvent.mm_vmscan_writepage,
        "page=ffffea0000000040 pfn=1 flags=RECLAIM_WB_ANON|RECLAIM_WB_ASYNC")]
    [InlineData(Era.Linux61, TraceEvent.mm_vmscan_writepage,
        "page=ffffea0000000040 pfn=0x1 flags=RECLAIM_WB_ANON|RECLAIM_WB_ASYNC")]
    [InlineData(Era.Linux61, TraceEvent.mm_vmscan_wakeup_kswapd, "nid=0 order=2 gfp_flags=GFP_NOWAIT")]
    [InlineData(Era.Linux61, TraceEvent.mm_vmscan_throttled,
        "nid=0 usec_timeout=1 usect_delayed=2 reason=VMSCAN_THROTTLE_NONE")]
    [InlineData(Era.Linux61, TraceEvent.nbd_send_request, "nbd0: request ffff880001000200")]
    [InlineData(Era.Linux61, TraceEvent.nbd_header_received,
        "nbd transport event: request ffff880001000200, handle 0x0000000000000002")]
    public void Fields_have_the_format_of_the_release(Era era, TraceEvent which, string fields) => Assert.Equal(
        fields, new TraceText(era, processes: 4).Fields(new TraceRecord { Event = which, A = 1, B = 2 }));

    [Fact]
    public void Names_of_a_group_with_two_nodes_are_those_of_its_nodes()
    {
        var group = ScenarioFile.Load(Path.Combine(ScenarioFolder.Repository, "config", "quick.toml"))
            .Resolve("base", ["blade.nodes=2"]).Blades[0];
        var text = TraceText.For(group);
        Assert.Equal("kswapd1", text.CommOf(BladeTasks.KswapdOf(group, 1)));
        var zones = NodeLayout.Grid((ZoneLayout)group.ZoneLayout, group.RamPages, group.Nodes).Length / 2;
        var crossed = new TraceRecord { Event = TraceEvent.watermark_crossed, A = zones, B = 1, C = 0, D = 7 };
        Assert.Equal("nid=1 zid=0 above min -> below min nr_free=7", text.Fields(crossed));
    }

    [Fact]
    public void A_line_has_task_cpu_flags_and_time()
    {
        var record = new TraceRecord { TimeNs = 12_345_678_901, Event = TraceEvent.mm_vmscan_kswapd_sleep, Cpu = 3 };
        Assert.Equal(
            "         kswapd0-1000  [003] ....    12.345678: mm_vmscan_kswapd_sleep: nid=0",
            new TraceText(Era.Linux36, processes: 4).Line(record));
    }

    [Theory]
    [InlineData(Gfp.Kernel, "GFP_KERNEL")]
    [InlineData(Gfp.NoIo, "GFP_NOIO")]
    [InlineData(Gfp.Atomic | Gfp.MemAlloc, "GFP_ATOMIC|GFP_MEMALLOC")]
    [InlineData(Gfp.None, "GFP_NOWAIT")]
    public void Request_flags_are_printed_by_name(Gfp flags, string text) =>
        Assert.Equal(text, TraceText.GfpText((long)flags));

    [Fact]
    public void A_batch_of_6_1_says_what_became_of_its_pages() => Assert.Equal(
        "nid=0 nr_scanned=32 nr_reclaimed=20 nr_dirty=0 nr_writeback=3 nr_congested=0 nr_immediate=1 nr_activate_anon=5 "
        + "nr_activate_file=0 nr_ref_keep=4 nr_unmap_fail=0 priority=12 flags=RECLAIM_WB_ANON|RECLAIM_WB_ASYNC",
        new TraceText(Era.Linux61, processes: 4).Fields(new TraceRecord
        {
            Event = TraceEvent.mm_vmscan_lru_shrink_inactive,
            B = 32,
            C = 20,
            D = 12,
            F = new BatchCounts(3, 1, 5, 4).Packed,
        }));

    [Fact]
    public void A_run_of_6_1_shows_each_request_on_its_way()
    {
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "trace.txt");
        Run(file, "nbd,block_rq_complete,mm_vmscan_lru_shrink_inactive", blade: ["blade.era=6.1"]);
        var counts = File.ReadLines(file).Where(line => line.Length > 0 && line[0] != '#')
            .GroupBy(line => line.Split(": ")[1]).ToDictionary(group => group.Key, group => group.LongCount());
        var sent = counts["nbd_send_request"];
        Assert.Equal(sent, counts["nbd_header_sent"]);
        Assert.Equal(sent, counts["nbd_payload_sent"]);
        Assert.Equal(sent, counts["nbd_header_received"]);
        Assert.Equal(sent, counts["nbd_payload_received"]);
        Assert.Equal(sent, counts["block_rq_complete"]);
        Assert.Contains(File.ReadLines(file), line => !line.Contains("nr_ref_keep=0") && line.Contains("nr_ref_keep="));
    }

    [Fact]
    public void Only_wanted_events_are_kept_and_a_drain_forgets_them()
    {
        var log = new TraceLog(1UL << (int)TraceEvent.block_plug);
        for (var i = 0; i < 300; i++)
        {
            log.Add(TraceEvent.block_plug, cpu: 0, a: i);
            log.Add(TraceEvent.block_unplug, cpu: 0, a: i);
        }

        Assert.Equal(300, log.Pending.Length);
        log.Drain();
        Assert.Equal(0, log.Pending.Length);
    }

    [Fact]
    public void Events_are_chosen_by_group_name_and_glob()
    {
        Assert.True(TraceSelection.TryParse("kmem, block_rq_i*", out var selected, out _));
        Assert.Equal(
            [TraceEvent.block_rq_insert, TraceEvent.block_rq_issue, TraceEvent.mm_page_alloc],
            Enum.GetValues<TraceEvent>().Where(which => (selected >> (int)which & 1) != 0));
        Assert.False(TraceSelection.TryParse("mm_vmscan_kswapd_slep", out _, out var error));
        Assert.EndsWith("Did you mean mm_vmscan_kswapd_sleep?", error);
    }

    private static RunReport Run(
        string? file, string events, Func<RunRequest, RunRequest>? with = null, string[]? blade = null)
    {
        Assert.True(TraceSelection.TryParse(events, out var selected, out _));
        var scenario = Trial.Quick("swapnbd", [Trial.OnePass, .. blade ?? []]);
        var request = new RunRequest
        {
            Scenario = scenario,
            Variant = scenario.Variant,
            Seed = 1,
            FtraceFile = file,
            FtraceEvents = selected,
        };
        return new BladeRunner { InvariantInterval = 1 }.Run(with is null ? request : with(request), CancellationToken.None);
    }
}
