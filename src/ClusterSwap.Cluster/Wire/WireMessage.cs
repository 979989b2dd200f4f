// What travels between nodes, outside the lines of an epoch.
using MemoryPack;

namespace ClusterSwap.Clustering;

/// <summary>A message between processes. Each type has a manifest; nothing else is read from the wire.</summary>
public interface IWireMessage;

/// <summary>To a node: who are you? Answered by <see cref="NodeFacts"/>.</summary>
[MemoryPackable]
public sealed partial record AskNode : IWireMessage;

/// <summary>What a node is.</summary>
[MemoryPackable]
public sealed partial record NodeFacts : IWireMessage
{
    /// <summary>Its address, <c>akka.tcp://clusterswap@host:port</c>.</summary>
    public required string Address { get; init; }

    /// <summary>Version of its program.</summary>
    public required string Program { get; init; }

    /// <summary>Identities of the assemblies that decide what happens in a run.</summary>
    public required string Build { get; init; }

    /// <summary>Processors that it may use.</summary>
    public required int Cores { get; init; }

    /// <summary>The run that it works on; empty without one.</summary>
    public string RunId { get; init; } = "";

    /// <summary>Partitions of that run that it has.</summary>
    public int Partitions { get; init; }
}

/// <summary>
/// To a node: take part in an epoch of a run. Sent again until answered by <see cref="EpochOpened"/> or
/// <see cref="EpochRefused"/>. Ends every earlier epoch of the run.
/// </summary>
[MemoryPackable]
public sealed partial record OpenEpoch : IWireMessage
{
    /// <summary>Id of the run.</summary>
    public required string RunId { get; init; }

    /// <summary>The epoch: written to the journal before anybody is asked.</summary>
    public required int Epoch { get; init; }

    /// <summary>The receiver's number in the epoch.</summary>
    public required int Node { get; init; }

    /// <summary>Addresses of the epoch's nodes, by number.</summary>
    public required string[] Nodes { get; init; }

    /// <summary>The node that has each partition.</summary>
    public required int[] NodeOfPartition { get; init; }

    /// <summary>Address of the coordinator.</summary>
    public required string Coordinator { get; init; }

    /// <summary>Build of the coordinator's program.</summary>
    public required string Build { get; init; }

    /// <summary>Its version.</summary>
    public required string Program { get; init; }

    /// <summary>Hash of the scenario.</summary>
    public required string ScenarioHash { get; init; }

    /// <summary>Seed of the run.</summary>
    public required ulong Seed { get; init; }
}

/// <summary>From a node: it takes part.</summary>
[MemoryPackable]
public sealed partial record EpochOpened(string RunId, int Epoch, int Node) : IWireMessage;

/// <summary>From a node: it does not take part, and why, with both sides named.</summary>
[MemoryPackable]
public sealed partial record EpochRefused(string RunId, int Epoch, int Node, string Reason) : IWireMessage;

/// <summary>To a node: the epoch is over.</summary>
[MemoryPackable]
public sealed partial record CloseEpoch(string RunId, int Epoch) : IWireMessage;

/// <summary>To a partition's entity, wherever it is: belong to this epoch. Answered by
/// <see cref="PartitionOwned"/>.</summary>
[MemoryPackable]
public sealed partial record OwnPartition(string RunId, int Epoch, int Partition) : IWireMessage;

/// <summary>From a partition's entity: where it is.</summary>
[MemoryPackable]
public sealed partial record PartitionOwned(string RunId, int Epoch, int Partition, string Address) : IWireMessage;

/// <summary>From a node that was asked to end: it would like to hand its partitions over.</summary>
[MemoryPackable]
public sealed partial record NodeLeaving(string Address) : IWireMessage;

/// <summary>To any node: how is the run? Answered by <see cref="RunStatus"/>.</summary>
[MemoryPackable]
public sealed partial record AskStatus : IWireMessage;

/// <summary>How a run is, as its coordinator last said.</summary>
[MemoryPackable]
public sealed partial record RunStatus : IWireMessage
{
    /// <summary>Id of the run; empty when there is none.</summary>
    public string RunId { get; init; } = "";

    /// <summary>Its epoch.</summary>
    public int Epoch { get; init; }

    /// <summary>What it does, a few words.</summary>
    public string Phase { get; init; } = "";

    /// <summary>Virtual time, ns.</summary>
    public long VirtualNs { get; init; }

    /// <summary>Page touches of the workload that are done, in per mille.</summary>
    public int DonePerMille { get; init; }

    /// <summary>Messages so far.</summary>
    public long Messages { get; init; }

    /// <summary>Shortest time in which one partition hears from another, ns; 0 without links between them.</summary>
    public long LookaheadNs { get; init; }

    /// <summary>Virtual time of the newest checkpoint, ns; −1 without one.</summary>
    public long CheckpointNs { get; init; } = -1;

    /// <summary>The nodes.</summary>
    public NodeStatus[] Nodes { get; init; } = [];
}

/// <summary>How a node of a run is.</summary>
/// <param name="Address">Its address.</param>
/// <param name="Partitions">Partitions that it has.</param>
/// <param name="Blades">Blades that it has.</param>
/// <param name="Windows">Windows so far in this epoch.</param>
/// <param name="AwayPerMille">Share of the time since the last barrier spent waiting for other nodes.</param>
/// <param name="SentBytes">Bytes of windows sent to other nodes in this epoch.</param>
/// <param name="Reachable">The failure detector sees it.</param>
[MemoryPackable]
public sealed partial record NodeStatus(
    string Address, int Partitions, int Blades, long Windows, int AwayPerMille, long SentBytes, bool Reachable);
