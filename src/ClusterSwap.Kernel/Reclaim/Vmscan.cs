// Page reclaim of one blade: what it keeps, and direct reclaim from entry to result.
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Tracing;
using MemoryPack;

namespace ClusterSwap.Kernel.Reclaim;

/// <summary>
/// Page reclaim (<c>mm/vmscan.c</c>, 3.6) as steps over plain data. A step is one section that the kernel would not
/// preempt: a batch of 32 pages, or one decision of the balance loop. Between steps the task may sleep and others may
/// run; nothing is held but the isolated pages of the call.
/// </summary>
[MemoryPackable]
public sealed partial class Vmscan
{
    private IZoneView _view = null!;
    private PageFrame[] _frames = [];
    private LruLists _lru = null!;
    private ISwapSide _swap = null!;
    private VmStat _stat = null!;
    private CostModel _cost = null!;
    private KswapdCall[] _nodes = [];

    // By node: the parts of memory that have LRU lists, in the order of its zonelist. Types: zones of each node.
    private int[][] _zonelists = [];
    private int _types;
    private KernelRules _rules;
    private ReclaimRules _how;
    private int[] _inactiveRatio = [];

    /// <summary>Timer ticks per second: 100, 250 or 1000. All sleeps are whole ticks.</summary>
    public int Hz = 250;

    /// <summary>vm.swappiness, 0 to 100.</summary>
    public int Swappiness = 60;

    /// <summary>A backing device is congested. The caller keeps it current.</summary>
    public bool DeviceCongested;

    /// <summary>Where events are recorded; null = nowhere.</summary>
    [MemoryPackIgnore]
    public TraceLog? Trace { get; set; }

    /// <summary>
    /// Connects reclaim with the rest of its blade; must follow construction and deserialization. There is a
    /// <see cref="KswapdCall"/> for each node.
    /// </summary>
    public void Attach(
        IZoneView zones, LruLists lru, ISwapSide swap, VmStat stat, CostModel cost, KernelRules rules, params KswapdCall[] nodes)
    {
        _view = zones;
        _frames = zones.Frames;
        _lru = lru;
        _swap = swap;
        _stat = stat;
        _cost = cost;
        _rules = rules;
        _how = new ReclaimRules(rules);
        _nodes = nodes;
        _types = zones.ZoneCount / zones.NodeCount;
        _zonelists = new int[zones.NodeCount][];
        for (var node = 0; node < zones.NodeCount; node++)
        {
            // Since 4.8 the node has the lists; several nodes are modelled for zones only.
            _zonelists[node] = lru.Zones.Length < zones.ZoneCount ? [0] : zones.Zonelist(node);
        }

        _inactiveRatio = new int[zones.ZoneCount];
        for (var zone = 0; zone < zones.ZoneCount; zone++)
        {
            _inactiveRatio[zone] = InactiveRatio(zones.Present(zone));
        }
    }

    /// <summary>
    /// Starts direct reclaim. The task counts as PF_MEMALLOC inside it (<c>__perform_reclaim</c>, 3.6).
    /// </summary>
    public void BeginDirect(ReclaimCall call, Gfp gfp, int order, TaskFlags task, int cpu)
    {
        if (call.Taken != 0 || call.Phase != DirectPhase.Ended)
        {
            throw new InvalidOperationException(
                $"reclaim begins inside reclaim: phase {call.Phase}, {call.Taken} pages isolated");
        }

        StartScan(call, gfp, order, task | TaskFlags.MemAlloc, cpu, ReclaimCall.BatchPages);
        call.Phase = DirectPhase.Entry;
        call.WaitExpired = false;
        call.WakeKswapd = false;
    }

    /// <summary>
    /// Goes on with direct reclaim up to the next point where the task can be interrupted
    /// (<c>try_to_free_pages</c>, <c>do_try_to_free_pages</c>, 3.6).
    /// </summary>
    public ReclaimStepKind Step(ReclaimCall call)
    {
        ClearRequests(call);
        while (true)
        {
            switch (call.Phase)
            {
                case DirectPhase.Entry:
                case DirectPhase.Throttled:
                    if (ThrottleDirectReclaim(call))
                    {
                        return ReclaimStepKind.Throttled;
                    }

                    break;
                case DirectPhase.Begin:
                    TraceBegin(call);
                    CountStall(call.Gfp);
                    call.Priority = ReclaimCall.DefaultPriority;
                    call.Phase = DirectPhase.PriorityStart;
                    break;
                case DirectPhase.PriorityStart:
                    call.NrScanned = 0;
                    call.Cursor = 0;
                    call.Zone = _zonelists[call.ListNode][0];
                    call.Phase = DirectPhase.Zones;
                    break;
                case DirectPhase.Zones:
                    if (StepZones(call) is { } kind)
                    {
                        return kind;
                    }

                    break;
                case DirectPhase.PriorityEnd:
                    var end = EndPriority(call);
                    if (end != ReclaimStepKind.Continue || call.NrScanned > 0)
                    {
                        return end;
                    }

                    // Nothing was there to scan: the next priority belongs to the same section.
                    break;
                case DirectPhase.Ended:
                    return ReclaimStepKind.Done;
                default:
                    throw new InvalidOperationException($"direct reclaim in phase {call.Phase}");
            }
        }
    }

