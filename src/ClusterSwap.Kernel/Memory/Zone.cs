// One zone of a blade's memory as data: extent, watermarks, and the free areas of its buddy allocator.
using MemoryPack;

namespace ClusterSwap.Kernel.Memory;

/// <summary>A zone (<c>struct zone</c>, 3.6). The page frames belong to the <see cref="PageAllocator"/>.</summary>
[MemoryPackable]
public sealed partial class Zone
{
    /// <summary>Which of the kernel's zone types this is.</summary>
    public ZoneKind Kind;

    /// <summary>Place in the allocator's array of zones: node × types + <see cref="Type"/>.</summary>
    public int Index;

    /// <summary>The node that it belongs to.</summary>
    public int Node;

    /// <summary>
    /// Place among the zones of its node, from low to high (<c>zone_idx</c>, over the types that the machine has), and
    /// so in every <see cref="LowmemReserve"/>.
    /// </summary>
    public int Type;

    /// <summary>First page frame number: a multiple of the largest block.</summary>
    public int StartPfn;

    /// <summary>One past the last present page.</summary>
    public int EndPfn;

    /// <summary>Pages present, those of the kernel included.</summary>
    public long Present;

    /// <summary>
    /// Pages that marks and batches are reckoned from: those present, or since 3.9 without what booting kept
    /// (<c>managed_pages</c>).
    /// </summary>
    public long Managed;

    /// <summary>Pages that booting kept for good.</summary>
    public long KeptAtBoot;

    /// <summary>Min watermark, pages.</summary>
    public long Min;

    /// <summary>Low watermark: below it the slow path begins and kswapd is woken.</summary>
    public long Low;

    /// <summary>High watermark: kswapd stops here.</summary>
    public long High;

    /// <summary>Pages kept from requests that would like a higher zone, by index of that zone.</summary>
    public long[] LowmemReserve = [];

    /// <summary>ZONE_RECLAIM_ACTIVE: kswapd is at work (5.14).</summary>
    public bool ReclaimActive;

    /// <summary>NR_FREE_PAGES: pages on the free areas. Pages on per-CPU lists are not among them.</summary>
    public long NrFree;

    /// <summary>Free blocks by order (<c>free_area[].nr_free</c>).</summary>
    public int[] NrFreeBlocks = new int[PageBlock.Orders];

    /// <summary>Free lists: entry order × 3 + type.</summary>
    [MemoryPackInclude]
    private PageList[] _free = new PageList[PageBlock.Orders * PageBlock.Types];

    /// <summary>Free lists of the page blocks that are set aside, by order; empty before 4.4.</summary>
    [MemoryPackInclude]
    private PageList[] _setAside = [];

    /// <summary>Free blocks on those, by order. <see cref="NrFreeBlocks"/> counts them too.</summary>
    [MemoryPackInclude]
    private int[] _setAsideBlocks = [];

    /// <summary>Mobility of each page block, one byte a block.</summary>
    [MemoryPackInclude]
    private byte[] _blockTypes = [];

    /// <summary>Told whenever pages come back to this zone's free lists (<c>free_one_page</c>); attached.</summary>
    [MemoryPackIgnore]
    public IPagesFreed? Listener;

    /// <summary>For deserialization.</summary>
    [MemoryPackConstructor]
    public Zone()
    {
    }

    /// <summary>A zone without free pages; <see cref="FreeAtBoot"/> puts its pages on the free areas.</summary>
    /// <param name="index">Place in the array of zones.</param>
    /// <param name="span">What it spans; a zone without pages is only a place in that array.</param>
    /// <param name="types">Zones of each node; 0: there is one node.</param>
    public Zone(int index, ZoneSpan span, int types = 0)
    {
        Kind = span.Kind;
        Index = index;
        Node = types == 0 ? 0 : index / types;
        Type = types == 0 ? index : index % types;
        StartPfn = span.StartPfn;
        EndPfn = span.StartPfn + span.Present;
        Present = span.Present;
        Managed = span.Present;
        if (StartPfn % PageBlock.Pages != 0 && Present > 0)
        {
            throw new InvalidOperationException($"zone {Name} starts at page {StartPfn}, not at a page block");
        }

        Array.Fill(_free, PageList.Empty);

        // memmap_init_zone: all blocks begin as movable, so that the kernel's own pages gather in few blocks.
        _blockTypes = new byte[(span.Present + PageBlock.Pages - 1) / PageBlock.Pages];
        Array.Fill(_blockTypes, (byte)MigrateType.Movable);
    }

    /// <summary>The kernel's name of the zone.</summary>
    [MemoryPackIgnore]
    public string Name => Kind switch
    {
        ZoneKind.Dma => "DMA",
        ZoneKind.Dma32 => "DMA32",
        _ => "Normal",
    };

    /// <summary>The watermark that <paramref name="flags"/> name, pages.</summary>
    public long Mark(AllocFlags flags) =>
        (flags & AllocFlags.WmarkLow) != 0 ? Low : (flags & AllocFlags.WmarkHigh) != 0 ? High : Min;

    /// <summary>Indicates that the page is one of this zone's present pages.</summary>
    public bool Has(int page) => page >= StartPfn && page < EndPfn;

    /// <summary>Mobility of the page block that the page lies in.</summary>
    public MigrateType BlockType(int page) => (MigrateType)_blockTypes[(page - StartPfn) >> PageBlock.Order];

    /// <summary>The free list of an order and type.</summary>
    public PageList FreeList(int order, MigrateType type) =>
        type != MigrateType.HighAtomic ? _free[order * PageBlock.Types + (int)type]
        : _setAside.Length == 0 ? PageList.Empty : _setAside[order];

    private void SetBlockType(int page, MigrateType type) =>
        _blockTypes[(page - StartPfn) >> PageBlock.Order] = (byte)type;
}

/// <summary>Wants to know that pages of a zone became free.</summary>
public interface IPagesFreed
{
    /// <summary>Pages reached the free lists.</summary>
    void PagesFreed();
}
