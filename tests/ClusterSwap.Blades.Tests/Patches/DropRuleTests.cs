// Unrelated traffic against the drop rule: what it costs the reserve with the rule and without it.
using ClusterSwap.Blades.Tests.Net;
using ClusterSwap.Kernel;
using ClusterSwap.Kernel.Net;

namespace ClusterSwap.Blades.Tests.Patches;

public sealed class DropRuleTests
{
    private const long SecondNs = 1_000_000_000;

    private const int FreePages = 450;

    // What the ring holds must be less than the reserve of 181 pages: it is refilled from it.
    private const int Ring = 64;

    /// <summary>
    /// The fragment path of 3.6 has the grant and, for want of a tag, no drop rule: each two datagrams that nobody
    /// reads take a page for good.
    /// </summary>
    [Fact]
    public void Without_the_drop_rule_the_time_to_exhaustion_falls_in_proportion_to_the_packet_rate()
    {
        var slow = ExhaustedAfter(everyNs: 800_000);
        var middle = ExhaustedAfter(everyNs: 400_000);
        var fast = ExhaustedAfter(everyNs: 200_000);
        Assert.InRange(slow * 100 / middle, 190, 210);
        Assert.InRange(middle * 100 / fast, 190, 210);
    }

    [Theory]
    [InlineData(800_000)]
    [InlineData(200_000)]
    public void With_the_drop_rule_no_ordinary_socket_keeps_a_page_of_the_reserve_at_any_rate(long everyNs)
    {
        using var bench = new ReceiveBench(RxPath.Paged, PatchSet.All, FreePages, sockets: 16, stalled: 16, ring: Ring);
        bench.Datagrams(2_000, sockets: 16, everyNs: everyNs).RunTo(2 * SecondNs);
        Assert.True(bench.Sockets.FilterDrops > 0);
        Assert.Equal(0, bench.HoldingReserve);
    }

    // Until refills fail: in steps of a millisecond.
    private static long ExhaustedAfter(long everyNs)
    {
        using var bench = new ReceiveBench(RxPath.Fragment, PatchSet.All, FreePages, sockets: 16, stalled: 16, ring: Ring);
        bench.Datagrams(1_500, sockets: 16, everyNs: everyNs);
        long ns = 0;
        while (bench.Nic.Ring.RxAllocFailed == 0)
        {
            ns += SecondNs / 1_000;
            Assert.True(ns < 2 * SecondNs, "the reserve outlasts the datagrams");
            bench.RunTo(ns);
        }

        return ns;
    }
}
