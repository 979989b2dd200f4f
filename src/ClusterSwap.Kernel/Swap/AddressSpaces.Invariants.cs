// The full walk: entry, page, slot and cache must tell the same story.
using System.Collections;
using ClusterSwap.Kernel.Memory;

namespace ClusterSwap.Kernel.Swap;

public sealed partial class AddressSpaces
{
    /// <summary>
    /// Checks every entry, every anonymous page and every slot against each other, and the swap map and swap cache in
    /// themselves. Takes time in proportion to entries, frames and slots.
    /// </summary>
    public void AssertInvariants()
    {
        _map.AssertInvariants();
        _cache.AssertInvariants();
        var named = new BitArray(_map.Pages);
        var mapped = 0;
        for (var vpn = 0; vpn < _entries.Length; vpn++)
        {
            mapped += AssertEntry(vpn, named) ? 1 : 0;
        }

        for (var slot = 1; slot < _map.Pages; slot++)
        {
            if (_map.IsUsedByPte(slot) != named[slot])
            {
                throw new InvalidOperationException(
                    $"slot {slot} is {(named[slot] ? "" : "not ")}named by an entry, and the swap map says otherwise");
            }
        }

        AssertFrames(mapped);
        AssertTables();
    }

    private bool AssertEntry(int vpn, BitArray named)
    {
        var entry = _entries[vpn];
        if (entry == PageTableEntry.Empty)
        {
            return false;
        }

        Require(vpn, PageFrame.None, HasTable(vpn), "is in no page table");
        if (PageTableEntry.IsPresent(entry))
        {
            var page = PageTableEntry.Frame(entry);
            ref readonly var frame = ref _frames[page];
            Require(vpn, page, frame.Owner == PageOwner.Anon && frame.Mapping == vpn,
                "maps a page that says otherwise");
            Require(vpn, page, frame.Has(PageFlags.Uptodate), "maps a page that is not up to date");
            Require(vpn, page, (entry & PageTableEntry.Dirty) == 0 || (entry & PageTableEntry.Writable) != 0,
                "is dirty and read-only");
            return true;
        }

        if (PageTableEntry.IsSwap(entry))
        {
            var slot = PageTableEntry.Slot(entry);
            Require(vpn, PageFrame.None, !named[slot], "names a slot that another entry names");
            named[slot] = true;
        }

        return false;
    }

    private void AssertFrames(int mapped)
    {
        var cached = 0;
        for (var page = 0; page < _frames.Length; page++)
        {
            ref readonly var frame = ref _frames[page];
            var isInUse = (frame.Flags & (PageFlags.Uptodate | PageFlags.SwapCache)) != 0;
            if (frame.Owner != PageOwner.Anon || !isInUse)
            {
                // Others' pages, and those that were just allocated and are not mapped or cached yet.
                continue;
            }

            if (frame.Mapping != PageFrame.None)
            {
                Require(frame.Mapping, page, IsMappedAt(frame.Mapping, page), "does not map the page that says so");
                mapped--;
            }

            if (frame.Has(PageFlags.SwapCache))
            {
                var isUnmapped = frame.Mapping == PageFrame.None;
                Require(0, page, _cache.Lookup(frame.Private) == page, "aside: the cache has another page in its slot");
                Require(0, page, isUnmapped || !_map.IsUsedByPte(frame.Private),
                    "aside: a mapped page's slot is named");
                cached++;
            }
        }

        if (mapped != 0 || cached != _cache.Count)
        {
            throw new InvalidOperationException(
                $"{mapped} more pages are mapped than say so; {cached} say they are cached, {_cache.Count} are");
        }
    }

    private void AssertTables()
    {
        foreach (var page in _tables)
        {
            if (page != PageFrame.None && _frames[page].Owner != PageOwner.PageTable)
            {
                throw new InvalidOperationException(
                    $"page {page} is a page table, and belongs to {_frames[page].Owner}");
            }
        }
    }
}
