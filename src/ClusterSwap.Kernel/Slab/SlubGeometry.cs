// How large SLUB's slabs are and how many of them it keeps, by object size and number of CPUs.
using System.Numerics;

namespace ClusterSwap.Kernel.Slab;

/// <summary>
/// The size rules of SLUB (<c>mm/slub.c</c>: calculate_order, set_min_partial, kmem_cache_open, 3.5; the orders of 6.1
/// are the same).
/// </summary>
public static class SlubGeometry
{
    /// <summary><c>slub_max_order</c>: PAGE_ALLOC_COSTLY_ORDER.</summary>
    public const int MaxOrder = 3;

    private const int PageSize = 4096;
    private const int PageShift = 12;

    /// <summary>Objects of <paramref name="size"/> bytes in a block of <paramref name="order"/>.</summary>
    public static int Objects(int order, int size) => (PageSize << order) / size;

    /// <summary>
    /// The preferred order: room for 4 × (fls(CPUs) + 1) objects with at most 1/16, 1/8 or 1/4 of waste; fewer objects
    /// are tried when no order up to 3 has that.
    /// </summary>
    public static int PreferredOrder(int size, int cpus)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(cpus, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 8);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(size, PageSize << MaxOrder);
        var wanted = Math.Min(4 * (Fls(cpus) + 1), Objects(MaxOrder, size));
        for (; wanted > 1; wanted--)
        {
            for (var fraction = 16; fraction >= 4; fraction /= 2)
            {
                var order = OrderFor(size, wanted, fraction);
                if (order <= MaxOrder)
                {
                    return order;
                }
            }
        }

        return OrderFor(size, 1, 1);
    }

    /// <summary>The order that a slab falls back to: the smallest that holds one object.</summary>
    public static int MinimumOrder(int size) => Math.Max(0, Fls(size - 1) - PageShift);

    /// <summary>
    /// Empty slabs go back at once when the node list has more slabs than this: log2(size)/2, 5 to 10.
    /// </summary>
    public static int MinPartial(int size) => Math.Clamp((Fls(size) - 1) / 2, 5, 10);

    /// <summary>
    /// Free objects that a CPU's partial list may gather before it is drained. Without SMP there is no such list: 0.
    /// </summary>
    public static int CpuPartial(int size, int cpus) => cpus == 1 ? 0 : size switch
    {
        >= PageSize => 2,
        >= 1024 => 6,
        >= 256 => 13,
        _ => 30,
    };

    /// <summary>
    /// Slabs that a CPU's partial list may gather before it is drained (<c>slub_set_cpu_partial</c>, 5.16): for 120,
    /// 52, 24 or 6 objects by size, if slabs are half full. Without SMP there is no such list: 0.
    /// </summary>
    public static int CpuPartialSlabs(int size, int cpus, int objectsOfSlab)
    {
        var objects = size switch
        {
            >= PageSize => 6,
            >= 1024 => 24,
            >= 256 => 52,
            _ => 120,
        };
        return cpus == 1 ? 0 : (2 * objects + objectsOfSlab - 1) / objectsOfSlab;
    }

    private static int OrderFor(int size, int objects, int fraction)
    {
        var order = Math.Max(0, Fls(objects * size - 1) - PageShift);
        for (; order <= MaxOrder; order++)
        {
            var bytes = PageSize << order;
            if (bytes >= objects * size && bytes % size <= bytes / fraction)
            {
                break;
            }
        }

        return order;
    }

    private static int Fls(int value) => 32 - BitOperations.LeadingZeroCount((uint)value);
}
