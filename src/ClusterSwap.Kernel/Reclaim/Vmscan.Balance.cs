// A visit to the lists since 5.5: what may be deactivated and how much of each list is scanned, decided at its start.
using ClusterSwap.Kernel.Memory;

namespace ClusterSwap.Kernel.Reclaim;

public sealed partial class Vmscan
{
    private const byte DeactivateAnon = 1;
    private const byte DeactivateFile = 2;

    // shrink_node up to its lists.
    private void BeginVisit(ReclaimCall call)
    {
        call.VisitTaken = 0;
        call.VisitWriteback = 0;
        call.VisitImmediate = 0;
        call.ZoneReclaimed = 0;
        GetScanCount(call);
    }

    /// <summary>
    /// The end of <c>shrink_node</c>: progress revives kswapd (4.12); kswapd notes a visit that found only pages under
    /// writeback (3.11), and when such pages come round again, sleeps until some are written. True when it sleeps.
    /// </summary>
    private bool EndVisit(ReclaimCall call)
    {
        var state = _lru.Zones[call.Zone];
        if (call.ZoneReclaimed > 0)
        {
            state.KswapdFailures = 0;
        }

        if ((call.Task & TaskFlags.Kswapd) == 0 || !_how.WaitsForWhatIsLacking)
        {
            return false;
        }

        state.Crowded |= call.VisitWriteback > 0 && call.VisitWriteback == call.VisitTaken;
        var sleeps = call.VisitImmediate > 0 && Throttle(call, ThrottleReason.Writeback);
        call.ZonePhase = sleeps ? ZonePhase.Stalled : ZonePhase.Start;
        return sleeps;
    }

    // May pages of the active list of this batch be deactivated?
    private bool MayDeactivate(ReclaimCall call)
    {
        if (!_how.BalancesByCost)
        {
            return InactiveIsLow(call.Zone, call.List);
        }

        var may = (call.MayDeactivate >> LruLists.FileOf(call.List) & 1) != 0;
        call.SkippedDeactivate |= !may;
        return may;
    }

    /// <summary>
    /// <c>prepare_scan_count</c> and <c>get_scan_count</c>, 6.1. Divisions round down. Lists whose reclaim cost much
    /// lately (pages written) get the smaller share.
    /// </summary>
    private void GetBalancedScanCount(ReclaimCall call)
    {
        var zone = call.Zone;
        var state = _lru.Zones[zone];
        var refaulting = state.RefaultsActivated != state.RefaultsSeen;
        call.MayDeactivate = (byte)(
            (call.ForceDeactivate || refaulting || InactiveIsLow(zone, LruList.ActiveAnon) ? DeactivateAnon : 0)
            | (call.ForceDeactivate || InactiveIsLow(zone, LruList.ActiveFile) ? DeactivateFile : 0));
        var inactiveAnon = _lru.Size(zone, LruList.InactiveAnon) >> call.Priority;
        var inactiveFile = _lru.Size(zone, LruList.InactiveFile) >> call.Priority;
        var fileIsTiny = FilePages(zone) + FreeOf(zone) <= HighOf(zone)
            && (call.MayDeactivate & DeactivateAnon) == 0 && inactiveAnon > 0;
        var cacheOnly = inactiveFile > 0 && (call.MayDeactivate & DeactivateFile) == 0;
        long anon = 1, file = 1, whole = 1;
        if (_swap.FreeSlots <= 0)
        {
            anon = 0;
        }
        else if (call.Priority > 0 || Swappiness == 0)
        {
            (anon, file, whole) = fileIsTiny ? (1, 0, 1) : cacheOnly ? (0, 1, 1) : CostShares(state);
        }

        for (var list = 0; list < LruLists.ListsPerZone; list++)
        {
            var share = LruLists.FileOf((LruList)list) == ZoneReclaimState.Anon ? anon : file;
            call.Target[list] = (_lru.Size(zone, (LruList)list) >> call.Priority) * share / whole;
            call.FirstTarget[list] = call.Target[list];
        }
    }

    private (long Anon, long File, long Whole) CostShares(ZoneReclaimState state)
    {
        var total = state.Cost[0] + state.Cost[1];
        var anonCost = total + state.Cost[0];
        var fileCost = total + state.Cost[1];
        total = anonCost + fileCost;
        var anon = Swappiness * (total + 1) / (anonCost + 1);
        var file = (200 - Swappiness) * (total + 1) / (fileCost + 1);
        return (anon, file, anon + file);
    }

    // lru_note_cost, 5.8: a floating average; both halve when they exceed a quarter of the lists.
    private void NoteCost(ZoneReclaimState state, int zone, int file, long pages)
    {
        if (!_how.BalancesByCost)
        {
            return;
        }

        state.Cost[file] += pages;
        if (state.Cost[0] + state.Cost[1] > (AnonPages(zone) + FilePages(zone)) / 4)
        {
            state.Cost[0] /= 2;
            state.Cost[1] /= 2;
        }
    }

    /// <summary>
    /// The end of a round over the lists (<c>shrink_lruvec</c>, 3.11): who has enough stops the smaller kind of list,
    /// and scans the other in the same proportion. True when nothing is left to scan then. A direct reclaimer's first
    /// priority scans all that it was told to.
    /// </summary>
    private static bool StopsAfterRound(ReclaimCall call)
    {
        var proportional = (call.Task & TaskFlags.Kswapd) == 0 && call.Priority == ReclaimCall.DefaultPriority;
        if (call.ZoneReclaimed < call.NrToReclaim || proportional)
        {
            return false;
        }

        var left = call.Target;
        var first = call.FirstTarget;
        var anon = left[0] + left[1];
        var file = left[2] + left[3];
        if (anon == 0 || file == 0)
        {
            return true;
        }

        var small = file > anon ? 0 : 2;
        var percent = Math.Min(anon, file) * 100 / (first[small] + first[small + 1] + 1);
        left[small] = 0;
        left[small + 1] = 0;
        for (var list = 2 - small; list < 4 - small; list++)
        {
            var scanned = first[list] - left[list];
            left[list] = Math.Max(0, first[list] * (100 - percent) / 100 - scanned);
        }

        return false;
    }

    // Lists belong to a zone or, since 4.8, to the node: then marks and free pages are sums.
    private long FreeOf(int zone) => _how.ByNode ? SumOverZones(_view.Free) : _view.Free(zone);

    private long HighOf(int zone) => _how.ByNode ? SumOverZones(_view.High) : _view.High(zone);

    private long SumOverZones(Func<int, long> pages)
    {
        var sum = 0L;
        for (var zone = 0; zone < _view.ZoneCount; zone++)
        {
            sum += pages(zone);
        }

        return sum;
    }
}
