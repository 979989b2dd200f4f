// A process walks over its pages: what is resident costs one step, what faults without waiting is handled on the way.
using System.Runtime.CompilerServices;
using ClusterSwap.Kernel.Memory;

namespace ClusterSwap.Kernel.Swap;

public sealed partial class AddressSpaces
{
    private const uint ReadBits = PageTableEntry.Present | PageTableEntry.Young;
    private const uint WriteBits = ReadBits | PageTableEntry.Dirty;
    private const uint WriteAccess = PageTableEntry.Present | PageTableEntry.Writable;

    /// <summary>
    /// Touches pages from <see cref="TouchCall.Offset"/> on until the slice is over, the pass ends, or the caller has
    /// to do something. Handles by itself: resident pages, the first read of a page (zero page), the write to a page
    /// that was mapped for reading (<c>do_wp_page</c>), and the fault on a page that lies unlocked in the swap cache
    /// (<c>do_swap_page</c>, 3.6).
    /// </summary>
    public void Touch(ref TouchCall call)
    {
        call.UserNs = 0;
        call.SystemNs = 0;
        call.Touched = 0;
        call.Page = PageFrame.None;
        call.Slot = SwapMap.NoSlot;
        _cache.Cpu = call.Cpu;
        var end = call.End > 0 ? call.End : PagesPerProcess;
        for (; ; )
        {
            var leftNs = call.BudgetNs - call.UserNs - call.SystemNs;
            if (call.Offset >= end)
            {
                call.Stop = TouchStop.PassEnd;
                return;
            }

            if (leftNs <= 0)
            {
                call.Stop = TouchStop.SliceOver;
                return;
            }

            // Rounded up: the last page may overdraw the slice, as the kernel's tick notices it only afterwards.
            var affordable = _cost.TouchNs == 0 ? int.MaxValue : (leftNs + _cost.TouchNs - 1) / _cost.TouchNs;
            var wanted = (int)Math.Min(affordable, end - call.Offset);
            var touched = TouchResident(ref call, wanted);
            call.Offset += touched;
            call.Touched += touched;
            call.UserNs += (long)touched * _cost.TouchNs;
            if (touched < wanted && !HandleFault(ref call))
            {
                return;
            }
        }
    }

    /// <summary>
    /// Touches at most <paramref name="wanted"/> pages that need no fault; stops before the first that does.
    /// </summary>
    private int TouchResident(ref TouchCall call, int wanted)
    {
        var first = Vpn(call.Process, call.Offset);
        var entries = _entries.AsSpan(first, wanted);
        var frames = _frames;
        var write = call.Write;
        var access = write ? WriteAccess : PageTableEntry.Present;
        var bits = write ? WriteBits : ReadBits;
        var expected = Stamps.Of(first, call.Expected);
        var expectedStep = call.Expected == 0 ? 0 : Stamps.PerPage;
        var written = Stamps.Of(first, call.Stamp);
        var writtenStep = call.Stamp == 0 ? 0 : Stamps.PerPage;
        for (var i = 0; i < entries.Length; i++)
        {
            var entry = entries[i];
            if ((entry & access) != access)
            {
                return i;
            }

            ref var frame = ref frames[PageTableEntry.Frame(entry)];
            if (frame.Stamp != expected && !(write && frame.Stamp == written))
            {
                return i;
            }

            if ((entry & bits) != bits)
            {
                entries[i] = entry | bits;
            }

            if (write)
            {
                frame.Stamp = written;
            }

            unchecked
            {
                expected += expectedStep;
                written += writtenStep;
            }
        }

        return entries.Length;
    }

    /// <summary>
    /// One page that could not simply be touched. False: the caller of Touch must act, and Stop says how.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool HandleFault(ref TouchCall call)
    {
        var vpn = Vpn(call.Process, call.Offset);
        var entry = _entries[vpn];
        if (PageTableEntry.IsPresent(entry))
        {
            return HandleResident(ref call, vpn, entry);
        }

        if (PageTableEntry.IsSwap(entry))
        {
            return HandleSwapped(ref call, vpn, PageTableEntry.Slot(entry));
        }

        if (!HasTable(vpn))
        {
            return Stop(ref call, TouchStop.NeedsPageTable, PageFrame.None, SwapMap.NoSlot);
        }

        return call.Write
            ? Stop(ref call, TouchStop.AnonFault, PageFrame.None, SwapMap.NoSlot)
            : TouchZeroPage(ref call, vpn, entry);
    }

    /// <summary>The entry is present: the page holds a wrong stamp, or it is read-only and written.</summary>
    private bool HandleResident(ref TouchCall call, int vpn, uint entry)
    {
        var page = PageTableEntry.Frame(entry);
        if (!call.Write || (entry & PageTableEntry.Writable) != 0)
        {
            return Stop(ref call, TouchStop.BadStamp, page, SwapMap.NoSlot);
        }

        if (_frames[page].Has(PageFlags.Locked))
        {
            return Stop(ref call, TouchStop.PageLocked, page, SwapMap.NoSlot);
        }

        MakeWritable(vpn, page);
        call.SystemNs += _cost.MinorFaultNs;
        return true;
    }

    private bool HandleSwapped(ref TouchCall call, int vpn, int slot)
    {
        var page = _cache.Lookup(slot);
        if (page == PageFrame.None)
        {
            return Stop(ref call, TouchStop.SwapFault, page, slot);
        }

        if (_frames[page].Has(PageFlags.Locked))
        {
            return Stop(ref call, TouchStop.PageLocked, page, slot);
        }

        if (!_frames[page].Has(PageFlags.Uptodate))
        {
            return Stop(ref call, TouchStop.ReadError, page, slot);
        }

        NoteReadaheadHit(vpn, slot);
        MapCached(vpn, page, slot, call.Write);
        _stat.Count(VmCounter.swap_cache_hits);
        call.SystemNs += _cost.SwapFaultNs;
        return true;
    }

    /// <summary>A read of what was never written: the zero page, whose stamp is 0.</summary>
    private bool TouchZeroPage(ref TouchCall call, int vpn, uint entry)
    {
        if (call.Expected != 0)
        {
            return Stop(ref call, TouchStop.BadStamp, PageFrame.None, SwapMap.NoSlot);
        }

        if (entry == PageTableEntry.Empty)
        {
            _entries[vpn] = PageTableEntry.ZeroPage;
            _stat.Count(VmCounter.pgfault);
            call.SystemNs += _cost.MinorFaultNs;
        }

        call.Offset++;
        call.Touched++;
        call.UserNs += _cost.TouchNs;
        return true;
    }

    private static bool Stop(ref TouchCall call, TouchStop stop, int page, int slot)
    {
        call.Stop = stop;
        call.Page = page;
        call.Slot = slot;
        return false;
    }
}
