// Machines and requests that the allocator's tests have in common.
using ClusterSwap.Kernel.Memory;

namespace ClusterSwap.Kernel.Tests.Memory;

internal static class Machine
{
    public const int GiB = 262_144;
    public const int MiB = 256;

    public static PageAllocator Flat2GiB(PatchSet? patches = null) =>
        new(ZoneLayout.Flat, 2 * GiB, null, 1, patches ?? PatchSet.All);

    public static PageAllocator Dma2GiB(PatchSet? patches = null) =>
        new(ZoneLayout.DmaDma32, 2 * GiB, null, 1, patches ?? PatchSet.All);

    /// <summary>64 MiB flat: marks 256, 320, 384; batch 3, high 18.</summary>
    public static PageAllocator Small(PatchSet? patches = null, int cpus = 1) =>
        new(ZoneLayout.Flat, 64 * MiB, null, cpus, patches ?? PatchSet.All);

    public static AllocCall Request(
        Gfp gfp,
        TaskFlags task = TaskFlags.None,
        AllocContext context = AllocContext.Task,
        int order = 0,
        PageOwner owner = PageOwner.Anon,
        int cpu = 0) => AllocCall.For(owner, gfp, task, context, cpu, order);

    /// <summary>A task that may take everything, whatever patches there are.</summary>
    public static AllocCall Privileged(int order = 0) => Request(Gfp.NoIo, TaskFlags.MemAlloc, order: order);

    /// <summary>Allocates privileged blocks until the zones have exactly so many free pages.</summary>
    public static void LeaveFree(PageAllocator memory, long pages)
    {
        // Single pages come in batches from the per-CPU lists: blocks of order 1 and more are exact.
        while (memory.FreePages - pages >= 2)
        {
            var order = 10;
            while (1L << order > memory.FreePages - pages || !HasBlock(memory, order))
            {
                order--;
            }

            var call = Privileged(order);
            if (order == 0 || memory.Continue(ref call) != AllocOutcome.Granted)
            {
                throw new InvalidOperationException($"{memory.FreePages} pages free, none of order {order} to be had");
            }
        }

        if (memory.FreePages != pages)
        {
            // An odd number: take the boot way for the last one.
            memory.ReserveBoot(1, PageOwner.Kernel);
        }

        Assert.Equal(pages, memory.FreePages);
    }

    /// <summary>Takes single pages by the same request until one is not granted; returns how many there were.</summary>
    public static int TakeAll(PageAllocator memory, AllocCall request, List<int>? pages = null)
    {
        var taken = 0;
        while (true)
        {
            var call = request;
            if (memory.Continue(ref call) != AllocOutcome.Granted)
            {
                return taken;
            }

            pages?.Add(call.Page);
            taken++;
        }
    }

    private static bool HasBlock(PageAllocator memory, int order) =>
        memory.Zones.Any(zone => Enumerable.Range(order, PageBlock.Orders - order).Any(o => zone.NrFreeBlocks[o] > 0));
}
