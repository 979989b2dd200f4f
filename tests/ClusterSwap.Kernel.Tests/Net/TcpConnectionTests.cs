using ClusterSwap.Kernel.Net;
using MemoryPack;

namespace ClusterSwap.Kernel.Tests.Net;

public class TcpConnectionTests
{
    private const long Ms = 1_000_000;
    private const int Mss = 1448;
    private static readonly TcpParameters Tcp = new();

    private static TcpConnection Writer(int bytes, TcpParameters? p = null)
    {
        var c = new TcpConnection(p ?? Tcp) { SndWndEnd = 1 << 20 };
        c.Append(bytes, bytes);
        return c;
    }

    private static List<TcpSegment> Transmit(TcpConnection c, long now, bool push = true)
    {
        var sent = new List<TcpSegment>();
        while (c.TryTransmit(now, push, out var s))
        {
            sent.Add(s);
            c.OnTransmitted(s.Length);
        }

        c.AssertInvariants();
        return sent;
    }

    private static TcpSegment Ack(
        long ack, int outOfOrder = 0, long sackStart = 0, long echo = 0, int window = 1 << 20) => new()
        {
            Ack = ack,
            Segments = 1,
            OutOfOrder = outOfOrder,
            SackStart = sackStart,
            SackEnd = outOfOrder == 0 ? 0 : sackStart + outOfOrder * Mss,
            TsEcr = echo,
            Window = window,
        };

    private static TcpSegment Data(long seq, int length, TcpSegmentFlags flags = 0) =>
        new() { Seq = seq, Length = length, Segments = (length + Mss - 1) / Mss, Flags = flags, Window = 14_480 };

    private static TcpEffects Timer(TcpConnection c, long now, bool owned = false)
    {
        var fx = default(TcpEffects);
        c.OnTimer(now, owned, ref fx);
        return fx;
    }

    [Fact]
    public void The_initial_window_is_ten_segments_in_one_train()
    {
        var c = Writer(100_000);
        var train = Assert.Single(Transmit(c, 0));
        Assert.Equal(14_480, train.Length);
        Assert.Equal(10, train.Segments);
        Assert.Equal(10, c.PacketsOut);
    }

    [Fact]
    public void Without_offload_each_segment_leaves_by_itself()
    {
        var sent = Transmit(Writer(100_000, Tcp with { Tso = false }), 0);
        Assert.Equal(10, sent.Count);
        Assert.All(sent, s => Assert.Equal(Mss, s.Length));
    }

    [Fact]
    public void A_part_of_a_segment_waits_for_the_push()
    {
        var c = Writer(28 + 4096);
        Assert.Equal(2 * Mss, Assert.Single(Transmit(c, 0, push: false)).Length);
        var tail = Assert.Single(Transmit(c, 0));
        Assert.Equal(4124 - 2 * Mss, tail.Length);
        Assert.Equal(TcpSegmentFlags.Push, tail.Flags);
    }

    [Fact]
    public void The_output_limit_stops_transmission_until_the_NIC_has_sent()
    {
        var c = Writer(400_000);
        c.Cwnd = 1000;
        var below = 0;
        while (c.TryTransmit(0, true, out var s))
        {
            below += s.Length;
        }

        // Trains of 45 segments: 65,160, 130,320, and the third crosses the limit of 131,072.
        Assert.Equal(3 * 65_160, below);
        Assert.False(c.OnTransmitted(64_000));
        Assert.True(c.OnTransmitted(1_160));
    }

    [Fact]
    public void Slow_start_adds_a_segment_per_ACK_and_avoidance_one_per_window()
    {
        var c = Writer(1 << 20);
        Transmit(c, 0);
        var fx = default(TcpEffects);
        c.OnAck(Ack(2 * Mss, echo: 0), Ms, ref fx);
        Assert.Equal(11, c.Cwnd);
        Assert.Equal(2 * Mss, fx.AckedTo);
        c.Ssthresh = 5;
        Transmit(c, Ms);
        for (var i = 0; i < 11; i++)
        {
            c.OnAck(Ack((3 + i) * Mss), Ms, ref fx);
            Transmit(c, Ms);
        }

        Assert.Equal(12, c.Cwnd);
    }

