// The numbers of the journal's format (docs/journal-format.md).
namespace ClusterSwap.Journal;

/// <summary>Constants of version 1.</summary>
public static class JournalFormat
{
    /// <summary>Version that is written. A reader reads this one and all before it.</summary>
    public const int Version = 1;

    /// <summary>
    /// Payload of a block of events before compression, at most, unless one item alone is larger. A row costs the
    /// recorder most of a millisecond, whatever is in it: with rows of 64 KiB it took twice the CPU time.
    /// </summary>
    public const int BlockBytes = 256 * 1024;

    /// <summary>The same of a block that another node writes: Akka.Remote refuses messages over 128,000 bytes.</summary>
    public const int SentBlockBytes = 64 * 1024;

    /// <summary>Bytes of a checkpoint in one row, at most.</summary>
    public const int PartBytes = 1024 * 1024;

    /// <summary>A header or a verdict of more bytes than this is not one of ours.</summary>
    public const int TextBytesMax = 64 * 1024 * 1024;

    /// <summary>"CSWJ" in a dump.</summary>
    internal const uint Magic = 0x4A57_5343;

    /// <summary>Manifest of a row: what Akka's serializers call the version.</summary>
    internal const string Manifest = "clusterswap-journal";

    /// <summary>Identifier of the rows' serializer among those of an actor system.</summary>
    internal const int SerializerId = 47_010;
}

/// <summary>What a block holds.</summary>
public enum BlockKind : byte
{
    /// <summary>The run: scenario, versions, names. The first block of each stream.</summary>
    Header = 1,

    /// <summary>Decisions, messages and barriers.</summary>
    Events = 2,

    /// <summary>A piece of a checkpoint.</summary>
    Checkpoint = 3,

    /// <summary>The verdict: the last block of each stream of a run that ended.</summary>
    End = 4,
}

/// <summary>How much is recorded.</summary>
public enum JournalLevel
{
    /// <summary>Nothing.</summary>
    Off,

    /// <summary>Header, decisions, digests at barriers, checkpoints, verdict.</summary>
    Decisions,

    /// <summary>Every message too, with its cause.</summary>
    All,
}
