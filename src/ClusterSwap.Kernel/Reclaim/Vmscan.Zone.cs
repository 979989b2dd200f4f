// One zone at one priority: how much of each list is scanned, and in which order.
using ClusterSwap.Kernel.Memory;

namespace ClusterSwap.Kernel.Reclaim;

public sealed partial class Vmscan
{
    private enum ZoneProgress : byte
    {
        BatchDone,
        WriteOut,
        Sleep,
        ZoneDone,
    }

    /// <summary>
    /// <c>setup_per_zone_inactive_ratio</c>: how many active anonymous pages there may be for an inactive one. Square
    /// root of ten times the size in GiB, rounded down; 1 below 1 GiB.
    /// </summary>
    public static int InactiveRatio(long presentPages)
    {
        var gibibytes = presentPages >> 18;
        var ratio = 1;
        while ((long)(ratio + 1) * (ratio + 1) <= 10 * gibibytes)
        {
            ratio++;
        }

        return ratio;
    }

    /// <summary><c>inactive_anon_is_low</c>: active anonymous pages of the zone must be aged.</summary>
    public bool InactiveAnonIsLow(int zone) => InactiveIsLow(zone, LruList.ActiveAnon);

    /// <summary><c>zone_reclaimable_pages</c>: file pages, and anonymous ones while swap slots are free.</summary>
    public long ReclaimablePages(int zone)
    {
        var pages = _lru.Size(zone, LruList.InactiveFile) + _lru.Size(zone, LruList.ActiveFile);
        return _swap.FreeSlots > 0
            ? pages + _lru.Size(zone, LruList.InactiveAnon) + _lru.Size(zone, LruList.ActiveAnon)
            : pages;
    }

    // shrink_zone and shrink_lruvec. A visit costs one isolation even when nothing is taken, so that time always
    // passes.
    private ZoneProgress ShrinkZone(ReclaimCall call)
    {
        while (true)
        {
            switch (call.ZonePhase)
            {
                case ZonePhase.Start:
                    BeginVisit(call);
                    call.ListCursor = 0;
                    call.CostNs += _cost.IsolateNs;
                    call.ZonePhase = ZonePhase.Lists;
                    break;
                case ZonePhase.Lists:
                    if (!NextList(call))
                    {
                        call.ZonePhase = ZonePhase.Rebalance;
                    }
                    else if (!LruLists.IsActive(call.List))
                    {
                        call.ZonePhase = ZonePhase.Isolate;
                    }
                    else if (MayDeactivate(call))
                    {
                        ShrinkActiveList(call, call.List, call.BatchTarget);
                        return ZoneProgress.BatchDone;
                    }

                    break;
                case ZonePhase.Isolate:
                    if (!PassIsolatedBrake(call))
                    {
                        return ZoneProgress.Sleep;
                    }

                    break;
                case ZonePhase.Pages:
                    return ShrinkBatch(call);
                case ZonePhase.Rebalance:
                    call.NrReclaimed += call.ZoneReclaimed;
                    call.ZonePhase = ZonePhase.Start;
                    if (InactiveAnonIsLow(call.Zone))
                    {
                        ShrinkActiveList(call, LruList.ActiveAnon, ReclaimCall.BatchPages);
                    }

                    return EndVisit(call) ? ZoneProgress.Sleep : ZoneProgress.ZoneDone;
                case ZonePhase.Stalled:
                    call.ZonePhase = ZonePhase.Start;
                    return ZoneProgress.ZoneDone;
                default:
                    throw new InvalidOperationException($"zone scan in phase {call.ZonePhase}");
            }
        }
    }

    /// <summary>
    /// <c>get_scan_count</c>, 3.6: pages to scan by list, <c>size >> priority</c> times the share of anonymous or file
    /// pages. Divisions round down.
    /// </summary>
    public void GetScanCount(ReclaimCall call)
    {
        if (_how.BalancesByCost)
        {
            GetBalancedScanCount(call);
            return;
        }

        var zone = call.Zone;
        var noSwap = _swap.FreeSlots <= 0;
        long anonShare = 1, fileShare = 1, denominator = 1;
        if (noSwap)
        {
            anonShare = 0;
        }
        else if (FilePages(zone) + FreeOf(zone) <= HighOf(zone))
        {
            fileShare = 0;
        }
        else
        {
            (anonShare, fileShare) = Shares(zone);
            denominator = anonShare + fileShare + 1;
        }

        var force = (call.Task & TaskFlags.Kswapd) != 0 && _lru.Zones[zone].AllUnreclaimable;
        for (var list = 0; list < LruLists.ListsPerZone; list++)
        {
            var scan = _lru.Size(zone, (LruList)list);
            if (call.Priority > 0 || noSwap || Swappiness == 0)
            {
                scan >>= call.Priority;
                if (scan == 0 && force)
                {
                    scan = ReclaimCall.BatchPages;
                }

                scan = scan * (LruLists.FileOf((LruList)list) == 0 ? anonShare : fileShare) / denominator;
            }

            call.Target[list] = scan;
        }
    }

