// Reordering: how far a segment may come late before it counts as lost, and taking back a recovery that was false.
namespace ClusterSwap.Kernel.Net;

public sealed partial class TcpConnection
{
    /// <summary>No recovery is to be taken back.</summary>
    public const long NoMarker = -1;

    /// <summary>Segments up to the highest one that the peer holds (fackets_out).</summary>
    private int ForwardOut => SackedOut > 0 && HighestSack > SndUna ? SegmentsIn(HighestSack - SndUna) : 0;

    /// <summary>
    /// <c>tcp_may_undo</c>: nothing was sent again, every copy was reported as a duplicate, or the ACK echoes a time
    /// before the first retransmission. Times are ticks: on a local network the two are mostly the same.
    /// </summary>
    private bool MayUndo(in TcpSegment s) => UndoMarker != NoMarker
        && (UndoRetrans == 0 || RetransStampNs == 0
            || (s.TsEcr > 0 && s.TsEcr / Parameters.TickNs < RetransStampNs / Parameters.TickNs));

    /// <summary><c>tcp_sacktag_write_queue</c>, for the block that caused this ACK.</summary>
    private void TakeSack(in TcpSegment s)
    {
        var known = HighestSack;
        if (s.SackEnd > HighestSack)
        {
            HighestSack = Math.Min(s.SackEnd, SndNxt);
        }

        SackedOut = State == TcpCaState.Loss ? 0 : Math.Min(s.OutOfOrder, PacketsOut);
        SackStart = s.SackStart;
        if (s.RecentEnd == 0)
        {
            return;
        }

        if ((s.Flags & TcpSegmentFlags.Duplicate) != 0)
        {
            TakeDuplicate(s);
        }
        else if (s.RecentStart < known && s.RecentStart >= Math.Max(RetransNxt, SndUna)
            && (State != TcpCaState.Loss || UndoMarker != NoMarker))
        {
            // It was in a hole and was not sent again: it came late.
            UpdateReordering(ForwardOut - SegmentsIn(s.RecentStart - SndUna));
        }
    }

    /// <summary>D-SACK: a copy that was not needed. Above SndUna the peer had the segment already.</summary>
    private void TakeDuplicate(in TcpSegment s)
    {
        if (UndoMarker == NoMarker || s.RecentEnd <= UndoMarker || s.RecentStart >= RetransNxt)
        {
            return;
        }

        UndoRetrans = Math.Max(UndoRetrans - SegmentsIn(s.RecentEnd - s.RecentStart), 0);
        if (s.RecentStart > SndUna)
        {
            UpdateReordering(ForwardOut - SegmentsIn(s.RecentStart - SndUna));
        }
    }

    /// <summary><c>tcp_clean_rtx_queue</c>: a hole was filled by what had never been sent again.</summary>
    private void TakeLateSegment(long ack, int forwardOut, long holeEnd)
    {
        var first = Math.Max(RetransNxt, SndUna);
        if (forwardOut > 0 && first < Math.Min(ack, holeEnd))
        {
            UpdateReordering(forwardOut - SegmentsIn(first - SndUna));
        }
    }

    /// <summary><c>tcp_update_reordering</c>: the farthest that a segment was displaced; FACK is off from then
    /// on.</summary>
    private void UpdateReordering(int segments)
    {
        if (segments > Reordering)
        {
            Reordering = Math.Min(segments, TcpParameters.ReorderingMax);
            NoForwardAck = true;
        }
    }

    /// <summary><c>tcp_time_to_recover</c>.</summary>
    private bool TimeToRecover()
    {
        if (SackedOut == 0)
        {
            return false;
        }

        if ((NoForwardAck ? SackedOut + 1 : ForwardOut) > Reordering)
        {
            return true;
        }

        // Nothing more can be sent that would bring further ACKs.
        return PacketsOut <= Reordering && SackedOut >= Math.Max(PacketsOut / 2, TcpParameters.Reordering)
            && (SndNxt == WriteSeq || SndNxt >= SndWndEnd || Cwnd <= InFlight);
    }

    /// <summary><c>tcp_update_scoreboard</c>: how much of the first hole counts as lost.</summary>
    private void MarkLost(bool entering)
    {
        var hole = SackStart > SndUna ? Math.Min(SackStart, SndNxt) : Math.Min(SndUna + Parameters.Mss, SndNxt);
        if (!NoForwardAck)
        {
            var lost = Math.Max(ForwardOut - Reordering, 1);
            hole = Math.Min(hole, SndUna + (long)lost * Parameters.Mss);
        }
        else if (SackedOut < Reordering)
        {
            hole = entering ? Math.Min(hole, SndUna + Parameters.Mss) : LostEnd;
        }

        LostEnd = Math.Max(LostEnd, hole);
    }

    /// <summary>
    /// <c>tcp_mark_lost_retrans</c>: something that was sent after the retransmission has arrived before it.
    /// </summary>
    private void MarkLostRetransmission()
    {
        if (!NoForwardAck && RetransNxt > SndUna && HighestSack > RetransSndNxt)
        {
            RetransNxt = SndUna;
            RetransForced = true;
        }
    }

    /// <summary><c>tcp_undo_cwr</c>.</summary>
    private void Undo(bool threshold)
    {
        Cwnd = Math.Max(Cwnd, (int)Math.Min(Ssthresh * 2L, int.MaxValue));
        if (threshold)
        {
            Ssthresh = Math.Max(Ssthresh, PriorSsthresh);
            UndoMarker = NoMarker;
        }
    }

    private void BeginUndo(bool keep)
    {
        UndoMarker = keep ? SndUna : NoMarker;
        UndoRetrans = 0;
    }

    // tcp_current_ssthresh: what the threshold was, or three quarters of a window that had grown beyond it.
    private int CurrentSsthresh => Math.Max(Ssthresh, (Cwnd >> 1) + (Cwnd >> 2));
}
