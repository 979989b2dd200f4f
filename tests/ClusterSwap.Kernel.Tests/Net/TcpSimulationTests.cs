// Two ends and a bad link: loss, reordering, frames that are refused, a slow reader, an owned socket.
using ClusterSwap.Kernel.Net;
using CsCheck;

namespace ClusterSwap.Kernel.Tests.Net;

public class TcpSimulationTests
{
    private static readonly TcpParameters Tcp = new();

    private static readonly Gen<uint> Seeds = Gen.UInt;

    [Fact]
    public void Every_byte_arrives_once_and_in_order_and_all_queues_drain() =>
        Gen.Select(Seeds, Gen.Int[0, 150], Gen.Int[0, 100], Gen.Int[1, 120], Gen.Bool).Sample(
            (seed, loss, reorder, records, tso) =>
                new Simulation(seed, loss, reorder, Tcp with { Tso = tso, Sg = tso }).Run(records),
            iter: 150);

    [Fact]
    public void A_receive_buffer_smaller_than_a_record_closes_its_window_and_opens_again() =>
        Gen.Select(Seeds, Gen.Int[0, 100], Gen.Int[2_176, 30_000]).Sample(
            (seed, loss, rcvBuf) =>
            {
                var small = Tcp with { RcvBufInitial = rcvBuf, RcvBufMax = rcvBuf };
                new Simulation(seed, loss, 20, small).Run(40);
            },
            iter: 100);

    [Fact]
    public void A_bad_link_exercises_timers_fast_retransmission_and_the_backlog()
    {
        var s = new Simulation(5, 80, 50, Tcp);
        s.Run(400);
        Assert.True(s.Total.TcpTimeouts > 0, "timeouts");
        Assert.True(s.Total.FastRetransmits > 0, "fast retransmissions");
        Assert.True(s.Total.DelayedAcks > 0, "delayed ACKs");
        Assert.True(s.Total.SegmentsDropped > 0, "duplicates");
        Assert.True(s.Backlogged > 0, "backlog");
    }

    [Fact]
    public void A_perfect_link_needs_no_retransmission()
    {
        var s = new Simulation(1, 0, 0, Tcp);
        s.Run(200);
        Assert.Equal(0, s.Retransmissions);
    }

    private sealed class End
    {
        public required TcpConnection Tcp { get; init; }

        public required SendQueue Send { get; init; }

        public ReceiveQueue Receive { get; } = new();

        public Backlog Backlog { get; } = new();

        public ByteStream Stream { get; } = new();

        public List<SkBuff> Skbs { get; } = [];

        public List<int> Pages { get; } = [];

        public int PagesOut { get; set; }

        public long SkbsIn { get; set; }

        public bool Owned { get; set; }
    }

    private sealed class Simulation
    {
        private readonly End[] _ends;
        private readonly PriorityQueue<(int To, TcpSegment Frame, List<StreamRecord> Records), (long, int)> _wire =
            new();

        private readonly int _loss;
        private readonly int _reorder;
        private uint _state;
        private int _sequence;
        private long _now;
        private TcpEffects _total;

        public Simulation(uint seed, int loss, int reorder, TcpParameters p)
        {
            _state = seed | 1;
            _loss = loss;
            _reorder = reorder;
            _ends = [Make(p), Make(p)];
        }

        public int Retransmissions { get; private set; }

        public TcpEffects Total => _total;

        public int Backlogged { get; private set; }

        public void Run(int count)
        {
            var toWrite = new[] { count, count / 3 };
            var written = new int[2];
            var read = new int[2];
            for (var steps = 0; read[0] < toWrite[1] || read[1] < toWrite[0] || !Drained; steps++)
            {
                Assert.True(steps < 400_000, $"no end at {_now / 1_000_000} ms, read {read[0]} and {read[1]}");
                for (var i = 0; i < 2; i++)
                {
                    while (written[i] < toWrite[i] && _ends[i].Tcp.MemoryFree)
                    {
                        Write(i, written[i]++);
                    }

                    Flush(i);
                    if (Draw(3) == 0 || _wire.Count == 0)
                    {
                        read[i] += Read(i, read[i]);
                    }

                    if (Draw(40) == 0)
                    {
                        _ends[i].Owned = true;
                    }
                    else if (_ends[i].Owned && (Draw(10) == 0 || _wire.Count == 0))
                    {
                        Release(i);
                    }
                }

                Advance();
            }

            foreach (var end in _ends)
            {
                Assert.Equal(0, end.Tcp.RmemAlloc);
                Assert.Equal(0, end.Tcp.WmemQueued);
                Assert.Equal(end.PagesOut, end.Pages.Count + end.Send.Pages.Count);
                Assert.Equal(0, end.SkbsIn);
                Assert.Equal(0, end.Stream.Written.Count + end.Stream.Arrived.Count);
            }
        }

