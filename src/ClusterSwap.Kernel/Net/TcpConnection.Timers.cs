// The three timers of a connection: retransmission, delayed ACK, window probe.
namespace ClusterSwap.Kernel.Net;

public sealed partial class TcpConnection
{
    /// <summary>
    /// Runs every timer that is due. A socket that is owned by a task postpones them: retransmission and probe by
    /// HZ/20, the delayed ACK by HZ/25 with the blocked mark. Otherwise retransmissions and probes come out of
    /// TryRetransmit, the ACK out of TryBuildAck.
    /// </summary>
    public void OnTimer(long nowNs, bool socketOwned, ref TcpEffects fx)
    {
        if (DelackDeadlineNs <= nowNs)
        {
            OnDelackTimer(nowNs, socketOwned, ref fx);
        }

        if (RtoDeadlineNs <= nowNs)
        {
            if (socketOwned)
            {
                RtoDeadlineNs = Parameters.AtTick(nowNs + Parameters.OwnedRetryNs);
            }
            else
            {
                OnRetransmitTimer(nowNs, ref fx);
            }
        }

        if (ProbeDeadlineNs <= nowNs)
        {
            if (socketOwned)
            {
                ProbeDeadlineNs = Parameters.AtTick(nowNs + Parameters.OwnedRetryNs);
            }
            else
            {
                OnProbeTimer(nowNs, ref fx);
            }
        }
    }

    /// <summary>
    /// The buffer for what TryRetransmit gave last could not be had: it is not out. The timer tries again after
    /// min(rto, HZ/2) without backoff, and the attempt does not count towards the 15.
    /// </summary>
    public void RetransmitFailedLocally(long nowNs)
    {
        var what = InHand;
        InHand = TcpInHand.Nothing;
        BytesBelow -= what == TcpInHand.Nothing ? 0 : InHandLength;
        switch (what)
        {
            case TcpInHand.Nothing:
                return;
            case TcpInHand.Probe:
                ProbesOut = Math.Max(ProbesOut - 1, 1);
                ProbeBackoff = Math.Max(ProbeBackoff - 1, 0);
                ProbeDeadlineNs = Parameters.AtTick(nowNs + Math.Min(RtoNs, Parameters.ResourceProbeNs));
                return;
            case TcpInHand.ProbeWithData:
                // Its bytes count as sent: the retransmission timer repairs them as it would a loss.
                RtoDeadlineNs = Parameters.AtTick(nowNs + Math.Min(RtoNs, Parameters.ResourceProbeNs));
                return;
        }

        RetransNxt = LastRetransStart;
        UndoRetrans = Math.Max(UndoRetrans - SegmentsIn(InHandLength), 0);
        if (RetransCarriedAck)
        {
            AckAllocationFailed(nowNs);
            RetransCarriedAck = false;
        }

        RetransForced = true;
        if (BackoffPending)
        {
            BackoffPending = false;
            Retransmits = Math.Max(Retransmits - 1, 1);
            RtoNs = RtoBeforeBackoffNs;
        }

        RtoDeadlineNs = Parameters.AtTick(nowNs + Math.Min(RtoNs, Parameters.ResourceProbeNs));
    }

    private void OnDelackTimer(long nowNs, bool socketOwned, ref TcpEffects fx)
    {
        if (socketOwned)
        {
            Blocked = true;
            fx.DelayedAcksLocked++;
            DelackDeadlineNs = Parameters.AtTick(nowNs + Parameters.DelackMinNs);
            return;
        }

        DelackDeadlineNs = long.MaxValue;
        if (!AckScheduled)
        {
            return;
        }

        if (PingPong)
        {
            // The delay was missed: the connection is not interactive.
            PingPong = false;
            AtoNs = Parameters.DelackMinNs;
        }
        else
        {
            AtoNs = Math.Min(AtoNs * 2, RtoNs);
        }

        fx.DelayedAcks++;
        AckAtOnce(ref fx);
    }

    private void OnRetransmitTimer(long nowNs, ref TcpEffects fx)
    {
        if (PacketsOut == 0)
        {
            RtoDeadlineNs = long.MaxValue;
            return;
        }

        if (Retransmits >= TcpParameters.Retries)
        {
            Fail(ref fx);
            return;
        }

        fx.TcpTimeouts++;
        EnterLoss();
        Retransmits++;
        BackoffPending = true;
        RtoBeforeBackoffNs = RtoNs;
        RtoNs = Math.Min(RtoNs * 2, TcpParameters.RtoMaxNs);
        RtoDeadlineNs = Parameters.AtTick(nowNs + RtoNs);
        fx.Retransmit = true;
    }

    private void OnProbeTimer(long nowNs, ref TcpEffects fx)
    {
        ProbeDeadlineNs = long.MaxValue;
        if (PacketsOut > 0 || SndNxt == WriteSeq)
        {
            ProbesOut = 0;
            return;
        }

        if (ProbesOut >= TcpParameters.Retries)
        {
            Fail(ref fx);
            return;
        }

        ProbeDue = true;
        ProbesOut++;
        ProbeBackoff = Math.Min(ProbeBackoff + 1, 20);
        ArmProbe(nowNs);
        fx.WindowProbes++;
        fx.Retransmit = true;
    }

    private void ArmProbe(long nowNs)
    {
        if (ProbeDeadlineNs == long.MaxValue)
        {
            ProbeDeadlineNs = Parameters.AtTick(
                nowNs + Math.Min(RtoNs << ProbeBackoff, TcpParameters.RtoMaxNs));
        }
    }

    /// <summary>
    /// <c>tcp_write_wakeup</c>: as much of a segment as the window lets through, else one byte of old.
    /// </summary>
    private bool BuildProbe(long nowNs, out TcpSegment segment)
    {
        ProbeDue = false;
        var room = (int)Math.Min(Math.Min(SndWndEnd - SndNxt, Parameters.Mss), WriteSeq - SndNxt);
        if (room > 0)
        {
            segment = Train(SndNxt, room, nowNs);
            segment.Flags |= TcpSegmentFlags.WindowProbe | TcpSegmentFlags.Push;
            Sent(segment, nowNs);
            InHand = TcpInHand.ProbeWithData;
            InHandLength = room;
            return true;
        }

        segment = new TcpSegment { Seq = SndUna - 1, Segments = 1, Flags = TcpSegmentFlags.WindowProbe };
        StampAck(ref segment, nowNs);
        InHand = TcpInHand.Probe;
        InHandLength = 0;
        return true;
    }

    /// <summary>A RST arrived (<c>tcp_reset</c>): the connection is gone.</summary>
    public void Reset(ref TcpEffects fx) => Fail(ref fx);

    /// <summary>
    /// The socket is closed: nothing is queued any more, and what it had of the quota goes back. The caller frees the
    /// buffers.
    /// </summary>
    public void Close()
    {
        var held = WmemQueued + RmemAlloc;
        WmemQueued = 0;
        RmemAlloc = 0;
        if (Memory is not null)
        {
            Memory.Quota.Release(ref ForwardAlloc, held);
            Memory.Quota.Sockets--;
        }

        CopiedSeq = RcvNxt;
        OutOfOrder.Clear();
        SndUna = SndNxt;
        PacketsOut = 0;
        SackedOut = 0;
        Flight.Clear();
        var fx = default(TcpEffects);
        Fail(ref fx);
    }

    private void Fail(ref TcpEffects fx)
    {
        Failed = true;
        fx.Failed = true;
        RtoDeadlineNs = long.MaxValue;
        DelackDeadlineNs = long.MaxValue;
        ProbeDeadlineNs = long.MaxValue;
    }
}