    /// <summary>
    /// Ends a call in the middle: every isolated page goes back to a list or is freed, and the task leaves the
    /// throttle's queue. Pages of a run that was handed out but not submitted become dirty again.
    /// </summary>
    public void PutbackAll(ReclaimCall call, bool runSubmitted = true)
    {
        for (var i = 0; !runSubmitted && i < call.RunCount; i++)
        {
            ref var frame = ref _frames[call.Run[i]];
            frame.Clear(PageFlags.Writeback | PageFlags.Reclaim);
            frame.Set(PageFlags.Dirty);
            _stat.Move(VmGauge.nr_writeback, -1);
        }

        if (call.Taken > 0)
        {
            Array.Fill(call.Fate, PageFate.Keep, call.Position, call.Taken - call.Position);
            EndBatch(call);
        }

        LeaveThrottle(call);
        call.RunCount = 0;
        call.ZonePhase = ZonePhase.Start;
        call.Phase = DirectPhase.Ended;
        _lru.Generation++;
    }

    /// <summary>Throws when counts contradict each other. The lists have their own check.</summary>
    public void AssertInvariants()
    {
        long anon = 0, file = 0;
        foreach (var zone in _lru.Zones)
        {
            anon += zone.Isolated[ZoneReclaimState.Anon];
            file += zone.Isolated[ZoneReclaimState.File];
        }

        if (anon != _stat[VmGauge.nr_isolated_anon] || file != _stat[VmGauge.nr_isolated_file])
        {
            throw new InvalidOperationException(
                $"isolated: zones say {anon} anonymous and {file} file pages, "
                + $"gauges {_stat[VmGauge.nr_isolated_anon]} and {_stat[VmGauge.nr_isolated_file]}");
        }

        foreach (var node in _nodes)
        {
            if (node.PfMemAllocWaiters < 0 || _stat[VmGauge.nr_writeback] < 0)
            {
                throw new InvalidOperationException(
                    $"below zero: waiters {node.PfMemAllocWaiters}, nr_writeback {_stat[VmGauge.nr_writeback]}");
            }
        }
    }

    private void StartScan(ReclaimCall call, Gfp gfp, int order, TaskFlags task, int cpu, long target)
    {
        call.Gfp = gfp;
        call.Order = (byte)order;
        call.Task = task;
        call.Cpu = (byte)cpu;
        call.NrToReclaim = target;
        call.NrReclaimed = 0;
        call.NrScanned = 0;
        call.TotalScanned = 0;
        call.Priority = ReclaimCall.DefaultPriority;
        call.MayWritepage = true;
        call.ZonePhase = ZonePhase.Start;
        call.SkippedDeactivate = false;
        call.ForceDeactivate = false;
        ClearRequests(call);
    }

    // Coming back means that the run was submitted and the sleep is over.
    private void ClearRequests(ReclaimCall call)
    {
        LeaveReclaimThrottle(call);
        call.RunCount = 0;
        call.RunDirection = 0;
        call.SleepNs = 0;
        call.KeepDeadline = false;
    }

    // shrink_zones: through the zonelist, under the mask of a bind policy; null when the zones of this priority are
    // done or the next one begins.
    private ReclaimStepKind? StepZones(ReclaimCall call)
    {
        if (call.Zone < 0)
        {
            call.Phase = DirectPhase.PriorityEnd;
            return null;
        }

        if (call.ZonePhase == ZonePhase.Start
            && !(Allows(call, call.Zone) && ZoneIsWorthScanning(call.Zone, call.Priority)))
        {
            NextZone(call);
            return null;
        }

        var progress = ShrinkZone(call);
        if (progress == ZoneProgress.ZoneDone)
        {
            NextZone(call);
            return null;
        }

        return KindOf(progress);
    }

    private void NextZone(ReclaimCall call)
    {
        var list = _zonelists[call.ListNode];
        call.Zone = ++call.Cursor < list.Length ? list[call.Cursor] : -1;
    }

    private bool Allows(ReclaimCall call, int zone) => call.Nodes == 0 || (call.Nodes >> (zone / _types) & 1) != 0;

