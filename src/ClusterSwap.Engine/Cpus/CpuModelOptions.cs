// Parameters of the scheduler of a simulated host.
using System.Numerics;
using MemoryPack;

namespace ClusterSwap.Engine;

/// <summary>
/// Times of the completely fair scheduler, in nanoseconds. The defaults of <see cref="ForCpus"/> are those of Linux
/// 3.6: normalized values times 1 + log2(CPUs), <c>update_sysctl</c> in kernel/sched/fair.c, CPUs being counted up to
/// 8.
/// </summary>
[MemoryPackable]
public sealed partial record CpuModelOptions
{
    /// <summary>CPU time of a context switch, charged to the task that comes.</summary>
    public long SwitchCostNs { get; init; } = 2_000;

    /// <summary>
    /// How far a woken task must be behind in virtual run time to preempt (<c>sysctl_sched_wakeup_granularity</c>).
    /// </summary>
    public long WakeupGranularityNs { get; init; } = 1_000_000;

    /// <summary>Period in which every runnable task runs once (<c>sysctl_sched_latency</c>).</summary>
    public long LatencyNs { get; init; } = 6_000_000;

    /// <summary>Smallest slice of a task of ordinary weight (<c>sysctl_sched_min_granularity</c>).</summary>
    public long MinGranularityNs { get; init; } = 750_000;

    /// <summary>The kernel's own values for a number of CPUs.</summary>
    public static CpuModelOptions ForCpus(int cpus, long switchCostNs = 2_000)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(cpus, 1);
        int factor = 1 + BitOperations.Log2((uint)Math.Min(cpus, 8));
        return new CpuModelOptions
        {
            SwitchCostNs = switchCostNs,
            WakeupGranularityNs = 1_000_000L * factor,
            LatencyNs = 6_000_000L * factor,
            MinGranularityNs = 750_000L * factor,
        };
    }
}
