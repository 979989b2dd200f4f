// kswapd since 4.8: one balance for the node, and priorities that rise only while too little is scanned.
using ClusterSwap.Kernel.Memory;

namespace ClusterSwap.Kernel.Reclaim;

public sealed partial class Vmscan
{
    /// <summary>MAX_RECLAIM_RETRIES: fruitless rounds after which kswapd gives up (4.12).</summary>
    public const int MostFailures = 16;

    /// <summary>
    /// <c>pgdat_balanced</c>, 4.8: one zone that the request may use meets its high mark at the order.
    /// </summary>
    public bool NodeIsBalanced(int order, int classzone)
    {
        for (var zone = 0; zone <= classzone; zone++)
        {
            if (_view.Present(zone) > 0 && _view.WatermarkOk(zone, order, _view.High(zone), classzone))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>kswapd has given up on the node (4.12): only direct reclaim that frees a page revives it.</summary>
    public bool NodeIsHopeless() =>
        _rules.Has(KernelChange.KswapdFailures) && _lru.Zones[0].KswapdFailures >= MostFailures;

    // wakeup_kswapd, 4.8: it is woken while no zone meets its high mark, not only below the low mark.
    private bool NodeNeedsNoKswapd(int order) =>
        NodeIsHopeless() || NodeIsBalanced(order, _types - 1);

    // prepare_kswapd_sleep, 4.8. A balanced node forgets that it was crowded.
    private bool NodeMaySleep(KswapdCall k)
    {
        if (NodeIsHopeless())
        {
            return true;
        }

        if (!NodeIsBalanced(k.BalancedOrder, k.BalancedClasszone))
        {
            return false;
        }

        _lru.Zones[0].Crowded = false;
        return true;
    }

    // A priority of balance_pgdat since 4.8.
    private ReclaimStepKind? BalanceNode(KswapdCall k)
    {
        switch (k.Phase)
        {
            case KswapdPhase.FindEndZone:
                BeginNodePriority(k);
                return null;
            case KswapdPhase.Zones:
                return StepNode(k);
            case KswapdPhase.PriorityEnd:
                return EndNodePriority(k);
            case KswapdPhase.Decide:
                EndNodeBalance(k);
                return null;
            default:
                throw new InvalidOperationException($"kswapd in phase {k.Phase}");
        }
    }

    // One priority of balance_pgdat up to its scan.
    private void BeginNodePriority(KswapdCall k)
    {
        var scan = k.Scan;
        scan.CostNs += _cost.IsolateNs;
        scan.Zone = 0;
        if (NodeIsBalanced(scan.Order, k.Classzone))
        {
            k.Phase = KswapdPhase.Decide;
            return;
        }

        if (InactiveAnonIsLow(0))
        {
            ShrinkActiveList(scan, LruList.ActiveAnon, ReclaimCall.BatchPages);
        }

        // kswapd_shrink_node: enough is what would lift the zones to their high marks.
        scan.NrScanned = 0;
        scan.NrToReclaim = 0;
        for (var zone = 0; zone <= k.Classzone; zone++)
        {
            scan.NrToReclaim += _view.Present(zone) > 0 ? Math.Max(_view.High(zone), ReclaimCall.BatchPages) : 0;
        }

        k.ReclaimedBefore = scan.NrReclaimed;
        k.Phase = KswapdPhase.Zones;
    }

    private ReclaimStepKind? StepNode(KswapdCall k)
    {
        var progress = ShrinkZone(k.Scan);
        if (progress != ZoneProgress.ZoneDone)
        {
            return KindOf(progress);
        }

        k.Phase = KswapdPhase.PriorityEnd;
        return null;
    }

    private ReclaimStepKind? EndNodePriority(KswapdCall k)
    {
        var scan = k.Scan;
        scan.TotalScanned += scan.NrScanned;
        if (scan.Order > 0 && scan.NrReclaimed >= 2L << scan.Order)
        {
            // compact_gap: what is missing now is a block, not pages.
            scan.Order = 0;
        }

        if (k.PfMemAllocWaiters > 0 && PfMemAllocWatermarkOk(k, out _))
        {
            WakeThrottled(k);
        }

        var freed = scan.NrReclaimed - k.ReclaimedBefore;
        if (scan.NrScanned < scan.NrToReclaim || freed == 0)
        {
            scan.Priority--;
        }

        if (scan.Priority >= 1)
        {
            k.Phase = KswapdPhase.FindEndZone;
            return ReclaimStepKind.Continue;
        }

        if (scan.NrReclaimed == 0)
        {
            _lru.Zones[0].KswapdFailures++;
        }

        k.Phase = KswapdPhase.Decide;
        return ReclaimStepKind.Continue;
    }

    // The end of balance_pgdat, and the head of kswapd's loop: it wants to sleep, for the order that it came down to.
    private void EndNodeBalance(KswapdCall k)
    {
        _view.SetReclaimActive(k.Node, false);
        SnapshotRefaults();
        k.BalancedOrder = k.Scan.Order < k.Order ? k.Scan.Order : k.RequestedOrder;
        k.BalancedClasszone = k.Classzone;
        k.Phase = KswapdPhase.TrySleep;
    }

    private void SnapshotRefaults()
    {
        foreach (var state in _lru.Zones)
        {
            state.RefaultsSeen = state.RefaultsActivated;
        }
    }
}
