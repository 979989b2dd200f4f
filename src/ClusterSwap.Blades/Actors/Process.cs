// A user process of the workload: it touches its pages in order.
using ClusterSwap.Engine;
using ClusterSwap.Kernel;
using ClusterSwap.Kernel.Block;
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Swap;
using MemoryPack;

namespace ClusterSwap.Blades.Actors;

/// <summary>State of a process.</summary>
[MemoryPackable]
public sealed partial class ProcessState : FaultingState
{
    /// <summary>Its place in the workload.</summary>
    public Workload? Workload;
}

/// <summary>A process of vmscan-anon-mmap.</summary>
public sealed class Process : FaultingTask<ProcessState>
{
    /// <summary>
    /// Process number <paramref name="process"/> of a blade; of <paramref name="flags"/> only PF_MEMPOLICY makes sense.
    /// </summary>
    public Process(
        HostContext host,
        int index,
        int process,
        Workload workload,
        CostModel cost,
        IssuedBy issuedBy = IssuedBy.DriverThread,
        TaskFlags flags = TaskFlags.None)
        : base(
            host, index, process, workload.PagesPerProcess, cost, issuedBy,
            new ProcessState { Workload = workload, Task = { Flags = flags } })
    {
    }

    /// <inheritdoc/>
    protected override TouchCall NextStretch(long budgetNs, int cpu) => State.Workload!.Next(0, budgetNs, cpu);

    /// <inheritdoc/>
    protected override bool Advance(TouchCall call)
    {
        // Each process has a workload of its own, in which it is number 0.
        call.Process = 0;
        return State.Workload!.Advance(call);
    }

    /// <inheritdoc/>
    protected override void PassEnded(bool done)
    {
        State.Phase = done ? ProcessPhase.Exit : ProcessPhase.User;
        Thread.EndSection(Index);
    }
}