        private bool Drained => _ends.All(e => e.Send.Skbs.Count == 0 && e.Backlog.Frames.Count == 0
            && e.Receive.InOrder.Count + e.Receive.OutOfOrder.Count == 0 && e.Tcp.SndUna == e.Tcp.WriteSeq);

        private static End Make(TcpParameters p) => new() { Tcp = new TcpConnection(p), Send = new SendQueue(p) };

        private uint Draw(uint n)
        {
            _state ^= _state << 13;
            _state ^= _state >> 17;
            _state ^= _state << 5;
            return _state % n;
        }

        private void Write(int i, int number)
        {
            var end = _ends[i];
            var pages = (int)Draw(4);
            end.Stream.Write(BitConverter.GetBytes(number));
            Copy(end, 4);
            if (pages > 0)
            {
                end.Stream.Write(Enumerable.Repeat((uint)number, pages).ToArray(), 4096 * pages);
                Copy(end, 4096 * pages);
            }

            end.Stream.Write(28);
            Copy(end, 28);
        }

        private static void Copy(End end, int bytes)
        {
            var charge = 0;
            while (bytes > 0)
            {
                switch (end.Send.Need(end.Tcp.SndNxt))
                {
                    case SendNeed.Skb:
                        end.Send.AddSkb(SkBuff.None with { Head = 7, TrueSize = 2304 });
                        charge += 2304;
                        break;
                    case SendNeed.Page:
                        end.Send.AddPage(end.PagesOut++);
                        break;
                    default:
                        var (copied, trueSize) = end.Send.Copy(bytes);
                        bytes -= copied;
                        end.Tcp.Append(copied, charge + trueSize);
                        charge = 0;
                        break;
                }
            }
        }

        private void Flush(int i)
        {
            var end = _ends[i];
            if (end.Owned)
            {
                return;
            }

            while (end.Tcp.TryRetransmit(_now, out var again))
            {
                Retransmissions++;
                if (Draw(20) == 0 && _loss > 0)
                {
                    end.Tcp.RetransmitFailedLocally(_now);
                    break;
                }

                Transmit(i, again);
            }

            while (end.Tcp.TryTransmit(_now, true, out var train))
            {
                Transmit(i, train);
            }

            if (end.Tcp.AckNow)
            {
                if (Draw(20) == 0 && _loss > 0)
                {
                    end.Tcp.AckAllocationFailed(_now);
                }
                else if (end.Tcp.TryBuildAck(_now, out var ack))
                {
                    Transmit(i, ack);
                }
            }
        }

        private void Transmit(int from, in TcpSegment train)
        {
            for (var f = 0; f < train.Segments; f++)
            {
                var frame = train.Length == 0 ? train : train.Frame(f, Tcp.Mss);
                if (Draw(1000) < _loss)
                {
                    continue;
                }

                var records = new List<StreamRecord>();
                _ends[from].Stream.Collect(frame.Seq, frame.Length, records);
                var delay = 50_000 + (Draw(1000) < _reorder ? 1000 * (long)Draw(500) : 0);
                _wire.Enqueue((1 - from, frame, records), (_now + delay, _sequence++));
            }

            if (train.Length > 0)
            {
                _ends[from].Tcp.OnTransmitted(train.Length);
            }
        }

        private void Advance()
        {
            var timer = Math.Min(_ends[0].Tcp.NextTimerNs, _ends[1].Tcp.NextTimerNs);
            if (_wire.TryPeek(out _, out var at) && at.Item1 <= timer)
            {
                var (to, frame, records) = _wire.Dequeue();
                _now = Math.Max(_now, at.Item1);
                Arrive(to, frame, records);
            }
            else if (timer != long.MaxValue)
            {
                _now = Math.Max(_now, timer);
                foreach (var end in _ends)
                {
                    var fx = default(TcpEffects);
                    end.Tcp.OnTimer(_now, end.Owned, ref fx);
                    Assert.False(fx.Failed);
                    Count(fx);
                }
            }
        }

