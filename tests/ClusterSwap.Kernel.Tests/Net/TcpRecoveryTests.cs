// Goal: what an ACK may do while something is repaired, how far reordering is tolerated, and when a recovery is undone.
using ClusterSwap.Kernel.Net;

namespace ClusterSwap.Kernel.Tests.Net;

public class TcpRecoveryTests
{
    private const long Ms = 1_000_000;
    private const int Mss = 1448;
    private static readonly TcpParameters Tcp = new() { Tso = false };

    private TcpEffects _fx;

    private static TcpConnection Flying(int segments, int unsent = 0)
    {
        var c = new TcpConnection(Tcp) { SndWndEnd = 1 << 20, Cwnd = segments };
        c.Append((segments + unsent) * Mss, 1);
        Send(c, 4 * Ms);
        Assert.Equal(segments, c.PacketsOut);
        return c;
    }

    private static void Send(TcpConnection c, long now)
    {
        while (c.TryTransmit(now, push: true, out var s))
        {
            c.OnTransmitted(s.Length);
        }

        c.AssertInvariants();
    }

    private static int Resend(TcpConnection c, long now)
    {
        var segments = 0;
        while (c.TryRetransmit(now, out var s))
        {
            segments += s.Segments;
            c.OnTransmitted(s.Length);
        }

        return segments;
    }

    // In segments: what is acknowledged, which ranges lie above, which segment caused it.
    private void Ack(
        TcpConnection c, long now, int ack, (int From, int To)[] held, int recent = -1, bool duplicate = false, long echo = 0)
    {
        c.OnAck(
            new TcpSegment
            {
                Ack = (long)ack * Mss,
                Segments = 1,
                Window = 1 << 20,
                TsEcr = echo,
                OutOfOrder = held.Sum(range => range.To - range.From),
                SackStart = held.Length == 0 ? 0 : (long)held[0].From * Mss,
                SackEnd = held.Length == 0 ? 0 : (long)held[^1].To * Mss,
                RecentStart = recent < 0 ? 0 : (long)recent * Mss,
                RecentEnd = recent < 0 ? 0 : (recent + 1L) * Mss,
                Flags = duplicate ? TcpSegmentFlags.Duplicate : 0,
            },
            now,
            ref _fx);
        c.AssertInvariants();
    }

    [Fact]
    public void An_ACK_for_a_part_of_a_merged_segment_is_no_sample_and_leaves_the_timer_alone()
    {
        // Three small segments go out again as one; an ACK for the first of them was under way.
        var c = new TcpConnection(Tcp) { SndWndEnd = 1 << 20 };
        for (var i = 0; i < 3; i++)
        {
            c.Append(16, 16);
            Send(c, 0);
        }

        c.OnTimer(1000 * Ms, socketOwned: false, ref _fx);
        Assert.Equal(1, Resend(c, 1000 * Ms));
        Assert.Equal((2000 * Ms, 1), (c.RtoNs, c.Retransmits));
        var ack = new TcpSegment { Ack = 16, Segments = 1, Window = 1 << 20, TsEcr = 1000 * Ms };
        c.OnAck(ack, 1001 * Ms, ref _fx);
        Assert.Equal((16L, 16L), (c.SndUna, _fx.AckedTo));
        Assert.Equal((0L, 2000 * Ms, 3000 * Ms), (c.SrttNs, c.RtoNs, c.NextTimerNs));
        Assert.Equal((1, 1), (c.Cwnd, c.Retransmits));
        c.OnAck(ack with { Ack = 48, TsEcr = 1001 * Ms }, 1002 * Ms, ref _fx);
        Assert.Equal((1 * Ms, 0, long.MaxValue), (c.SrttNs, c.Retransmits, c.NextTimerNs));
    }

    [Fact]
    public void A_hole_that_its_own_segment_fills_raises_the_estimate_and_switches_FACK_off()
    {
        var c = Flying(20);
        Ack(c, 5 * Ms, 0, [(1, 2)], recent: 1);
        Ack(c, 5 * Ms, 0, [(1, 2), (5, 6)], recent: 5);
        Assert.Equal(1, Resend(c, 5 * Ms));

        // Segment 2 was in the hole behind 1 and was not sent again: displaced by four (2 to 5).
        Ack(c, 6 * Ms, 0, [(1, 3), (5, 6)], recent: 2);
        Assert.Equal((4, true), (c.Reordering, c.NoForwardAck));

        // A fresh hole with three above it is no loss any more.
        Ack(c, 7 * Ms, 20, []);
        c.Append(20 * Mss, 1);
        Send(c, 8 * Ms);
        Ack(c, 9 * Ms, 20, [(21, 24)], recent: 23);
        Assert.Equal((TcpCaState.Open, 0), (c.State, Resend(c, 9 * Ms)));
        Ack(c, 9 * Ms, 20, [(21, 25)], recent: 24);
        Assert.Equal((TcpCaState.Recovery, 1), (c.State, Resend(c, 9 * Ms)));
    }

