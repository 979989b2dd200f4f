// A process ends: its entries go, and with them pages, slots and page tables that nobody else needs.
using ClusterSwap.Kernel.Memory;
using MemoryPack;

namespace ClusterSwap.Kernel.Swap;

public sealed partial class AddressSpaces
{
    /// <summary>Steps of <see cref="Release"/> for one process: its entries, then its page table pages.</summary>
    [MemoryPackIgnore]
    public int ReleaseSteps => PagesPerProcess + TablesPerProcess;

    /// <summary>
    /// <c>exit_mmap</c> (<c>zap_pte_range</c>, <c>free_pgtables</c>, 3.6) in portions: goes on from
    /// <paramref name="step"/>, fills <paramref name="freed"/> with pages that the caller gives back (order 0, off
    /// every list) and returns how many. Ended when step equals <see cref="ReleaseSteps"/>. A page that is locked,
    /// under writeback or isolated is left to who holds it (<see cref="SwapSide.IsOrphan"/>) or to reclaim, like any
    /// page that nobody but the swap cache needs.
    /// </summary>
    public int Release(int process, ref int step, Span<int> freed, int cpu)
    {
        _cache.Cpu = cpu;
        var count = 0;
        while (step < ReleaseSteps && count < freed.Length)
        {
            var page = step < PagesPerProcess ? Zap(Vpn(process, step)) : TakeTable(process, step - PagesPerProcess);
            step++;
            if (page != PageFrame.None)
            {
                freed[count++] = page;
            }
        }

        return count;
    }

    /// <summary>Clears one entry; returns the page that nobody needs any more, or none.</summary>
    private int Zap(int vpn)
    {
        var entry = _entries[vpn];
        _entries[vpn] = PageTableEntry.Empty;
        int page;
        if (PageTableEntry.IsPresent(entry))
        {
            page = PageTableEntry.Frame(entry);
            _frames[page].Mapping = PageFrame.None;
            _stat.Move(VmGauge.nr_anon_pages, -1);
        }
        else if (PageTableEntry.IsSwap(entry))
        {
            var slot = PageTableEntry.Slot(entry);
            _map.DropPte(slot);
            page = _cache.Lookup(slot);
        }
        else
        {
            return PageFrame.None;
        }

        return page != PageFrame.None && FreeIfUnused(page) ? page : PageFrame.None;
    }

    private bool FreeIfUnused(int page)
    {
        ref var frame = ref _frames[page];
        if (frame.Has(PageFlags.Locked))
        {
            return false;
        }

        _cache.TryToFreeSwap(page);
        if ((frame.Flags & (PageFlags.SwapCache | PageFlags.Isolated)) != 0)
        {
            return false;
        }

        if (frame.Has(PageFlags.Lru))
        {
            _lru.Delete(page);
        }

        frame.Flags &= PageFlags.PfMemAlloc | PageFlags.FromReserve;
        return true;
    }

    private int TakeTable(int process, int index)
    {
        ref var table = ref _tables[process * TablesPerProcess + index];
        var page = table;
        table = PageFrame.None;
        if (page != PageFrame.None)
        {
            _stat.Move(VmGauge.nr_page_table_pages, -1);
        }

        return page;
    }
}
