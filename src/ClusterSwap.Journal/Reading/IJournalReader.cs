// Reading a journal back.
namespace ClusterSwap.Journal;

/// <summary>
/// One run in a store. Epochs are joined: of each, what is later than the beginning of a later epoch is left out.
/// Not safe for use by several threads.
/// </summary>
/// <remarks>
/// Damage is named by <see cref="JournalDamageException"/>. Opening looks at the heads of all blocks; payloads are
/// looked at when they are read. Whatever reads in order gives everything before the damage and then throws. Damage
/// behind the moment at which a later epoch took over is none: nothing there is read.
/// </remarks>
public interface IJournalReader : IDisposable
{
    /// <summary>The run as its first epoch tells it.</summary>
    JournalHeader Header { get; }

    /// <summary>The header of every epoch, in order: partition 0's.</summary>
    IReadOnlyList<JournalHeader> Epochs { get; }

    /// <summary>The last epoch of which the store has anything, readable or not.</summary>
    int LastEpoch { get; }

    /// <summary>How the run ended; null when it was killed or still goes on.</summary>
    JournalEnd? End { get; }

    /// <summary>
    /// The first damage seen so far: in the heads, in what was read since, or by <see cref="Check"/>; null when there is
    /// none.
    /// </summary>
    JournalDamageException? Damage { get; }

    /// <summary>
    /// Virtual time, ns, up to which nothing is lost by the damage seen so far; <see cref="long.MaxValue"/> without.
    /// </summary>
    long WholeToNs { get; }

    /// <summary>Complete checkpoints of the run, in order of time.</summary>
    IReadOnlyList<CheckpointEntry> Checkpoints { get; }

    /// <summary>Reads every block, for its checksum, and gives back the first damage; null when all are whole.</summary>
    JournalDamageException? Check();

    /// <summary>The bytes of a checkpoint.</summary>
    /// <exception cref="JournalDamageException">It is damaged.</exception>
    byte[] LoadCheckpoint(CheckpointEntry entry);

    /// <summary>Every host at every barrier of a stretch of virtual time, both ends included, in order.</summary>
    IEnumerable<RecordedDigest> Digests(long fromNs = 0, long toNs = long.MaxValue);

    /// <summary>
    /// Messages and decisions in order of time, host and number; a message before what was decided because of it.
    /// </summary>
    IEnumerable<RecordedEvent> Events(EventFilter filter);

    /// <summary>Tells a visitor everything, partition by partition: the fastest way through a journal.</summary>
    void Visit(JournalVisitor visitor);

    /// <summary>The message that is a host's delivery of this number; null when it is not recorded.</summary>
    RecordedMessage? Find(int host, long number);
}

/// <summary>Which events are wanted. Without anything: all.</summary>
public sealed record EventFilter
{
    /// <summary>Not before this virtual time, ns.</summary>
    public long FromNs { get; init; }

    /// <summary>Not after this virtual time, ns.</summary>
    public long ToNs { get; init; } = long.MaxValue;

    /// <summary>Of these hosts; null for all.</summary>
    public IReadOnlySet<int>? Hosts { get; init; }

    /// <summary>Messages of these kinds; null for all. Decisions are not asked.</summary>
    public IReadOnlySet<ushort>? Kinds { get; init; }

    /// <summary>Messages are wanted.</summary>
    public bool Messages { get; init; } = true;

    /// <summary>Decisions are wanted.</summary>
    public bool Decisions { get; init; } = true;

    internal bool Wants(in RecordedMessage message) => Messages
        && message.TimeNs >= FromNs && message.TimeNs <= ToNs
        && (Hosts is null || Hosts.Contains(message.Host)) && (Kinds is null || Kinds.Contains(message.Kind));

    internal bool Wants(in RecordedDecision decision) => Decisions
        && decision.Record.TimeNs >= FromNs && decision.Record.TimeNs <= ToNs
        && (Hosts is null || Hosts.Contains(decision.Host));
}
