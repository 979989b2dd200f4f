// The CPUs of one host: fair scheduling of sections that the kernel would not preempt, with interrupts on top.
using MemoryPack;

namespace ClusterSwap.Engine;

/// <summary>
/// The CPUs of one host under the completely fair scheduler (kernel/sched/fair.c, Linux 3.6). A section is a piece of
/// work that the kernel would not preempt: its effects happen at its start, and the CPU is busy until its end.
/// Interrupt work runs before tasks, on the CPU that it hits, and pushes the end of the section there.
/// <para>
/// One run queue serves all CPUs, which is perfect load balancing: the kernel's balancer can leave a CPU idle while
/// tasks wait elsewhere, this cannot. Slices are checked at the end of each section rather than at ticks. Pure data:
/// the caller schedules the events, and calls <see cref="OnCpuDone"/> when the time that <see cref="EndSection"/>
/// returned has come.
/// </para>
/// </summary>
[MemoryPackable]
public sealed partial class CpuModel
{
    /// <summary>Weight of a task at nice 0 (<c>NICE_0_LOAD</c>).</summary>
    public const int NiceZeroWeight = 1_024;

    /// <summary>Weight of a task at nice -20 (<c>prio_to_weight</c>).</summary>
    public const int NiceMinus20Weight = 88_761;

    [MemoryPackInclude]
    private CpuModelOptions _options;

    [MemoryPackInclude]
    private Cpu[] _cpus;

    [MemoryPackInclude]
    private CpuTask[] _tasks = [];

    [MemoryPackInclude]
    private int[] _queue = new int[8];

    [MemoryPackInclude]
    private int _queued;

    [MemoryPackInclude]
    private ulong _queuings;

    [MemoryPackInclude]
    private long _minVirtualRunNs;

    [MemoryPackInclude]
    private long _activeWeight;

    [MemoryPackInclude]
    private int _activeTasks;

    private ITaskChooser? _chooser;

    /// <summary>CPUs that are all idle at time 0, without tasks.</summary>
    public CpuModel(int cpus, CpuModelOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(cpus, 1);
        _options = options;
        _cpus = new Cpu[cpus];
        for (int i = 0; i < cpus; i++)
        {
            _cpus[i] = new Cpu { Task = -1, LastTask = -1 };
        }
    }

    [MemoryPackConstructor]
    private CpuModel()
    {
        _options = new CpuModelOptions();
        _cpus = [];
    }

    /// <summary>
    /// Asks this one wherever the scheduler has no reason to prefer the first task of the queue. No state: it is set
    /// anew after a restore.
    /// </summary>
    public void AskAt(ITaskChooser chooser) => _chooser = chooser;

    /// <summary>Number of CPUs.</summary>
    [MemoryPackIgnore]
    public int CpuCount => _cpus.Length;

    /// <summary>Number of tasks, asleep ones included.</summary>
    [MemoryPackIgnore]
    public int TaskCount => _tasks.Length;

    /// <summary>Tasks that wait for a CPU.</summary>
    [MemoryPackIgnore]
    public int RunnableCount => _queued;