    [Fact]
    public void The_timer_starts_at_one_second_doubles_to_120_s_and_gives_up_after_fifteen_retries()
    {
        var c = Writer(Mss);
        Transmit(c, 0);
        var now = 0L;
        var waits = new List<long>();
        for (var i = 0; i < 15; i++)
        {
            waits.Add(c.NextTimerNs - now);
            now = c.NextTimerNs;
            var fx = Timer(c, now);
            Assert.True(fx.Retransmit);
            Assert.Equal(1, fx.TcpTimeouts);
            Assert.True(c.TryRetransmit(now, out var again));
            Assert.Equal((0, Mss), (again.Seq, again.Length));
            Assert.False(c.TryRetransmit(now, out _));
        }

        Assert.Equal(
            [1, 2, 4, 8, 16, 32, 64, 120, 120, 120, 120, 120, 120, 120, 120],
            waits.Select(w => w / 1_000_000_000));
        Assert.True(Timer(c, c.NextTimerNs).Failed);
        Assert.Equal(long.MaxValue, c.NextTimerNs);
    }

    [Fact]
    public void With_a_short_round_trip_the_timer_is_200_ms_beyond_it()
    {
        var c = Writer(2 * Mss);
        Transmit(c, 4 * Ms);
        var fx = default(TcpEffects);
        c.OnAck(Ack(Mss, echo: 4 * Ms), 4 * Ms + 100_000, ref fx);
        Assert.Equal(200 * Ms + 100_000, c.RtoNs);
        Assert.Equal(208 * Ms, c.NextTimerNs);
    }

    [Fact]
    public void A_failing_connection_with_a_short_round_trip_lives_924_6_seconds()
    {
        var c = Writer(Mss);
        c.RtoNs = 200 * Ms;
        Transmit(c, 0);
        var now = 0L;
        while (!c.Failed)
        {
            now = c.NextTimerNs;
            Timer(c, now);
            c.TryRetransmit(now, out _);
        }

        Assert.Equal(924_600 * Ms, now);
    }

    [Fact]
    public void A_retransmission_that_fails_locally_comes_back_in_half_a_second_without_backoff()
    {
        var c = Writer(Mss);
        Transmit(c, 0);
        Timer(c, 1000 * Ms);
        Assert.True(c.TryRetransmit(1000 * Ms, out _));
        c.RetransmitFailedLocally(1000 * Ms);
        Assert.Equal(1500 * Ms, c.NextTimerNs);
        Assert.Equal(1000 * Ms, c.RtoNs);
        Assert.Equal(0, c.BytesBelow);
        for (var i = 0; i < 100; i++)
        {
            var now = c.NextTimerNs;
            Assert.False(Timer(c, now).Failed);
            Assert.True(c.TryRetransmit(now, out _));
            c.RetransmitFailedLocally(now);
            Assert.Equal(now + 500 * Ms, c.NextTimerNs);
        }

        c.RtoNs = 204 * Ms;
        var last = c.NextTimerNs;
        Timer(c, last);
        c.TryRetransmit(last, out _);
        c.RetransmitFailedLocally(last);
        Assert.Equal(last + 204 * Ms, c.NextTimerNs);
        c.RetransmitFailedLocally(last + 1);
        Assert.Equal(last + 204 * Ms, c.NextTimerNs);
    }

    [Fact]
    public void A_probe_with_data_that_fails_locally_is_repaired_by_the_timer()
    {
        var c = Writer(Mss);
        c.SndWndEnd = 100;
        Assert.Empty(Transmit(c, 0));
        Timer(c, c.NextTimerNs);
        Assert.True(c.TryRetransmit(1000 * Ms, out var probe));
        Assert.Equal((0L, 100), (probe.Seq, probe.Length));
        c.RetransmitFailedLocally(1000 * Ms);
        Assert.Equal(0, c.BytesBelow);
        Assert.Equal(1500 * Ms, c.NextTimerNs);
        Timer(c, 1500 * Ms);
        Assert.True(c.TryRetransmit(1500 * Ms, out var again));
        Assert.Equal((0L, 100), (again.Seq, again.Length));
    }

