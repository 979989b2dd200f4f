// One batch of inactive pages: isolation, the decision about each page, putting back.
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Tracing;

namespace ClusterSwap.Kernel.Reclaim;

public sealed partial class Vmscan
{
    // Flags that mean nothing once a page leaves reclaim for the free lists.
    private const PageFlags LruFlags = PageFlags.Isolated | PageFlags.Lru | PageFlags.Active | PageFlags.Referenced
        | PageFlags.Reclaim | PageFlags.Dirty | PageFlags.Uptodate | PageFlags.Exec;

    // shrink_inactive_list up to the isolation. False: too many pages are isolated already, sleep HZ/10 and ask again.
    private bool PassIsolatedBrake(ReclaimCall call)
    {
        var state = _lru.Zones[call.Zone];
        var file = LruLists.FileOf(call.List);
        var kswapd = (call.Task & TaskFlags.Kswapd) != 0;
        if (!kswapd && TooManyIsolated(call, state, file))
        {
            if (_how.WaitsForWhatIsLacking)
            {
                return StallOnIsolated(call);
            }

            if (!call.FatalSignal || !call.BrakeSlept)
            {
                call.BrakeSlept = true;
                call.SleepNs = TicksNs(Hz / 10);
                return false;
            }

            // A dying task pretends to have reclaimed a batch.
            call.BrakeSlept = false;
            call.ZoneReclaimed += ReclaimCall.BatchPages;
            call.ZonePhase = ZonePhase.Lists;
            return true;
        }

        call.BrakeSlept = false;
        var taken = _lru.IsolateTail(call.Zone, call.List, call.BatchTarget, call.Isolated);
        state.PagesScanned += taken;
        _stat.Count(kswapd ? VmCounter.pgscan_kswapd : VmCounter.pgscan_direct, call.Zone, taken);
        _stat.Count(file == ZoneReclaimState.File ? VmCounter.pgscan_file : VmCounter.pgscan_anon, taken);
        TraceIsolate(call, call.List, call.BatchTarget, taken);
        call.ZonePhase = taken > 0 ? ZonePhase.Pages : ZonePhase.Lists;
        call.Taken = taken;
        call.Position = 0;
        call.Revisit = false;
        call.BatchReclaimed = 0;
        call.BatchWriteback = 0;
        call.BatchImmediate = 0;
        call.BatchReferenceKept = 0;
        call.BatchPageouts = 0;
        Array.Fill(call.Fate, PageFate.Pending);
        MoveIsolated(state, file, taken);
        call.CostNs += (long)taken * _cost.IsolateNs;
        return true;
    }

    // shrink_page_list from where it was left, then the rest of shrink_inactive_list.
    private ZoneProgress ShrinkBatch(ReclaimCall call)
    {
        while (call.Position < call.Taken)
        {
            var fate = ShrinkPage(call, call.Isolated[call.Position]);
            if (fate == PageFate.Pending)
            {
                // The page's slot does not continue the run: it waits, unlocked, until the run is submitted.
                call.Revisit = true;
                return ZoneProgress.WriteOut;
            }

            call.Revisit = false;
            call.Fate[call.Position++] = fate;
        }

        if (call.RunCount > 0)
        {
            return ZoneProgress.WriteOut;
        }

        var writeback = call.BatchWriteback;
        var taken = call.Taken;
        EndBatch(call);
        call.ZonePhase = ZonePhase.Lists;
        var wait = writeback > 0 && writeback >= taken >> ReclaimCall.DefaultPriority - call.Priority
            && WaitIffCongested(call, call.Zone);
        return wait ? ZoneProgress.Sleep : ZoneProgress.BatchDone;
    }

    // putback_inactive_pages, free_hot_cold_page_list and the statistics of a batch.
    private void EndBatch(ReclaimCall call)
    {
        var state = _lru.Zones[call.Zone];
        var file = LruLists.FileOf(call.List);
        var changed = 0;
        for (var i = 0; i < call.Taken; i++)
        {
            var page = call.Isolated[i];
            var fate = call.Fate[i];
            if (fate == PageFate.Free || IsAbandoned(_frames[page]))
            {
                FreeIsolated(page, call.Cpu);
                changed++;
            }
            else if (fate == PageFate.Activate)
            {
                _lru.PutBack(call.Zone, call.List + 1, page);
                state.RecentRotated[file]++;
                changed++;
            }
            else
            {
                _lru.PutBack(call.Zone, call.List, page);
            }
        }

        var kswapd = (call.Task & TaskFlags.Kswapd) != 0;
        _stat.Count(kswapd ? VmCounter.pgsteal_kswapd : VmCounter.pgsteal_direct, call.Zone, call.BatchReclaimed);
        var steals = file == ZoneReclaimState.File ? VmCounter.pgsteal_file : VmCounter.pgsteal_anon;
        _stat.Count(steals, call.BatchReclaimed);
        Trace?.Add(
            TraceEvent.mm_vmscan_lru_shrink_inactive, call.Cpu, call.Zone, call.Taken, call.BatchReclaimed,
            call.Priority, file, CountsOf(call).Packed);
        state.RecentScanned[file] += call.Taken;
        NoteCost(state, call.Zone, file, call.BatchPageouts);
        call.VisitTaken += call.Taken;
        call.VisitWriteback += call.BatchWriteback;
        MoveIsolated(state, file, -call.Taken);
        call.CostNs += (long)call.Taken * _cost.PutbackNs;
        call.ZoneReclaimed += call.BatchReclaimed;
        call.Taken = 0;
        call.Position = 0;
        _lru.Generation += changed;
    }

    private static BatchCounts CountsOf(ReclaimCall call) => new(
        call.BatchWriteback, call.BatchImmediate, call.Fate.AsSpan(0, call.Taken).Count(PageFate.Activate),
        call.BatchReferenceKept);

    private void TraceIsolate(ReclaimCall call, LruList list, int wanted, int taken) => Trace?.Add(
        TraceEvent.mm_vmscan_lru_isolate, call.Cpu, call.Order, wanted, taken, taken, (long)list, _types - 1);

    private void FreeIsolated(int page, int cpu)
    {
        ref var frame = ref _frames[page];
        if ((frame.Flags & (PageFlags.Writeback | PageFlags.Locked | PageFlags.SwapCache)) != 0)
        {
            throw new InvalidOperationException($"page {page} is freed by reclaim while in use: {frame.Flags}");
        }

        frame.Clear(LruFlags);
        frame.Mapping = PageFrame.None;
        frame.Private = 0;
        _view.FreePage(page, cpu);
    }

    /// <summary>
    /// An anonymous page that nobody maps and that is in no cache: its process gave it up while it was isolated, and
    /// the reclaimer's reference was the last. It is freed when the batch ends and not counted as reclaimed.
    /// </summary>
    private static bool IsAbandoned(in PageFrame frame) =>
        frame.Owner == PageOwner.Anon && frame.Mapping == PageFrame.None
        && (frame.Flags & (PageFlags.SwapCache | PageFlags.Writeback | PageFlags.Locked)) == 0;

    private void MoveIsolated(ZoneReclaimState state, int file, int pages)
    {
        state.Isolated[file] += pages;
        _stat.Move(file == ZoneReclaimState.File ? VmGauge.nr_isolated_file : VmGauge.nr_isolated_anon, pages);
    }
}