    // Lists whose recently scanned pages were seldom in use get the greater share.
    private (long Anon, long File) Shares(int zone)
    {
        var state = _lru.Zones[zone];
        HalveIfOld(state, ZoneReclaimState.Anon, AnonPages(zone));
        HalveIfOld(state, ZoneReclaimState.File, FilePages(zone));
        var anon = Swappiness * (state.RecentScanned[0] + 1) / (state.RecentRotated[0] + 1);
        var file = (200 - Swappiness) * (state.RecentScanned[1] + 1) / (state.RecentRotated[1] + 1);
        return (anon, file);
    }

    private static void HalveIfOld(ZoneReclaimState state, int file, long pages)
    {
        if (state.RecentScanned[file] > pages / 4)
        {
            state.RecentScanned[file] /= 2;
            state.RecentRotated[file] /= 2;
        }
    }

    // Rounds over the four lists, a batch of each, until the inactive lists and the active file list are done. A direct
    // reclaimer with enough pages stops after a round, except at the first priority.
    private bool NextList(ReclaimCall call)
    {
        var target = call.Target;
        while (true)
        {
            if (call.ListCursor == LruLists.ListsPerZone)
            {
                if (_how.BalancesByCost
                    ? StopsAfterRound(call)
                    : call.ZoneReclaimed >= call.NrToReclaim && call.Priority < ReclaimCall.DefaultPriority)
                {
                    return false;
                }

                call.ListCursor = 0;
            }

            if (call.ListCursor == 0 && target[(int)LruList.InactiveAnon] == 0
                && target[(int)LruList.InactiveFile] == 0 && target[(int)LruList.ActiveFile] == 0)
            {
                return false;
            }

            var list = call.ListCursor++;
            if (target[list] > 0)
            {
                call.List = (LruList)list;
                call.BatchTarget = (int)Math.Min(target[list], ReclaimCall.BatchPages);
                target[list] -= call.BatchTarget;
                return true;
            }
        }
    }

    private bool InactiveIsLow(int zone, LruList active)
    {
        var activePages = _lru.Size(zone, active);
        var inactivePages = _lru.Size(zone, active - 1);
        var ratio = _how.BalancesByCost ? InactiveRatio(activePages + inactivePages)
            : active == LruList.ActiveAnon ? _inactiveRatio[zone] : 1;
        return inactivePages * ratio < activePages;
    }

    private long AnonPages(int zone) =>
        _lru.Size(zone, LruList.InactiveAnon) + _lru.Size(zone, LruList.ActiveAnon);

    private long FilePages(int zone) =>
        _lru.Size(zone, LruList.InactiveFile) + _lru.Size(zone, LruList.ActiveFile);

    /// <summary>
    /// <c>shrink_active_list</c>, 3.6: pages from the tail become inactive. A reference only counts as rotated;
    /// executable file pages alone stay active for it.
    /// </summary>
    private void ShrinkActiveList(ReclaimCall call, LruList list, int max)
    {
        var zone = call.Zone;
        var state = _lru.Zones[zone];
        var file = LruLists.FileOf(list);
        var pages = call.Isolated;
        var taken = _lru.IsolateTail(zone, list, max, pages);
        var rotated = 0;
        var deactivated = 0;
        for (var i = 0; i < taken; i++)
        {
            ref var frame = ref _frames[pages[i]];
            var referenced = TestAndClearReferenced(ref frame, pages[i]);
            rotated += referenced ? 1 : 0;
            var stays = referenced && file == ZoneReclaimState.File && frame.Has(PageFlags.Exec);
            deactivated += stays ? 0 : 1;
            _lru.PutBack(zone, stays ? list : list - 1, pages[i]);
        }

        TraceIsolate(call, list, max, taken);
        state.PagesScanned += taken;
        state.RecentScanned[file] += taken;
        state.RecentRotated[file] += rotated;
        _stat.Count(VmCounter.pgrefill, zone, taken);
        _stat.Count(VmCounter.pgdeactivate, deactivated);
        _lru.Generation += deactivated + rotated;
        call.CostNs += (long)taken * (_cost.IsolateNs + _cost.ScanNs + _cost.PutbackNs);
    }

    // Anonymous pages are asked of their page table entry, file pages of their flag (they have no entries here).
    private bool TestAndClearReferenced(ref PageFrame frame, int page)
    {
        if (frame.Owner == PageOwner.Anon)
        {
            return frame.Mapping != PageFrame.None && _swap.TestAndClearReferenced(page) > 0;
        }

        var referenced = frame.Has(PageFlags.Referenced);
        frame.Clear(PageFlags.Referenced);
        return referenced;
    }
}
