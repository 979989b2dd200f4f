// kswapd as data: its requests, its balance loop and its sleep.
using MemoryPack;

namespace ClusterSwap.Kernel.Reclaim;

/// <summary>Where kswapd goes on (<c>kswapd</c>, <c>balance_pgdat</c>, <c>kswapd_try_to_sleep</c>, 3.6).</summary>
public enum KswapdPhase : byte
{
    /// <summary>Wants to sleep: first check.</summary>
    TrySleep,

    /// <summary>After the first check or the short sleep: second check.</summary>
    SecondCheck,

    /// <summary>Takes the request that it was woken for.</summary>
    TakeRequest,

    /// <summary>A new round of the balance loop at priority 12.</summary>
    LoopAgain,

    /// <summary>Looks for the highest zone below its high mark.</summary>
    FindEndZone,

    /// <summary>Shrinks zones from the lowest up to the end zone.</summary>
    Zones,

    /// <summary>All zones done at this priority.</summary>
    PriorityEnd,

    /// <summary>After the congestion wait of a priority.</summary>
    AfterWait,

    /// <summary>The priority loop was left.</summary>
    Decide,

    /// <summary>Balanced: another request at once, or sleep.</summary>
    NextRequest,
}

/// <summary>
/// State of a node's kswapd, with what else the node keeps about reclaim (<c>struct pglist_data</c>). Owned by the
/// task; <see cref="Vmscan.StepKswapd"/> changes it. Class zones are types: places among the zones of a node.
/// </summary>
[MemoryPackable]
public sealed partial class KswapdCall
{
    /// <summary>Its scan; the caller reads <see cref="ReclaimCall.Run"/>, SleepNs and CostNs there.</summary>
    public ReclaimCall Scan = new();

    /// <summary>Where to go on.</summary>
    public KswapdPhase Phase = KswapdPhase.TrySleep;

    /// <summary>The node that it balances.</summary>
    public int Node;

    /// <summary>Tasks queued on the node's pfmemalloc_wait and not woken yet.</summary>
    public int PfMemAllocWaiters;

    /// <summary>How often everybody on pfmemalloc_wait was woken: tells a queued task from a woken one.</summary>
    public long WakeEpoch;

    // --- what others ask for (struct pglist_data) ---

    /// <summary>kswapd_max_order: highest order asked for since the last request was taken.</summary>
    public int RequestedOrder;

    /// <summary>classzone_idx: narrowed only when the order grows, or by the throttle.</summary>
    public int RequestedClasszone;

    /// <summary>Asleep on kswapd_wait, briefly or for good. A wake-up clears it.</summary>
    public bool Waiting;

    /// <summary>Woken from the sleep that it was last put in.</summary>
    public bool Woken;

    /// <summary>Everybody on pfmemalloc_wait must be woken; the caller does it and clears this.</summary>
    public bool WakeThrottled;

    // --- its own variables ---

    /// <summary>Order being balanced for.</summary>
    public int Order;

    /// <summary>Highest zone being balanced for.</summary>
    public int Classzone;

    /// <summary>Request that was read last.</summary>
    public int NewOrder;

    /// <summary>Request that was read last.</summary>
    public int NewClasszone;

    /// <summary>Order for which the last round was balanced.</summary>
    public int BalancedOrder;

    /// <summary>Highest zone that the last round looked at.</summary>
    public int BalancedClasszone;

    /// <summary>Type of the highest zone that was below its high mark.</summary>
    public int EndZone;

    /// <summary>Every zone up to the end zone met its high mark at this priority.</summary>
    public bool AllZonesOk;

    /// <summary>Some zone is below its min mark at this priority.</summary>
    public bool HasUnderMin;

    /// <summary>Pages reclaimed when this priority began.</summary>
    public long ReclaimedBefore;

    /// <summary>Pages of the zones that were balanced at this priority.</summary>
    public long BalancedPages;

    /// <summary>CPU time used since the caller last set it to zero, nanoseconds.</summary>
    [MemoryPackIgnore]
    public long CostNs
    {
        get => Scan.CostNs;
        set => Scan.CostNs = value;
    }

    /// <summary>Longest sleep that the last step asked for, nanoseconds.</summary>
    [MemoryPackIgnore]
    public long SleepNs => Scan.SleepNs;
}
