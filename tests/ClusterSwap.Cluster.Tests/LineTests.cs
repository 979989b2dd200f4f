// Lines over a network that loses, doubles and reorders pieces.
using ClusterSwap.Clustering;
using CsCheck;

namespace ClusterSwap.Cluster.Tests;

public sealed class LineTests
{
    [Fact]
    public void Messages_arrive_whole_once_and_in_order_whatever_the_network_does()
        => Gen.Select(Gen.Int[0, 300_000].Array[1, 12], Gen.Int[0, 99].Array[50]).Sample((lengths, fates) =>
        {
            var wire = new Queue<Piece>();
            var line = new OutLine("run", 1, 0, wire.Enqueue);
            var inLine = new InLine();
            var got = new List<byte[]>();
            byte[][] messages = [.. lengths.Select((length, i) => MessageOf(i, length))];
            Array.ForEach(messages, line.Send);
            int step = 0;
            for (int rounds = 0; got.Count < messages.Length && rounds < 10_000; rounds++)
            {
                Deliver(wire, () => fates[step++ % fates.Length], piece => inLine.Take(piece, got.Add));
                line.OnGot(inLine.Next);
                line.OnMissing(inLine.Next);
                line.Tick();
            }

            // Megabytes: compared as they lie in memory, and not byte after byte as the test framework would.
            Assert.Equal(messages.Length, got.Count);
            Assert.All(messages.Zip(got), pair => Assert.True(pair.First.AsSpan().SequenceEqual(pair.Second)));
            line.OnGot(inLine.Next);
            Assert.Equal(0, line.Bytes);
        }, iter: 40);

    [Fact]
    public void No_piece_is_larger_than_a_frame_of_the_transport_allows()
    {
        var pieces = new List<Piece>();
        new OutLine("run", 1, 0, pieces.Add).Send(new byte[1_000_000]);
        Assert.All(pieces, piece => Assert.InRange(piece.Bytes.Length, 1, 96 * 1024));
        Assert.Equal(pieces.Count - 1, pieces.FindIndex(piece => piece.Ends));
        Assert.Equal(1_000_000, pieces.Sum(piece => piece.Bytes.Length));
    }

    [Fact]
    public void What_is_on_its_way_has_a_bound()
    {
        var pieces = new List<Piece>();
        var line = new OutLine("run", 1, 0, pieces.Add);
        line.Send(new byte[20 << 20]);
        Assert.InRange(pieces.Sum(piece => piece.Bytes.Length), 1, OutLine.UnderWayMax);
        while (line.Bytes > 0)
        {
            line.OnGot(pieces.Count);
        }

        Assert.Equal(20 << 20, pieces.Sum(piece => piece.Bytes.Length));
    }

    [Fact]
    public void A_receiver_that_confirms_nothing_is_noticed()
    {
        var line = new OutLine("run", 1, 0, _ => { });
        line.Tick();
        Assert.Equal(0, line.Silence);
        line.Send([1]);
        line.Tick();
        line.Tick();
        Assert.Equal(2, line.Silence);
        line.OnGot(1);
        Assert.Equal(0, line.Silence);
    }

    [Fact]
    public void A_piece_that_cannot_be_is_refused()
        => Assert.Throws<InvalidDataException>(() => new InLine().Take(
            new Piece { RunId = "run", Epoch = 1, From = 0, Number = 1 << 20, Ends = true, Bytes = [] }, _ => { }));

    private static byte[] MessageOf(int number, int length)
    {
        byte[] bytes = new byte[length];
        Array.Fill(bytes, (byte)number);
        return bytes;
    }

    // Of a hundred pieces some are lost, some come twice, some late.
    private static void Deliver(Queue<Piece> wire, Func<int> fate, Action<Piece> take)
    {
        var late = new List<Piece>();
        for (int left = wire.Count; left > 0; left--)
        {
            Piece piece = wire.Dequeue();
            switch (fate())
            {
                case < 20:
                    break;
                case < 35:
                    take(piece);
                    take(piece);
                    break;
                case < 55:
                    late.Add(piece);
                    break;
                default:
                    take(piece);
                    break;
            }
        }

        late.ForEach(take);
    }
}
