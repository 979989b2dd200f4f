// What comes out of a journal.
using ClusterSwap.Kernel.Tracing;

namespace ClusterSwap.Journal;

/// <summary>A message that was delivered.</summary>
/// <param name="TimeNs">Virtual time.</param>
/// <param name="Host">The host.</param>
/// <param name="Number">Which delivery of the host it was, from 1.</param>
/// <param name="Actor">Index of the receiver.</param>
/// <param name="Kind">Kind of the message.</param>
/// <param name="CauseHost">The host that sent it; its own for what was posted from outside.</param>
/// <param name="Cause">Delivery there during which it was sent; 0 for what was posted from outside.</param>
/// <param name="Check">Low 16 bits of the host's fingerprint with this message in it.</param>
public readonly record struct RecordedMessage(
    long TimeNs, int Host, long Number, int Actor, ushort Kind, int CauseHost, long Cause, ushort Check);

/// <summary>Something that a rule decided.</summary>
/// <param name="Host">The host.</param>
/// <param name="Number">
/// Delivery of the host during which it was decided: its cause. 0 before the first.
/// </param>
/// <param name="Record">What, when, by which task, and its values.</param>
public readonly record struct RecordedDecision(int Host, long Number, TraceRecord Record);

/// <summary>A host at a barrier.</summary>
/// <param name="TimeNs">Virtual time of the barrier.</param>
/// <param name="Host">The host.</param>
/// <param name="Messages">Messages delivered there so far.</param>
/// <param name="Digest">The host's fingerprint.</param>
public readonly record struct RecordedDigest(long TimeNs, int Host, long Messages, UInt128 Digest);

/// <summary>A message or a decision, in the order of the run.</summary>
public readonly record struct RecordedEvent
{
    internal RecordedEvent(in RecordedMessage message) => Message = message;

    internal RecordedEvent(in RecordedDecision decision)
    {
        IsDecision = true;
        Decision = decision;
    }

    /// <summary>A decision; otherwise a message.</summary>
    public bool IsDecision { get; }

    /// <summary>The message, if it is one.</summary>
    public RecordedMessage Message { get; }

    /// <summary>The decision, if it is one.</summary>
    public RecordedDecision Decision { get; }

    /// <summary>Virtual time, ns.</summary>
    public long TimeNs => IsDecision ? Decision.Record.TimeNs : Message.TimeNs;

    /// <summary>The host.</summary>
    public int Host => IsDecision ? Decision.Host : Message.Host;

    /// <summary>
    /// Delivery of the host: the message's own number, or that of the one during which the decision was made.
    /// </summary>
    public long Number => IsDecision ? Decision.Number : Message.Number;
}

/// <summary>A checkpoint in a journal.</summary>
/// <param name="Epoch">Epoch that wrote it.</param>
/// <param name="BarrierNs">Its virtual time.</param>
/// <param name="Bytes">Its length.</param>
public sealed record CheckpointEntry(int Epoch, long BarrierNs, long Bytes);

/// <summary>
/// Is told what a stream holds, in the order of the partition: messages and decisions of one host in their order, those
/// of different hosts in the order in which the partition ran them, which is not that of time.
/// </summary>
public abstract class JournalVisitor
{
    /// <summary>A message.</summary>
    public virtual void Message(in RecordedMessage message)
    {
    }

    /// <summary>A decision.</summary>
    public virtual void Decision(in RecordedDecision decision)
    {
    }

    /// <summary>A host at a barrier: all of the partition in order, before anything later.</summary>
    public virtual void Digest(in RecordedDigest digest)
    {
    }
}
