using ClusterSwap.Kernel.Net;
using CsCheck;
using MemoryPack;

namespace ClusterSwap.Kernel.Tests.Net;

public class QueueTests
{
    private static readonly TcpParameters Tcp = new();
    private static readonly SkBuff Buffer = SkBuff.None with { Head = 7, TrueSize = 2304 };
    private static readonly SkBuff Frame = SkBuff.None with { Head = 7, TrueSize = 2176 };

    private static int Write(SendQueue queue, int bytes, ref int nextPage, long sndNxt = 0)
    {
        var pages = 0;
        while (bytes > 0)
        {
            switch (queue.Need(sndNxt))
            {
                case SendNeed.Skb:
                    queue.AddSkb(Buffer);
                    break;
                case SendNeed.Page:
                    queue.AddPage(nextPage++);
                    pages++;
                    break;
                default:
                    var copied = queue.Copy(bytes).Bytes;
                    Assert.True(copied > 0);
                    bytes -= copied;
                    break;
            }
        }

        queue.AssertInvariants();
        return pages;
    }

    [Fact]
    public void Sends_fill_pages_contiguously_about_one_for_4096_bytes()
    {
        var queue = new SendQueue(Tcp);
        var page = 0;
        for (var i = 0; i < 31; i++)
        {
            Write(queue, 4096, ref page);
        }

        // 126,976 bytes in two buffers with 1,488 linear bytes each: 124,000 bytes in 31 pages.
        Assert.Equal(2, queue.Skbs.Count);
        Assert.Equal(31, page);
    }

    [Fact]
    public void The_linear_part_takes_the_first_1536_bytes_and_is_paid_with_its_buffer()
    {
        var queue = new SendQueue(Tcp);
        Assert.Equal(SendNeed.Skb, queue.Need(0));
        queue.AddSkb(Buffer);
        Assert.Equal((28, 0), queue.Copy(28));
        Assert.Equal((1508, 0), queue.Copy(4096));
        Assert.Equal(SendNeed.Page, queue.Need(0));
        queue.AddPage(3);
        Assert.Equal((2588, 2588), queue.Copy(2588));
        Assert.Equal(2304 + 2588, queue.Skbs.Last.Skb.TrueSize);
    }

    [Fact]
    public void Without_gather_each_segment_is_a_buffer_of_its_own_and_no_page_is_used()
    {
        var queue = new SendQueue(Tcp with { Sg = false, Tso = false });
        var page = 0;
        Write(queue, 4124, ref page);
        Assert.Equal(3, queue.Skbs.Count);
        Assert.Equal(0, page);
    }

    [Fact]
    public void A_page_is_freed_when_all_bytes_on_it_are_acknowledged()
    {
        var queue = new SendQueue(Tcp);
        var page = 0;
        Write(queue, 70_000, ref page);
        var skbs = new List<SkBuff>();
        var pages = new List<int>();
        Assert.Equal(0, queue.AckedTo(1448, skbs, pages));
        Assert.Empty(pages);
        var first = queue.Skbs[0];
        Assert.Equal(first.Skb.TrueSize, queue.AckedTo(first.End, skbs, pages));
        Assert.Single(skbs);
        Assert.Equal(15, pages.Count);
        queue.AckedTo(70_000, skbs, pages);
        Assert.Equal(2, skbs.Count);
        Assert.Equal(1, queue.Pages.Count);
        Assert.Equal(0, queue.Pages.Last.Used);
    }

    [Fact]
    public void A_buffer_that_has_left_takes_no_more_bytes()
    {
        var queue = new SendQueue(Tcp);
        var page = 0;
        Write(queue, 28, ref page);
        Assert.Equal(SendNeed.None, queue.Need(0));
        Assert.Equal(SendNeed.Skb, queue.Need(28));
    }

    [Fact]
    public void Whatever_is_written_and_acknowledged_all_buffers_and_pages_come_back()
    {
        Gen.Select(Gen.Int[1, 20_000].Array[1, 40], Gen.Bool).Sample((writes, sg) =>
        {
            var queue = new SendQueue(Tcp with { Sg = sg, Tso = sg });
            var page = 0;
            var skbs = new List<SkBuff>();
            var pages = new List<int>();
            var trueSize = 0;
            foreach (var bytes in writes)
            {
                var sent = queue.WriteSeq;
                Write(queue, bytes, ref page, sent);
                trueSize += queue.AckedTo(sent - bytes / 3, skbs, pages);
            }

            trueSize += queue.AckedTo(queue.WriteSeq, skbs, pages);
            Assert.Equal(skbs.Sum(s => s.TrueSize), trueSize);
            Assert.Equal(0, queue.Skbs.Count);
            Assert.Equal(page, pages.Count + queue.Pages.Count);
            Assert.Equal(pages.Count, pages.Distinct().Count());
            Assert.True(queue.Pages.Count <= 1);
        });
    }

