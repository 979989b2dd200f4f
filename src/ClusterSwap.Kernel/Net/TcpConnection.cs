// One end of a TCP connection as data: sequence numbers, windows, congestion control, timers. State and small parts.
using System.Runtime.InteropServices;
using MemoryPack;

namespace ClusterSwap.Kernel.Net;

/// <summary>Congestion states; Disorder is Open with duplicate ACKs.</summary>
public enum TcpCaState : byte
{
    Open,

    /// <summary>A segment was lost and is repaired without the timer.</summary>
    Recovery,

    /// <summary>The retransmission timer expired: everything in flight counts as lost.</summary>
    Loss,
}

/// <summary>What TryRetransmit gave last: what a local failure concerns.</summary>
public enum TcpInHand : byte
{
    Nothing,
    Retransmission,

    /// <summary>A window probe without payload.</summary>
    Probe,

    /// <summary>A window probe with the part of a segment that fits the window: sent for the first time.</summary>
    ProbeWithData,
}

/// <summary>A train in flight: its bytes and how many segments it was sent as.</summary>
[MemoryPackable]
[StructLayout(LayoutKind.Sequential, Pack = 4)]
public partial struct TcpFlight
{
    /// <summary>Behind the last byte.</summary>
    public long End;

    /// <summary>Segments not yet acknowledged.</summary>
    public int Segments;
}

/// <summary>
/// An established connection. It holds no memory itself: buffers lie in <see cref="SendQueue"/>, <see
/// cref="ReceiveQueue"/> and <see cref="Backlog"/>, bytes in <see cref="ByteStream"/>. Nothing happens inside by
/// itself: time is an argument, and what must follow is in <see cref="TcpEffects"/>. Opening and closing are not
/// modelled.
/// </summary>
[MemoryPackable]
public sealed partial class TcpConnection
{
    /// <summary>Constants of the machine.</summary>
    public TcpParameters Parameters;

    // ---- send side -------------------------------------------------------------------------------------------------

    /// <summary>First byte that is not acknowledged.</summary>
    public long SndUna;

    /// <summary>Next byte to be sent for the first time.</summary>
    public long SndNxt;

    /// <summary>Behind the last byte that was written.</summary>
    public long WriteSeq;

    /// <summary>Bytes below this one may leave in a segment that is not full.</summary>
    public long PushedSeq;

    /// <summary>Behind the last byte that the peer's window allows.</summary>
    public long SndWndEnd;

    /// <summary>Sequence number of the segment that last moved the window.</summary>
    public long SndWl1;

    /// <summary>sk_sndbuf, bytes of truesize.</summary>
    public int SndBuf;

    /// <summary>sk_wmem_queued: truesize of everything in the write queue, bytes.</summary>
    public int WmemQueued;

    /// <summary>Forward allocation of the socket out of the protocol's quota, bytes.</summary>
    public int ForwardAlloc;

    /// <summary>SOCK_NOSPACE: the buffer was full or memory failed since the last WriteSpace.</summary>
    public bool NoSpace;

    /// <summary>Bytes handed down and not yet sent by the NIC.</summary>
    public int BytesBelow;

    /// <summary>TSQ_THROTTLED: transmission stopped at the output limit.</summary>
    public bool Throttled;

    /// <summary>When data was last sent, ns.</summary>
    public long LastSendNs;

    // ---- congestion control ----------------------------------------------------------------------------------------

    /// <summary>Congestion window, segments.</summary>
    public int Cwnd;

    /// <summary>ACKs towards the next step of the congestion window.</summary>
    public int CwndCount;

    /// <summary>Slow start below it, segments.</summary>
    public int Ssthresh = int.MaxValue;

    /// <summary>Congestion state.</summary>
    public TcpCaState State;

    /// <summary>SndNxt when the recovery began: it ends there.</summary>
    public long HighSeq;

    /// <summary>Segments that the peer holds above SndUna.</summary>
    public int SackedOut;

    /// <summary>Start of what the peer holds above SndUna, or 0.</summary>
    public long SackStart;

    /// <summary>Behind the highest byte that the peer ever held (snd.fack).</summary>
    public long HighestSack;

    /// <summary>Segments that one may come late by: an estimate, which a timeout takes back.</summary>
    public int Reordering = TcpParameters.Reordering;

    /// <summary>Segments were reordered: FACK no longer counts the holes (tcp_disable_fack).</summary>
    public bool NoForwardAck;

    /// <summary>SndUna when the recovery began that may be taken back, or <see cref="NoMarker"/>.</summary>
    public long UndoMarker = NoMarker;

