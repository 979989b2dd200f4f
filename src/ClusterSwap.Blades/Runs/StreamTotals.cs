// Counters of all ordinary TCP sockets of a blade.
using ClusterSwap.Blades.Actors;

namespace ClusterSwap.Blades.Runs;

/// <summary>The sums of what the sockets of streams count; all 0 without streams.</summary>
/// <param name="streams">The sockets.</param>
public sealed class StreamTotals(IReadOnlyList<TcpReaderState> streams)
{
    /// <summary>Frames that came up to the sockets.</summary>
    public long Frames => streams.Sum(stream => stream.Counters.Frames);

    /// <summary>Bytes that the readers took.</summary>
    public long BytesRead => streams.Sum(stream => stream.Counters.BytesRead);

    /// <summary>Buffers that lie in the sockets.</summary>
    public long Queued => streams.Sum(stream => (long)stream.Queued);

    /// <summary>Frames dropped by sk_filter because they came from the reserve.</summary>
    public long FilterDrops => streams.Sum(stream => stream.Counters.FilterDrops);

    /// <summary>PruneCalled.</summary>
    public long PruneCalled => streams.Sum(stream => stream.Counters.PruneCalled);

    /// <summary>RcvPruned.</summary>
    public long ReceivePruned => streams.Sum(stream => stream.Counters.ReceivePruned);

    /// <summary>TCPRcvCollapsed.</summary>
    public long Collapsed => streams.Sum(stream => stream.Counters.Collapsed);

    /// <summary>OfoPruned.</summary>
    public long OfoPruned => streams.Sum(stream => (long)stream.Tcp.OfoPruned);

    /// <summary>TCPBacklogDrop.</summary>
    public long BacklogDrops => streams.Sum(stream => stream.Backlog.Drops);

    /// <summary>DelayedACKs.</summary>
    public long DelayedAcks => streams.Sum(stream => stream.Counters.DelayedAcks);

    /// <summary>Pure ACKs sent.</summary>
    public long AcksSent => streams.Sum(stream => stream.Counters.AcksSent);

    /// <summary>ACK buffers that could not be had.</summary>
    public long AckFailures => streams.Sum(stream => stream.Counters.AckFailures);
}
