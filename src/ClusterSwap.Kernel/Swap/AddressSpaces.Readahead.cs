// Swap readahead by virtual address (4.14), with a window that follows its hits (3.8).
using MemoryPack;

namespace ClusterSwap.Kernel.Swap;

/// <summary>What a mapping remembers of its swap faults (<c>vma->swap_readahead_info</c>).</summary>
/// <param name="LastVpn">The page that last faulted or was found in the swap cache.</param>
/// <param name="Window">Pages that the last read-in was for.</param>
/// <param name="Hits">Pages read ahead that were used since.</param>
[MemoryPackable]
public readonly partial record struct ReadaheadInfo(int LastVpn, int Window, int Hits);

public sealed partial class AddressSpaces
{
    private const int FirstHits = 4;
    private const int MostHits = 63;

    // By process; empty until the first fault.
    [MemoryPackInclude]
    private ReadaheadInfo[] _readahead = [];

    /// <summary>Swap readahead goes by virtual address: all swap devices are without seeks, as NBD says of
    /// itself.</summary>
    [MemoryPackIgnore]
    public bool ReadsNeighbours => _readsNeighbours;

    /// <summary>
    /// <c>swap_vma_readahead</c>, 6.1: the slots to read for a fault, by ascending virtual page; those of the window
    /// that are in swap and not cached. The window goes on from the last fault in its direction, or lies around the
    /// page, and stays within the page table.
    /// </summary>
    public int ReadaheadWindow(int vpn, int pageCluster, Span<int> slots)
    {
        ref var info = ref InfoOf(vpn);
        var window = ReadaheadPages(info, vpn, 1 << pageCluster);
        var left = vpn == info.LastVpn + 1 ? 0 : info.LastVpn == vpn + 1 ? window - 1 : (window - 1) / 2;
        info = new ReadaheadInfo(vpn, window, 0);
        var first = vpn / PagesPerProcess * PagesPerProcess;
        var table = first + (vpn - first) / EntriesPerTable * EntriesPerTable;
        var start = Math.Max(vpn - left, table);
        var end = Math.Min(Math.Min(vpn - left + window, table + EntriesPerTable), first + PagesPerProcess);
        var count = 0;
        for (var next = start; next < end; next++)
        {
            var entry = _entries[next];
            if (PageTableEntry.IsSwap(entry) && !_map.IsCached(PageTableEntry.Slot(entry)))
            {
                slots[count++] = PageTableEntry.Slot(entry);
            }
        }

        return count;
    }

    /// <summary>
    /// <c>__swapin_nr_pages</c>, 6.1: two more than the hits, rounded up to a power of two from 4 on; without hits 1,
    /// or 2 beside the last fault. Never less than half of the last window.
    /// </summary>
    public static int ReadaheadPages(ReadaheadInfo info, int vpn, int most)
    {
        var pages = info.Hits + 2;
        if (pages == 2)
        {
            pages = vpn == info.LastVpn + 1 || vpn == info.LastVpn - 1 ? 2 : 1;
        }
        else
        {
            var rounded = 4;
            while (rounded < pages)
            {
                rounded <<= 1;
            }

            pages = rounded;
        }

        return Math.Max(Math.Min(pages, most), info.Window / 2);
    }

    // lookup_swap_cache: every page found moves the mark; one that was read ahead is a hit.
    private void NoteReadaheadHit(int vpn, int slot)
    {
        if (_readsNeighbours)
        {
            ref var info = ref InfoOf(vpn);
            var hits = _map.IsUnread(slot) ? Math.Min(info.Hits + 1, MostHits) : info.Hits;
            info = info with { LastVpn = vpn, Hits = hits };
        }
    }

    private ref ReadaheadInfo InfoOf(int vpn)
    {
        if (_readahead.Length == 0)
        {
            _readahead = new ReadaheadInfo[Processes];
            Array.Fill(_readahead, new ReadaheadInfo(-2, 0, FirstHits));
        }

        return ref _readahead[vpn / PagesPerProcess];
    }
}
