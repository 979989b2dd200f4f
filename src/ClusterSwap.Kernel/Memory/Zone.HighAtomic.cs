// Page blocks that are set aside for atomic requests of high order (4.4).
namespace ClusterSwap.Kernel.Memory;

public sealed partial class Zone
{
    /// <summary>Pages of the blocks that are set aside (<c>nr_reserved_highatomic</c>), used ones included.</summary>
    public long ReservedHighAtomic { get; set; }

    /// <summary>
    /// Pages that count as free and are closed to a request with these flags (<c>__zone_watermark_unusable_free</c>,
    /// 6.1.192): who may not go below min may not use what is set aside.
    /// </summary>
    public long ClosedTo(AllocFlags flags) => (flags & AllocFlags.Reserves) == 0 ? ReservedHighAtomic : 0;

    /// <summary>
    /// A free block of the order or above that the request may take. Blocks set aside are for HIGHATOMIC and OOM alone.
    /// </summary>
    public bool HasBlock(int order, AllocFlags flags)
    {
        var all = (flags & (AllocFlags.HighAtomic | AllocFlags.Oom)) != 0 || _setAside.Length == 0;
        for (var o = order; o <= PageBlock.MaxOrder; o++)
        {
            if (NrFreeBlocks[o] > (all ? 0 : _setAsideBlocks[o]))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// A block from what is set aside, when ordinary lists had none: for the requests it is kept for, for victims of
    /// the OOM killer, and (6.1.192) for single pages of GFP_ATOMIC. −1: none, or closed to the request.
    /// </summary>
    public int TakeSetAside(PageFrame[] frames, int order, AllocFlags flags)
    {
        const AllocFlags Entitled = AllocFlags.HighAtomic | AllocFlags.Oom | AllocFlags.Harder;
        if (_setAside.Length == 0 || (flags & Entitled) == 0)
        {
            return PageFrame.None;
        }

        for (var o = order; o <= PageBlock.MaxOrder; o++)
        {
            var page = _setAside[o].Head;
            if (page >= 0)
            {
                Unlink(frames, page, o);
                Expand(frames, page, order, o, MigrateType.HighAtomic);
                return page;
            }
        }

        return PageFrame.None;
    }

    /// <summary>
    /// <c>reserve_highatomic_pageblock</c>: the page block of a granted block is set aside, up to a hundredth of the
    /// zone and one block more.
    /// </summary>
    public void SetAside(PageFrame[] frames, int page)
    {
        if (ReservedHighAtomic >= Managed / 100 + PageBlock.Pages || BlockType(page) == MigrateType.HighAtomic)
        {
            return;
        }

        if (_setAside.Length == 0)
        {
            _setAside = new PageList[PageBlock.Orders];
            Array.Fill(_setAside, PageList.Empty);
            _setAsideBlocks = new int[PageBlock.Orders];
        }

        ReservedHighAtomic += PageBlock.Pages;
        SetBlockType(page, MigrateType.HighAtomic);
        MoveFreePages(frames, page, MigrateType.HighAtomic);
    }

    /// <summary>
    /// <c>unreserve_highatomic_pageblock</c> of this zone: the page block of the first free block that is set aside
    /// becomes an ordinary movable one. Without <paramref name="force"/> the last block stays.
    /// </summary>
    public bool GiveUpSetAside(PageFrame[] frames, bool force)
    {
        if (ReservedHighAtomic == 0 || (!force && ReservedHighAtomic <= PageBlock.Pages))
        {
            return false;
        }

        for (var o = 0; o <= PageBlock.MaxOrder; o++)
        {
            var page = _setAside[o].Head;
            if (page >= 0)
            {
                ReservedHighAtomic -= PageBlock.Pages;
                SetBlockType(page, MigrateType.Movable);
                return MoveFreePages(frames, page, MigrateType.Movable) > 0;
            }
        }

        return false;
    }

    private ref PageList ListOf(int order, MigrateType type)
    {
        if (type == MigrateType.HighAtomic)
        {
            return ref _setAside[order];
        }

        return ref _free[order * PageBlock.Types + (int)type];
    }

    private void CountSetAside(int order, int type, int blocks)
    {
        if (type == (int)MigrateType.HighAtomic)
        {
            _setAsideBlocks[order] += blocks;
        }
    }
}
