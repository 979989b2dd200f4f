// The recording of a run on one of several nodes: it packs blocks, and somebody else writes them.
using ClusterSwap.Blades;
using ClusterSwap.Engine;
using MemoryPack;

namespace ClusterSwap.Journal;

/// <summary>A block as a node packed it, before it is sealed: what <see cref="RunRecorder.Take"/> writes.</summary>
[MemoryPackable]
public sealed partial record RecordedBlock
{
    /// <summary>Time of its first event, ns.</summary>
    public required long FirstNs { get; init; }

    /// <summary>Time of its last event, ns.</summary>
    public required long LastNs { get; init; }

    /// <summary>Messages in it.</summary>
    public required int Messages { get; init; }

    /// <summary>Decisions in it.</summary>
    public required int Decisions { get; init; }

    /// <summary>Barriers in it.</summary>
    public required int Barriers { get; init; }

    /// <summary>Bytes at its end that are not compressed.</summary>
    public required int TailBytes { get; init; }

    /// <summary>The events.</summary>
    public required byte[] Payload { get; init; }
}

/// <summary>
/// Attaches to the hosts of one node's partitions, packs what happens there, and hands the blocks over in the order of
/// each partition. Used by the threads that run the partitions, and at barriers by the thread of the run.
/// </summary>
public sealed class NodeRecorder
{
    private readonly List<PartitionRecorder> _partitions = [];

    /// <summary>Begins to record the partitions that live here.</summary>
    /// <param name="cluster">The cluster, with the hosts of this node.</param>
    /// <param name="stream">Run and epoch; the partition in it is of no meaning.</param>
    /// <param name="level">How much is recorded.</param>
    /// <param name="partitions">All partitions of the run.</param>
    /// <param name="take">Takes a block of a partition.</param>
    public NodeRecorder(
        Cluster cluster, StreamName stream, JournalLevel level, IReadOnlyList<int[]> partitions,
        Action<int, RecordedBlock> take)
    {
        Simulation simulation = cluster.Simulation;
        for (int i = 0; i < partitions.Count; i++)
        {
            if (partitions[i].All(simulation.IsLocal))
            {
                int number = i;
                HostContext[] hosts = [.. partitions[i].Order().Select(simulation.Host)];
                var partition = new PartitionRecorder(
                    stream with { Partition = i }, hosts, simulation.HostCount, new BlockQueue(), JournalFormat.SentBlockBytes)
                {
                    Divert = block => take(number, block),
                };
                partition.Attach(cluster, level);
                _partitions.Add(partition);
            }
        }
    }

    /// <summary>Called at each barrier, with all hosts at rest. With <paramref name="flush"/> all up to it is handed
    /// over now.</summary>
    public void OnBarrier(long timeNs, bool flush) => _partitions.ForEach(partition => partition.Barrier(timeNs, flush));

    /// <summary>Hands over what is packed so far.</summary>
    public void Flush() => _partitions.ForEach(partition => partition.Flush());
}
