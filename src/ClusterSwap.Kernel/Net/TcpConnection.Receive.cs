// Receiving: admission of buffers, ranges out of order, the window, and the decision when to acknowledge.
using MemoryPack;

namespace ClusterSwap.Kernel.Net;

public sealed partial class TcpConnection
{
    /// <summary>Bytes in order that the reader has not taken.</summary>
    [MemoryPackIgnore]
    public int Readable => (int)(RcvNxt - CopiedSeq);

    /// <summary>Window that the peer may still use, bytes.</summary>
    [MemoryPackIgnore]
    public int ReceiveWindow => (int)Math.Max(RcvWup + RcvWnd - RcvNxt, 0);

    /// <summary>
    /// <c>tcp_try_rmem_schedule</c>, first half: rmem_alloc is not above rcvbuf and the quota gives. The quota is taken
    /// by <see cref="ChargeReceive"/>.
    /// </summary>
    /// <param name="trueSize">Bytes of the buffer with its overhead.</param>
    /// <param name="passesQuota"><see cref="SocketRules.PassesQuota"/>: a full quota does not refuse the
    /// buffer.</param>
    public bool CanReceive(int trueSize, bool passesQuota = false)
    {
        if (RmemAlloc > RcvBuf)
        {
            return false;
        }

        if (Memory is null)
        {
            return true;
        }

        // A trial on copies; only the news about pressure stays.
        var quota = Memory.Quota;
        var forward = ForwardAlloc;
        var granted = quota.TryCharge(
            ref forward, trueSize, RmemAlloc < TcpParameters.Guarantee, SocketBytes);
        Memory.Quota.UnderPressure = quota.UnderPressure;
        Memory.Quota.Pressures = quota.Pressures;
        return granted || passesQuota;
    }

    /// <summary>Charges a buffer after <see cref="CanReceive"/> said yes, before its segment is processed.</summary>
    public void ChargeReceive(int trueSize, bool passesQuota = false)
    {
        if (Memory is not null && !Memory.Quota.TryCharge(ref ForwardAlloc, trueSize, true, SocketBytes))
        {
            if (!passesQuota)
            {
                throw new InvalidOperationException($"receive charge of {trueSize} bytes without asking: rmem {RmemAlloc}");
            }

            // sk_mem_charge: the forward allocation goes below zero until the buffer is freed.
            ForwardAlloc -= trueSize;
        }

        RmemAlloc += trueSize;
    }

    /// <summary>Charges a buffer whatever buffer limit and quota say (<c>tcp_data_queue</c> with an empty queue,
    /// 6.1).</summary>
    public void ForceReceive(int trueSize)
    {
        Memory?.Quota.ForceCharge(ref ForwardAlloc, trueSize);
        RmemAlloc += trueSize;
    }

    /// <summary>Gives the charge of a freed buffer back.</summary>
    public void ReleaseReceive(int trueSize)
    {
        RmemAlloc -= trueSize;
        if (RmemAlloc < 0)
        {
            throw new InvalidOperationException($"receive buffer went below zero: {RmemAlloc} after {trueSize} bytes");
        }

        Memory?.Quota.Release(ref ForwardAlloc, trueSize);
    }

    /// <summary>
    /// <c>tcp_prune_ofo_queue</c>, when CanReceive refuses: forgets everything out of order. True when there was
    /// something: the caller frees the buffers of the receive queue's out-of-order part and asks once more.
    /// </summary>
    public bool PruneOutOfOrder()
    {
        if (OutOfOrder.Count == 0)
        {
            return false;
        }

        OutOfOrder.Clear();
        OfoPruned++;
        return true;
    }

    /// <summary>The payload part of a segment (<c>tcp_data_queue</c>); its buffers are charged already.</summary>
    public void OnData(in TcpSegment s, long nowNs, ref TcpEffects fx)
    {
        if (s.TsVal >= TsRecent && s.Seq <= RcvWup)
        {
            TsRecent = s.TsVal;
        }

        if (s.Length == 0)
        {
            if ((s.Flags & TcpSegmentFlags.WindowProbe) != 0)
            {
                AckAtOnce(ref fx);
            }

            return;
        }

        if (s.End <= RcvNxt || s.Seq >= RcvNxt + ReceiveWindow)
        {
            fx.SegmentsDropped += s.Segments;
            fx.Data = TcpData.NotKept;
            Recent = s.End <= RcvNxt ? new SeqRange(s.Seq, s.End) : default;
            RecentKnown = s.End <= RcvNxt;
            EnterQuickAck();
            AckAtOnce(ref fx);
            return;
        }

        AckScheduled = true;
        PushSeen |= (s.Flags & TcpSegmentFlags.Push) != 0;
        if (s.Seq > RcvNxt)
        {
            fx.Data = InsertRange(s.Seq, s.End) ? TcpData.OutOfOrder : TcpData.NotKept;
            fx.SegmentsDropped += fx.Data == TcpData.NotKept ? s.Segments : 0;
            Recent = new SeqRange(s.Seq, s.End);
            RecentKnown = fx.Data == TcpData.NotKept;
            EnterQuickAck();
            AckAtOnce(ref fx);
            return;
        }

        var filled = OutOfOrder.Count > 0;
        RcvNxt = s.End;
        AbsorbRanges();
        fx.Data = TcpData.InOrder;
        fx.DataReadable = true;
        EstimateAto(nowNs);
        GrowWindow(s);
        if (filled && OutOfOrder.Count == 0)
        {
            PingPong = false;
            EnterQuickAck();
        }

        CheckAck(nowNs, ref fx);
    }

