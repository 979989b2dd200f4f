// The CPUs: who runs, and for how long.
using ClusterSwap.Blades.Messages;
using ClusterSwap.Engine;
using ClusterSwap.Kernel.Memory;

namespace ClusterSwap.Blades.Actors;

public sealed partial class Blade
{
    private void OnSectionEnd(SectionEnd end)
    {
        State.RunActor[end.Task] = end.ResumeActor;
        var systemNs = WholeSteps(end) + (Host.Chooses ? LatenessOf(end.Task) : 0);
        var doneNs = State.Cpus.EndSection(
            end.Task, end.UserNs, systemNs, end.Sleep, Host.NowNs, out var cpu, end.KeepCpu);
        if (end.WaitPage != PageFrame.None)
        {
            WaitForPage(end.Task, end.WaitPage);
        }

        if (doneNs > Host.NowNs)
        {
            Host.Schedule(doneNs, Index, _cpuDone[cpu]);
        }
        else
        {
            OnCpuDone(cpu);
        }
    }

    // Where time goes in steps, a section takes one at least.
    private long WholeSteps(SectionEnd end) => Host.TimeStepNs == 1
        ? end.SystemNs
        : Host.InSteps(Math.Max(end.UserNs + end.SystemNs, 1)) - end.UserNs;

    /// <summary>
    /// Work takes as long as the costs say, which no machine does every time: under a strategy that chooses, a section
    /// may take longer, and what other CPUs and the network do meanwhile comes before its end.
    /// </summary>
    private long LatenessOf(int task)
    {
        var actor = State.RunActor[task];
        ReadOnlySpan<ScheduleChoice> choices =
            [new(task, actor, ScheduleChoice.OnTime), new(task, actor, ScheduleChoice.Late)];
        return Host.Choose(choices) == 0 ? 0 : Host.InSteps(KernelTimes.LatenessNs);
    }

    // A page that is unlocked already voids the sleep.
    private void WaitForPage(int task, int page)
    {
        if (Memory.Pages.Frames[page].Has(PageFlags.Locked))
        {
            State.PageWaiters.Add(new PageWaiter(task, page));
        }
        else
        {
            WakeTask(task);
        }
    }

    private void OnCpuDone(int cpu)
    {
        switch (State.Cpus.OnCpuDone(cpu, Host.NowNs, out var task, out var atNs))
        {
            case CpuNext.NotYet:
                Host.Schedule(atNs, Index, _cpuDone[cpu]);
                break;
            case CpuNext.Run:
                Run(cpu, task);
                break;
        }
    }

    private void WakeTask(int task)
    {
        State.Cpus.Wake(task, Host.NowNs);
        while (State.Cpus.TryDispatch(Host.NowNs, out var cpu, out var next))
        {
            Run(cpu, next);
        }
    }

    bool ITaskChooser.Chooses => Host.Chooses;

    int ITaskChooser.Choose(ReadOnlySpan<int> tasks)
    {
        Span<ScheduleChoice> choices = stackalloc ScheduleChoice[tasks.Length];
        for (var i = 0; i < tasks.Length; i++)
        {
            choices[i] = new ScheduleChoice(tasks[i], State.RunActor[tasks[i]], ScheduleChoice.Cpu);
        }

        return Host.Choose(choices);
    }

    private void Run(int cpu, int task)
    {
        var run = _runTask[task];
        run.Cpu = cpu;
        Host.Send(State.RunActor[task], run);
    }
}
