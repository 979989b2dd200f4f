// The buddy allocator of a zone: blocks of 2^order pages, split and merged, kept apart by mobility.
namespace ClusterSwap.Kernel.Memory;

public sealed partial class Zone
{
    /// <summary>
    /// Takes a block off the free areas (<c>__rmqueue</c>): the smallest that fits among those of the type, else one of
    /// another type. Returns its first page, or −1 when no block is large enough. Watermarks are the caller's business.
    /// </summary>
    public int TakeBlock(PageFrame[] frames, int order, MigrateType type)
    {
        for (var o = order; o <= PageBlock.MaxOrder; o++)
        {
            var page = _free[o * PageBlock.Types + (int)type].Head;
            if (page >= 0)
            {
                Unlink(frames, page, o);
                Expand(frames, page, order, o, type);
                return page;
            }
        }

        return TakeFromOtherType(frames, order, type);
    }

    /// <summary>
    /// Puts a block on the free areas and merges it with its free buddies (<c>__free_one_page</c>). The result goes
    /// on the lists of <paramref name="type"/>.
    /// </summary>
    public void GiveBlock(PageFrame[] frames, int page, int order, MigrateType type)
    {
        Listener?.PagesFreed();
        NrFree += 1L << order;
        while (order < PageBlock.MaxOrder)
        {
            var buddy = page ^ 1 << order;
            if (!IsFreeBlock(frames, buddy, order))
            {
                break;
            }

            Unlink(frames, buddy, order);
            page &= ~(1 << order);
            order++;
        }

        // If the buddy of the next order is free already, this block will soon complete a greater one: hand it out
        // last.
        var mergesSoon = order < PageBlock.MaxOrder - 1
            && IsFreeBlock(frames, (page & ~(1 << order)) ^ 1 << (order + 1), order + 1);
        Link(frames, page, order, type, mergesSoon);
    }

    /// <summary>All present pages become free, the largest blocks first in order of page number.</summary>
    public void FreeAtBoot(PageFrame[] frames)
    {
        var page = StartPfn;
        while (page < EndPfn)
        {
            var order = PageBlock.MaxOrder;
            while (page + (1 << order) > EndPfn)
            {
                order--;
            }

            Link(frames, page, order, MigrateType.Movable, atTail: true);
            page += 1 << order;
        }

        NrFree = Present;
    }

    // __rmqueue_fallback: the largest block of another type, so that few page blocks are mixed. A large block, or any
    // that reclaimable memory borrows, brings the other free pages of its page block along.
    private int TakeFromOtherType(PageFrame[] frames, int order, MigrateType type)
    {
        for (var o = PageBlock.MaxOrder; o >= order; o--)
        {
            for (var n = 0; n < PageBlock.Types - 1; n++)
            {
                var page = _free[o * PageBlock.Types + (int)PageBlock.Fallback(type, n)].Head;
                if (page < 0)
                {
                    continue;
                }

                if (o >= PageBlock.StealOrder || type == MigrateType.Reclaimable)
                {
                    if (MoveFreePages(frames, page, type) >= PageBlock.Pages / 2)
                    {
                        SetBlockType(page, type);
                    }
                }

                Unlink(frames, page, o);
                Expand(frames, page, order, o, type);
                return page;
            }
        }

        return PageFrame.None;
    }

    // move_freepages_block: puts all free blocks of a page block on the lists of a type; returns how many pages those
    // are.
    private int MoveFreePages(PageFrame[] frames, int pageInBlock, MigrateType type)
    {
        var page = pageInBlock & ~(PageBlock.Pages - 1);
        var end = Math.Min(page + PageBlock.Pages, EndPfn);
        var moved = 0;
        while (page < end)
        {
            ref var frame = ref frames[page];
            if (!frame.Has(PageFlags.Buddy))
            {
                page++;
                continue;
            }

            var order = frame.Order;
            ListOf(order, (MigrateType)frame.Private).Remove(frames, page);
            CountSetAside(order, frame.Private, -1);
            ListOf(order, type).AddHead(frames, page);
            CountSetAside(order, (int)type, 1);
            frame.Private = (int)type;
            moved += 1 << order;
            page += 1 << order;
        }

        return moved;
    }

    // Gives back the upper halves of a block until it has the wanted order.
    private void Expand(PageFrame[] frames, int page, int wanted, int order, MigrateType type)
    {
        NrFree -= 1L << wanted;
        while (order > wanted)
        {
            order--;
            Link(frames, page + (1 << order), order, type, atTail: false);
        }
    }

    private bool IsFreeBlock(PageFrame[] frames, int page, int order)
    {
        if (page >= EndPfn)
        {
            return false;
        }

        ref var frame = ref frames[page];
        return frame.Has(PageFlags.Buddy) && frame.Order == order;
    }

    // On a free block's head, Private is the type of the list that it is on.
    private void Link(PageFrame[] frames, int page, int order, MigrateType type, bool atTail)
    {
        ref var frame = ref frames[page];
        frame.Set(PageFlags.Buddy);
        frame.Order = order;
        frame.Private = (int)type;
        NrFreeBlocks[order]++;
        CountSetAside(order, (int)type, 1);
        ref var list = ref ListOf(order, type);
        if (atTail)
        {
            list.AddTail(frames, page);
        }
        else
        {
            list.AddHead(frames, page);
        }
    }

    private void Unlink(PageFrame[] frames, int page, int order)
    {
        ref var frame = ref frames[page];
        ListOf(order, (MigrateType)frame.Private).Remove(frames, page);
        CountSetAside(order, frame.Private, -1);
        NrFreeBlocks[order]--;
        frame.Clear(PageFlags.Buddy);
        frame.Private = 0;
        frame.Order = 0;
    }
}
