// Which rules page reclaim follows: each change to it is asked for here, and nowhere else.
namespace ClusterSwap.Kernel.Reclaim;

/// <summary>
/// The later changes of a kernel that have a say at more than one place of reclaim, under the name of what they do
/// there. Changes that one place alone asks for are asked for at that place.
/// </summary>
public readonly record struct ReclaimRules
{
    /// <summary>What a kernel with <paramref name="rules"/> does.</summary>
    public ReclaimRules(KernelRules rules)
    {
        ByNode = rules.Has(KernelChange.NodeReclaim);
        WaitsForWhatIsLacking = rules.Has(KernelChange.ReclaimThrottle);
        BalancesByCost = rules.Has(KernelChange.ScanBalance);
        WritebackActivates = rules.Has(KernelChange.WritebackActivates);
        SignalCountsAfterThrottle = rules.Has(KernelChange.FatalSignalIfThrottled);
        NewPagesStartInactive = rules.Has(KernelChange.AnonInactive);
    }

    /// <summary>LRU lists, kswapd's loop and the marks that it looks at belong to the node (4.8), not to each
    /// zone.</summary>
    public bool ByNode { get; }

    /// <summary><c>reclaim_throttle</c> (5.16) instead of <c>congestion_wait</c> and
    /// <c>wait_iff_congested</c>.</summary>
    public bool WaitsForWhatIsLacking { get; }

    /// <summary>What is scanned of which list follows the cost of its reclaim, decided once a visit (3.11 to
    /// 5.9).</summary>
    public bool BalancesByCost { get; }

    /// <summary>A page under writeback is out of the way on the active list until its write ends (4.11).</summary>
    public bool WritebackActivates { get; }

    /// <summary>A fatal signal ends reclaim only after a wait in the throttle, and exempts from it (3.7).</summary>
    public bool SignalCountsAfterThrottle { get; }

    /// <summary>New anonymous pages enter the inactive list, and a first reference only spares them (5.9).</summary>
    public bool NewPagesStartInactive { get; }

    /// <summary>The list that new anonymous pages enter.</summary>
    public LruList NewPages => NewPagesStartInactive ? LruList.InactiveAnon : LruList.ActiveAnon;
}