    [Fact]
    public void An_owned_socket_postpones_its_timers()
    {
        var c = Writer(Mss);
        Transmit(c, 0);
        var fx = Timer(c, 1000 * Ms, owned: true);
        Assert.False(fx.Retransmit);
        Assert.Equal(1048 * Ms, c.NextTimerNs);

        var r = new TcpConnection(Tcp) { Quick = 0, AtoNs = 40 * Ms };
        r.OnData(Data(0, 16), 0, ref fx);
        Assert.Equal(40 * Ms, r.NextTimerNs);
        fx = Timer(r, 40 * Ms, owned: true);
        Assert.True(r.Blocked);
        Assert.Equal(1, fx.DelayedAcksLocked);
        Assert.Equal(80 * Ms, r.NextTimerNs);
        r.OnData(Data(16, 16), 41 * Ms, ref fx);
        Assert.True(fx.SendAckNow);
    }

    [Fact]
    public void Three_duplicate_ACKs_retransmit_the_hole_and_halve_the_window()
    {
        var c = Writer(10 * Mss);
        Transmit(c, 0);
        var fx = default(TcpEffects);
        c.OnAck(Ack(0, 1, Mss), Ms, ref fx);
        c.OnAck(Ack(0, 2, Mss), Ms, ref fx);
        Assert.False(fx.Retransmit);
        c.OnAck(Ack(0, 3, Mss), Ms, ref fx);
        Assert.True(fx.Retransmit);
        Assert.Equal(1, fx.FastRetransmits);
        Assert.Equal((5, 5), (c.Cwnd, c.Ssthresh));
        Assert.True(c.TryRetransmit(Ms, out var s));
        Assert.Equal((0, Mss), (s.Seq, s.Length));
        Assert.False(c.TryRetransmit(Ms, out _));
        c.AssertInvariants();
        c.OnAck(Ack(10 * Mss), 2 * Ms, ref fx);
        Assert.Equal(TcpCaState.Open, c.State);
        Assert.Equal(long.MaxValue, c.NextTimerNs);
    }

    [Fact]
    public void Recovery_repairs_one_hole_after_the_other()
    {
        var c = Writer(10 * Mss);
        Transmit(c, 0);
        var fx = default(TcpEffects);
        c.OnAck(Ack(0, 4, Mss), Ms, ref fx);
        c.TryRetransmit(Ms, out _);
        c.OnAck(Ack(3 * Mss, 4, 5 * Mss), 2 * Ms, ref fx);
        Assert.True(c.TryRetransmit(2 * Ms, out var s));
        Assert.Equal((3 * Mss, 2 * Mss), (s.Seq, s.Length));
        Assert.Equal(1, fx.FastRetransmits);
    }

    [Fact]
    public void The_send_buffer_shrinks_to_half_of_what_is_queued_when_a_page_fails()
    {
        var c = Writer(10_000);
        c.SendAllocationFailed();
        Assert.Equal(5_000, c.SndBuf);
        Assert.False(c.MemoryFree);
        c.SendAllocationFailed();
        Assert.Equal(5_000, c.SndBuf);
        var empty = new TcpConnection(Tcp);
        empty.SendAllocationFailed();
        Assert.Equal(2_048, empty.SndBuf);
        Assert.Equal(2 * 4 * Ms, c.MemoryWaitNs(0));
        Assert.Equal(51 * 4 * Ms, c.MemoryWaitNs(49));
    }

    [Fact]
    public void The_send_buffer_grows_at_an_ACK_to_twice_the_window_in_truesize()
    {
        var c = Writer(16_384);
        Assert.False(c.MemoryFree);
        Transmit(c, 0);
        var fx = default(TcpEffects);
        c.OnAck(Ack(14_480), Ms, ref fx);
        c.ReleaseSend(14_480, ref fx);
        Assert.True(fx.WriteSpace);
        Assert.Equal(2 * 11 * 2228, c.SndBuf);
    }

