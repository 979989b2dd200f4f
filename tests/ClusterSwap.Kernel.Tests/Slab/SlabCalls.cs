// Requests as the slab tests make them.
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Slab;

namespace ClusterSwap.Kernel.Tests.Slab;

internal static class SlabCalls
{
    public const Gfp Ordinary = Gfp.Atomic;
    public const Gfp Entitled = Gfp.Atomic | Gfp.MemAlloc;

    public static SlabCall Call(Gfp gfp = Ordinary, int cpu = 0) =>
        SlabCall.For(gfp, TaskFlags.None, AllocContext.Task, cpu);

    /// <summary>Allocates and expects an object; returns its slab.</summary>
    public static int Get(this ISlabCache cache, Gfp gfp = Ordinary, int cpu = 0)
    {
        var call = Call(gfp, cpu);
        Assert.Equal(AllocOutcome.Granted, cache.Alloc(ref call));
        return call.Slab;
    }

    /// <summary>Allocates and expects a failure.</summary>
    public static void Refused(this ISlabCache cache, Gfp gfp = Ordinary, int cpu = 0)
    {
        var call = Call(gfp, cpu);
        Assert.Equal(AllocOutcome.Failed, cache.Alloc(ref call));
        Assert.Equal(PageFrame.None, call.Slab);
    }

    public static int[] GetMany(this ISlabCache cache, int count, Gfp gfp = Ordinary, int cpu = 0)
    {
        var slabs = new int[count];
        for (var i = 0; i < count; i++)
        {
            slabs[i] = cache.Get(gfp, cpu);
        }

        return slabs;
    }

    public static void FreeAll(this ISlabCache cache, IEnumerable<int> slabs, int cpu = 0)
    {
        foreach (var slab in slabs)
        {
            cache.Free(slab, cpu);
        }
    }
}