    /// <summary>Segments sent again since then and not reported as duplicates.</summary>
    public int UndoRetrans;

    /// <summary>Threshold before the recovery, segments.</summary>
    public int PriorSsthresh;

    /// <summary>When the first retransmission of this recovery was sent, ns; 0 before.</summary>
    public long RetransStampNs;

    /// <summary>SndNxt when the last retransmission was sent.</summary>
    public long RetransSndNxt;

    /// <summary>Behind the last byte that counts as lost.</summary>
    public long LostEnd;

    /// <summary>Next byte to be retransmitted.</summary>
    public long RetransNxt;

    /// <summary>Start of the last retransmission: where a local failure goes back to.</summary>
    public long LastRetransStart;

    /// <summary>The last retransmission carried an ACK that was owed.</summary>
    public bool RetransCarriedAck;

    /// <summary>The next retransmission goes out whatever the congestion window says.</summary>
    public bool RetransForced;

    /// <summary>Segments sent and not acknowledged.</summary>
    public int PacketsOut;

    /// <summary>What is in flight, in order.</summary>
    public Fifo<TcpFlight> Flight = new();

    // ---- times -----------------------------------------------------------------------------------------------------

    /// <summary>Smoothed round trip time, ns; 0 before the first sample.</summary>
    public long SrttNs;

    /// <summary>Mean deviation of the round trip time, ns.</summary>
    public long MdevNs;

    /// <summary>Retransmission timeout with its backoff, ns.</summary>
    public long RtoNs = TcpParameters.RtoInitialNs;

    /// <summary>Expiries in a row without an ACK.</summary>
    public int Retransmits;

    /// <summary>The timer has backed off and its retransmission is not out yet.</summary>
    public bool BackoffPending;

    /// <summary>Timeout before the backoff that is pending, ns.</summary>
    public long RtoBeforeBackoffNs;

    /// <summary>When the retransmission timer expires.</summary>
    public long RtoDeadlineNs = long.MaxValue;

    /// <summary>When the window probe timer expires.</summary>
    public long ProbeDeadlineNs = long.MaxValue;

    /// <summary>Window probes without an answer.</summary>
    public int ProbesOut;

    /// <summary>Doublings of the probe interval.</summary>
    public int ProbeBackoff;

    /// <summary>TryRetransmit shall give a window probe.</summary>
    public bool ProbeDue;

    /// <summary>What TryRetransmit gave last.</summary>
    public TcpInHand InHand;

    /// <summary>Payload of what TryRetransmit gave last, bytes.</summary>
    public int InHandLength;

    /// <summary>The connection has given up.</summary>
    public bool Failed;

    // ---- receive side ----------------------------------------------------------------------------------------------

    /// <summary>Next byte expected.</summary>
    public long RcvNxt;

    /// <summary>Next byte that the reader takes.</summary>
    public long CopiedSeq;

    /// <summary>RcvNxt when the last ACK was sent.</summary>
    public long RcvWup;

    /// <summary>Window that was last advertised, bytes from <see cref="RcvWup"/>.</summary>
    public int RcvWnd;

    /// <summary>sk_rcvbuf, bytes of truesize.</summary>
    public int RcvBuf;

    /// <summary>sk_rmem_alloc: truesize of everything received and not read, bytes.</summary>
    public int RmemAlloc;

    /// <summary>The window does not exceed it: it grows with arriving data, bytes.</summary>
    public int RcvSsthresh;

    /// <summary>Highest window, bytes.</summary>
    public int WindowClamp;

    /// <summary>Ranges above a gap, ascending, never touching each other.</summary>
    public Fifo<SeqRange> OutOfOrder = new();

    /// <summary>What last came out of order or again, until an ACK has told it.</summary>
    public SeqRange Recent;

    /// <summary>It was here already.</summary>
    public bool RecentKnown;

    /// <summary>Highest amount read in a round trip, twice: steers the receive buffer, bytes.</summary>
    public int RcvSpace;

    /// <summary>CopiedSeq when the present measurement began.</summary>
    public long RcvSpaceSeq;

    /// <summary>When the present measurement began, ns.</summary>
    public long RcvSpaceNs;

    /// <summary>Times that the out-of-order ranges were thrown away: OfoPruned.</summary>
    public int OfoPruned;

    // ---- acknowledging ---------------------------------------------------------------------------------------------

    /// <summary>An ACK is owed.</summary>
    public bool AckScheduled;

    /// <summary>The ACK that is owed shall go now.</summary>
    public bool AckNow;

    /// <summary>ACKs that go at once (quick-ack mode).</summary>
    public int Quick;

