// One page of swap I/O.
using MemoryPack;

namespace ClusterSwap.Kernel.Block;

/// <summary>A bio of the swap path: one page, one slot (<c>mm/page_io.c</c>: get_swap_bio, 3.6).</summary>
[MemoryPackable]
public partial struct Bio
{
    /// <summary>Swap-out; otherwise swap-in.</summary>
    public bool Write;

    /// <summary>The page, by page frame number.</summary>
    public int Page;

    /// <summary>Swap slot: the page's place on the device in units of 4 KiB.</summary>
    public int Slot;

    /// <summary>The bio object: handle of its slab, or one of the mempool's own elements.</summary>
    public int Slab;

    /// <summary>What the page holds, so that mixed-up or lost data can be seen.</summary>
    public uint Stamp;
}
