// What stays the same over all epochs of a run.
using ClusterSwap.Blades.Runs;
using ClusterSwap.Journal;

namespace ClusterSwap.Clustering;

/// <summary>Thrown when a run cannot begin or go on at all: a sentence for its user.</summary>
public sealed class ClusterRunException(string message) : Exception(message)
{
    /// <summary>The program is at fault, not what it was asked or where it runs.</summary>
    public bool IsInternal { get; init; }

    /// <summary>The cluster is lost, or this process to it: the run may go on elsewhere, from its journal.</summary>
    public bool IsLost { get; init; }
}

/// <summary>One run as its coordinator knows it.</summary>
internal sealed class RunSetting
{
    /// <summary>Id of the run.</summary>
    public required string RunId { get; init; }

    /// <summary>What was asked for.</summary>
    public required RunRequest Request { get; init; }

    /// <summary>Virtual time at which it ends, ns.</summary>
    public required long UntilNs { get; init; }

    /// <summary>Hosts of each partition.</summary>
    public required int[][] Partitions { get; init; }

    /// <summary>What is recorded.</summary>
    public required JournalLevel Level { get; init; }

    /// <summary>Wall-clock time between two checkpoints.</summary>
    public required TimeSpan CheckpointEvery { get; init; }

    /// <summary>This process as a member of the cluster.</summary>
    public required NodeHost Host { get; init; }

    /// <summary>Where everything comes in.</summary>
    public required RunDesk Desk { get; init; }

    /// <summary>What others see of the run.</summary>
    public required RunWatch Watch { get; init; }

    /// <summary>Told what a log may keep.</summary>
    public required Action<string> Log { get; init; }

    /// <summary>Ends every wait.</summary>
    public required CancellationToken Cancel { get; init; }

    /// <summary>Nodes that could take part and are not among these.</summary>
    public int Newcomers(IEnumerable<EpochNode> nodes)
    {
        var known = nodes.Select(node => node.Member).ToHashSet();
        return Desk.Staying.Count(member => !known.Contains(member.UniqueAddress));
    }
}
