// When and how this end acknowledges: quick ACKs, delayed ACKs, and ACKs that could not be built.
namespace ClusterSwap.Kernel.Net;

public sealed partial class TcpConnection
{
    private const int MaxQuickAcks = 16;

    /// <summary>
    /// The ACK that is to go now, once its buffer has been allocated; false when none is. Counts as sent
    /// (<c>tcp_send_ack</c>).
    /// </summary>
    public bool TryBuildAck(long nowNs, out TcpSegment ack)
    {
        ack = default;
        if (!AckNow || Failed)
        {
            return false;
        }

        ack = new TcpSegment { Seq = SndNxt, Segments = 1 };
        StampAck(ref ack, nowNs);
        AckSent();
        return true;
    }

    /// <summary>
    /// No buffer for the ACK: it is owed again and the delayed-ACK timer tries once more after 200 ms (HZ/5).
    /// </summary>
    public void AckAllocationFailed(long nowNs)
    {
        if (Failed)
        {
            return;
        }

        AckScheduled = true;
        AckNow = false;
        AtoNs = Parameters.DelackMinNs;
        DelackDeadlineNs = Parameters.AtTick(nowNs + Parameters.DelackMaxNs);
    }

    private void StampAck(ref TcpSegment segment, long nowNs)
    {
        var window = SelectWindow();
        RcvWup = RcvNxt;
        RcvWnd = window;
        segment.Ack = RcvNxt;
        segment.Window = window;
        segment.TsVal = nowNs;
        segment.TsEcr = TsRecent;
        for (var i = 0; i < OutOfOrder.Count; i++)
        {
            segment.OutOfOrder += SegmentsIn(OutOfOrder[i].End - OutOfOrder[i].Start);
        }

        segment.SackStart = OutOfOrder.Count > 0 ? OutOfOrder[0].Start : 0;
        segment.SackEnd = OutOfOrder.Count > 0 ? OutOfOrder.Last.End : 0;
        segment.RecentStart = Recent.Start;
        segment.RecentEnd = Recent.End;
        segment.Flags |= RecentKnown ? TcpSegmentFlags.Duplicate : TcpSegmentFlags.None;
        Recent = default;
        RecentKnown = false;
    }

    private void AckSent()
    {
        if (Quick > 0)
        {
            Quick--;
            AtoNs = Quick == 0 ? Parameters.DelackMinNs : AtoNs;
        }

        AckScheduled = false;
        AckNow = false;
        PushSeen = false;
        Blocked = false;
        DelackDeadlineNs = long.MaxValue;
    }

    private void AckAtOnce(ref TcpEffects fx)
    {
        AckScheduled = true;
        AckNow = true;
        fx.SendAckNow = true;
    }

    /// <summary><c>__tcp_ack_snd_check</c>: now, or by the timer.</summary>
    private void CheckAck(long nowNs, ref TcpEffects fx)
    {
        var moreThanOneFrame = RcvNxt - RcvWup > Parameters.Mss && SelectWindow() >= ReceiveWindow;
        var quick = Quick > 0 && !PingPong;
        if (moreThanOneFrame || quick || OutOfOrder.Count > 0)
        {
            AckAtOnce(ref fx);
            return;
        }

        var limit = DelayLimit();
        var at = Parameters.AtTick(nowNs + Math.Min(AtoNs, limit));
        if (DelackDeadlineNs != long.MaxValue)
        {
            // One is under way: the earlier of both, and at once if it is nearly due or was blocked.
            if (Blocked || DelackDeadlineNs <= nowNs + (AtoNs >> 2))
            {
                AckAtOnce(ref fx);
                return;
            }

            at = Math.Min(at, DelackDeadlineNs);
        }

        DelackDeadlineNs = at;
        fx.DelayedAckArmed = true;
    }

    private long DelayLimit()
    {
        // tcp_send_delayed_ack: HZ/2, or HZ/5 when interactive or pushed, or the round trip time, but at least HZ/25.
        if (AtoNs <= Parameters.DelackMinNs)
        {
            return Parameters.DelackMinNs;
        }

        var limit = PingPong || PushSeen ? Parameters.DelackMaxNs : Parameters.Hz / 2 * Parameters.TickNs;
        return SrttNs == 0 ? limit : Math.Min(limit, Math.Max(SrttNs, Parameters.DelackMinNs));
    }

    /// <summary><c>tcp_event_data_recv</c>: the delay follows the gaps between arrivals.</summary>
    private void EstimateAto(long nowNs)
    {
        var gap = nowNs - LastReceiveNs;
        if (AtoNs == 0)
        {
            AddQuickAcks();
            AtoNs = Parameters.DelackMinNs;
        }
        else if (gap <= Parameters.DelackMinNs / 2)
        {
            AtoNs = AtoNs / 2 + Parameters.DelackMinNs / 2;
        }
        else if (gap < AtoNs)
        {
            AtoNs = Math.Min(AtoNs / 2 + gap, RtoNs);
        }
        else if (gap > RtoNs)
        {
            AddQuickAcks();
        }

        LastReceiveNs = nowNs;
    }

    private void EnterQuickAck()
    {
        AddQuickAcks();
        PingPong = false;
        AtoNs = Parameters.DelackMinNs;
    }

    private void AddQuickAcks() =>
        Quick = Math.Max(Quick, Math.Clamp(RcvWnd / (2 * Parameters.Mss), 2, MaxQuickAcks));
}
