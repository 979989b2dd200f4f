// What becomes of one isolated page, and the two ends of its writeback.
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Tracing;

namespace ClusterSwap.Kernel.Reclaim;

public sealed partial class Vmscan
{
    // submit_bio counts the sectors of a bio; /proc shows KiB.
    private const int PageKiB = 4;

    /// <summary>
    /// <c>end_page_writeback</c>, 3.6: the write of a page has ended. A page that reclaim waits for goes to the tail
    /// of its inactive list, so that it is found next (not while it is isolated). A failed write makes it dirty again.
    /// </summary>
    public void EndWriteback(int page, bool failed = false)
    {
        ref var frame = ref _frames[page];
        if (!frame.Has(PageFlags.Writeback))
        {
            throw new InvalidOperationException($"writeback ends on page {page}, which is not under it: {frame.Flags}");
        }

        if (failed)
        {
            frame.Clear(PageFlags.Reclaim);
            frame.Set(PageFlags.Dirty);
        }

        var rotate = frame.Has(PageFlags.Reclaim);
        frame.Clear(PageFlags.Writeback | PageFlags.Reclaim);
        _stat.Move(VmGauge.nr_writeback, -1);
        _stat.Count(VmCounter.nr_written, _lru.ZoneOf(page), 1);
        _lru.Generation++;
        CountWritten();
        if (!rotate)
        {
            return;
        }

        if (_how.WritebackActivates)
        {
            _lru.RotateWritten(page);
        }
        else
        {
            _lru.RotateReclaimable(page);
        }
    }

    // shrink_page_list for one page. Pending: it needs writing, but the run must be submitted first.
    // Nothing is interleaved with this, so the page lock is only asked for, never held.
    private PageFate ShrinkPage(ReclaimCall call, int page)
    {
        ref var frame = ref _frames[page];
        if (!call.Revisit)
        {
            call.CostNs += _cost.ScanNs;
        }

        if (frame.Has(PageFlags.Locked))
        {
            return PageFate.Keep;
        }

        if (IsAbandoned(frame))
        {
            return PageFate.Free;
        }

        if (!call.Revisit)
        {
            // Mapped and swap-cache pages weigh double, until 4.16.
            var twice = !_rules.Has(KernelChange.ScannedOnce)
                && (frame.Mapping != PageFrame.None || frame.Has(PageFlags.SwapCache));
            call.NrScanned += twice ? 2 : 1;
        }

        if (frame.Has(PageFlags.Writeback))
        {
            return _how.WritebackActivates
                ? SetAside(call, page, ref frame)
                : KeepWriteback(call, ref frame);
        }

        return frame.Owner == PageOwner.File
            ? ShrinkFilePage(call, page, ref frame)
            : ShrinkAnonPage(call, page, ref frame);
    }

    private static PageFate KeepWriteback(ReclaimCall call, ref PageFrame frame)
    {
        frame.Set(PageFlags.Reclaim);
        call.BatchWriteback++;
        return PageFate.Keep;
    }

    /// <summary>
    /// A page under writeback goes out of the way, to the active list (<c>shrink_folio_list</c>, 4.11). kswapd notes
    /// one that was marked before, once a whole visit had found nothing else: the list turns faster than the device
    /// writes.
    /// </summary>
    private PageFate SetAside(ReclaimCall call, int page, ref PageFrame frame)
    {
        var kswapd = (call.Task & TaskFlags.Kswapd) != 0;
        if (kswapd && frame.Has(PageFlags.Reclaim) && _lru.Zones[call.Zone].Crowded)
        {
            call.VisitImmediate++;
            call.BatchImmediate++;
        }
        else
        {
            frame.Set(PageFlags.Reclaim);
            call.BatchWriteback++;
        }

        return Activate(page, ref frame);
    }

    /// <summary>
    /// <c>folio_check_references</c> of an anonymous page: until 5.9 a reference activates; since then the first one
    /// spares the page, and one that is found again activates it. Null: nobody used it.
    /// </summary>
    private PageFate? CheckReferences(int page, ref PageFrame frame)
    {
        var before = frame.Has(PageFlags.Referenced);
        frame.Clear(PageFlags.Referenced);
        if (!TestAndClearReferenced(ref frame, page))
        {
            return null;
        }

        if (!_how.NewPagesStartInactive)
        {
            return Activate(page, ref frame);
        }

        frame.Set(PageFlags.Referenced);
        _lru.Generation++;
        return before ? Activate(page, ref frame) : PageFate.Keep;
    }