    /// <summary>
    /// The reader took bytes and freed buffers (<c>tcp_cleanup_rbuf</c>, <c>tcp_rcv_space_adjust</c>): an ACK goes
    /// when the window has opened to twice what the peer knows, or when one was owed and everything is read.
    /// </summary>
    public void Read(int bytes, int trueSizeFreed, long nowNs, ref TcpEffects fx)
    {
        if (bytes < 0 || bytes > Readable)
        {
            throw new InvalidOperationException($"read of {bytes} bytes, {Readable} are there");
        }

        CopiedSeq += bytes;
        ReleaseReceive(trueSizeFreed);
        AdjustReceiveBuffer(nowNs);
        var owed = AckScheduled
            && (Blocked || RcvNxt - RcvWup > Parameters.Mss
                || (bytes > 0 && PushSeen && !PingPong && RmemAlloc == 0));
        var known = ReceiveWindow;
        var opened = bytes > 0 && 2L * known <= WindowClamp && SelectWindow() is var window
            && window > 0 && window >= 2L * known;
        if (owed || opened)
        {
            AckAtOnce(ref fx);
        }
    }

    private bool InsertRange(long start, long end)
    {
        var i = 0;
        while (i < OutOfOrder.Count && OutOfOrder[i].End < start)
        {
            i++;
        }

        if (i < OutOfOrder.Count && OutOfOrder[i].Start <= start && end <= OutOfOrder[i].End)
        {
            return false;
        }

        while (i < OutOfOrder.Count && OutOfOrder[i].Start <= end)
        {
            start = Math.Min(start, OutOfOrder[i].Start);
            end = Math.Max(end, OutOfOrder[i].End);
            OutOfOrder.RemoveAt(i);
        }

        OutOfOrder.Insert(i, new SeqRange(start, end));
        return true;
    }

    private void AbsorbRanges()
    {
        while (OutOfOrder.Count > 0 && OutOfOrder[0].Start <= RcvNxt)
        {
            RcvNxt = Math.Max(RcvNxt, OutOfOrder.Take().End);
        }
    }

    /// <summary>
    /// <c>__tcp_select_window</c>: half of the free buffer (tcp_adv_win_scale 1), never less than promised.
    /// </summary>
    private int SelectWindow()
    {
        var free = Math.Max(RcvBuf - RmemAlloc, 0) / 2;
        var full = Math.Min(WindowClamp, RcvBuf / 2);
        var window = Math.Min(free, RcvSsthresh);
        if (free < full / 2)
        {
            Quick = 0;
            if (UnderPressure)
            {
                RcvSsthresh = Math.Min(RcvSsthresh, 4 * Parameters.Mss);
                window = Math.Min(free, RcvSsthresh);
            }

            if (free < Parameters.Mss)
            {
                window = 0;
            }
        }

        return Math.Max(window, ReceiveWindow);
    }

    private void GrowWindow(in TcpSegment s)
    {
        // tcp_grow_window: only data that fills its buffers opens the window.
        var fills = s.Length >= (long)s.Segments * Parameters.FrameTrueSize / 2;
        if (fills && RcvSsthresh < WindowClamp && RcvSsthresh < (RcvBuf - RmemAlloc) / 2 && !UnderPressure)
        {
            RcvSsthresh = Math.Min(RcvSsthresh + 2 * Parameters.Mss * s.Segments, WindowClamp);
        }
    }

    private void AdjustReceiveBuffer(long nowNs)
    {
        if (SrttNs == 0 || nowNs - RcvSpaceNs < SrttNs)
        {
            return;
        }

        var space = (int)Math.Min(2 * (CopiedSeq - RcvSpaceSeq), int.MaxValue / 4);
        if (space > RcvSpace)
        {
            RcvSpace = space;
            var frame = Math.Max(Parameters.FrameTrueSize, 2 * Parameters.Mss);
            var wanted = Math.Min((long)Math.Max(space / Parameters.Mss, 1) * frame, Parameters.RcvBufMax);
            if (wanted > RcvBuf)
            {
                RcvBuf = (int)wanted;
                WindowClamp = Math.Max(WindowClamp, space);
            }
        }

        RcvSpaceSeq = CopiedSeq;
        RcvSpaceNs = nowNs;
    }
}
