// The checkpoints of an epoch: parts of all nodes become one.
using System.Diagnostics;
using ClusterSwap.Engine;
using ClusterSwap.Journal;

namespace ClusterSwap.Clustering;

/// <summary>
/// Keeps what each node has sent, compressed, and the newest checkpoint that all nodes have. When one is due is a matter
/// of wall-clock time: it names the next barrier, and decides nothing else.
/// </summary>
/// <param name="nodes">Number of nodes.</param>
/// <param name="from">The checkpoint that the epoch begins with.</param>
/// <param name="every">Wall-clock time between two.</param>
internal sealed class CheckpointKeeper(int nodes, CheckpointAssembly? from, TimeSpan every)
{
    // At most about a sixth of the time goes into checkpoints, however long they take.
    private const int CostMultiple = 5;

    private readonly CheckpointAssembly[] _ofNode = [.. Enumerable.Range(0, nodes).Select(_ => new CheckpointAssembly())];
    private readonly bool[] _complete = new bool[nodes];
    private long _lastTick = Stopwatch.GetTimestamp();
    private long _askedTick;
    private TimeSpan _cost;
    private long _askedNs;

    /// <summary>The newest checkpoint that all nodes have delivered.</summary>
    public CheckpointAssembly? Newest { get; private set; } = from;

    /// <summary>One was asked for and is not kept yet.</summary>
    public bool IsUnderWay { get; private set; }

    /// <summary>All nodes have delivered the one that was asked for.</summary>
    public bool IsComplete => IsUnderWay && Array.TrueForAll(_complete, complete => complete);

    /// <summary>Whether it is time for one.</summary>
    public bool IsDue() => !IsUnderWay && Stopwatch.GetElapsedTime(_lastTick) >= every
        && Stopwatch.GetElapsedTime(_lastTick) >= _cost * CostMultiple;

    /// <summary>All nodes are asked for one at a barrier.</summary>
    public void Ask(long timeNs)
    {
        IsUnderWay = true;
        _askedNs = timeNs;
        _askedTick = Stopwatch.GetTimestamp();
        Array.Clear(_complete);
    }

    /// <summary>A part has come.</summary>
    public void Take(int node, NodeCheckpoint part)
    {
        if (!IsUnderWay || part.TimeNs != _askedNs)
        {
            throw new InvalidDataException($"node {node} sent a checkpoint at {part.TimeNs} ns that nobody asked for");
        }

        _ofNode[node].Add(part.Bytes);
        _complete[node] |= part.Last;
    }

    /// <summary>Joins what the nodes have delivered.</summary>
    public void Keep()
    {
        Newest = CheckpointAssembly.Join(_ofNode);
        IsUnderWay = false;
        _lastTick = Stopwatch.GetTimestamp();
        _cost = Stopwatch.GetElapsedTime(_askedTick);
    }

    /// <summary>The newest checkpoint as a journal keeps it.</summary>
    public static byte[] BlobOf(CheckpointAssembly checkpoint)
    {
        var blob = new MemoryStream();
        checkpoint.WriteFull(checkpoint.Number, new BlobSink(blob));
        return blob.ToArray();
    }

    private sealed class BlobSink(MemoryStream blob) : ICheckpointSink
    {
        public void Write(in Engine.CheckpointPart part) => CheckpointBlob.Append(blob, in part);
    }
}
