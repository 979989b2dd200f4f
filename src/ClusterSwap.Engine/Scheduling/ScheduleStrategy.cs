// In which order the messages of one instant are delivered.
using System.Buffers;

namespace ClusterSwap.Engine;

/// <summary>One message that could be delivered next. A negative sender is another host, or nobody.</summary>
/// <param name="Sender">Index of the actor that sent it.</param>
/// <param name="Receiver">Index of the actor that it is for.</param>
/// <param name="Kind">The message's kind.</param>
public readonly record struct ScheduleChoice(int Sender, int Receiver, ushort Kind);

/// <summary>
/// Decides the order among messages of one host at one instant. Whatever it decides, messages between the same sender
/// and receiver keep their order. The strategy itself is a description; what it remembers is one
/// <see cref="HostSchedule"/> a host.
/// </summary>
public abstract class ScheduleStrategy
{
    /// <summary>Messages are delivered as they were sent: the default, and the fastest.</summary>
    public static ScheduleStrategy Fifo { get; } = new FifoStrategy();

    /// <summary>The next message is drawn among the oldest of every sender-receiver pair.</summary>
    public static ScheduleStrategy Random(ulong seed) => new RandomStrategy(seed);

    /// <summary>Name and parameters, as a user would write them.</summary>
    public abstract string Describe();

    /// <summary>The decisions of one host; null means the order of sending.</summary>
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
    /// Index of the message to deliver next. The choices are the oldest of each sender-receiver pair among the first
    /// <see cref="HostContext.ChoiceReach"/> that wait, oldest first, and are never empty.
    /// </summary>
    public abstract int Pick(long nowNs, ReadOnlySpan<ScheduleChoice> choices);

    /// <summary>Writes what the schedule remembers.</summary>
    public abstract void SaveState(IBufferWriter<byte> writer);

    /// <summary>Takes over what <see cref="SaveState"/> wrote.</summary>
    public abstract void LoadState(ReadOnlySpan<byte> data);
}
