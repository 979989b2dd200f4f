// Who runs next: the run queue by virtual run time, slices and wake-up preemption.
namespace ClusterSwap.Engine;

public sealed partial class CpuModel
{
    // As many choices as a host offers among messages.
    private const int ContendersMax = HostContext.ChoiceReach;

    private bool Before(int a, int b)
    {
        ref readonly CpuTask x = ref _tasks[a];
        ref readonly CpuTask y = ref _tasks[b];
        return x.VirtualRunNs != y.VirtualRunNs ? x.VirtualRunNs < y.VirtualRunNs : x.QueuedAs < y.QueuedAs;
    }

    private void Enqueue(int task)
    {
        ref CpuTask queued = ref _tasks[task];
        queued.State = CpuTaskState.Runnable;
        queued.QueuedAs = _queuings++;
        if (_queued == _queue.Length)
        {
            Array.Resize(ref _queue, _queued * 2);
        }

        int at = _queued++;
        while (at > 0)
        {
            int parent = (at - 1) >> 1;
            if (!Before(task, _queue[parent]))
            {
                break;
            }

            _queue[at] = _queue[parent];
            at = parent;
        }

        _queue[at] = task;
    }

    private int Dequeue() => _queued > 1 && _chooser is { Chooses: true } ? DequeueChosen(_chooser) : RemoveAt(0);

    /// <summary>
    /// One of those that are as good as the first for the scheduler: it lets a task run before the leftmost while that
    /// is behind by no more than the wake-up granularity (<c>pick_next_entity</c> with its buddies).
    /// </summary>
    private int DequeueChosen(ITaskChooser chooser)
    {
        Span<int> contenders = stackalloc int[ContendersMax];
        long limitNs = _tasks[_queue[0]].VirtualRunNs + _options.WakeupGranularityNs;
        int count = 0;
        for (int i = 0; i < _queued && count < ContendersMax; i++)
        {
            if (_tasks[_queue[i]].VirtualRunNs <= limitNs)
            {
                contenders[count++] = _queue[i];
            }
        }

        contenders = contenders[..count];
        contenders.Sort((a, b) => a == b ? 0 : Before(a, b) ? -1 : 1);
        int chosen = contenders[chooser.Choose(contenders)];
        return RemoveAt(Array.IndexOf(_queue, chosen, 0, _queued));
    }

    private int RemoveAt(int at)
    {
        int removed = _queue[at];
        int last = _queue[--_queued];
        if (at == _queued)
        {
            return removed;
        }

        while (at > 0 && Before(last, _queue[(at - 1) >> 1]))
        {
            _queue[at] = _queue[(at - 1) >> 1];
            at = (at - 1) >> 1;
        }

        while (true)
        {
            int child = (at << 1) + 1;
            if (child >= _queued)
            {
                break;
            }

            if (child + 1 < _queued && Before(_queue[child + 1], _queue[child]))
            {
                child++;
            }

            if (!Before(_queue[child], last))
            {
                break;
            }

            _queue[at] = _queue[child];
            at = child;
        }

        _queue[at] = last;
        return removed;
    }

    /// <summary>
    /// The CPU the task ran on last if it is idle, or else the idle one that is free of interrupts first.
    /// </summary>
    private int ChooseIdleCpu(long nowNs, int lastCpu)
    {
        int best = -1;
        long bestFreeNs = long.MaxValue;
        for (int i = 0; i < _cpus.Length; i++)
        {
            if (_cpus[i].Task >= 0)
            {
                continue;
            }

            long freeNs = Math.Max(nowNs, _cpus[i].InterruptUntilNs);
            if (freeNs < bestFreeNs || (freeNs == bestFreeNs && i == lastCpu))
            {
                best = i;
                bestFreeNs = freeNs;
            }
        }

        return best;
    }

    /// <summary>
    /// Marks the CPU whose task is furthest ahead for preemption, when the woken task is behind it by more than the
    /// wake-up granularity, scaled by the woken task's weight (<c>wakeup_preempt_entity</c>). An idle CPU makes that
    /// needless.
    /// </summary>
    private void PreemptFor(in CpuTask woken)
    {
        int furthest = -1;
        for (int i = 0; i < _cpus.Length; i++)
        {
            int running = _cpus[i].Task;
            if (running < 0)
            {
                return;
            }

            bool ahead = furthest < 0 || _tasks[running].VirtualRunNs > _tasks[_cpus[furthest].Task].VirtualRunNs;
            furthest = !_cpus[i].NeedResched && ahead ? i : furthest;
        }

        if (furthest < 0)
        {
            return;
        }

        long leadNs = _tasks[_cpus[furthest].Task].VirtualRunNs - woken.VirtualRunNs;
        if (leadNs > Weighted(_options.WakeupGranularityNs, woken.Weight))
        {
            _cpus[furthest].NeedResched = true;
        }
    }

    /// <summary>Whether the task gives way at the end of its section (<c>check_preempt_tick</c>).</summary>
    private bool ShouldSwitch(in Cpu cpu, in CpuTask task)
    {
        if (_queued == 0)
        {
            return false;
        }

        if (cpu.NeedResched)
        {
            return true;
        }

        long sliceNs = SliceNs(task.Weight);
        if (task.RanSincePickNs > sliceNs)
        {
            return true;
        }

        return task.RanSincePickNs >= _options.MinGranularityNs
            && task.VirtualRunNs - _tasks[_queue[0]].VirtualRunNs > sliceNs;
    }

    /// <summary>
    /// The task's share of the period (<c>sched_slice</c>), with the load spread evenly over the CPUs: the latency,
    /// or the smallest granularity times the tasks of a CPU when these are many. Rounded down.
    /// </summary>
    private long SliceNs(int weight)
    {
        long tasksPerCpu = (_activeTasks + _cpus.Length - 1) / _cpus.Length;
        long periodNs = Math.Max(_options.LatencyNs, tasksPerCpu * _options.MinGranularityNs);
        return Math.Min(periodNs, periodNs * weight / Math.Max(1, _activeWeight) * _cpus.Length);
    }

    /// <summary>
    /// The smallest virtual run time of runnable and running tasks; it never goes back (<c>update_min_vruntime</c>).
    /// </summary>
    private void AdvanceMinVirtualRun()
    {
        long smallest = _queued > 0 ? _tasks[_queue[0]].VirtualRunNs : long.MaxValue;
        foreach (ref readonly Cpu cpu in _cpus.AsSpan())
        {
            if (cpu.Task >= 0)
            {
                smallest = Math.Min(smallest, _tasks[cpu.Task].VirtualRunNs);
            }
        }

        if (smallest != long.MaxValue)
        {
            _minVirtualRunNs = Math.Max(_minVirtualRunNs, smallest);
        }
    }
}
