// What an arriving ACK does: round trip time, congestion window, fast retransmission and recovery.
namespace ClusterSwap.Kernel.Net;

public sealed partial class TcpConnection
{
    /// <summary>
    /// A segment arrived and its payload, if any, was admitted by <see cref="CanReceive"/> and charged: both parts of
    /// tcp_rcv_established. When the payload was refused, call <see cref="OnAck"/> alone.
    /// </summary>
    public void OnSegment(in TcpSegment s, long nowNs, ref TcpEffects fx)
    {
        OnAck(s, nowNs, ref fx);
        OnData(s, nowNs, ref fx);
    }

    /// <summary>
    /// The acknowledging part of a segment (<c>tcp_ack</c>). Afterwards the caller calls TryRetransmit and TryTransmit
    /// until they give nothing: that also arms the probe timer when the window is closed.
    /// </summary>
    public void OnAck(in TcpSegment s, long nowNs, ref TcpEffects fx)
    {
        if (s.Ack > SndNxt || s.Ack < SndUna || Failed)
        {
            return;
        }

        var advanced = s.Ack > SndUna;
        UpdateWindow(s, advanced);
        var (forward, hole) = (ForwardOut, SackStart);
        TakeSack(s);
        ProbesOut = 0;
        if (advanced)
        {
            TakeLateSegment(s.Ack, forward, hole);
            OnAdvance(s, nowNs, ref fx);
        }

        if (State == TcpCaState.Open)
        {
            OnOpen(ref fx);
        }
        else if (State == TcpCaState.Recovery && SackedOut > 0)
        {
            if (!advanced)
            {
                MarkLost(entering: false);
            }

            MarkLostRetransmission();
        }

        if (SndWndEnd - SndNxt >= Math.Min(Parameters.Mss, WriteSeq - SndNxt))
        {
            ProbeDeadlineNs = long.MaxValue;
            ProbeBackoff = 0;
            ProbeDue = false;
        }

        fx.Retransmit |= ProbeDue || (State != TcpCaState.Open && Math.Max(RetransNxt, SndUna) < LostEnd);
    }

    private void UpdateWindow(in TcpSegment s, bool advanced)
    {
        // tcp_may_update_window: newer data, newer ACK, or the same with a larger window.
        var end = s.Ack + s.Window;
        if (advanced || s.Seq > SndWl1 || (s.Seq == SndWl1 && end > SndWndEnd))
        {
            SndWl1 = s.Seq;
            SndWndEnd = end;
        }
    }

    private void OnAdvance(in TcpSegment s, long nowNs, ref TcpEffects fx)
    {
        var (packets, flying) = (PacketsOut, InFlight);
        SndUna = s.Ack;
        TakeFlight();
        fx.Acked = true;
        fx.AckedTo = SndUna;
        SackedOut = Math.Min(SackedOut, PacketsOut);

        // FLAG_ACKED: a part of one segment, such as of small ones that a retransmission merged, is no progress.
        var acked = packets - PacketsOut;
        if (acked > 0)
        {
            OnSegmentsAcked(s, nowNs);
        }

        if (State != TcpCaState.Open && SndUna >= HighSeq)
        {
            EndRecovery(s);
        }
        else if (State == TcpCaState.Recovery)
        {
            OnPartialAck(s, acked);
        }
        else if (State == TcpCaState.Loss && MayUndo(s))
        {
            // tcp_try_undo_loss: nothing was lost.
            Undo(threshold: true);
            State = TcpCaState.Open;
            LostEnd = SndUna;
            RetransStampNs = 0;
            Retransmits = 0;
        }

        if (acked > 0 && State != TcpCaState.Recovery)
        {
            GrowCwnd(flying);
        }
    }

    // tcp_ack_update_rtt with timestamps, which need no care for retransmissions, and tcp_rearm_rto.
    private void OnSegmentsAcked(in TcpSegment s, long nowNs)
    {
        if (s.TsEcr > 0)
        {
            SampleRtt(nowNs - s.TsEcr);
        }

        Retransmits = 0;
        BackoffPending = false;
        RtoDeadlineNs = PacketsOut == 0 ? long.MaxValue : Parameters.AtTick(nowNs + RtoNs);
    }

    private void EndRecovery(in TcpSegment s)
    {
        if (MayUndo(s))
        {
            Undo(threshold: true);
        }
        else if (State == TcpCaState.Recovery)
        {
            Cwnd = Ssthresh;
        }

        // Until something above is acknowledged D-SACKs may still come (the kernel's Disorder).
        State = TcpCaState.Open;
        HighSeq = SndNxt;
        RetransStampNs = 0;
    }

