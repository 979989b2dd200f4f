// One physical page as data: 24 bytes, linked by 32-bit indices instead of references.
using System.Runtime.InteropServices;

namespace ClusterSwap.Kernel.Memory;

/// <summary>
/// Who a physical page belongs to. Exactly one owner at any moment; the sum over owners is what is present.
/// </summary>
public enum PageOwner : byte
{
    /// <summary>On a free list of the buddy allocator.</summary>
    Free,

    /// <summary>On a per-CPU list: not free for the watermarks, owned by nobody.</summary>
    PerCpu,

    /// <summary>Anonymous page of a process or of the swap cache.</summary>
    Anon,

    /// <summary>Clean page cache.</summary>
    File,

    /// <summary>Belongs to a slab cache.</summary>
    Slab,

    /// <summary>Fragment page of a socket's send queue.</summary>
    TxFragment,

    /// <summary>Fragment page of receive buffers.</summary>
    RxFragment,

    /// <summary>Page table of a process.</summary>
    PageTable,

    /// <summary>Kernel text, data and everything that is never freed.</summary>
    Kernel,
}

/// <summary>State bits of a page, named as in <c>include/linux/page-flags.h</c>.</summary>
[Flags]
public enum PageFlags : ushort
{
    None = 0,
    Locked = 0x1,
    Writeback = 0x2,
    Dirty = 0x4,
    Referenced = 0x8,
    Active = 0x10,
    Lru = 0x20,
    SwapCache = 0x40,
    Reclaim = 0x80,
    Uptodate = 0x100,

    /// <summary>page->pfmemalloc: transient, means something only right after allocation.</summary>
    PfMemAlloc = 0x200,

    /// <summary>PageSlabPfmemalloc: the slab was made from a reserve page.</summary>
    SlabPfMemAlloc = 0x400,

    /// <summary>Accounting only: given by a pass without watermarks and not freed since (no rule reads it).</summary>
    FromReserve = 0x800,

    /// <summary>Taken off its LRU list by a reclaimer.</summary>
    Isolated = 0x1000,

    /// <summary>Head of a free buddy block.</summary>
    Buddy = 0x2000,

    /// <summary>Executable file mapping: kept active when referenced.</summary>
    Exec = 0x4000,
}

/// <summary>
/// A physical page. <see cref="Next"/> and <see cref="Prev"/> link it into the one list that it is on (free area,
/// per-CPU list, LRU, slab list); −1 is the end.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 4, Size = 24)]
public struct PageFrame
{
    /// <summary>No page: the end of a list.</summary>
    public const int None = -1;

    /// <summary>Next page of the list that this page is on.</summary>
    public int Next;

    /// <summary>Previous page of the list that this page is on.</summary>
    public int Prev;

    /// <summary>
    /// Anonymous: the blade-wide virtual page that maps it, or <see cref="None"/>. Slab: the cache's index.
    /// </summary>
    public int Mapping;

    /// <summary>
    /// Swap cache: the slot. Slab: objects in use in the low half, the SLUB list state above. Otherwise 0.
    /// </summary>
    public int Private;

    /// <summary>What a user last wrote: lost or mixed-up pages show as a wrong stamp.</summary>
    public uint Stamp;

    /// <summary>State bits.</summary>
    public PageFlags Flags;

    /// <summary>Owner in the low four bits, order of the block in the high four (both for the head page).</summary>
    private byte _ownerAndOrder;

    /// <summary>References: users of a fragment page. Free pages have 0.</summary>
    public byte Count;

    /// <summary>Who owns the page.</summary>
    public PageOwner Owner
    {
        readonly get => (PageOwner)(_ownerAndOrder & 0x0f);
        set => _ownerAndOrder = (byte)(_ownerAndOrder & 0xf0 | (byte)value);
    }

    /// <summary>Order of the block whose head this page is (0 to 10).</summary>
    public int Order
    {
        readonly get => _ownerAndOrder >> 4;
        set => _ownerAndOrder = (byte)(_ownerAndOrder & 0x0f | value << 4);
    }

    /// <summary>Sets both at once: the head page of a block that has just been given.</summary>
    public void SetOwnerAndOrder(PageOwner owner, int order) => _ownerAndOrder = (byte)((int)owner | order << 4);

    /// <summary>Indicates that every bit of <paramref name="flags"/> is set.</summary>
    public readonly bool Has(PageFlags flags) => (Flags & flags) == flags;

    /// <summary>Sets <paramref name="flags"/>.</summary>
    public void Set(PageFlags flags) => Flags |= flags;

    /// <summary>Clears <paramref name="flags"/>.</summary>
    public void Clear(PageFlags flags) => Flags &= ~flags;
}