    [Fact]
    public void With_FACK_the_holes_below_count_and_only_what_is_far_enough_back_is_lost()
    {
        var c = Flying(20);
        Ack(c, 5 * Ms, 0, [(4, 6)], recent: 5);

        // Two are held; six lie up to the highest: three of them are lost.
        Assert.Equal(TcpCaState.Recovery, c.State);
        Assert.Equal(3L * Mss, c.LostEnd);
        Ack(c, 5 * Ms, 0, [(4, 7)], recent: 6);
        Assert.Equal(4L * Mss, c.LostEnd);
    }

    [Fact]
    public void A_timeout_takes_the_estimate_back()
    {
        var c = Flying(4);
        c.Reordering = 20;
        c.OnTimer(c.NextTimerNs, socketOwned: false, ref _fx);
        Assert.Equal(3, c.Reordering);
    }

    [Fact]
    public void A_small_window_does_not_wait_for_more_segments_than_it_has()
    {
        var c = Flying(6);
        c.Reordering = 20;
        c.NoForwardAck = true;
        Ack(c, 5 * Ms, 0, [(1, 3)], recent: 2);
        Assert.Equal(TcpCaState.Open, c.State);
        Ack(c, 5 * Ms, 0, [(1, 4)], recent: 3);
        Assert.Equal((TcpCaState.Recovery, 1), (c.State, Resend(c, 5 * Ms)));
    }

    [Fact]
    public void A_duplicate_of_all_that_was_sent_again_takes_the_recovery_back()
    {
        var c = Flying(20, unsent: 20);
        Ack(c, 5 * Ms, 0, [(1, 4)], recent: 3);
        Assert.Equal(1, Resend(c, 5 * Ms));
        Assert.Equal((10, 10), (c.Cwnd, c.Ssthresh));
        Ack(c, 6 * Ms, 20, []);
        Assert.Equal((TcpCaState.Open, 10), (c.State, c.Cwnd));
        Send(c, 6 * Ms);

        // The original comes at last, and its copy is reported.
        Ack(c, 7 * Ms, 20, [], recent: 0, duplicate: true);
        Assert.Equal((20, int.MaxValue), (c.Cwnd, c.Ssthresh));
        Assert.Equal(TcpConnection.NoMarker, c.UndoMarker);
    }

    [Fact]
    public void What_is_acknowledged_above_ends_the_time_in_which_a_recovery_can_be_taken_back()
    {
        var c = Flying(20, unsent: 20);
        Ack(c, 5 * Ms, 0, [(1, 4)], recent: 3);
        Resend(c, 5 * Ms);
        Ack(c, 6 * Ms, 20, []);
        Send(c, 6 * Ms);
        Ack(c, 7 * Ms, 22, []);
        Ack(c, 7 * Ms, 22, [], recent: 0, duplicate: true);
        Assert.Equal(10, c.Ssthresh);
    }

    [Theory]
    [InlineData(4, TcpCaState.Open)]
    [InlineData(208, TcpCaState.Loss)]
    public void A_timeout_is_false_when_the_ACK_echoes_a_tick_before_it(int echoMs, TcpCaState state)
    {
        var c = Flying(10);
        c.RtoNs = 200 * Ms;
        c.RtoDeadlineNs = 204 * Ms;
        c.OnTimer(204 * Ms, socketOwned: false, ref _fx);
        Assert.Equal(1, Resend(c, 204 * Ms));
        Ack(c, 210 * Ms, 2, [], echo: echoMs * Ms);
        Assert.Equal(state, c.State);
        Assert.Equal(state == TcpCaState.Open, c.Cwnd >= 10);
    }

    [Fact]
    public void A_retransmission_is_lost_when_something_sent_after_it_has_arrived()
    {
        var c = Flying(10, unsent: 10);
        Ack(c, 5 * Ms, 0, [(1, 10)], recent: 9);
        Assert.Equal(1, Resend(c, 5 * Ms));
        Send(c, 5 * Ms);
        Assert.True(c.SndNxt > 10 * Mss, "new segments in recovery");
        Ack(c, 6 * Ms, 0, [(1, 11)], recent: 10);
        Assert.Equal(1, Resend(c, 6 * Ms));
    }

    [Fact]
    public void Copies_are_reported_once_with_what_they_held()
    {
        var c = new TcpConnection(Tcp);
        var data = new TcpSegment { Length = Mss, Segments = 1, Window = 14_480 };
        c.OnData(data, Ms, ref _fx);
        c.OnData(data, Ms, ref _fx);
        Assert.True(c.TryBuildAck(Ms, out var ack));
        Assert.Equal((0L, (long)Mss), (ack.RecentStart, ack.RecentEnd));
        Assert.Equal(TcpSegmentFlags.Duplicate, ack.Flags);
        c.OnData(data with { Seq = 3 * Mss }, Ms, ref _fx);
        Assert.True(c.TryBuildAck(Ms, out ack));
        Assert.Equal((3L * Mss, 4L * Mss), (ack.RecentStart, ack.SackEnd));
        Assert.Equal(TcpSegmentFlags.None, ack.Flags);
        c.OnData(data with { Seq = Mss }, Ms, ref _fx);
        c.TryBuildAck(Ms, out ack);
        Assert.Equal(0L, ack.RecentEnd);
    }
}
