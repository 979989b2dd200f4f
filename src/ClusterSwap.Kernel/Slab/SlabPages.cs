// The pages under slabs: what both allocators do to the frames of a block when a slab begins and ends.
using ClusterSwap.Kernel.Memory;

namespace ClusterSwap.Kernel.Slab;

/// <summary>
/// Frames of a slab. The head page's Mapping is the cache's index, Private the state of the slab; the other pages only
/// say that they belong to a slab.
/// </summary>
internal static class SlabPages
{
    /// <summary>
    /// Flags that concern pages of users and mean nothing for a slab (<c>GFP_RECLAIM_MASK</c> keeps the rest).
    /// </summary>
    private const Gfp NotForSlabs = Gfp.Zero | Gfp.HighMem | Gfp.Movable | Gfp.Cold | Gfp.HardWall;

    /// <summary>The page request of a slab, from the flags of the object's request.</summary>
    public static AllocCall Request(in SlabCall call, Gfp add, Gfp remove, int order)
    {
        var gfp = call.Gfp & ~(NotForSlabs | remove) | add;
        return AllocCall.For(
            PageOwner.Slab, order > 0 ? gfp | Gfp.Comp : gfp, call.Task, call.Context, call.Cpu, order);
    }

    /// <summary>
    /// Continues the page request inside <paramref name="call"/> with the task's flags of this moment.
    /// </summary>
    public static AllocOutcome Continue(IPageSource pages, ref SlabCall call)
    {
        call.Pages.Task = call.Task;
        call.Pages.Context = call.Context;
        call.Pages.Cpu = call.Cpu;
        return pages.Continue(ref call.Pages);
    }

    /// <summary>
    /// Makes a block a slab: owner, order and cache; <paramref name="reserved"/> is PageSlabPfmemalloc.
    /// </summary>
    public static void Begin(PageFrame[] frames, int head, int order, int cache, bool reserved)
    {
        for (var page = head; page < head + (1 << order); page++)
        {
            ref var frame = ref frames[page];
            frame.Owner = PageOwner.Slab;
            frame.Order = 0;
            frame.Next = PageFrame.None;
            frame.Prev = PageFrame.None;
            frame.Mapping = PageFrame.None;
            frame.Private = 0;
        }

        frames[head].Order = order;
        frames[head].Mapping = cache;
        if (reserved)
        {
            frames[head].Set(PageFlags.SlabPfMemAlloc);
        }
        else
        {
            frames[head].Clear(PageFlags.SlabPfMemAlloc);
        }
    }

    /// <summary>Ends a slab that is on no list, and gives its pages back.</summary>
    public static int End(IPageSource pages, int head, int cpu)
    {
        ref var frame = ref pages.Frames[head];
        var order = frame.Order;
        frame.Mapping = PageFrame.None;
        frame.Private = 0;
        frame.Next = PageFrame.None;
        frame.Prev = PageFrame.None;
        frame.Clear(PageFlags.SlabPfMemAlloc);
        pages.Free(head, order, cpu);
        return order;
    }

    /// <summary>Stops the run when a handle does not name a slab of the cache: a stale or foreign object.</summary>
    public static void RequireSlabOf(in PageFrame frame, int slab, int cache, string name)
    {
        if (frame.Owner != PageOwner.Slab || frame.Mapping != cache)
        {
            throw new InvalidOperationException(
                $"{name} got back an object of page {slab}, which belongs to {frame.Owner} (cache {frame.Mapping}, "
                + $"expected {cache})");
        }
    }
}
