// What travels over the lines of an epoch: whole, once, and in order.
using ClusterSwap.Blades.Runs;
using ClusterSwap.Journal;
using MemoryPack;

namespace ClusterSwap.Clustering;

/// <summary>
/// A piece of a line, of at most <see cref="BytesMax"/>. Akka.Remote refuses frames over 128,000 bytes and delivers at
/// most once, so pieces are numbered, and kept until the receiver has them.
/// </summary>
[MemoryPackable]
public sealed partial record Piece : IWireMessage
{
    /// <summary>Largest piece.</summary>
    public const int BytesMax = 96 * 1024;

    /// <summary>Id of the run.</summary>
    public required string RunId { get; init; }

    /// <summary>The epoch.</summary>
    public required int Epoch { get; init; }

    /// <summary>Number of the sender in the epoch; <see cref="EpochPost.Coordinator"/> for the coordinator.</summary>
    public required int From { get; init; }

    /// <summary>Number of the piece on its line, from 0.</summary>
    public required long Number { get; init; }

    /// <summary>A message ends with this piece.</summary>
    public required bool Ends { get; init; }

    /// <summary>Part of a message.</summary>
    public required byte[] Bytes { get; init; }
}

/// <summary>The receiver of a line has all pieces before this number.</summary>
[MemoryPackable]
public sealed partial record PiecesGot(string RunId, int Epoch, int From, long Before) : IWireMessage;

/// <summary>The receiver of a line misses pieces from this number on.</summary>
[MemoryPackable]
public sealed partial record PiecesMissing(string RunId, int Epoch, int From, long First) : IWireMessage;

/// <summary>To a node of an epoch: what is run, and who has what.</summary>
[MemoryPackable]
public sealed partial record EpochPlan : IWireMessage
{
    /// <summary>The scenario, resolved.</summary>
    public required string ScenarioToml { get; init; }

    /// <summary>Name of the variant.</summary>
    public required string Variant { get; init; }

    /// <summary>Seed of the run.</summary>
    public required ulong Seed { get; init; }

    /// <summary>Virtual time at which the run ends, ns.</summary>
    public required long UntilNs { get; init; }

    /// <summary>Hosts of each partition.</summary>
    public required int[][] Partitions { get; init; }

    /// <summary>Threads of each node.</summary>
    public required int Threads { get; init; }

    /// <summary>What is recorded.</summary>
    public required JournalLevel Journal { get; init; }

    /// <summary>A checkpoint follows, in parts.</summary>
    public required bool Restores { get; init; }
}

/// <summary>A part of the checkpoint that a node goes on from; the last one is empty.</summary>
[MemoryPackable]
public sealed partial record RestorePart(byte[] Bytes) : IWireMessage;

/// <summary>From a node: its hosts stand where the epoch begins.</summary>
[MemoryPackable]
public sealed partial record NodeReady(int Blades) : IWireMessage;

/// <summary>To a node: go.</summary>
[MemoryPackable]
public sealed partial record StartEpoch : IWireMessage;

/// <summary>From node to node: what happened in a window.</summary>
[MemoryPackable]
public sealed partial record NodeNote(int Group, long Window, byte[] Bytes) : IWireMessage;

/// <summary>From a node: it stands at a barrier.</summary>
[MemoryPackable]
public sealed partial record BarrierReport : IWireMessage
{
    /// <summary>The barrier.</summary>
    public required long TimeNs { get; init; }

    /// <summary>What its blades are.</summary>
    public required Sighting Sighting { get; init; }

    /// <summary>Time of its next event; <see cref="long.MaxValue"/> when nothing is pending.</summary>
    public required long NextNs { get; init; }

    /// <summary>Windows so far in this epoch.</summary>
    public required long Windows { get; init; }

    /// <summary>Wall-clock time since the last barrier, microseconds.</summary>
    public required long WallUs { get; init; }

    /// <summary>Wall-clock time of it spent waiting for other nodes, microseconds.</summary>
    public required long AwayUs { get; init; }

