// The 32 bits of a page table entry: none, the zero page, present, or a swap slot.
namespace ClusterSwap.Kernel.Swap;

/// <summary>
/// Encoding of a page table entry. Present entries carry the hardware's young and dirty bits and the right to write;
/// the frame number has 27 bits (512 GiB), a slot 30 bits (4 TiB).
/// </summary>
public static class PageTableEntry
{
    /// <summary>Never touched, or released.</summary>
    public const uint Empty = 0;

    /// <summary>Maps the zero page: read before it was ever written (<c>do_anonymous_page</c>, 3.6).</summary>
    public const uint ZeroPage = 4;

    /// <summary>A frame is mapped.</summary>
    public const uint Present = 1;

    /// <summary>The hardware saw an access (_PAGE_ACCESSED).</summary>
    public const uint Young = 4;

    /// <summary>The hardware saw a write (_PAGE_DIRTY).</summary>
    public const uint Dirty = 8;

    /// <summary>Writing needs no fault (_PAGE_RW).</summary>
    public const uint Writable = 16;

    /// <summary>Highest frame number that fits.</summary>
    public const int MaxFrame = (1 << 27) - 1;

    /// <summary>Highest slot that fits.</summary>
    public const int MaxSlot = (1 << 30) - 1;

    internal const int FrameShift = 5;

    private const uint SwapBit = 2;

    /// <summary>Indicates that the entry maps a frame.</summary>
    public static bool IsPresent(uint entry) => (entry & Present) != 0;

    /// <summary>Indicates that the entry names a swap slot.</summary>
    public static bool IsSwap(uint entry) => (entry & (Present | SwapBit)) == SwapBit;

    /// <summary>Frame of a present entry.</summary>
    public static int Frame(uint entry) => (int)(entry >> FrameShift);

    /// <summary>Slot of a swap entry.</summary>
    public static int Slot(uint entry) => (int)(entry >> 2);

    /// <summary>An entry that maps <paramref name="page"/> with the given bits.</summary>
    public static uint ToFrame(int page, uint bits) => ((uint)page << FrameShift) | Present | bits;

    /// <summary>An entry that names <paramref name="slot"/>.</summary>
    public static uint ToSlot(int slot) => ((uint)slot << 2) | SwapBit;
}