    /// <summary>The connection is interactive: no quick ACKs.</summary>
    public bool PingPong;

    /// <summary>A PSH arrived and its ACK is owed.</summary>
    public bool PushSeen;

    /// <summary>The delayed-ACK timer found the socket owned: the next chance sends.</summary>
    public bool Blocked;

    /// <summary>Estimate for the delayed ACK, ns; 0 before the first data.</summary>
    public long AtoNs;

    /// <summary>When the delayed ACK goes.</summary>
    public long DelackDeadlineNs = long.MaxValue;

    /// <summary>When data last arrived, ns.</summary>
    public long LastReceiveNs;

    /// <summary>Timestamp to echo, ns.</summary>
    public long TsRecent;

    /// <summary>The blade's quota, or null: no quota.</summary>
    [MemoryPackIgnore]
    public TcpMemory? Memory;

    /// <summary>For the serializer.</summary>
    [MemoryPackConstructor]
    private TcpConnection()
    {
        Parameters = null!;
    }

    /// <summary>
    /// An established connection with both sequence numbers at 0; the peer has the same initial window.
    /// </summary>
    public TcpConnection(TcpParameters p)
    {
        Parameters = p;
        SndBuf = p.SndBufInitial;
        RcvBuf = p.RcvBufInitial;
        Cwnd = p.InitialCwnd;
        WindowClamp = RcvBuf / 2;
        RcvSsthresh = Math.Min(WindowClamp, p.InitialCwnd * p.Mss);
        RcvWnd = RcvSsthresh;
        RcvSpace = RcvWnd;
        SndWndEnd = p.InitialCwnd * p.Mss;
    }

    /// <summary>
    /// Puts the connection under the blade's quota; again after deserialization, with the same quota.
    /// </summary>
    /// <param name="memory">tcp_mem of the blade.</param>
    /// <param name="first">The connection is new: the quota counts it.</param>
    public void Attach(TcpMemory memory, bool first)
    {
        Memory = memory;
        if (first)
        {
            memory.Quota.Sockets++;
        }
    }

    /// <summary>Earliest timer, or <see cref="long.MaxValue"/>.</summary>
    [MemoryPackIgnore]
    public long NextTimerNs => Math.Min(RtoDeadlineNs, Math.Min(DelackDeadlineNs, ProbeDeadlineNs));

    /// <summary>Checks the relations between the numbers; throws with values when one does not hold.</summary>
    public void AssertInvariants()
    {
        Require(SndUna <= SndNxt && SndNxt <= WriteSeq && PushedSeq <= WriteSeq, "send sequence");
        Require(CopiedSeq <= RcvNxt && RcvWup <= RcvNxt, "receive sequence");
        // A buffer that passed a full quota takes the forward allocation below zero, by its own size at most.
        Require(WmemQueued >= 0 && RmemAlloc >= 0 && ForwardAlloc >= -RmemAlloc && BytesBelow >= 0, "accounts");
        Require(Cwnd > 0 && PacketsOut >= 0 && RtoNs <= TcpParameters.RtoMaxNs, "congestion");
        Require(PacketsOut > 0 == SndNxt > SndUna, "packets out");
        var packets = 0;
        for (var i = 0; i < Flight.Count; i++)
        {
            packets += Flight[i].Segments;
        }

        Require(packets == PacketsOut, "flight");
        var previous = RcvNxt;
        for (var i = 0; i < OutOfOrder.Count; i++)
        {
            Require(OutOfOrder[i].Start > previous && OutOfOrder[i].End > OutOfOrder[i].Start, "out of order");
            previous = OutOfOrder[i].End;
        }

        Require(Failed || PacketsOut == 0 || RtoDeadlineNs != long.MaxValue, "a flight without a timer");
    }

    private int SegmentsIn(long bytes) => (int)((bytes + Parameters.Mss - 1) / Parameters.Mss);

    private bool UnderPressure => Memory is { Quota.UnderPressure: true };

    private long SocketBytes => (long)WmemQueued + RmemAlloc + ForwardAlloc;

    private void Require(bool holds, string what)
    {
        if (!holds)
        {
            throw new InvalidOperationException(
                $"tcp {what}: una {SndUna} nxt {SndNxt} write {WriteSeq} pushed {PushedSeq} packets {PacketsOut} "
                + $"state {State} cwnd {Cwnd} rto {RtoNs} wmem {WmemQueued} rmem {RmemAlloc} forward {ForwardAlloc} "
                + $"below {BytesBelow} rcv {RcvNxt} copied {CopiedSeq} ranges {OutOfOrder.Count}");
        }
    }
}