        private void Arrive(int to, in TcpSegment frame, List<StreamRecord> records)
        {
            var end = _ends[to];
            var skb = SkBuff.None with { Head = 7, TrueSize = 2176, Length = frame.Length };
            if (!end.Owned)
            {
                Process(end, skb, frame, records);
                return;
            }

            // The records of a refused frame are not stored; those of a waiting one may be.
            if (end.Backlog.TryAdd(skb, frame, end.Tcp.RcvBuf + end.Tcp.SndBuf, end.Tcp.RmemAlloc))
            {
                records.ForEach(r => end.Stream.Store(r));
            }
        }

        private void Release(int i)
        {
            _ends[i].Owned = false;
            while (_ends[i].Backlog.TryTake(out var frame))
            {
                Backlogged++;
                Process(_ends[i], frame.Skb, frame.Segment, []);
            }
        }

        private void Process(End end, in SkBuff skb, in TcpSegment s, List<StreamRecord> records)
        {
            var fx = default(TcpEffects);
            end.Tcp.OnAck(s, _now, ref fx);
            if (s.Length == 0)
            {
                end.Tcp.OnData(s, _now, ref fx);
            }
            else if (Admit(end, skb.TrueSize))
            {
                end.Tcp.ChargeReceive(skb.TrueSize);
                end.Tcp.OnData(s, _now, ref fx);
                if (fx.Data == TcpData.NotKept || !end.Receive.Add(skb, s.Seq, s.Length))
                {
                    end.Tcp.ReleaseReceive(skb.TrueSize);
                }
                else
                {
                    end.SkbsIn++;
                    records.ForEach(r => end.Stream.Store(r));
                }

                var freed = new List<SkBuff>();
                end.Tcp.ReleaseReceive(end.Receive.Absorb(freed));
                end.SkbsIn -= freed.Count;
            }

            if (fx.Acked)
            {
                var trueSize = end.Send.AckedTo(fx.AckedTo, end.Skbs, end.Pages);
                end.Tcp.ReleaseSend(trueSize, ref fx);
                end.Stream.AckedTo(fx.AckedTo);
            }

            Count(fx);
            end.Tcp.AssertInvariants();
            end.Receive.AssertInvariants();
            end.Send.AssertInvariants();
            Assert.Equal(end.Tcp.RcvNxt, end.Receive.RcvNxt);
            Assert.Equal(end.Tcp.RmemAlloc, end.Receive.TrueSize());
        }

        private void Count(in TcpEffects fx)
        {
            _total.TcpTimeouts += fx.TcpTimeouts;
            _total.FastRetransmits += fx.FastRetransmits;
            _total.DelayedAcks += fx.DelayedAcks;
            _total.SegmentsDropped += fx.SegmentsDropped;
        }

        private static bool Admit(End end, int trueSize)
        {
            if (end.Tcp.CanReceive(trueSize))
            {
                return true;
            }

            if (end.Tcp.PruneOutOfOrder())
            {
                var freed = new List<SkBuff>();
                end.Tcp.ReleaseReceive(end.Receive.PruneOutOfOrder(freed));
                end.SkbsIn -= freed.Count;
            }

            return end.Tcp.CanReceive(trueSize);
        }

        private int Read(int i, int next)
        {
            var end = _ends[i];
            var done = 0;
            var freed = new List<SkBuff>();
            var bytes = end.Tcp.Readable - (int)Draw((uint)end.Tcp.Readable / 2 + 1);
            var fx = default(TcpEffects);
            end.Tcp.Read(bytes, end.Receive.Read(bytes, freed), _now, ref fx);
            end.SkbsIn -= freed.Count;
            while (end.Stream.TryRead(end.Tcp.CopiedSeq, out var record))
            {
                if (record.Bytes is not null)
                {
                    Assert.Equal(next + done, BitConverter.ToInt32(record.Bytes));
                }
                else if (record.Stamps is not null)
                {
                    Assert.All(record.Stamps, stamp => Assert.Equal((uint)(next + done), stamp));
                }
                else
                {
                    done++;
                }
            }

            return done;
        }
    }
}