    [Fact]
    public void Under_memory_pressure_the_send_buffer_does_not_grow()
    {
        var c = Writer(16_384);
        var memory = TcpMemory.ForMachine(100_000);
        c.Attach(memory, first: true);
        memory.Quota.TryCharge(ref c.ForwardAlloc, 16_384, true, 0);
        memory.Quota.EnterPressure();
        memory.Quota.AllocatedPages += memory.Quota.Min + 10;
        Transmit(c, 0);
        var fx = default(TcpEffects);
        c.OnAck(Ack(14_480), Ms, ref fx);
        c.ReleaseSend(14_480, ref fx);
        Assert.Equal(16_384, c.SndBuf);
        Assert.True(fx.WriteSpace);
    }

    [Fact]
    public void Rmem_refuses_when_what_is_there_exceeds_rcvbuf()
    {
        var c = new TcpConnection(Tcp);
        var taken = 0;
        while (c.CanReceive(2176))
        {
            c.ChargeReceive(2176);
            taken++;
        }

        // 87,380 / 2,176 = 40.2: 41 frames are let in, the 42nd is refused.
        Assert.Equal(41, taken);
        c.ReleaseReceive(2176);
        Assert.True(c.CanReceive(2176));
    }

    [Fact]
    public void Pruning_forgets_what_is_out_of_order()
    {
        var c = new TcpConnection(Tcp);
        var fx = default(TcpEffects);
        Assert.False(c.PruneOutOfOrder());
        c.OnData(Data(1448, 1448), 0, ref fx);
        Assert.Equal(TcpData.OutOfOrder, fx.Data);
        Assert.True(c.PruneOutOfOrder());
        c.OnData(Data(0, 1448), 0, ref fx);
        Assert.Equal(1448, c.RcvNxt);
    }

    [Fact]
    public void The_first_segments_are_acknowledged_at_once_then_every_second_one()
    {
        var c = new TcpConnection(Tcp);
        var fx = default(TcpEffects);
        c.OnData(Data(0, Mss), Ms, ref fx);
        Assert.True(fx.SendAckNow);
        Assert.True(c.TryBuildAck(Ms, out var ack));
        Assert.Equal(Mss, ack.Ack);
        Assert.False(c.TryBuildAck(Ms, out _));
        c.Quick = 0;
        fx.Clear();
        c.OnData(Data(Mss, Mss), 2 * Ms, ref fx);
        Assert.False(fx.SendAckNow);
        Assert.True(fx.DelayedAckArmed);
        Assert.Equal(44 * Ms, c.NextTimerNs);
        c.OnData(Data(2 * Mss, Mss), 2 * Ms, ref fx);
        Assert.True(fx.SendAckNow);
    }

    [Fact]
    public void A_delayed_ACK_that_has_no_buffer_tries_again_after_200_ms()
    {
        var c = new TcpConnection(Tcp) { AtoNs = 40 * Ms };
        var fx = default(TcpEffects);
        c.OnData(Data(0, 16), 0, ref fx);
        fx = Timer(c, 40 * Ms);
        Assert.True(fx.SendAckNow);
        Assert.Equal(1, fx.DelayedAcks);
        c.AckAllocationFailed(40 * Ms);
        Assert.Equal(240 * Ms, c.NextTimerNs);
        Assert.False(c.TryBuildAck(40 * Ms, out _));
        Assert.True(Timer(c, 240 * Ms).SendAckNow);
        Assert.True(c.TryBuildAck(240 * Ms, out _));
        Assert.Equal(long.MaxValue, c.NextTimerNs);
    }

    [Fact]
    public void Data_out_of_order_is_acknowledged_with_what_lies_above_the_gap()
    {
        var c = new TcpConnection(Tcp);
        var fx = default(TcpEffects);
        c.OnData(Data(2 * Mss, 3 * Mss), 0, ref fx);
        c.OnData(Data(6 * Mss, Mss), 0, ref fx);
        Assert.True(c.TryBuildAck(0, out var ack));
        Assert.Equal((0L, 4, 2L * Mss), (ack.Ack, ack.OutOfOrder, ack.SackStart));
        c.OnData(Data(6 * Mss, Mss), 0, ref fx);
        Assert.Equal(TcpData.NotKept, fx.Data);
        Assert.Equal(1, fx.SegmentsDropped);
        c.OnData(Data(0, 2 * Mss), 0, ref fx);
        Assert.Equal(5 * Mss, c.RcvNxt);
        c.AssertInvariants();
    }

