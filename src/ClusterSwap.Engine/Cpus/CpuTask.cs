// Data of one schedulable task and of one CPU.
namespace ClusterSwap.Engine;

/// <summary>Whether a task wants a CPU, and whether it has one.</summary>
public enum CpuTaskState
{
    /// <summary>It waits for something other than a CPU.</summary>
    Asleep,

    /// <summary>It waits for a CPU.</summary>
    Runnable,

    /// <summary>A CPU is busy with one of its sections.</summary>
    Running,
}

/// <summary>What a CPU does when a section's time is over.</summary>
public enum CpuNext
{
    /// <summary>The section is not over: interrupts pushed its end to the returned time.</summary>
    NotYet,

    /// <summary>The returned task runs its next section, now.</summary>
    Run,

    /// <summary>No task wants the CPU.</summary>
    Idle,
}

/// <summary>One task (<c>struct sched_entity</c> and a little of <c>task_struct</c>).</summary>
internal struct CpuTask
{
    public long VirtualRunNs;
    public long UserNs;
    public long SystemNs;

    /// <summary>CPU time since the task was last picked from the queue.</summary>
    public long RanSincePickNs;

    /// <summary>Order of joining the run queue: the older goes first among equals.</summary>
    public ulong QueuedAs;

    public int Weight;

    /// <summary>The CPU that it runs on, or that it ran on last; -1 before the first time.</summary>
    public int Cpu;

    public CpuTaskState State;

    /// <summary>The running section ends in sleep.</summary>
    public bool SleepsAtEnd;

    /// <summary>Its next section follows the one at work whatever waits.</summary>
    public bool KeepsCpu;

    /// <summary>A wake-up came while the section runs: the sleep at its end is void.</summary>
    public bool WokenWhileRunning;
}

/// <summary>One CPU.</summary>
internal struct Cpu
{
    /// <summary>The task whose section it runs; -1 when idle.</summary>
    public int Task;

    /// <summary>The task that ran last: another one costs a switch. -1 before the first.</summary>
    public int LastTask;

    /// <summary>End of the running section, interrupts included.</summary>
    public long BusyUntilNs;

    /// <summary>End of the interrupt work accepted so far.</summary>
    public long InterruptUntilNs;

    /// <summary>From here on the CPU has been idle, when it has no task.</summary>
    public long IdleFromNs;

    public long UserNs;
    public long SystemNs;
    public long InterruptNs;
    public long IdleNs;

    /// <summary>The running task is to be preempted at the end of its section (<c>TIF_NEED_RESCHED</c>).</summary>
    public bool NeedResched;

    /// <summary>The task was told to run, and has not yet said what its section costs.</summary>
    public bool AwaitsCost;
}
