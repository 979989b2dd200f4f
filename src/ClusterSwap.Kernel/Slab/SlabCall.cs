// One slab allocation as data, and what a slab cache offers.
using ClusterSwap.Kernel.Memory;
using MemoryPack;

namespace ClusterSwap.Kernel.Slab;

/// <summary>
/// A slab allocation under way. It can stop where its page allocation has to reclaim or wait, and go on later.
/// </summary>
[MemoryPackable]
public partial struct SlabCall
{
    /// <summary>Request flags.</summary>
    public Gfp Gfp;

    /// <summary>Flags of the calling task at this moment.</summary>
    public TaskFlags Task;

    /// <summary>Context of the call.</summary>
    public AllocContext Context;

    /// <summary>The CPU on which the call runs.</summary>
    public byte Cpu;

    /// <summary>Private to the cache: where to go on; 0 at the start.</summary>
    public byte Stage;

    /// <summary>The page allocation inside this call; its owner is <see cref="PageOwner.Slab"/>.</summary>
    public AllocCall Pages;

    /// <summary>Head page of the slab that the granted object lies in, or −1: the object's handle.</summary>
    public int Slab;

    /// <summary>A new request.</summary>
    public static SlabCall For(Gfp gfp, TaskFlags task, AllocContext context, int cpu) => new()
    {
        Gfp = gfp,
        Task = task,
        Context = context,
        Cpu = (byte)cpu,
        Slab = PageFrame.None,
    };
}

/// <summary>
/// A cache of objects of one size. An object is named by the head page of its slab: objects of one slab are alike.
/// </summary>
public interface ISlabCache
{
    /// <summary>The kernel's name of the cache, such as <c>skbuff_head_cache</c> or <c>kmalloc-2048</c>.</summary>
    string Name { get; }

    /// <summary>Size of an object, bytes.</summary>
    int ObjectSize { get; }

    /// <summary>Runs the call to its end or to the next point where its page allocation stops.</summary>
    AllocOutcome Alloc(ref SlabCall call);

    /// <summary>
    /// Whether <see cref="Alloc"/> would find an object for a new request where it looks before it asks for a page. It
    /// changes nothing. A doubt counts as yes: whoever looks for hangs must not take one for a no.
    /// </summary>
    bool HasObjectFor(in SlabCall call);

    /// <summary>Gives one object of the slab headed by <paramref name="slab"/> back.</summary>
    void Free(int slab, int cpu);

    /// <summary>Objects handed out and not given back.</summary>
    long ObjectsInUse { get; }

    /// <summary>Pages that the cache holds.</summary>
    long PagesHeld { get; }
}