    [Fact]
    public void The_window_closes_while_nobody_reads_and_opens_with_an_ACK_when_he_does()
    {
        var c = new TcpConnection(Tcp);
        var fx = default(TcpEffects);
        var kept = 0;
        while (c.ReceiveWindow > 0)
        {
            var length = Math.Min(Mss, c.ReceiveWindow);
            c.ChargeReceive(2176);
            c.OnData(Data(c.RcvNxt, length), Ms, ref fx);
            c.TryBuildAck(Ms, out _);
            kept++;
        }

        fx.Clear();
        c.OnData(Data(c.RcvNxt, Mss), Ms, ref fx);
        Assert.Equal(TcpData.NotKept, fx.Data);
        Assert.True(c.TryBuildAck(Ms, out var closed));
        Assert.Equal(0, closed.Window);
        fx.Clear();
        c.Read(c.Readable, kept * 2176, 2 * Ms, ref fx);
        Assert.True(fx.SendAckNow);
        Assert.True(c.TryBuildAck(2 * Ms, out var open));
        Assert.True(open.Window >= 2 * Mss, $"window {open.Window}");
    }

    [Fact]
    public void A_closed_window_is_probed_with_doubling_intervals_until_it_opens()
    {
        var c = Writer(3 * Mss);
        c.SndWndEnd = 0;
        c.RtoNs = 200 * Ms;
        Assert.Empty(Transmit(c, 0));
        Assert.Equal(200 * Ms, c.NextTimerNs);
        var fx = Timer(c, 200 * Ms);
        Assert.Equal(1, fx.WindowProbes);
        Assert.True(c.TryRetransmit(200 * Ms, out var probe));
        Assert.Equal((-1L, 0), (probe.Seq, probe.Length));
        Assert.Equal(600 * Ms, c.NextTimerNs);
        c.OnAck(Ack(0, window: 0), 201 * Ms, ref fx);
        Timer(c, 600 * Ms);
        c.TryRetransmit(600 * Ms, out _);
        c.RetransmitFailedLocally(600 * Ms);
        Assert.Equal(800 * Ms, c.NextTimerNs);
        c.OnAck(Ack(0, window: 3 * Mss), 700 * Ms, ref fx);
        Assert.Equal(3 * Mss, Assert.Single(Transmit(c, 700 * Ms)).Length);
    }

    [Fact]
    public void A_probe_is_answered_at_once()
    {
        var c = new TcpConnection(Tcp);
        var fx = default(TcpEffects);
        c.OnSegment(
            new TcpSegment { Seq = -1, Segments = 1, Flags = TcpSegmentFlags.WindowProbe }, 0, ref fx);
        Assert.True(fx.SendAckNow);
    }

    [Fact]
    public void Fifteen_probes_without_an_answer_end_the_connection()
    {
        var c = Writer(Mss);
        c.SndWndEnd = 0;
        Transmit(c, 0);
        for (var i = 0; i < 15; i++)
        {
            var now = c.NextTimerNs;
            Assert.False(Timer(c, now).Failed);
            Assert.True(c.TryRetransmit(now, out _));
        }

        Assert.True(Timer(c, c.NextTimerNs).Failed);
    }

    [Fact]
    public void A_connection_survives_a_round_trip_and_goes_on_alike()
    {
        var c = Writer(100_000);
        Transmit(c, 0);
        var fx = default(TcpEffects);
        c.OnAck(Ack(0, 4, Mss), Ms, ref fx);
        c.OnData(Data(3 * Mss, Mss), Ms, ref fx);
        var bytes = MemoryPackSerializer.Serialize(c);
        var copy = MemoryPackSerializer.Deserialize<TcpConnection>(bytes)!;
        copy.AssertInvariants();
        Assert.Equal(bytes, MemoryPackSerializer.Serialize(copy));
        c.TryRetransmit(Ms, out var a);
        copy.TryRetransmit(Ms, out var b);
        Assert.Equal(a, b);
        Assert.Equal(c.NextTimerNs, copy.NextTimerNs);
    }
}