    private ReclaimStepKind EndPriority(ReclaimCall call)
    {
        call.TotalScanned += call.NrScanned;
        call.CostNs += _cost.ReclaimPriorityNs;
        var throttled = _how.WaitsForWhatIsLacking && ConsiderThrottle(call);
        if (call.NrReclaimed >= call.NrToReclaim)
        {
            return End(call, call.NrReclaimed);
        }

        if (call.TotalScanned > call.NrToReclaim + call.NrToReclaim / 2)
        {
            // Here the flushers would be woken too; there are no dirty file pages for them.
            call.MayWritepage = true;
        }

        var wait = throttled || (call.NrScanned > 0 && call.Priority < ReclaimCall.DefaultPriority - 2
            && WaitIffCongested(call, _zonelists[call.ListNode][0]));
        if (--call.Priority < 0)
        {
            return EndPriorities(call);
        }

        call.Phase = DirectPhase.PriorityStart;
        return wait ? ReclaimStepKind.Sleep : ReclaimStepKind.Continue;
    }

    // 6.1 counts by the zone type that the request asks for, present or not.
    private void CountStall(Gfp gfp)
    {
        const Gfp InMovable = Gfp.HighMem | Gfp.Movable;
        _stat.Count(VmCounter.allocstall);
        var type = (gfp & Gfp.Dma) != 0 ? 0 : (gfp & Gfp.Dma32) != 0 ? 1 : (gfp & InMovable) == InMovable ? 3 : 2;
        _stat.AllocStalls[type]++;
    }

    // Every priority was tried. Active pages that were left alone are worth a second attempt when nothing was freed
    // (5.5).
    private ReclaimStepKind EndPriorities(ReclaimCall call)
    {
        if (call.NrReclaimed == 0 && call.SkippedDeactivate)
        {
            call.SkippedDeactivate = false;
            call.ForceDeactivate = true;
            call.Phase = DirectPhase.Begin;
            return ReclaimStepKind.Continue;
        }

        return End(call, call.NrReclaimed > 0 ? call.NrReclaimed : NothingMeansNothing(call) ? 0 : 1);
    }

    // A second attempt belongs to the same call, though it counts as a stall of its own.
    private void TraceBegin(ReclaimCall call)
    {
        if (!call.ForceDeactivate)
        {
            Trace?.Add(TraceEvent.mm_vmscan_direct_reclaim_begin, call.Cpu, call.Order, 1, (long)call.Gfp);
        }
    }

    private ReclaimStepKind End(ReclaimCall call, long result)
    {
        if (call.Phase is not (DirectPhase.Entry or DirectPhase.Throttled))
        {
            Trace?.Add(TraceEvent.mm_vmscan_direct_reclaim_end, call.Cpu, result);
        }

        call.NrReclaimed = result;
        call.Phase = DirectPhase.Ended;
        return ReclaimStepKind.Done;
    }

    private static ReclaimStepKind KindOf(ZoneProgress progress) => progress switch
    {
        ZoneProgress.WriteOut => ReclaimStepKind.WriteOut,
        ZoneProgress.Sleep => ReclaimStepKind.Sleep,
        _ => ReclaimStepKind.Continue,
    };

    private bool ZoneIsWorthScanning(int zone, int priority) =>
        _view.Present(zone) > 0
        && (!_lru.Zones[zone].AllUnreclaimable || priority == ReclaimCall.DefaultPriority);

    // Before 4.7 a reclaim that freed nothing claimed a page as long as a zone was worth scanning.
    private bool NothingMeansNothing(ReclaimCall call) =>
        RetryRules.CountsFruitlessRounds(_rules) || AllZonesUnreclaimable(call);

    private bool AllZonesUnreclaimable(ReclaimCall call)
    {
        foreach (var zone in _zonelists[call.ListNode])
        {
            if (Allows(call, zone) && _view.Present(zone) > 0 && !_lru.Zones[zone].AllUnreclaimable)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>
    /// <c>wait_iff_congested(HZ/10)</c>: sleeps only when a device is congested and the zone is marked so. Anonymous
    /// pages never mark it; otherwise the wait is a mere yield and the step is a <see
    /// cref="ReclaimStepKind.Continue"/>.
    /// </summary>
    private bool WaitIffCongested(ReclaimCall call, int zone)
    {
        if (_how.WaitsForWhatIsLacking || !DeviceCongested || !_lru.Zones[zone].Congested)
        {
            return false;
        }

        call.SleepNs = TicksNs(Hz / 10);
        return true;
    }

    private long TicksNs(int ticks) => ticks * (1_000_000_000L / Hz);
}