    private PageFate ShrinkAnonPage(ReclaimCall call, int page, ref PageFrame frame)
    {
        if (CheckReferences(page, ref frame) is { } fate)
        {
            call.BatchReferenceKept += fate == PageFate.Keep ? 1 : 0;
            return fate;
        }

        if (!frame.Has(PageFlags.SwapCache))
        {
            if ((call.Gfp & Gfp.Io) == 0)
            {
                return PageFate.Keep;
            }

            call.CostNs += _cost.AddToSwapNs;
            if (!_swap.AddToSwap(page, call.Task, AllocContext.Task, call.Cpu))
            {
                return Activate(page, ref frame);
            }

            _lru.Generation++;
        }

        if (frame.Mapping != PageFrame.None)
        {
            call.CostNs += _cost.UnmapNs;
            _swap.Unmap(page);
            _lru.Generation++;
        }

        if (frame.Has(PageFlags.Dirty))
        {
            return PageOut(call, page, ref frame);
        }

        if (HasOtherUser(frame))
        {
            return PageFate.Keep;
        }

        if (_rules.Has(KernelChange.AnonRefault))
        {
            _swap.RememberEviction(page, ++_lru.Zones[call.Zone].NonresidentAge);
        }

        _swap.RemoveFromSwapCache(page);
        call.BatchReclaimed++;
        return PageFate.Free;
    }

    // Clean page cache in outline: a use since the last look keeps the page, or activates it when it is executable.
    private PageFate ShrinkFilePage(ReclaimCall call, int page, ref PageFrame frame)
    {
        if (TestAndClearReferenced(ref frame, page))
        {
            _lru.Generation++;
            return frame.Has(PageFlags.Exec) ? Activate(page, ref frame) : PageFate.Keep;
        }

        if (frame.Has(PageFlags.Dirty))
        {
            // Never written by a direct reclaimer; kswapd's writing below priority 10 is not modelled.
            _stat.Count(VmCounter.nr_vmscan_immediate_reclaim, call.Zone, 1);
            frame.Set(PageFlags.Reclaim);
            return PageFate.Keep;
        }

        if (HasOtherUser(frame))
        {
            return PageFate.Keep;
        }

        _stat.Move(VmGauge.nr_file_pages, -1);
        call.BatchReclaimed++;
        return PageFate.Free;
    }

    // A page in use gives its slot up when swap is more than half full (try_to_free_swap), and must then be written
    // anew.
    private PageFate Activate(int page, ref PageFrame frame)
    {
        if (frame.Has(PageFlags.SwapCache) && _swap.SwapIsFull && _swap.SlotIsUnneeded(page))
        {
            frame.Clear(PageFlags.Dirty);
            _swap.RemoveFromSwapCache(page);
            frame.Set(PageFlags.Dirty);
        }

        _stat.Count(VmCounter.pgactivate);
        return PageFate.Activate;
    }

    /// <summary>
    /// <c>pageout</c> with <c>swap_writepage</c>, 3.6: the page joins the run and is under writeback from here on.
    /// </summary>
    private PageFate PageOut(ReclaimCall call, int page, ref PageFrame frame)
    {
        if ((call.Gfp & (Gfp.Fs | Gfp.Io)) == 0 || !call.MayWritepage || HasOtherUser(frame))
        {
            return PageFate.Keep;
        }

        if (_swap.SlotIsUnneeded(page))
        {
            // Dropped instead of written; nobody is left who could want it, so the putback frees it.
            _stat.Count(VmCounter.nr_vmscan_write, call.Zone, 1);
            frame.Clear(PageFlags.Dirty);
            _swap.RemoveFromSwapCache(page);
            return PageFate.Free;
        }

        if (!ContinuesRun(call, frame.Private))
        {
            return PageFate.Pending;
        }

        call.Run[call.RunCount++] = page;
        call.BatchPageouts++;
        frame.Clear(PageFlags.Dirty);
        frame.Set(PageFlags.Reclaim | PageFlags.Writeback);
        _stat.Move(VmGauge.nr_writeback, 1);
        _stat.Count(VmCounter.nr_vmscan_write, call.Zone, 1);
        Trace?.Add(TraceEvent.mm_vmscan_writepage, call.Cpu, page);
        _stat.Count(VmCounter.pswpout);
        _stat.Count(VmCounter.pgpgout, PageKiB);
        _lru.Generation++;
        return PageFate.Keep;
    }

    private bool ContinuesRun(ReclaimCall call, int slot)
    {
        if (call.RunCount == 0)
        {
            call.RunDirection = 0;
            return true;
        }

        var step = slot - _frames[call.Run[call.RunCount - 1]].Private;
        if (call.RunCount == ReclaimCall.RunPages || step is not (1 or -1)
            || (call.RunDirection != 0 && step != call.RunDirection))
        {
            return false;
        }

        call.RunDirection = step;
        return true;
    }

    // References beyond the page's own: somebody is using the page right now.
    private static bool HasOtherUser(in PageFrame frame) => frame.Count > 1;
}