    /// <summary>Bytes of windows sent in this epoch.</summary>
    public required long SentBytes { get; init; }
}

/// <summary>To a node that stands at a barrier: how it goes on.</summary>
/// <param name="TimeNs">The barrier.</param>
/// <param name="Checkpoint">Take a checkpoint first.</param>
/// <param name="Next">Then do this.</param>
[MemoryPackable]
public sealed partial record BarrierAnswer(long TimeNs, bool Checkpoint, AfterBarrier Next) : IWireMessage;

/// <summary>What comes after a barrier.</summary>
public enum AfterBarrier
{
    /// <summary>The next window.</summary>
    GoOn,

    /// <summary>The end of the run: a <see cref="FinalReport"/> is wanted.</summary>
    Report,

    /// <summary>The end of the epoch: partitions are placed anew.</summary>
    EndEpoch,
}

/// <summary>From a node: a part of the checkpoint of its hosts.</summary>
[MemoryPackable]
public sealed partial record NodeCheckpoint(long TimeNs, bool Last, byte[] Bytes) : IWireMessage;

/// <summary>From a node: a block of the journal of one of its partitions.</summary>
[MemoryPackable]
public sealed partial record NodeBlock(int Partition, RecordedBlock Block) : IWireMessage;

/// <summary>From a node: it can do no more in this epoch, and waits for its end. The run goes on in the next one.</summary>
[MemoryPackable]
public sealed partial record EpochBroken(string Reason) : IWireMessage;

/// <summary>From a node: the run cannot go on.</summary>
[MemoryPackable]
public sealed partial record NodeFault : IWireMessage
{
    /// <summary>Virtual time of the fault, ns.</summary>
    public required long TimeNs { get; init; }

    /// <summary>The host; <see cref="int.MaxValue"/> when it is that of another node.</summary>
    public required int HostId { get; init; }

    /// <summary>An invariant of the model broke; else the program did.</summary>
    public required bool IsSafety { get; init; }

    /// <summary>What happened.</summary>
    public required string Text { get; init; }

    /// <summary>What there is to tell of this node's hosts.</summary>
    public required HostTotals Totals { get; init; }
}

/// <summary>From a node: what its blades did.</summary>
[MemoryPackable]
public sealed partial record FinalReport : IWireMessage
{
    /// <summary>Totals of its hosts.</summary>
    public required HostTotals Totals { get; init; }

    /// <summary>Place of each blade in the scenario.</summary>
    public required int[] Places { get; init; }

    /// <summary>The blades.</summary>
    public required BladeReport[] Blades { get; init; }

    /// <summary>Places of blades elsewhere that machines here sent something.</summary>
    public required int[] SentPlaces { get; init; }

    /// <summary>What these machines counted, for each such blade.</summary>
    public required KeyValuePair<string, long>[][] SentCounters { get; init; }

    /// <summary>Shortest time in which one partition hears from another, ns; 0 without links between them.</summary>
    public required long LookaheadNs { get; init; }

    /// <summary>The link that limits it.</summary>
    public required string LookaheadLink { get; init; }
}

/// <summary>Totals of the hosts of a node.</summary>
[MemoryPackable]
public sealed partial record HostTotals
{
    /// <summary>Nothing is known.</summary>
    public static HostTotals None { get; } =
        new() { Hosts = [], Low = [], High = [], Messages = 0, Events = 0, TimeNs = 0 };

    /// <summary>Ids of the hosts.</summary>
    public required int[] Hosts { get; init; }

    /// <summary>Their fingerprints, lower halves.</summary>
    public required ulong[] Low { get; init; }

    /// <summary>Their fingerprints, upper halves.</summary>
    public required ulong[] High { get; init; }

    /// <summary>Messages delivered.</summary>
    public required long Messages { get; init; }

    /// <summary>Events that took virtual time.</summary>
    public required long Events { get; init; }

    /// <summary>The barrier that they stand at, ns.</summary>
    public required long TimeNs { get; init; }
}
