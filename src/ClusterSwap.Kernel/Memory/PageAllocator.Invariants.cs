// What must hold of a page allocator at every barrier: each present page is in exactly one place, and every count
// agrees.
namespace ClusterSwap.Kernel.Memory;

public sealed partial class PageAllocator
{
    /// <summary>
    /// Walks all frames and lists, O(pages): sum over owners = present; free areas, per-CPU lists and counts agree;
    /// no page is on two lists; no two free buddies are left unmerged. Throws with the values on the first difference.
    /// </summary>
    public void AssertInvariants()
    {
        Span<long> owned = stackalloc long[(int)PageOwner.Kernel + 1];
        var reserve = 0L;
        foreach (var zone in _zones)
        {
            reserve += WalkFrames(zone, owned);
            WalkFreeAreas(zone);
        }

        var present = 0L;
        foreach (var zone in _zones)
        {
            present += zone.Present;
        }

        var sum = 0L;
        for (var owner = PageOwner.Free; owner <= PageOwner.Kernel; owner++)
        {
            sum += owned[(int)owner];
            Expect(CountOwned(owner), owned[(int)owner], "pages of owner", owner.ToString());
        }

        Expect(sum, present, "pages of all owners", "the blade");
        Expect(ReserveInUse, reserve, "pages from the reserve", "the blade");
        WalkPerCpuLists();
    }

    // Block by block over the present pages; returns the pages that came from the reserve.
    private long WalkFrames(Zone zone, Span<long> owned)
    {
        var reserve = 0L;
        for (var page = zone.StartPfn; page < zone.EndPfn;)
        {
            ref var frame = ref _frames[page];
            var pages = 1 << frame.Order;
            owned[(int)frame.Owner] += pages;
            if (frame.Has(PageFlags.FromReserve))
            {
                reserve += pages;
            }

            var isFree = frame.Owner == PageOwner.Free;
            if (isFree != frame.Has(PageFlags.Buddy)
                || (page & (pages - 1)) != 0
                || page + pages > zone.EndPfn
                || (frame.Owner <= PageOwner.PerCpu && (frame.Flags & ~PageFlags.Buddy) != 0))
            {
                throw new InvalidOperationException(
                    $"zone {zone.Name}: page {page} has owner {frame.Owner}, order {frame.Order}, flags {frame.Flags}");
            }

            if (isFree)
            {
                CheckInsideOfFreeBlock(page, pages);
            }

            page += pages;
        }

        return reserve;
    }

    private void CheckInsideOfFreeBlock(int head, int pages)
    {
        for (var page = head + 1; page < head + pages; page++)
        {
            ref var frame = ref _frames[page];
            if (frame.Owner != PageOwner.Free || frame.Flags != PageFlags.None || frame.Order != 0
                || frame.Next != PageFrame.None || frame.Prev != PageFrame.None)
            {
                throw new InvalidOperationException(
                    $"page {page} lies in the free block of {head} but has owner {frame.Owner}, flags {frame.Flags}");
            }
        }
    }

    private void WalkFreeAreas(Zone zone)
    {
        var free = 0L;
        for (var order = 0; order < PageBlock.Orders; order++)
        {
            var blocks = 0;
            for (var type = MigrateType.Unmovable; type <= MigrateType.HighAtomic; type++)
            {
                blocks += WalkFreeList(zone, order, type);
            }

            Expect(zone.NrFreeBlocks[order], blocks, $"free blocks of order {order}", zone.Name);
            free += (long)blocks << order;
        }

        Expect(zone.NrFree, free, "free pages", zone.Name);
    }

    private int WalkFreeList(Zone zone, int order, MigrateType type)
    {
        var blocks = 0;
        var previous = PageFrame.None;
        var list = zone.FreeList(order, type);
        for (var page = list.Head; page != PageFrame.None; page = _frames[page].Next)
        {
            ref var frame = ref _frames[page];
            var buddy = page ^ 1 << order;
            var buddyIsFree = order < PageBlock.MaxOrder && buddy < zone.EndPfn
                && _frames[buddy].Has(PageFlags.Buddy) && _frames[buddy].Order == order;
            if (!zone.Has(page) || !frame.Has(PageFlags.Buddy) || frame.Owner != PageOwner.Free || frame.Order != order
                || frame.Private != (int)type || frame.Prev != previous || buddyIsFree)
            {
                throw new InvalidOperationException(
                    $"zone {zone.Name}, free list {order}/{type}: page {page} has owner {frame.Owner}, "
                    + $"order {frame.Order}, type {frame.Private}, previous {frame.Prev} "
                    + $"(expected {previous}), free buddy: {buddyIsFree}");
            }

            previous = page;
            blocks++;
        }

        Expect(list.Tail, previous, $"end of free list {order}/{type}", zone.Name);
        return blocks;
    }

    private void WalkPerCpuLists()
    {
        for (var i = 0; i < _perCpu.Length; i++)
        {
            var zone = _zones[i % _zones.Length];
            var pages = 0;
            for (var type = 0; type < PageBlock.Types; type++)
            {
                var list = _perCpu[i].Lists[type];
                var previous = PageFrame.None;
                for (var page = list.Head; page != PageFrame.None; page = _frames[page].Next)
                {
                    ref var frame = ref _frames[page];
                    if (!zone.Has(page) || frame.Owner != PageOwner.PerCpu || frame.Order != 0
                        || frame.Prev != previous)
                    {
                        throw new InvalidOperationException(
                            $"zone {zone.Name}, lists of CPU {i / _zones.Length}: page {page} has owner {frame.Owner}");
                    }

                    previous = page;
                    pages++;
                }

                Expect(list.Tail, previous, $"end of per-CPU list {type}", zone.Name);
            }

            Expect(_perCpu[i].Count, pages, $"pages on the lists of CPU {i / _zones.Length}", zone.Name);
        }
    }

    private static void Expect(long counted, long found, string what, string where)
    {
        if (counted != found)
        {
            throw new InvalidOperationException($"{what} in {where}: counted {counted}, found {found}");
        }
    }
}
