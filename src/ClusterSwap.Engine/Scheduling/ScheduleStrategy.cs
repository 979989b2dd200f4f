// In which order what a kernel may do in any order is done.
using System.Buffers;

namespace ClusterSwap.Engine;

/// <summary>
/// One thing that could happen next: a message that could be delivered, a task that could get a CPU, or that a piece of
/// work takes its usual time or longer.
/// </summary>
/// <param name="Sender">Index of the actor that sent the message; negative: another host, or nobody. Else: number of the
/// task.</param>
/// <param name="Receiver">Index of the actor that it is for, or of that which runs the task.</param>
/// <param name="Kind">The message's kind, or one of the kinds below.</param>
public readonly record struct ScheduleChoice(int Sender, int Receiver, ushort Kind)
{
    /// <summary>The kind of a choice between tasks for a CPU. No message has it.</summary>
    public const ushort Cpu = ushort.MaxValue;

    /// <summary>The kind of a piece of work that takes its usual time.</summary>
    public const ushort OnTime = ushort.MaxValue - 1;

    /// <summary>The kind of a piece of work that takes longer.</summary>
    public const ushort Late = ushort.MaxValue - 2;

    /// <summary>It is no message.</summary>
    public bool IsOfTask => Kind >= Late;
}

/// <summary>
/// Decides among events of one host at one instant, and among tasks for a CPU. An event that comes due, and all that is
/// sent because of it within the instant, is one course of things: it goes on in its own order, and a strategy
/// interleaves several of them. Messages between the same sender and receiver keep their order whatever they descend
/// from, and a task is passed over only by those that its scheduler might prefer too. The strategy itself is a
/// description; what it remembers is one <see cref="HostSchedule"/> a host.
/// </summary>
public abstract class ScheduleStrategy
{
    /// <summary>
    /// Messages are delivered as they were sent, and the first of a run queue runs: the default, and the fastest.
    /// </summary>
    public static ScheduleStrategy Fifo { get; } = new FifoStrategy();

    /// <summary>What comes next is drawn, each as likely as the others.</summary>
    public static ScheduleStrategy Random(ulong seed) => new RandomStrategy(seed);

    /// <summary>Priorities drawn at random that change at a few random decisions; see
    /// <see cref="PctStrategy"/>.</summary>
    public static ScheduleStrategy Pct(ulong seed, int depth, long decisions)
        => new PctStrategy(seed, depth, decisions);

    /// <summary>The order of <see cref="Fifo"/> but for a few delays; see <see cref="DelayStrategy"/>.</summary>
    public static ScheduleStrategy DelayBounded(ulong seed, int delays, long decisions)
        => new DelayStrategy(seed, delays, decisions);

    /// <summary>The order of <see cref="Fifo"/> but for the switches of a trace.</summary>
    public static ScheduleStrategy Replay(ScheduleTrace trace) => new ReplayStrategy(trace);

    /// <summary>This strategy from a virtual time on, ns, and the order of <see cref="Fifo"/> before.</summary>
    public ScheduleStrategy From(long fromNs) => fromNs <= 0 ? this : new LateStrategy(this, fromNs);

    /// <summary>
    /// Where the run so far could not be led as this strategy wants it, a sentence without its dot; null when it could.
    /// For use at barriers.
    /// </summary>
    public virtual string? Divergence => null;

    /// <summary>The strategy itself and the virtual time from which it decides, ns: what <see cref="From"/> put
    /// together.</summary>
    public virtual (ScheduleStrategy Strategy, long FromNs) Begin => (this, 0);

    /// <summary>Name and parameters, as <see cref="StrategyText.Parse"/> reads them.</summary>
    public abstract string Describe();

    /// <summary>
    /// The decisions of one host, from the first on; null means those of <see cref="Fifo"/>. Called once for each host
    /// when a simulation begins to follow the strategy.
    /// </summary>
    public abstract HostSchedule? ForHost(int hostId);

    private sealed class FifoStrategy : ScheduleStrategy
    {
        public override string Describe() => "fifo";

        public override HostSchedule? ForHost(int hostId) => null;
    }
}

/// <summary>A strategy at work on one host. What it remembers is part of a checkpoint.</summary>
public abstract class HostSchedule
{
    /// <summary>
    /// Index of what happens next. The choices are, first that of <see cref="ScheduleStrategy.Fifo"/>, either the
    /// next message of each course of things among the first <see cref="HostContext.ChoiceReach"/> that wait, or the
    /// tasks that may get a CPU. There are at least two.
    /// </summary>
    public abstract int Pick(long nowNs, ReadOnlySpan<ScheduleChoice> choices);

    /// <summary>Writes what the schedule remembers.</summary>
    public abstract void SaveState(IBufferWriter<byte> writer);

    /// <summary>Takes over what <see cref="SaveState"/> wrote.</summary>
    public abstract void LoadState(ReadOnlySpan<byte> data);
}
