using ClusterSwap.Kernel.Block;
using MemoryPack;

namespace ClusterSwap.Kernel.Tests.Block;

public class PlugTests
{
    private readonly RequestQueue _queue = new();
    private readonly Plug _plug = new();

    private static Bio Bio(int slot, bool write = true) =>
        new() { Write = write, Slot = slot, Page = slot + 1000, Stamp = (uint)slot };

    private void Submit(Bio bio)
    {
        if (_plug.Add(_queue, in bio))
        {
            return;
        }

        Assert.True(_queue.TryGetRequest(bio.Write, 0, 0, out var request));
        if (_plug.IsFull)
        {
            _plug.Flush(_queue, new int[Plug.MaxRequests]);
        }

        _plug.Insert(_queue, request, in bio);
    }

    [Fact]
    public void Thirty_one_adjacent_pages_make_one_request()
    {
        for (var slot = 0; slot < 32; slot++)
        {
            Submit(Bio(slot));
        }

        Assert.Equal(31, BlockRequest.MaxPages);
        Assert.Equal(2, _plug.Count);
        Assert.Equal(31, _queue[_plug.Tags[0]].Count);
        Assert.Equal(126_976, _queue[_plug.Tags[0]].LengthBytes);
        Assert.Equal(31, _queue[_plug.Tags[1]].FirstSlot);
        Assert.Equal(30, _queue.BackMerges);
        _plug.AssertInvariants(_queue);
    }

    [Fact]
    public void A_preceding_page_merges_in_front()
    {
        Submit(Bio(11));
        Submit(Bio(10));
        Submit(Bio(12));
        var request = _queue[_plug.Tags[0]];
        Assert.Equal(10, request.FirstSlot);
        Assert.Equal([1010, 1011, 1012], request.Pages[..3]);
        Assert.Equal([10u, 11u, 12u], request.Stamps[..3]);
        Assert.Equal(40_960, request.OffsetBytes);
        Assert.Equal(1, _queue.FrontMerges);
    }

    [Fact]
    public void A_write_never_joins_a_read()
    {
        Submit(Bio(1));
        Submit(Bio(2, write: false));
        Assert.Equal(2, _plug.Count);
    }

    [Fact]
    public void Two_requests_that_meet_are_not_joined()
    {
        Submit(Bio(1));
        Submit(Bio(3));
        Submit(Bio(2));
        Assert.Equal(2, _plug.Count);
        // The youngest request is asked first.
        Assert.Equal(2, _queue[_plug.Tags[1]].FirstSlot);
    }

    [Fact]
    public void The_seventeenth_request_finds_sixteen_flushed()
    {
        for (var i = 0; i < 17; i++)
        {
            Assert.Equal(i == 16, _plug.IsFull);
            Submit(Bio(i * 10));
        }

        Assert.Equal(1, _plug.Count);
        Assert.Equal(2, _queue.Plugs);
        Assert.Equal(1, _queue.Unplugs);
        Assert.Equal(17, _queue.InFlight(true));
    }

    [Fact]
    public void A_full_plug_takes_no_request()
    {
        for (var i = 0; i < 16; i++)
        {
            Submit(Bio(i * 10));
        }

        Assert.True(_queue.TryGetRequest(true, 0, 0, out var request));
        Assert.Throws<InvalidOperationException>(() => _plug.Insert(_queue, request, Bio(999)));
    }

    [Fact]
    public void A_flush_keeps_the_order_and_an_empty_one_counts_nothing()
    {
        Submit(Bio(50));
        Submit(Bio(20));
        var tags = new int[Plug.MaxRequests];
        Assert.Equal(2, _plug.Flush(_queue, tags));
        Assert.Equal([50, 20], tags[..2].Select(tag => _queue[tag].FirstSlot));
        Assert.Equal(0, _plug.Flush(_queue, tags));
        Assert.Equal(1, _queue.Unplugs);
    }

    [Fact]
    public void State_survives_a_round_trip()
    {
        Submit(Bio(50));
        Submit(Bio(20));
        var copy = MemoryPackSerializer.Deserialize<Plug>(MemoryPackSerializer.Serialize(_plug))!;
        Assert.Equal(_plug.Tags, copy.Tags);
        copy.AssertInvariants(_queue);
    }
}
