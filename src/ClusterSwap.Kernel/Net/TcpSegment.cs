// What TCP puts on the wire: a train of segments or a pure ACK.
using System.Runtime.InteropServices;
using MemoryPack;

namespace ClusterSwap.Kernel.Net;

/// <summary>Marks of a segment train.</summary>
[Flags]
public enum TcpSegmentFlags : uint
{
    None = 0,

    /// <summary>PSH: the writer has no more for now.</summary>
    Push = 0x1,

    /// <summary>Sent before; reports only, no rule of the receiver reads it.</summary>
    Retransmission = 0x2,

    /// <summary>Asks for the window: carries no new byte unless the window lets part of a segment through.</summary>
    WindowProbe = 0x4,

    /// <summary>RST: there is no such connection at the sender.</summary>
    Reset = 0x8,

    /// <summary>D-SACK: <see cref="TcpSegment.RecentStart"/> names what the receiver had already.</summary>
    Duplicate = 0x10,
}

/// <summary>
/// One or more segments of up to one MSS sent back to back (segmentation offload), or one pure ACK. Sequence numbers
/// have 64 bits and start at 0 in both directions: they never wrap.
/// </summary>
[MemoryPackable]
[StructLayout(LayoutKind.Sequential, Pack = 4)]
public partial struct TcpSegment
{
    /// <summary>Sequence number of the first byte.</summary>
    public long Seq;

    /// <summary>Every byte below this one has arrived.</summary>
    public long Ack;

    /// <summary>Sender's clock, ns.</summary>
    public long TsVal;

    /// <summary>Timestamp echoed, ns; 0 when there is none yet.</summary>
    public long TsEcr;

    /// <summary>
    /// First byte that lies received above <see cref="Ack"/>, or 0: the start of the lowest SACK block.
    /// </summary>
    public long SackStart;

    /// <summary>Behind the highest byte that lies received above <see cref="Ack"/>, or 0.</summary>
    public long SackEnd;

    /// <summary>First byte of the segment that caused this ACK, if it was out of order or known (first SACK block).</summary>
    public long RecentStart;

    /// <summary>Behind its last byte; 0 when there is none.</summary>
    public long RecentEnd;

    /// <summary>Payload, bytes.</summary>
    public int Length;

    /// <summary>Frames that the train consists of; 1 for a pure ACK.</summary>
    public int Segments;

    /// <summary>Receive window from <see cref="Ack"/>, bytes.</summary>
    public int Window;

    /// <summary>Segments that lie received above <see cref="Ack"/>: what the SACK blocks would cover.</summary>
    public int OutOfOrder;

    /// <summary>Marks.</summary>
    public TcpSegmentFlags Flags;

    /// <summary>Sequence number behind the last byte.</summary>
    public readonly long End => Seq + Length;

    /// <summary>The frame at <paramref name="index"/> of this train, as a train of one.</summary>
    public readonly TcpSegment Frame(int index, int mss)
    {
        if ((uint)index >= (uint)Segments)
        {
            throw new InvalidOperationException($"train of {Segments} frames has no frame {index}");
        }

        var frame = this;
        frame.Seq = Seq + (long)index * mss;
        frame.Length = (int)Math.Min(mss, End - frame.Seq);
        frame.Segments = 1;
        return frame;
    }
}

/// <summary>Bytes from <see cref="Start"/> up to and without <see cref="End"/>.</summary>
/// <param name="Start">First byte.</param>
/// <param name="End">Behind the last byte.</param>
[MemoryPackable]
public readonly partial record struct SeqRange(long Start, long End);

/// <summary>What became of the payload of a segment.</summary>
public enum TcpData : byte
{
    /// <summary>There was none, or it was not looked at.</summary>
    None,

    /// <summary>It moved RcvNxt: its buffers belong to the receive queue.</summary>
    InOrder,

    /// <summary>It lies above a gap: its buffers belong to the receive queue.</summary>
    OutOfOrder,

    /// <summary>Nothing new or beyond the window: its buffers are to be freed, its charge to be released.</summary>
    NotKept,
}

/// <summary>What a call on a connection asks of its caller. Calls only add; the caller clears.</summary>
public struct TcpEffects
{
    /// <summary>New SndUna, when <see cref="Acked"/>.</summary>
    public long AckedTo;

    /// <summary>SndUna moved: the send queue and the byte stream can let go.</summary>
    public bool Acked;

    /// <summary>Allocate a buffer for an ACK and call TryBuildAck, or AckAllocationFailed.</summary>
    public bool SendAckNow;

    /// <summary>The delayed-ACK timer was set.</summary>
    public bool DelayedAckArmed;

    /// <summary>RcvNxt moved: wake the reader.</summary>
    public bool DataReadable;

    /// <summary>A writer that found the buffer full can go on (sk_stream_write_space).</summary>
    public bool WriteSpace;

    /// <summary>Call TryRetransmit until it gives nothing: retransmissions or a window probe are due.</summary>
    public bool Retransmit;

    /// <summary>The connection has given up (tcp_write_err: ETIMEDOUT).</summary>
    public bool Failed;

    /// <summary>What became of the payload.</summary>
    public TcpData Data;

    /// <summary>Segments that held nothing new or lay beyond the window.</summary>
    public int SegmentsDropped;

    /// <summary>TCPTimeouts: retransmission timers that expired.</summary>
    public int TcpTimeouts;

    /// <summary>DelayedACKs: ACKs sent by the delayed-ACK timer.</summary>
    public int DelayedAcks;

    /// <summary>DelayedACKLocked: the timer found the socket owned.</summary>
    public int DelayedAcksLocked;

    /// <summary>TCPSlowStartRetrans and TCPFastRetrans together: recoveries entered.</summary>
    public int FastRetransmits;

    /// <summary>Window probes sent by the timer.</summary>
    public int WindowProbes;

    /// <summary>Takes everything back.</summary>
    public void Clear() => this = default;
}
