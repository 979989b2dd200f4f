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
        var windowMoved = UpdateWindow(s, advanced);
        SackedOut = State == TcpCaState.Loss ? 0 : Math.Min(s.OutOfOrder, PacketsOut);
        SackStart = s.SackStart;
        ProbesOut = 0;
        if (advanced)
        {
            OnAdvance(s, nowNs, ref fx);
        }
        else if (PacketsOut > 0 && s.Length == 0 && (s.OutOfOrder > 0 || !windowMoved))
        {
            DupAcks++;
        }

        if (State == TcpCaState.Open && PacketsOut > 0 && Math.Max(DupAcks, SackedOut) >= TcpParameters.Reordering)
        {
            EnterRecovery(ref fx);
        }

        if (SndWndEnd - SndNxt >= Math.Min(Parameters.Mss, WriteSeq - SndNxt))
        {
            ProbeDeadlineNs = long.MaxValue;
            ProbeBackoff = 0;
            ProbeDue = false;
        }

        fx.Retransmit |= ProbeDue || (State != TcpCaState.Open && Math.Max(RetransNxt, SndUna) < LostEnd);
    }

    private bool UpdateWindow(in TcpSegment s, bool advanced)
    {
        // tcp_may_update_window: newer data, newer ACK, or the same with a larger window.
        var end = s.Ack + s.Window;
        if (!advanced && s.Seq <= SndWl1 && (s.Seq != SndWl1 || end <= SndWndEnd))
        {
            return false;
        }

        SndWl1 = s.Seq;
        var moved = end != SndWndEnd;
        SndWndEnd = end;
        return moved;
    }

    private void OnAdvance(in TcpSegment s, long nowNs, ref TcpEffects fx)
    {
        var before = InFlight;
        SndUna = s.Ack;
        TakeFlight();
        if (s.TsEcr > 0)
        {
            SampleRtt(nowNs - s.TsEcr);
        }

        Retransmits = 0;
        DupAcks = 0;
        BackoffPending = false;
        SackedOut = Math.Min(SackedOut, PacketsOut);
        RtoDeadlineNs = PacketsOut == 0 ? long.MaxValue : Parameters.AtTick(nowNs + RtoNs);
        fx.Acked = true;
        fx.AckedTo = SndUna;

        if (State != TcpCaState.Open && SndUna >= HighSeq)
        {
            Cwnd = State == TcpCaState.Recovery ? Ssthresh : Cwnd;
            State = TcpCaState.Open;
        }
        else if (State == TcpCaState.Recovery)
        {
            // The next hole is lost too if the peer holds something above it; what was retransmitted is on its way.
            if (SackStart > SndUna && SackStart > RetransNxt)
            {
                RetransForced = LostEnd <= SndUna;
                LostEnd = Math.Max(LostEnd, SackStart);
            }
        }

        if (State != TcpCaState.Recovery)
        {
            GrowCwnd(before);
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
        if (left > TcpParameters.Reordering && !(Parameters.Tso && left * 3 < Cwnd))
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
        Ssthresh = Math.Max(Cwnd / 2, 2);
        Cwnd = Ssthresh;
        CwndCount = 0;
        State = TcpCaState.Recovery;
        HighSeq = SndNxt;
        RetransNxt = SndUna;
        LostEnd = SackStart > SndUna ? Math.Min(SackStart, SndNxt) : Math.Min(SndUna + Parameters.Mss, SndNxt);
        RetransForced = true;
        MergeFlight();
        fx.FastRetransmits++;
    }

    private void EnterLoss()
    {
        if (State != TcpCaState.Loss || Retransmits == 0)
        {
            Ssthresh = Math.Max(Cwnd / 2, 2);
        }

        Cwnd = 1;
        CwndCount = 0;
        State = TcpCaState.Loss;
        HighSeq = SndNxt;
        RetransNxt = SndUna;
        LostEnd = SndNxt;
        DupAcks = 0;
        SackedOut = 0;
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
