// Waiting times that the kernel gives in ticks or milliseconds.
namespace ClusterSwap.Blades.Actors;

/// <summary>Waiting times of Linux 3.6, ns.</summary>
public static class KernelTimes
{
    /// <summary>A second.</summary>
    public const long SecondNs = 1_000_000_000;

    /// <summary>mempool_alloc waits for an element no longer than 5 s (<c>mm/mempool.c</c>).</summary>
    public const long MempoolWaitNs = 5 * SecondNs;

    /// <summary>SLAB looks at each CPU's arrays every 2 s (REAPTIMEOUT_CPUC, <c>mm/slab.c</c>).</summary>
    public const long SlabReapNs = 2 * SecondNs;

    /// <summary>Per-CPU work of one kind is spread so that not all CPUs do it at once.</summary>
    public const long TickStaggerNs = 30_000_000;

    /// <summary>Network drivers look at a short ring every 2 s.</summary>
    public const long RingWatchdogNs = 2 * SecondNs;

    /// <summary>
    /// How much longer than its cost a section may take under a schedule strategy, ns. A calibration: about as long as a
    /// section that allocates.
    /// </summary>
    public const long LatenessNs = 10_000;
}
