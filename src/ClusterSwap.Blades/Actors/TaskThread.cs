// What whoever holds a kernel call of a task does with it: it runs a section when its blade gives it a CPU.
using ClusterSwap.Blades.Messages;
using ClusterSwap.Engine;
using ClusterSwap.Kernel.Memory;
using MemoryPack;

namespace ClusterSwap.Blades.Actors;

/// <summary>What a sleeping or looping task waits for: the edges of the wait-for graph.</summary>
public enum WaitKind : byte
{
    /// <summary>Nothing: it runs, or may run.</summary>
    None,

    /// <summary>The lock of a page whose read is in flight; the object is the page.</summary>
    PageLock,

    /// <summary>A free page: it loops through reclaim, or is about to.</summary>
    FreePage,

    /// <summary>A request of the block queue (get_request); the object is 1 for the async class.</summary>
    Request,

    /// <summary>A bio of the mempool.</summary>
    Bio,

    /// <summary>The pfmemalloc throttle.</summary>
    Throttle,

    /// <summary>Time: congestion_wait and its like.</summary>
    Timer,

    /// <summary>Ownership of the NBD socket (<c>__lock_sock</c>).</summary>
    SocketLock,

    /// <summary>Room in the socket's send buffer, or memory for it (<c>sk_stream_wait_memory</c>).</summary>
    SendSpace,

    /// <summary>Data on the socket.</summary>
    SocketData,

    /// <summary>Work to do.</summary>
    Work,

    /// <summary>tx_lock of the NBD device.</summary>
    TxLock,

    /// <summary>Nothing ever: the task has ended.</summary>
    Ended,
}

/// <summary>What is known of a task by the actor that holds its call.</summary>
[MemoryPackable]
public sealed partial class TaskState
{
    /// <summary>Flags of the task now.</summary>
    public TaskFlags Flags;

    /// <summary>What it waits for.</summary>
    public WaitKind Wait;

    /// <summary>The thing it waits for, where there are several of a kind.</summary>
    public int WaitObject;

    /// <summary>Since when, ns.</summary>
    public long WaitSinceNs;

    /// <summary>It has requests in its plug.</summary>
    public bool Plugged;

    /// <summary>Its last section ended with a sleep.</summary>
    public bool Slept;

    /// <summary>Sections ended so far; 0 when it has never run.</summary>
    public int Sections;

    /// <summary>When its sleep ends at the latest, ns; <see cref="long.MaxValue"/> when only a wake-up ends
    /// it.</summary>
    public long DeadlineNs = long.MaxValue;

    /// <summary>When its timer goes off, ns, never after the deadline; <see cref="long.MaxValue"/> when none is on its
    /// way.</summary>
    public long TimerAtNs = long.MaxValue;
}

/// <summary>
/// One task as seen by the actor that holds its innermost call. It acts only between <see cref="RunTask"/> and the
/// <see cref="SectionEnd"/> with which it answers; what arrives otherwise only changes what the next section finds.
/// </summary>
public sealed class TaskThread(HostContext host, int actor, int task, int wakeupNs)
{
    private readonly SectionEnd _sectionEnd = new();
    private readonly WakeTask _wake = new(task);

    /// <summary>Number of the task on its blade.</summary>
    public int Task { get; } = task;

    /// <summary>The task's state, owned by the actor's state; set when that is set.</summary>
    public TaskState State { get; set; } = null!;

    /// <summary>The CPU of this section.</summary>
    public int Cpu { get; private set; }

    /// <summary>CPU time of this section so far, in the kernel, ns.</summary>
    public long SystemNs { get; set; }

    /// <summary>CPU time of this section so far, in user mode, ns.</summary>
    public long UserNs { get; set; }

    /// <summary>A section begins; the first one after a sleep pays for its wake-up.</summary>
    public void Begin(RunTask run)
    {
        Cpu = run.Cpu;
        SystemNs = State.Slept ? wakeupNs : 0;
        UserNs = 0;
        State.Slept = false;
    }

    /// <summary>A timer of this task went off: the sleep is over, or the timer of an earlier sleep is set anew for this
    /// one.</summary>
    public void OnTimer(SleepOver timer)
    {
        if (timer.AtNs != State.TimerAtNs)
        {
            return;
        }

        State.TimerAtNs = long.MaxValue;
        if (host.NowNs >= State.DeadlineNs)
        {
            Wake();
        }
        else
        {
            SetTimer();
        }
    }

    /// <summary>Ends the section; the task goes on when the CPU's time for it is over, with what
    /// <paramref name="resumeActor"/> holds.</summary>
    public void EndSection(int resumeActor, WaitKind wait = WaitKind.None)
    {
        SetWait(wait, 0);
        SendSectionEnd(sleep: false, resumeActor);
    }

    /// <summary>
    /// Ends a part of a section: the rest follows on this CPU whatever waits, as where a lock is released that the part
    /// took.
    /// </summary>
    public void EndPart()
    {
        SetWait(WaitKind.None, 0);
        SendSectionEnd(sleep: false, actor, keepCpu: true);
    }

    /// <summary>Ends the section and sleeps until woken.</summary>
    public void SleepOn(WaitKind wait, int @object = 0)
    {
        SetWait(wait, @object);
        SendSectionEnd(sleep: true, actor);
    }

    /// <summary>Ends the section and sleeps until a page is unlocked: not at all when it is that already.</summary>
    public void SleepOnPage(int page)
    {
        SetWait(WaitKind.PageLock, page);
        SendSectionEnd(sleep: true, actor, waitPage: page);
    }

    /// <summary>Ends the section and sleeps until woken, but no longer than <paramref name="ns"/>.</summary>
    public void SleepAtMost(WaitKind wait, long ns, int @object = 0)
    {
        SleepOn(wait, @object);
        State.DeadlineNs = host.NowNs + Math.Max(ns, 1);
        SetTimer();
    }

    /// <summary>Wakes this task, from an event that it may be waiting for.</summary>
    public void Wake() => host.Send(BladeActors.Blade, _wake);

    // Most sleeps end before their time. A timer that is due earlier than the deadline will do: it finds the deadline
    // then.
    private void SetTimer()
    {
        if (State.DeadlineNs < State.TimerAtNs)
        {
            State.TimerAtNs = State.DeadlineNs;
            host.Schedule(State.TimerAtNs, actor, new SleepOver(Task, State.TimerAtNs));
        }
    }

    private void SetWait(WaitKind wait, int @object)
    {
        if (wait != State.Wait || @object != State.WaitObject)
        {
            State.WaitSinceNs = host.NowNs;
        }

        State.Wait = wait;
        State.WaitObject = @object;
        State.Sections++;
        State.DeadlineNs = long.MaxValue;
    }

    private void SendSectionEnd(
        bool sleep, int resumeActor, bool keepCpu = false, int waitPage = PageFrame.None)
    {
        State.Slept = sleep;
        _sectionEnd.Task = Task;
        _sectionEnd.UserNs = UserNs;
        _sectionEnd.SystemNs = SystemNs;
        _sectionEnd.Sleep = sleep;
        _sectionEnd.KeepCpu = keepCpu;
        _sectionEnd.ResumeActor = resumeActor;
        _sectionEnd.WaitPage = waitPage;
        host.Send(BladeActors.Blade, _sectionEnd);
    }
}