    /// <summary>Adds a task, asleep. Weight 1,024 is nice 0, 88,761 is nice -20. Returns its number, from 0.</summary>
    public int AddTask(int weight)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(weight, 1);
        int task = _tasks.Length;
        Array.Resize(ref _tasks, task + 1);
        _tasks[task] = new CpuTask { Weight = weight, Cpu = -1, VirtualRunNs = _minVirtualRunNs };
        return task;
    }

    /// <summary>
    /// Makes a sleeping task runnable (<c>try_to_wake_up</c>). While the task's section runs, the wake-up is
    /// remembered and voids the sleep at its end: it cannot be lost. A runnable task is left as it is. The caller
    /// tries to dispatch next.
    /// </summary>
    public void Wake(int task, long nowNs)
    {
        ref CpuTask woken = ref _tasks[task];
        if (woken.State == CpuTaskState.Running)
        {
            woken.WokenWhileRunning = true;
            return;
        }

        if (woken.State == CpuTaskState.Runnable)
        {
            return;
        }

        // place_entity with GENTLE_FAIR_SLEEPERS: a sleeper gets at most half a latency of credit.
        woken.VirtualRunNs = Math.Max(woken.VirtualRunNs, _minVirtualRunNs - (_options.LatencyNs / 2));
        _activeWeight += woken.Weight;
        _activeTasks++;
        Enqueue(task);
        PreemptFor(in woken);
    }

    /// <summary>
    /// Gives an idle CPU to the first runnable task, if there are both. The caller lets the task run its next section
    /// and then calls <see cref="EndSection"/>, at the same time. A CPU that still works for an interrupt is taken
    /// when no other is idle; the section then lasts from the end of that work.
    /// </summary>
    public bool TryDispatch(long nowNs, out int cpu, out int task)
    {
        cpu = -1;
        task = -1;
        if (_queued == 0)
        {
            return false;
        }

        cpu = ChooseIdleCpu(nowNs, _tasks[_queue[0]].Cpu);
        if (cpu < 0)
        {
            return false;
        }

        task = Dequeue();
        ref Cpu chosen = ref _cpus[cpu];
        chosen.IdleNs += Math.Max(0, nowNs - chosen.IdleFromNs);
        Start(cpu, task, picked: true);
        return true;
    }

    /// <summary>
    /// The section that the running task has just begun costs this much user and system time, and the task sleeps
    /// after it or not. A switch is charged as system time when the CPU ran another task before. With
    /// <paramref name="keepCpu"/> the next section follows without a look at the run queue: the work goes on, and only
    /// its effects are in two parts. Returns when the CPU is done.
    /// </summary>
    public long EndSection(
        int task, long userNs, long systemNs, bool sleep, long nowNs, out int cpu, bool keepCpu = false)
    {
        ref CpuTask running = ref _tasks[task];
        cpu = running.Cpu;
        if (running.State != CpuTaskState.Running || !_cpus[cpu].AwaitsCost || userNs < 0 || systemNs < 0)
        {
            throw new InvalidOperationException(
                $"task {task} is {running.State} and ends a section of {userNs} + {systemNs} ns that it did not begin");
        }

        ref Cpu on = ref _cpus[cpu];
        on.AwaitsCost = false;
        if (on.LastTask != task)
        {
            systemNs += on.LastTask < 0 ? 0 : _options.SwitchCostNs;
            on.LastTask = task;
        }

        long costNs = userNs + systemNs;
        running.UserNs += userNs;
        running.SystemNs += systemNs;
        on.UserNs += userNs;
        on.SystemNs += systemNs;
        running.VirtualRunNs += Weighted(costNs, running.Weight);
        running.RanSincePickNs += costNs;
        running.SleepsAtEnd = sleep;
        running.KeepsCpu = keepCpu;
        AdvanceMinVirtualRun();
        on.BusyUntilNs = Math.Max(nowNs, on.InterruptUntilNs) + costNs;
        return on.BusyUntilNs;
    }

    /// <summary>
    /// What the CPU does now that its section's time has come: nothing yet, the next section of the same task or of
    /// another, or nothing at all. On <see cref="CpuNext.Run"/> the caller goes on as after <see cref="TryDispatch"/>.
    /// </summary>
    public CpuNext OnCpuDone(int cpu, long nowNs, out int task, out long atNs)
    {
        ref Cpu done = ref _cpus[cpu];
        task = done.Task;
        atNs = done.BusyUntilNs;
        if (task >= 0 && done.AwaitsCost)
        {
            throw new InvalidOperationException(
                $"cpu {cpu} cannot be done at {nowNs} ns, task {task} has not said its cost");
        }

        if (nowNs < done.BusyUntilNs)
        {
            return CpuNext.NotYet;
        }

        bool stays = task >= 0 && !FallAsleep(task);
        if (stays && (_tasks[task].KeepsCpu || !ShouldSwitch(in done, in _tasks[task])))
        {
            Start(cpu, task, picked: false);
            return CpuNext.Run;
        }

        if (stays)
        {
            _tasks[task].State = CpuTaskState.Runnable;
            Enqueue(task);
        }

        if (_queued > 0)
        {
            task = Dequeue();
            Start(cpu, task, picked: true);
            return CpuNext.Run;
        }

        task = -1;
        if (done.Task >= 0)
        {
            done.Task = -1;
            done.IdleFromNs = Math.Max(nowNs, done.InterruptUntilNs);
        }

        return CpuNext.Idle;
    }

    /// <summary>
    /// Interrupt or softirq work takes the CPU now, after the interrupt work already accepted there, and pushes the
    /// end of the running section. Returns when this work ends.
    /// </summary>
    public long Interrupt(int cpu, long costNs, long nowNs)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(costNs);
        ref Cpu hit = ref _cpus[cpu];
        long startNs = Math.Max(nowNs, hit.InterruptUntilNs);
        hit.InterruptUntilNs = startNs + costNs;
        hit.InterruptNs += costNs;
        if (hit.Task < 0)
        {
            hit.IdleNs += Math.Max(0, startNs - hit.IdleFromNs);
            hit.IdleFromNs = Math.Max(hit.IdleFromNs, hit.InterruptUntilNs);
        }
        else if (!hit.AwaitsCost)
        {
            hit.BusyUntilNs += costNs;
        }

        return hit.InterruptUntilNs;
    }

    private static long Weighted(long ns, int weight)
        => weight == NiceZeroWeight ? ns : ns * NiceZeroWeight / weight; // rounds down

    private void Start(int cpu, int task, bool picked)
    {
        ref CpuTask starting = ref _tasks[task];
        ref Cpu on = ref _cpus[cpu];
        starting.State = CpuTaskState.Running;
        starting.Cpu = cpu;
        starting.SleepsAtEnd = false;

        // From here on the task looks at the world anew, so wake-ups that came before have been seen.
        starting.WokenWhileRunning = false;
        on.Task = task;
        on.AwaitsCost = true;
        if (picked)
        {
            starting.RanSincePickNs = 0;
            on.NeedResched = false;
        }
    }

    private bool FallAsleep(int task)
    {
        ref CpuTask ending = ref _tasks[task];
        if (!ending.SleepsAtEnd || ending.WokenWhileRunning)
        {
            return false;
        }

        ending.State = CpuTaskState.Asleep;
        _activeWeight -= ending.Weight;
        _activeTasks--;
        return true;
    }
}
