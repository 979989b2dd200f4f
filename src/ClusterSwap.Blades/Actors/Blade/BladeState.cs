// State of a blade: its memory, its CPUs, and who waits for what of them.
using ClusterSwap.Engine;
using ClusterSwap.Kernel;
using ClusterSwap.Kernel.Reclaim;
using MemoryPack;

namespace ClusterSwap.Blades.Actors;

/// <summary>A task that sleeps until a page is unlocked.</summary>
/// <param name="Task">The task.</param>
/// <param name="Page">The page.</param>
[MemoryPackable]
public readonly partial record struct PageWaiter(int Task, int Page);

/// <summary>A task that sleeps in reclaim_throttle (5.16).</summary>
/// <param name="Task">The task.</param>
/// <param name="Reason">What it waits for.</param>
[MemoryPackable]
public readonly partial record struct ReclaimSleeper(int Task, ThrottleReason Reason);

/// <summary>All that a blade knows.</summary>
[MemoryPackable]
public sealed partial class BladeState
{
    /// <summary>Physical memory with everything that is kept about it.</summary>
    public MachineMemory Memory = null!;

    /// <summary>CPUs and run queue.</summary>
    public CpuModel Cpus = null!;

    /// <summary>By task: the actor that holds its innermost call.</summary>
    public int[] RunActor = [];

    /// <summary>Tasks that wait for the lock of a page (wait_on_page_locked).</summary>
    public List<PageWaiter> PageWaiters = [];

    /// <summary>Tasks that wait for a bio of the mempool.</summary>
    public List<int> BioWaiters = [];

    /// <summary>By node: tasks on its pfmemalloc_wait.</summary>
    public List<int>[] Throttled = [];

    /// <summary>Tasks in congestion_wait: woken when the device leaves congestion.</summary>
    public List<int> CongestionWaiters = [];

    /// <summary>Tasks in reclaim_throttle (5.16), with what they wait for.</summary>
    public List<ReclaimSleeper> ReclaimSleepers = [];

    /// <summary>When the OOM killer was first called, ns; −1 if never.</summary>
    public long OutOfMemoryNs = -1;

    /// <summary>Who called it.</summary>
    public int OutOfMemoryTask = -1;

    /// <summary>Pages swapped in or out, given to processes, or freed by reclaim: moves while anything gets
    /// on.</summary>
    public long Progress;

    /// <summary>When it last moved, ns.</summary>
    public long ProgressNs;
}
