// State of an ordinary TCP socket and of the program that reads it.
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Net;
using MemoryPack;

namespace ClusterSwap.Blades.Actors;

/// <summary>Where the program of a reader stands.</summary>
public enum ReaderStep : byte
{
    /// <summary>Starts: writes all its pages for the first time.</summary>
    Boot,

    /// <summary>In tcp_recvmsg: waits for data with the socket released.</summary>
    Receive,

    /// <summary>In tcp_recvmsg: copies into its buffer and owns the socket meanwhile, also while a page of the buffer
    /// is read in.</summary>
    Copy,

    /// <summary>Works on what it got: touches all its pages.</summary>
    Work,

    /// <summary>Stuck for good: it never reads.</summary>
    Stuck,
}

/// <summary>A reader of a stream with its socket.</summary>
[MemoryPackable]
public sealed partial class TcpReaderState : FaultingState
{
    /// <summary>Where its program stands.</summary>
    public ReaderStep Step;

    /// <summary>Next page that it touches.</summary>
    public int Position;

    /// <summary>How often it has written all its pages: the version of each.</summary>
    public uint Version;

    /// <summary>Bytes copied in this call of tcp_recvmsg.</summary>
    public int Copied;

    /// <summary>The task owns the socket (sk_lock.owned): what arrives goes to the backlog.</summary>
    public bool Owned;

    /// <summary>The connection.</summary>
    public TcpConnection Tcp = null!;

    /// <summary>What lies in the socket, read by nobody yet.</summary>
    public ReceiveQueue ReceiveQueue = new();

    /// <summary>What arrived while the task owned the socket.</summary>
    public Backlog Backlog = new();

    /// <summary>Earliest timer event that is on its way, ns.</summary>
    public long TimerAtNs = long.MaxValue;

    /// <summary>Counters.</summary>
    public StreamCounters Counters = new();

    /// <summary>Buffers that lie in the socket.</summary>
    [MemoryPackIgnore]
    public int Queued => ReceiveQueue.InOrder.Count + ReceiveQueue.OutOfOrder.Count + Backlog.Frames.Count;

    /// <summary>The buffer at <paramref name="index"/>, 0 to <see cref="Queued"/> - 1: in order, out of order,
    /// backlog.</summary>
    public SkBuff Buffer(int index)
    {
        if (index < ReceiveQueue.InOrder.Count)
        {
            return ReceiveQueue.InOrder[index].Skb;
        }

        index -= ReceiveQueue.InOrder.Count;
        return index < ReceiveQueue.OutOfOrder.Count
            ? ReceiveQueue.OutOfOrder[index].Skb
            : Backlog.Frames[index - ReceiveQueue.OutOfOrder.Count].Skb;
    }
}

/// <summary>Counters of a stream's socket, in the kernel's words where it has them.</summary>
[MemoryPackable]
public sealed partial class StreamCounters
{
    /// <summary>Frames that came up to the socket.</summary>
    public long Frames;

    /// <summary>Bytes that the reader took.</summary>
    public long BytesRead;

    /// <summary>Frames dropped by sk_filter because they came from the reserve (PFMemallocDrop, 6.1; no counter in
    /// 3.6).</summary>
    public long FilterDrops;

    /// <summary>PruneCalled.</summary>
    public long PruneCalled;

    /// <summary>RcvPruned.</summary>
    public long ReceivePruned;

    /// <summary>TCPRcvCollapsed: buffers that were copied into fuller ones.</summary>
    public long Collapsed;

    /// <summary>DelayedACKs.</summary>
    public long DelayedAcks;

    /// <summary>Pure ACKs sent.</summary>
    public long AcksSent;

    /// <summary>ACK buffers that could not be had.</summary>
    public long AckFailures;
}
