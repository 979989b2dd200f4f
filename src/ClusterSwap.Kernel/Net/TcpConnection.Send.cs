// Sending: what may leave now (tcp_write_xmit), retransmissions, and the account of the send buffer.
using MemoryPack;

namespace ClusterSwap.Kernel.Net;

public sealed partial class TcpConnection
{
    /// <summary><c>sk_stream_memory_free</c>: a writer may take another buffer or page.</summary>
    [MemoryPackIgnore]
    public bool MemoryFree => WmemQueued < SndBuf;

    /// <summary>Segments that count as being in the network.</summary>
    [MemoryPackIgnore]
    public int InFlight
    {
        get
        {
            var lost = State == TcpCaState.Open ? 0 : SegmentsIn(Math.Max(LostEnd - Math.Max(RetransNxt, SndUna), 0));
            return Math.Max(PacketsOut - SackedOut - lost, 0);
        }
    }

    /// <summary>
    /// <c>sk_wmem_schedule</c>: takes a buffer's truesize from the protocol's quota. False: the caller shrinks the send
    /// buffer (done here) and waits for memory, as if the allocation had failed.
    /// </summary>
    public bool ChargeSend(int trueSize)
    {
        if (Memory is null
            || Memory.Quota.TryCharge(
                ref ForwardAlloc, trueSize, WmemQueued < TcpParameters.Guarantee, SocketBytes))
        {
            return true;
        }

        ShrinkSndBuf();
        NoSpace = true;
        return false;
    }

    /// <summary>
    /// Bytes were copied into the write queue; <paramref name="trueSize"/> is what the queue grew by (a new buffer's
    /// truesize, and the bytes that went into fragments), charged before with <see cref="ChargeSend"/> if there is a
    /// quota.
    /// </summary>
    public void Append(int bytes, int trueSize)
    {
        WriteSeq += bytes;
        WmemQueued += trueSize;
        NoSpace |= !MemoryFree;
    }

    /// <summary>
    /// Buffers were freed because their bytes are acknowledged. Grows the send buffer when the writer had found it full
    /// (<c>tcp_new_space</c>, 3.6) and says when a third of it is free again.
    /// </summary>
    public void ReleaseSend(int trueSize, ref TcpEffects fx)
    {
        WmemQueued -= trueSize;
        if (WmemQueued < 0)
        {
            throw new InvalidOperationException($"send buffer went below zero: {WmemQueued} after {trueSize} bytes");
        }

        Memory?.Quota.Release(ref ForwardAlloc, trueSize);
        if (!NoSpace || trueSize == 0)
        {
            return;
        }

        var overQuota = Memory is not null && Memory.Quota.AllocatedPages >= Memory.Quota.Min;
        if (!UnderPressure && !overQuota && PacketsOut < Cwnd)
        {
            var wanted = 2L * Math.Max(Cwnd, Reordering + 1) * Parameters.SendTrueSize;
            SndBuf = (int)Math.Max(SndBuf, Math.Min(wanted, Parameters.SndBufMax));
        }

        if (SndBuf - WmemQueued >= WmemQueued >> 1)
        {
            NoSpace = false;
            fx.WriteSpace = true;
        }
    }

    /// <summary>
    /// A buffer or page for sending could not be had (<c>sk_stream_alloc_page</c>, <c>sk_stream_alloc_skb</c>, 3.6):
    /// memory pressure, and the send buffer shrinks to half of what is queued, at least 2,048 bytes. What is queued
    /// goes out.
    /// </summary>
    public void SendAllocationFailed()
    {
        Memory?.Quota.EnterPressure();
        ShrinkSndBuf();
        NoSpace = true;
        PushedSeq = WriteSeq;
    }

    /// <summary>
    /// <c>sk_stream_wait_memory</c>: 2 to HZ/5+1 ticks, by a draw from the caller's stream; the socket is not owned
    /// meanwhile. Returns the length of the wait, ns.
    /// </summary>
    public long MemoryWaitNs(uint draw) => (draw % (uint)(Parameters.Hz / 5) + 2) * Parameters.TickNs;

    /// <summary>
    /// The next train that may leave (<c>tcp_write_xmit</c>): within congestion window, receive window, output limit
    /// and
    /// the size that the NIC can segment. Call until false. With <paramref name="push"/> everything written so far may
    /// leave even if the last segment is not full; TCP_NODELAY is set, so nothing else holds it.
    /// </summary>
    public bool TryTransmit(long nowNs, bool push, out TcpSegment segment)
    {
        segment = default;
        if (push)
        {
            PushedSeq = WriteSeq;
        }

        if (Failed || SndNxt == WriteSeq)
        {
            return false;
        }

        RestartAfterIdle(nowNs);
        var quota = Cwnd - InFlight;
        if (quota <= 0 || (State != TcpCaState.Open && RetransNxt < LostEnd))
        {
            return false;
        }

        var length = Sendable(quota);
        if (length <= 0)
        {
            if (PacketsOut == 0 && SndWndEnd - SndNxt < Math.Min(Parameters.Mss, WriteSeq - SndNxt))
            {
                ArmProbe(nowNs);
            }

            return false;
        }

        if (BytesBelow >= TcpParameters.OutputLimit)
        {
            Throttled = true;
            return false;
        }

        segment = Train(SndNxt, length, nowNs);
        segment.Flags |= segment.End == WriteSeq && PushedSeq == WriteSeq ? TcpSegmentFlags.Push : TcpSegmentFlags.None;
        Sent(segment, nowNs);
        return true;
    }

