// How large SLAB's slabs and arrays are, by object size and number of CPUs.
namespace ClusterSwap.Kernel.Slab;

/// <summary>
/// The size rules of SLAB (<c>mm/slab.c</c>: calculate_slab_order, cache_estimate, enable_cpucache, 3.5) for one node
/// and more than 32 MiB of memory.
/// </summary>
public static class SlabGeometry
{
    /// <summary>A refill of an array that was not used lately takes at most this many objects.</summary>
    public const int BatchRefillLimit = 16;

    /// <summary>Period of a CPU's reaping worker, ns (<c>REAPTIMEOUT_CPUC</c>).</summary>
    public const long ReapPeriodNs = 2_000_000_000;

    /// <summary>Shortest time between two reapings of the node's lists, ns (<c>REAPTIMEOUT_LIST3</c>).</summary>
    public const long NodeReapPeriodNs = 4_000_000_000;

    private const int PageSize = 4096;
    private const int MaxOrder = 1;
    private const int DescriptorBytes = 48;
    private const int IndexBytes = 4;
    private const int CacheLine = 64;

    /// <summary>Management lies outside the slab from this object size on, bytes.</summary>
    private const int OffSlabFrom = PageSize / 8;

    /// <summary>
    /// Order of a slab: the first that wastes at most 1/8, but not above 1. With <paramref name="compact"/> management
    /// (<see cref="KernelChange.SlabLayout"/>) slabs that count as <paramref name="reclaimable"/> are single pages.
    /// </summary>
    public static int Order(int size, bool compact = false, bool reclaimable = false)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 8);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(size, PageSize);
        if (compact && reclaimable)
        {
            return 0;
        }

        for (var order = 0; order < MaxOrder; order++)
        {
            var objects = Objects(order, size, compact);
            var waste = (PageSize << order) - objects * size - (compact ? 0 : ManagementBytes(objects, size));
            if (objects > 0 && waste * 8 <= PageSize << order)
            {
                return order;
            }
        }

        return MaxOrder;
    }

    /// <summary>
    /// Objects in a block of <paramref name="order"/>, after room for management that lies inside;
    /// <paramref name="compact"/> management lies in a free object.
    /// </summary>
    public static int Objects(int order, int size, bool compact = false)
    {
        var bytes = PageSize << order;
        if (compact || size >= OffSlabFrom)
        {
            return bytes / size;
        }

        var objects = (bytes - DescriptorBytes) / (size + IndexBytes);
        return objects * size + ManagementBytes(objects, size) > bytes ? objects - 1 : objects;
    }

    /// <summary>Objects that a CPU's array holds at most.</summary>
    public static int Limit(int size) => size switch
    {
        > PageSize => 8,
        > 1024 => 24,
        > 256 => 54,
        _ => 120,
    };

    /// <summary>Objects that move between array and node at a time: half of the limit, rounded up.</summary>
    public static int Batch(int size) => (Limit(size) + 1) / 2;

    /// <summary>Objects in the array that the CPUs share: eight batches; none without SMP.</summary>
    public static int SharedLimit(int size, int cpus) => cpus > 1 && size <= PageSize ? 8 * Batch(size) : 0;

    /// <summary>
    /// Free objects in slabs above which an empty slab goes back: a batch for each CPU and one more, and a slab.
    /// </summary>
    public static int FreeLimit(int size, int cpus) => FreeLimit(size, cpus, Objects(Order(size), size));

    /// <summary>The same for slabs of a given number of objects.</summary>
    public static int FreeLimit(int size, int cpus, int objectsOfSlab) => (1 + cpus) * Batch(size) + objectsOfSlab;

    private static int ManagementBytes(int objects, int size) => size >= OffSlabFrom
        ? 0
        : (DescriptorBytes + objects * IndexBytes + CacheLine - 1) / CacheLine * CacheLine;
}