    private void OnOpen(ref TcpEffects fx)
    {
        if (UndoMarker != NoMarker)
        {
            if (UndoRetrans == 0)
            {
                Undo(threshold: true);
            }
            else if (SndUna > HighSeq)
            {
                UndoMarker = NoMarker;
            }
        }

        if (PacketsOut > 0 && TimeToRecover())
        {
            EnterRecovery(ref fx);
        }
    }

    private void OnPartialAck(in TcpSegment s, int acked)
    {
        if (MayUndo(s))
        {
            // tcp_try_undo_partial: the hole was filled by a segment that came late, the next ones are late too.
            UpdateReordering(ForwardOut + acked);
            Undo(threshold: false);
            return;
        }

        // The next hole is lost too if the peer holds enough above it; what was retransmitted is on its way.
        if (SackStart > SndUna && SackStart > RetransNxt && ForwardOut > Reordering)
        {
            RetransForced = LostEnd <= SndUna;
            MarkLost(entering: false);
        }
    }

    private void TakeFlight()
    {
        while (Flight.Count > 0 && Flight[0].End <= SndUna)
        {
            PacketsOut -= Flight.Take().Segments;
        }

        if (Flight.Count > 0)
        {
            // A train that is acknowledged in part keeps the segments that its rest needs.
            ref var first = ref Flight[0];
            var left = Math.Min(first.Segments, SegmentsIn(first.End - SndUna));
            PacketsOut -= first.Segments - left;
            first.Segments = left;
        }
    }

    private void SampleRtt(long rttNs)
    {
        rttNs = Math.Max(rttNs, 1);
        if (SrttNs == 0)
        {
            SrttNs = rttNs;
            MdevNs = rttNs / 2;
        }
        else
        {
            var error = rttNs - SrttNs;
            SrttNs += error / 8;
            MdevNs += (Math.Abs(error) - MdevNs) / 4;
        }

        RtoNs = Math.Min(SrttNs + Math.Max(Parameters.RtoMinNs, 4 * MdevNs), TcpParameters.RtoMaxNs);
    }

    private void GrowCwnd(int inFlightBefore)
    {
        // tcp_is_cwnd_limited: a window that was not used does not grow.
        var left = Cwnd - inFlightBefore;
        if (left > Reordering && !(Parameters.Tso && left * 3 < Cwnd))
        {
            return;
        }

        if (Cwnd < Ssthresh || ++CwndCount >= Cwnd)
        {
            CwndCount = 0;
            Cwnd++;
        }
    }

    private void EnterRecovery(ref TcpEffects fx)
    {
        PriorSsthresh = CurrentSsthresh;
        Ssthresh = Math.Max(Cwnd / 2, 2);
        Cwnd = Ssthresh;
        CwndCount = 0;
        State = TcpCaState.Recovery;
        HighSeq = SndNxt;
        RetransNxt = SndUna;
        LostEnd = SndUna;
        BeginUndo(keep: true);
        MarkLost(entering: true);
        RetransForced = true;
        MergeFlight();
        fx.FastRetransmits++;
    }

    private void EnterLoss()
    {
        if (State != TcpCaState.Loss || Retransmits == 0)
        {
            PriorSsthresh = CurrentSsthresh;
            Ssthresh = Math.Max(Cwnd / 2, 2);
        }

        // What was sent again before cannot be told from its copy: no undo.
        BeginUndo(keep: RetransNxt <= SndUna);
        Cwnd = 1;
        CwndCount = 0;
        State = TcpCaState.Loss;
        HighSeq = SndNxt;
        RetransNxt = SndUna;
        LostEnd = SndNxt;
        SackedOut = 0;
        Reordering = Math.Min(Reordering, TcpParameters.Reordering);
        RetransForced = true;
        MergeFlight();
    }

    private void MergeFlight()
    {
        // Retransmission merges small segments (tcp_retrans_try_collapse): from here on bytes decide.
        Flight.Clear();
        PacketsOut = SegmentsIn(SndNxt - SndUna);
        if (PacketsOut > 0)
        {
            Flight.Add(new TcpFlight { End = SndNxt, Segments = PacketsOut });
        }

        SackedOut = Math.Min(SackedOut, PacketsOut);
    }
}