    /// <summary>
    /// The NIC has sent so many bytes. True: transmission had stopped at the limit, call TryTransmit.
    /// </summary>
    public bool OnTransmitted(int bytes)
    {
        BytesBelow -= bytes;
        if (BytesBelow < 0)
        {
            throw new InvalidOperationException($"bytes below TCP went below zero: {BytesBelow} after {bytes}");
        }

        var resume = Throttled && BytesBelow < TcpParameters.OutputLimit;
        Throttled &= !resume;
        return resume;
    }

    /// <summary>
    /// The next retransmission or window probe (<c>tcp_xmit_retransmit_queue</c>, <c>tcp_write_wakeup</c>). Call until
    /// false after <see cref="TcpEffects.Retransmit"/>; when its buffer cannot be had, RetransmitFailedLocally.
    /// </summary>
    public bool TryRetransmit(long nowNs, out TcpSegment segment)
    {
        segment = default;
        if (ProbeDue && !Failed)
        {
            return BuildProbe(nowNs, out segment);
        }

        var start = Math.Max(RetransNxt, SndUna);
        if (Failed || State == TcpCaState.Open || start >= LostEnd)
        {
            return false;
        }

        var quota = Math.Max(Cwnd - InFlight, RetransForced ? 1 : 0);
        var length = Math.Min(Math.Min(LostEnd - start, (long)quota * Parameters.Mss), Parameters.MaxTrain);
        if (start + length > SndWndEnd)
        {
            // A window that was taken back does not stop the first segment.
            length = start == SndUna ? Math.Min(length, Parameters.Mss) : SndWndEnd - start;
        }

        if (length <= 0)
        {
            return false;
        }

        segment = Train(start, (int)length, nowNs);
        segment.Flags |= TcpSegmentFlags.Retransmission | (segment.End == WriteSeq ? TcpSegmentFlags.Push : 0);
        InHand = TcpInHand.Retransmission;
        InHandLength = segment.Length;
        LastRetransStart = start;
        RetransCarriedAck = AckScheduled;
        RetransNxt = segment.End;
        RetransForced = false;
        RetransStampNs = RetransStampNs == 0 ? Math.Max(nowNs, 1) : RetransStampNs;
        RetransSndNxt = SndNxt;
        UndoRetrans += UndoMarker == NoMarker ? 0 : segment.Segments;
        BytesBelow += segment.Length;
        LastSendNs = nowNs;
        AckSent();
        return true;
    }

    private int Sendable(int quota)
    {
        var mss = Parameters.Mss;
        var length = WriteSeq - SndNxt;
        var whole = PushedSeq == WriteSeq;
        var limit = Math.Min(SndWndEnd - SndNxt, Math.Min((long)quota * mss, Parameters.MaxTrain));
        if (length > limit)
        {
            length = limit;
            whole = false;
        }

        if (!whole && length % mss != 0)
        {
            // What was pushed may end in a part of a segment; the rest waits for more, or for the window.
            var full = length - length % mss;
            length = PushedSeq > SndNxt + full && PushedSeq <= SndNxt + length ? PushedSeq - SndNxt : full;
        }

        return (int)length;
    }

    private TcpSegment Train(long start, int length, long nowNs)
    {
        var segment = new TcpSegment { Seq = start, Length = length, Segments = SegmentsIn(length) };
        StampAck(ref segment, nowNs);
        return segment;
    }

    private void Sent(in TcpSegment segment, long nowNs)
    {
        if (PacketsOut == 0)
        {
            RtoDeadlineNs = Parameters.AtTick(nowNs + RtoNs);
        }

        SndNxt = segment.End;
        PacketsOut += segment.Segments;
        Flight.Add(new TcpFlight { End = segment.End, Segments = segment.Segments });
        BytesBelow += segment.Length;
        LastSendNs = nowNs;
        ProbeDeadlineNs = long.MaxValue;
        PingPong |= nowNs - LastReceiveNs < AtoNs;
        AckSent();
    }

    private void RestartAfterIdle(long nowNs)
    {
        // tcp_cwnd_restart: after an idle time the window halves once per timeout down to the initial one.
        if (PacketsOut > 0 || State != TcpCaState.Open)
        {
            return;
        }

        var floor = Math.Min(Parameters.InitialCwnd, Cwnd);
        for (var idle = nowNs - LastSendNs; idle > RtoNs && Cwnd > floor; idle -= RtoNs)
        {
            Ssthresh = Math.Max(Ssthresh, Cwnd / 4 * 3);
            Cwnd = Math.Max(Cwnd / 2, floor);
            CwndCount = 0;
        }
    }

    private void ShrinkSndBuf() =>
        SndBuf = Math.Max(Math.Min(SndBuf, WmemQueued / 2), TcpParameters.MinSndBuf);
}