    [Fact]
    public void Received_buffers_are_freed_when_wholly_read()
    {
        var queue = new ReceiveQueue();
        var freed = new List<SkBuff>();
        Assert.True(queue.Add(Frame, 0, 1448));
        Assert.True(queue.Add(Frame, 2896, 1448));
        Assert.False(queue.Add(Frame, 2896, 1448));
        Assert.True(queue.Add(Frame, 1448, 1448));
        Assert.Equal(0, queue.Absorb(freed));
        Assert.Equal(4344, queue.RcvNxt);
        Assert.False(queue.Add(Frame, 0, 1448));
        Assert.Equal(0, queue.Read(16, freed));
        Assert.Equal(2 * 2176, queue.Read(2880, freed));
        Assert.Equal(2176, queue.TrueSize());
        queue.AssertInvariants();
    }

    [Fact]
    public void The_backlog_refuses_once_it_is_above_rcvbuf_plus_sndbuf()
    {
        var backlog = new Backlog();
        var limit = 87_380 + 16_384;
        var taken = 0;
        while (backlog.TryAdd(Frame, new TcpSegment { Length = 16, Segments = 1 }, limit, 0))
        {
            taken++;
        }

        // 47 frames of 2,176 are below the limit, the 48th is still let in.
        Assert.Equal(48, taken);
        Assert.Equal(1, backlog.Drops);
        backlog.AssertInvariants();
        Assert.True(backlog.TryTake(out _));
        Assert.True(backlog.TryAdd(Frame, default, limit, 0));
        Assert.False(backlog.TryAdd(Frame, default, limit, 4096));
    }

    [Fact]
    public void A_record_travels_with_its_first_byte_and_is_read_once_complete()
    {
        var writer = new ByteStream();
        var reader = new ByteStream();
        writer.Write(new byte[28]);
        writer.Write(new uint[] { 1, 2 }, 8192);
        var records = new List<StreamRecord>();
        writer.Collect(0, 1448, records);
        Assert.Equal(2, records.Count);
        records.ForEach(r => reader.Store(r));
        records.ForEach(r => reader.Store(r));
        records.Clear();
        writer.Collect(1448, 6772, records);
        Assert.Empty(records);
        Assert.False(reader.TryRead(27, out _));
        Assert.True(reader.TryRead(1448, out var header));
        Assert.Equal(28, header.Bytes!.Length);
        Assert.False(reader.TryRead(1448, out _));
        Assert.True(reader.TryRead(8220, out var pages));
        Assert.Equal(2u, pages.Stamps![1]);
        Assert.False(reader.TryRead(8220, out _));
        writer.AckedTo(8219);
        Assert.Equal(1, writer.Written.Count);
        writer.AckedTo(8220);
        Assert.Equal(0, writer.Written.Count);
    }

    [Fact]
    public void A_record_that_TCP_kept_and_nobody_stored_is_noticed() =>
        Assert.Throws<InvalidOperationException>(() => new ByteStream().TryRead(1, out _));

    [Fact]
    public void Queues_survive_a_round_trip()
    {
        var send = new SendQueue(Tcp);
        var page = 0;
        Write(send, 10_000, ref page);
        RoundTrip(send).AssertInvariants();
        var receive = new ReceiveQueue();
        receive.Add(Frame, 100, 10);
        RoundTrip(receive).AssertInvariants();
        var backlog = new Backlog();
        backlog.TryAdd(Frame, default, 1, 0);
        RoundTrip(backlog).AssertInvariants();
        var stream = new ByteStream();
        stream.Write(new byte[] { 1, 2, 3 });
        stream.Write(new uint[] { 5 }, 4096);
        RoundTrip(stream).AssertInvariants();
    }

    private static T RoundTrip<T>(T state)
    {
        var bytes = MemoryPackSerializer.Serialize(state);
        var copy = MemoryPackSerializer.Deserialize<T>(bytes)!;
        Assert.Equal(bytes, MemoryPackSerializer.Serialize(copy));
        return copy;
    }
}
