// Grouping of pages by mobility: what a 4 MiB page block is used for.
namespace ClusterSwap.Kernel.Memory;

/// <summary>
/// Mobility of a page (<c>include/linux/mmzone.h</c>, 3.6). MIGRATE_RESERVE, CMA and ISOLATE are not modelled.
/// </summary>
public enum MigrateType : byte
{
    /// <summary>Kernel memory that nobody can move: slab pages, socket pages, page tables.</summary>
    Unmovable,

    /// <summary>Kernel memory that can be given back on demand (<c>__GFP_RECLAIMABLE</c>).</summary>
    Reclaimable,

    /// <summary>User pages and page cache (<c>__GFP_MOVABLE</c>).</summary>
    Movable,

    /// <summary>Set aside for atomic requests of high order (MIGRATE_HIGHATOMIC, 4.4); no request asks for
    /// it.</summary>
    HighAtomic,
}

/// <summary>Sizes and tables of page blocks.</summary>
public static class PageBlock
{
    /// <summary>Number of mobility types that requests have.</summary>
    public const int Types = 3;

    /// <summary>Orders that the buddy allocator has: 0 to 10 (MAX_ORDER 11).</summary>
    public const int Orders = 11;

    /// <summary>The largest order: 1,024 pages.</summary>
    public const int MaxOrder = Orders - 1;

    /// <summary>A page block has 4 MiB: one block of the largest order.</summary>
    public const int Order = MaxOrder;

    /// <summary>Pages of a page block.</summary>
    public const int Pages = 1 << Order;

    /// <summary>
    /// From this order on (<c>pageblock_order / 2</c>) a block that is borrowed from another type takes the rest of its
    /// page block with it (<c>__rmqueue_fallback</c>, 3.6).
    /// </summary>
    public const int StealOrder = Order / 2;

    /// <summary>
    /// The n-th type (0 or 1) from which <paramref name="type"/> borrows when its own lists are empty.
    /// </summary>
    public static MigrateType Fallback(MigrateType type, int n) => type switch
    {
        MigrateType.Unmovable => n == 0 ? MigrateType.Reclaimable : MigrateType.Movable,
        MigrateType.Reclaimable => n == 0 ? MigrateType.Unmovable : MigrateType.Movable,
        _ => n == 0 ? MigrateType.Reclaimable : MigrateType.Unmovable,
    };

    /// <summary>Mobility of a request (<c>allocflags_to_migratetype</c>, 3.6).</summary>
    public static MigrateType TypeOf(Gfp gfp) =>
        (gfp & Gfp.Movable) != 0 ? MigrateType.Movable
        : (gfp & Gfp.Reclaimable) != 0 ? MigrateType.Reclaimable
        : MigrateType.Unmovable;
}
