// What a fault does to a page of the swap cache: map it, keep or give up its slot.
using ClusterSwap.Kernel.Memory;

namespace ClusterSwap.Kernel.Swap;

public sealed partial class AddressSpaces
{
    /// <summary>
    /// Ends a major fault (<c>do_swap_page</c>, 3.6) when the page that it read is unlocked: maps it and counts
    /// pgmajfault. False when the page no longer stands for the entry's slot or is not up to date: then
    /// <see cref="Touch"/> again. The caller charges SwapFaultNs. The touch itself is left to the next
    /// <see cref="Touch"/> of the same offset.
    /// </summary>
    public bool MapSwapIn(int vpn, int page, bool write, int cpu)
    {
        ref readonly var frame = ref _frames[page];
        if (!frame.Has(PageFlags.SwapCache | PageFlags.Uptodate) || frame.Has(PageFlags.Locked)
            || _entries[vpn] != PageTableEntry.ToSlot(frame.Private))
        {
            return false;
        }

        _cache.Cpu = cpu;
        MapCached(vpn, page, frame.Private, write);
        _stat.Count(VmCounter.pgmajfault);
        return true;
    }

    /// <summary>
    /// The part of <c>do_swap_page</c> after the page is found, locked and up to date. A write by the only owner
    /// takes the page out of the swap cache (<c>reuse_swap_page</c>), except during writeback: then it stays, mapped
    /// writable and dirty, and the dirty entry makes reclaim write it once more. 3.6 marks no page accessed here; the
    /// young bit does that.
    /// </summary>
    private void MapCached(int vpn, int page, int slot, bool write)
    {
        ref var frame = ref _frames[page];
        Require(vpn, page, frame.Mapping == PageFrame.None, "finds a cached page that is mapped");
        Require(vpn, page, frame.Has(PageFlags.SwapCache) && frame.Private == slot, "finds another page in its slot");
        var bits = PageTableEntry.Young | (write ? PageTableEntry.Dirty | PageTableEntry.Writable : 0);
        _map.MarkRead(slot);
        _entries[vpn] = PageTableEntry.ToFrame(page, bits);
        frame.Mapping = vpn;
        _map.DropPte(slot);
        if (write || _map.IsFull)
        {
            _cache.TryToFreeSwap(page);
        }

        _stat.Move(VmGauge.nr_anon_pages, 1);
        _stat.Count(VmCounter.pgfault);
    }

    /// <summary>
    /// <c>do_wp_page</c> on an anonymous page of one owner, 3.6: the write may go ahead, and the slot is given up
    /// unless the page is being written at this moment.
    /// </summary>
    private void MakeWritable(int vpn, int page)
    {
        _cache.TryToFreeSwap(page);
        _entries[vpn] |= PageTableEntry.Writable | PageTableEntry.Dirty | PageTableEntry.Young;
        _stat.Count(VmCounter.pgfault);
    }

    /// <summary><c>page_referenced</c>: 1 when the page's entry had the young bit, which is cleared.</summary>
    internal int TestAndClearYoung(int page)
    {
        var vpn = _frames[page].Mapping;
        if (vpn == PageFrame.None || (_entries[vpn] & PageTableEntry.Young) == 0)
        {
            return 0;
        }

        Require(vpn, page, IsMappedAt(vpn, page), "is not where its page says");
        _entries[vpn] &= ~PageTableEntry.Young;
        return 1;
    }

    /// <summary>
    /// <c>try_to_unmap_one</c>, 3.6: the entry names the slot from now on; what the hardware wrote makes the page
    /// Dirty.
    /// </summary>
    internal void Unmap(int page)
    {
        ref var frame = ref _frames[page];
        var vpn = frame.Mapping;
        Require(Math.Max(vpn, 0), page, vpn != PageFrame.None && IsMappedAt(vpn, page), "is not where its page says");
        Require(vpn, page, frame.Has(PageFlags.SwapCache), "is unmapped without a slot");
        if ((_entries[vpn] & PageTableEntry.Dirty) != 0)
        {
            frame.Set(PageFlags.Dirty);
        }

        _map.AddPte(frame.Private);
        _entries[vpn] = PageTableEntry.ToSlot(frame.Private);
        frame.Mapping = PageFrame.None;
        _stat.Move(VmGauge.nr_anon_pages, -1);
    }

    private bool IsMappedAt(int vpn, int page) =>
        PageTableEntry.IsPresent(_entries[vpn]) && PageTableEntry.Frame(_entries[vpn]) == page;
}
