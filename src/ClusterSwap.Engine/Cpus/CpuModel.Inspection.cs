// What can be seen of the CPUs: times, states, invariants.
namespace ClusterSwap.Engine;

/// <summary>Times of a CPU, ns, of sections begun so far.</summary>
public readonly record struct CpuTimes(long UserNs, long SystemNs, long InterruptNs, long IdleNs);

public sealed partial class CpuModel
{
    /// <summary>User time of a task, of sections begun so far, in nanoseconds.</summary>
    public long UserNs(int task) => _tasks[task].UserNs;

    /// <summary>System time of a task, context switches to it included, of sections begun so far.</summary>
    public long SystemNs(int task) => _tasks[task].SystemNs;

    /// <summary>Whether a task sleeps, waits for a CPU or runs.</summary>
    public CpuTaskState StateOf(int task) => _tasks[task].State;

    /// <summary>Weighted run time by which the scheduler orders tasks (<c>vruntime</c>).</summary>
    public long VirtualRunNs(int task) => _tasks[task].VirtualRunNs;

    /// <summary>The task that a CPU runs; -1 when it is idle.</summary>
    public int TaskOn(int cpu) => _cpus[cpu].Task;

    /// <summary>End of the section that a CPU runs, as known now; in the past when it is idle.</summary>
    public long BusyUntilNs(int cpu) => _cpus[cpu].BusyUntilNs;

    /// <summary>End of the interrupt work that a CPU has accepted.</summary>
    public long InterruptUntilNs(int cpu) => _cpus[cpu].InterruptUntilNs;

    /// <summary>Whether the task on a CPU gives way at the end of its section.</summary>
    public bool NeedResched(int cpu) => _cpus[cpu].NeedResched;

    /// <summary>User time of all CPUs.</summary>
    public long TotalUserNs() => Sum(static (in Cpu cpu) => cpu.UserNs);

    /// <summary>System time of all CPUs, without interrupts.</summary>
    public long TotalSystemNs() => Sum(static (in Cpu cpu) => cpu.SystemNs);

    /// <summary>Interrupt and softirq time of all CPUs.</summary>
    public long TotalInterruptNs() => Sum(static (in Cpu cpu) => cpu.InterruptNs);

    /// <summary>Idle time of all CPUs up to now.</summary>
    public long TotalIdleNs(long nowNs)
    {
        long idleNs = 0;
        foreach (ref readonly Cpu cpu in _cpus.AsSpan())
        {
            idleNs += cpu.IdleNs + (cpu.Task < 0 ? Math.Max(0, nowNs - cpu.IdleFromNs) : 0);
        }

        return idleNs;
    }

    /// <summary>What one CPU has done up to now.</summary>
    public CpuTimes TimesOf(int cpu, long nowNs)
    {
        ref readonly Cpu of = ref _cpus[cpu];
        long idleNs = of.IdleNs + (of.Task < 0 ? Math.Max(0, nowNs - of.IdleFromNs) : 0);
        return new CpuTimes(of.UserNs, of.SystemNs, of.InterruptNs, idleNs);
    }

    /// <summary>Throws when queue, tasks and CPUs contradict one another.</summary>
    public void AssertInvariants()
    {
        int runnable = 0;
        int running = 0;
        long weight = 0;
        foreach (ref readonly CpuTask task in _tasks.AsSpan())
        {
            runnable += task.State == CpuTaskState.Runnable ? 1 : 0;
            running += task.State == CpuTaskState.Running ? 1 : 0;
            weight += task.State == CpuTaskState.Asleep ? 0 : task.Weight;
        }

        Require(runnable == _queued, $"{runnable} tasks are runnable, {_queued} are queued");
        Require(runnable + running == _activeTasks,
            $"{runnable} + {running} tasks want a CPU, {_activeTasks} are counted");
        Require(weight == _activeWeight, $"active tasks weigh {weight}, {_activeWeight} is counted");
        int busy = 0;
        for (int i = 0; i < _cpus.Length; i++)
        {
            int task = _cpus[i].Task;
            busy += task >= 0 ? 1 : 0;
            Require(task < 0 || (_tasks[task].State == CpuTaskState.Running && _tasks[task].Cpu == i),
                $"cpu {i} runs task {task}, which does not run there");
        }

        Require(busy == running, $"{busy} CPUs are busy with {running} running tasks");
        for (int i = 1; i < _queued; i++)
        {
            Require(!Before(_queue[i], _queue[(i - 1) >> 1]), $"the run queue is out of order at {i} of {_queued}");
        }
    }

    private static void Require(bool holds, string text)
    {
        if (!holds)
        {
            throw new InvalidOperationException(text);
        }
    }

    private delegate long CpuTime(in Cpu cpu);

    private long Sum(CpuTime time)
    {
        long sum = 0;
        foreach (ref readonly Cpu cpu in _cpus.AsSpan())
        {
            sum += time(in cpu);
        }

        return sum;
    }
}
