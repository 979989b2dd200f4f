// Below the LRU lists: how pages are linked, taken off in batches and put back, and the check of it all.
using ClusterSwap.Kernel.Memory;

namespace ClusterSwap.Kernel.Reclaim;

public sealed partial class LruLists
{
    /// <summary>
    /// Takes up to <paramref name="max"/> pages off the tail of a list, oldest first, and marks them isolated
    /// (<c>isolate_lru_pages</c>, 3.6). Returns how many.
    /// </summary>
    internal int IsolateTail(int zone, LruList list, int max, int[] into)
    {
        var frames = _frames;
        var at = zone * ListsPerZone + (int)list;
        var page = Tail[at];
        var taken = 0;
        while (taken < max && page != PageFrame.None)
        {
            into[taken++] = page;
            ref var frame = ref frames[page];
            frame.Flags = frame.Flags & ~PageFlags.Lru | PageFlags.Isolated;
            page = frame.Prev;
            frame.Next = PageFrame.None;
            frame.Prev = PageFrame.None;
        }

        Tail[at] = page;
        if (page == PageFrame.None)
        {
            Head[at] = PageFrame.None;
        }
        else
        {
            frames[page].Next = PageFrame.None;
        }

        Sizes[at] -= taken;
        _stat.Move(GaugeOf(list), -taken);
        return taken;
    }

    /// <summary>Puts an isolated page back at the head of a list.</summary>
    internal void PutBack(int zone, LruList list, int page)
    {
        ref var frame = ref _frames[page];
        if (!frame.Has(PageFlags.Isolated))
        {
            throw new InvalidOperationException(
                $"page {page} is put back on {list} but was not isolated: {frame.Flags}");
        }

        frame.Clear(PageFlags.Isolated);
        Link(zone, list, page, atTail: false);
    }

    private void Link(int zone, LruList list, int page, bool atTail)
    {
        var at = zone * ListsPerZone + (int)list;
        ref var frame = ref _frames[page];
        frame.Flags = frame.Flags & ~PageFlags.Active | PageFlags.Lru | (IsActive(list) ? PageFlags.Active : 0);
        var neighbour = atTail ? Tail[at] : Head[at];
        frame.Next = atTail ? PageFrame.None : neighbour;
        frame.Prev = atTail ? neighbour : PageFrame.None;
        if (neighbour == PageFrame.None)
        {
            Head[at] = page;
            Tail[at] = page;
        }
        else if (atTail)
        {
            _frames[neighbour].Next = page;
            Tail[at] = page;
        }
        else
        {
            _frames[neighbour].Prev = page;
            Head[at] = page;
        }

        Sizes[at]++;
        _stat.Move(GaugeOf(list), 1);
    }

    private void Unlink(int zone, int page)
    {
        ref var frame = ref _frames[page];
        if (!frame.Has(PageFlags.Lru))
        {
            throw new InvalidOperationException(
                $"page {page} is on no LRU list: owner {frame.Owner}, flags {frame.Flags}");
        }

        var list = ListOf(frame);
        var at = zone * ListsPerZone + (int)list;
        if (frame.Prev == PageFrame.None)
        {
            Head[at] = frame.Next;
        }
        else
        {
            _frames[frame.Prev].Next = frame.Next;
        }

        if (frame.Next == PageFrame.None)
        {
            Tail[at] = frame.Prev;
        }
        else
        {
            _frames[frame.Next].Prev = frame.Prev;
        }

        frame.Next = PageFrame.None;
        frame.Prev = PageFrame.None;
        frame.Clear(PageFlags.Lru);
        Sizes[at]--;
        _stat.Move(GaugeOf(list), -1);
    }

    /// <summary>Walks every list: links, flags, owners, zones, sizes and gauges agree. O(pages on the lists).</summary>
    public void AssertInvariants()
    {
        Span<long> totals = stackalloc long[ListsPerZone];
        for (var at = 0; at < Head.Length; at++)
        {
            totals[at % ListsPerZone] += Sizes[at];
            AssertList(at / ListsPerZone, (LruList)(at % ListsPerZone), Head[at], Tail[at], Sizes[at]);
        }

        for (var list = 0; list < ListsPerZone; list++)
        {
            if (totals[list] != _stat[GaugeOf((LruList)list)])
            {
                throw new InvalidOperationException(
                    $"{(LruList)list} holds {totals[list]} pages, its gauge says {_stat[GaugeOf((LruList)list)]}");
            }
        }

        foreach (var zone in Zones)
        {
            zone.AssertInvariants();
        }
    }

    private void AssertList(int zone, LruList list, int head, int tail, long size)
    {
        var previous = PageFrame.None;
        var count = 0L;
        for (var page = head; page != PageFrame.None; page = _frames[page].Next)
        {
            ref var frame = ref _frames[page];
            if (++count > size || frame.Prev != previous || !frame.Has(PageFlags.Lru) || frame.Has(PageFlags.Isolated)
                || ListOf(frame) != list || ZoneOf(page) != zone
                || frame.Owner is not (PageOwner.Anon or PageOwner.File))
            {
                throw new InvalidOperationException(
                    $"page {page} does not belong on {list} of zone {zone}: owner {frame.Owner}, flags {frame.Flags}, "
                    + $"prev {frame.Prev} (walked from {previous}), position {count} of {size}");
            }

            previous = page;
        }

        if (count != size || tail != previous)
        {
            throw new InvalidOperationException(
                $"{list} of zone {zone}: walked {count} of {size} pages to {previous}, tail is {tail}");
        }
    }
}
