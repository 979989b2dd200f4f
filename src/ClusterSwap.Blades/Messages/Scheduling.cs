// Between a blade's CPUs and its tasks. A task runs one section at a time: work that the kernel would not preempt.
using ClusterSwap.Engine;
using ClusterSwap.Kernel.Memory;
using MemoryPack;

namespace ClusterSwap.Blades.Messages;

/// <summary>Blade to a task: a CPU is yours for your next section.</summary>
[MemoryPackable]
public sealed partial class RunTask() : SimMessage((ushort)MessageKind.RunTask)
{
    /// <summary>The task.</summary>
    public int Task;

    /// <summary>The CPU it runs on: chooses its per-CPU lists.</summary>
    public int Cpu;

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add((ulong)Task, (ulong)Cpu);
}

/// <summary>A task to its blade: the section costs this much CPU time, which ends the CPU's work on it.</summary>
[MemoryPackable]
public sealed partial class SectionEnd() : SimMessage((ushort)MessageKind.SectionEnd)
{
    /// <summary>The task.</summary>
    public int Task;

    /// <summary>CPU time in user mode, ns.</summary>
    public long UserNs;

    /// <summary>CPU time in the kernel, ns.</summary>
    public long SystemNs;

    /// <summary>The task sleeps until it is woken.</summary>
    public bool Sleep;

    /// <summary>The page for whose unlocking the sleep is, or <see cref="PageFrame.None"/>
    /// (wait_on_page_locked).</summary>
    public int WaitPage = PageFrame.None;

    /// <summary>The next section follows at once: the kernel cannot be preempted between the two.</summary>
    public bool KeepCpu;

    /// <summary>The actor that holds the innermost call of the task: it gets the next <see cref="RunTask"/>.</summary>
    public int ResumeActor;

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add(
        (ulong)(uint)Task | (Sleep ? 1UL << 32 : 0) | (KeepCpu ? 1UL << 33 : 0) | (ulong)(uint)ResumeActor << 40,
        (ulong)(UserNs + SystemNs * 3) ^ (ulong)(uint)(WaitPage + 1) << 32);
}

/// <summary>To the blade: a task that sleeps may run (<c>try_to_wake_up</c>). Waking one that is awake does
/// nothing.</summary>
[MemoryPackable]
public sealed partial class WakeTask(int task) : SimMessage((ushort)MessageKind.WakeTask)
{
    /// <summary>The task.</summary>
    public int Task { get; } = task;

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add((ulong)Task);
}

/// <summary>The blade to itself: the section on a CPU ends now.</summary>
[MemoryPackable]
public sealed partial class CpuDone(int cpu) : SimMessage((ushort)MessageKind.CpuDone)
{
    /// <summary>The CPU.</summary>
    public int Cpu { get; } = cpu;

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add((ulong)Cpu);
}

/// <summary>To the blade: interrupt or softirq work took CPU time from whatever ran.</summary>
[MemoryPackable]
public sealed partial class StealCpu() : SimMessage((ushort)MessageKind.StealCpu)
{
    /// <summary>The CPU that took the interrupt.</summary>
    public int Cpu;

    /// <summary>How long, ns.</summary>
    public long CostNs;

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add((ulong)Cpu, (ulong)CostNs);
}

/// <summary>The timer of a task: one is on its way at most, and one that an earlier one replaced says
/// nothing.</summary>
[MemoryPackable]
public sealed partial class SleepOver(int task, long atNs) : SimMessage((ushort)MessageKind.SleepOver)
{
    /// <summary>The task.</summary>
    public int Task { get; } = task;

    /// <summary>For when it was set, ns.</summary>
    public long AtNs { get; } = atNs;

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add((ulong)Task, (ulong)AtNs);
}

/// <summary>To a task at the start of a run: begin.</summary>
[MemoryPackable]
public sealed partial class StartTask() : SimMessage((ushort)MessageKind.StartTask)
{
    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add(1);
}
