// Ordinary sockets hold what they got until it is read or dropped, and stop at the limits that the kernel has.
using ClusterSwap.Kernel;
using ClusterSwap.Kernel.Net;

namespace ClusterSwap.Blades.Tests.Net;

public sealed class BystanderTests
{
    private const long SecondNs = 1_000_000_000;
    private const int HeadsOfASlab = 16;

    [Fact]
    public void A_socket_that_nobody_reads_takes_98_datagrams_and_drops_the_rest()
    {
        // 212,992 bytes of buffer at a truesize of 2,176: the test looks at what is there before the datagram.
        using var bench = new ReceiveBench(RxPath.Fragment, PatchSet.All, freePages: 4_000, sockets: 1, stalled: 1);
        bench.Datagrams(300, sockets: 1).RunTo(SecondNs);
        var sockets = bench.Sockets;
        Assert.Equal((98, 202, 0, 0), (sockets.Queued, sockets.RcvbufErrors, sockets.MemErrors, sockets.Read));
        Assert.Equal(300, sockets.Arrived);
    }

    [Fact]
    public void A_flood_to_many_stalled_sockets_stops_at_udp_mem_before_their_buffers_are_full()
    {
        // 1,024 buffer pages give udp_mem {96, 128, 192}: above 96 only a socket with less than 4,096 bytes gets more.
        using var bench = new ReceiveBench(
            RxPath.Fragment, PatchSet.All, freePages: 4_000, sockets: 20, stalled: 20, bufferPages: 1_024);
        bench.Datagrams(2_000, sockets: 20).RunTo(SecondNs);
        var sockets = bench.Sockets;
        Assert.Equal((96, 128, 192), (sockets.Memory.Quota.Min, sockets.Memory.Quota.Pressure, sockets.Memory.Quota.Max));
        Assert.Equal(96, sockets.MostQuotaPages);
        Assert.Equal(0, sockets.RcvbufErrors);
        Assert.Equal(2_000 - sockets.Queued, sockets.MemErrors);
        Assert.InRange(sockets.Queued, 160, 180);
    }

    [Fact]
    public void Readers_that_are_not_stalled_read_all_they_get_and_give_the_quota_back()
    {
        using var bench = new ReceiveBench(RxPath.Fragment, PatchSet.All, freePages: 4_000, sockets: 4, stalled: 1);
        bench.Datagrams(800, sockets: 4).RunTo(SecondNs);
        var sockets = bench.Sockets;
        Assert.Equal((600, 98, 102), (sockets.Read, sockets.Queued, (int)sockets.RcvbufErrors));
        Assert.Equal(98L * 2_176 / 4_096 + 1, sockets.Memory.Quota.AllocatedPages);
    }

    [Theory]
    [InlineData(RxPath.Fragment, 4_000)]
    [InlineData(RxPath.Paged, 4_000)]
    [InlineData(RxPath.CopyBreak, 4_000)]
    [InlineData(RxPath.Fragment, 150)]
    [InlineData(RxPath.Paged, 150)]
    [InlineData(RxPath.CopyBreak, 150)]
    public void Every_reference_on_a_receive_page_has_a_holder(RxPath path, int freePages)
    {
        using var bench = new ReceiveBench(path, PatchSet.All, freePages, sockets: 6, stalled: 3);
        bench.Datagrams(1_000, sockets: 6).Train(50_000_000, 45).Train(50_200_000, 3).RunTo(3 * SecondNs);
        Assert.Equal(bench.ReferencesCounted(), bench.ReferencesHeld());
        Assert.True(bench.Sockets.Queued > 0 || bench.Sockets.FilterDrops > 0);
    }

    [Fact]
    public void On_the_paged_path_no_ordinary_socket_keeps_what_came_from_the_reserve()
    {
        using var bench = new ReceiveBench(RxPath.Paged, PatchSet.All, freePages: 250, sockets: 4, stalled: 4);
        bench.Datagrams(600, sockets: 4).RunTo(SecondNs);
        Assert.True(bench.Sockets.FilterDrops > 0);
        Assert.Equal(0, bench.HoldingReserve);
    }

    [Fact]
    public void With_the_grant_of_patch_11_but_without_the_drop_rule_of_patch_9_the_reserve_leaks_to_ordinary_sockets()
    {
        using var bench = new ReceiveBench(
            RxPath.Paged, PatchSet.All.Without(9), freePages: 250, sockets: 4, stalled: 4, keyUp: false);
        bench.Datagrams(600, sockets: 4).RunTo(SecondNs);
        Assert.Equal(0, bench.Sockets.FilterDrops);
        Assert.True(bench.HoldingReserve > 0);
    }

    [Fact]
    public void On_the_fragment_path_reserve_pages_carry_no_tag_so_ordinary_sockets_keep_them()
    {
        // The gap of 3.6: the page of fragments may come from the reserve, and build_skb forgets that it did. Its head
        // is plain
        // GFP_ATOMIC, so below that floor only heads of slabs that are there already go on: how many, depends on the
        // last page.
        var most = 0;
        for (var freePages = 250; freePages < 259; freePages++)
        {
            using var bench = new ReceiveBench(RxPath.Fragment, PatchSet.All, freePages, sockets: 4, stalled: 4);
            bench.Datagrams(600, sockets: 4).RunTo(SecondNs);
            Assert.Equal(0, bench.Sockets.FilterDrops);
            most = Math.Max(most, bench.HoldingReserve);
        }

        Assert.InRange(most, 1, 2 * HeadsOfASlab);
    }
}
