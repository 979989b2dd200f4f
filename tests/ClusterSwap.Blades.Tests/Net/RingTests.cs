// The receive ring in the softirq's hands: what the NIC can still fill, batches, the watchdog, and the three drivers'
// ways.
using ClusterSwap.Kernel;
using ClusterSwap.Kernel.Net;

namespace ClusterSwap.Blades.Tests.Net;

public sealed class RingTests
{
    private const long SecondNs = 1_000_000_000;

    [Theory]
    [InlineData(RxPath.Fragment)]
    [InlineData(RxPath.Paged)]
    public void A_ring_with_enough_memory_is_full_after_every_poll(RxPath path)
    {
        using var bench = new ReceiveBench(path, PatchSet.All, freePages: 4_000, sockets: 1, stalled: 0);
        bench.Train(1_000_000, 45).Train(1_000_000, 45).Train(1_000_000, 45).RunTo(SecondNs);
        Assert.Equal(256, bench.Nic.Ring.Filled.Count);
        Assert.Equal((135, 256 - 135), (bench.TcpFrames, bench.Nic.FewestBuffers));

        // The ring is filled once at the start. The weight of 64 is used up by two trains, so the third takes a poll
        // more.
        Assert.Equal(3, bench.Nic.Polls);
    }

    [Fact]
    public void Frames_beyond_the_filled_descriptors_are_lost_in_hardware()
    {
        using var bench = new ReceiveBench(RxPath.Fragment, PatchSet.All, freePages: 4_000, sockets: 1, stalled: 0);
        for (var i = 0; i < 6; i++)
        {
            bench.Train(1_000_000, 45);
        }

        bench.RunTo(SecondNs);
        Assert.Equal((14, 256, 0), (bench.Nic.Ring.RxMissed, bench.TcpFrames, bench.Nic.FewestBuffers));
    }

    [Theory]
    [InlineData(RxPath.Fragment, 300)]
    [InlineData(RxPath.Paged, 500)]
    public void Without_the_patches_a_ring_that_ran_empty_is_filled_by_the_watchdog_when_memory_comes_back(
        RxPath path, int freePages)
    {
        // Refill stops at the floor of GFP_ATOMIC; the receiver of the segments keeps every buffer until it lets go of
        // all.
        using var bench = new ReceiveBench(
            path, PatchSet.None, freePages, sockets: 1, stalled: 0, keyUp: false);
        for (var i = 0; i < 50; i++)
        {
            bench.Train((i + 1) * 1_000_000, 16);
        }

        bench.RunTo(SecondNs);
        Assert.Equal(0, bench.Nic.Ring.Filled.Count);
        Assert.True(bench.Nic.Ring.RxMissed > 0 && bench.Nic.Ring.RxAllocFailed > 0);
        var polls = bench.Nic.Polls;

        bench.LetGo(SecondNs + 1).RunTo(2 * SecondNs - 1);
        Assert.Equal((polls, 0), (bench.Nic.Polls, bench.Nic.Ring.Filled.Count));
        bench.RunTo(3 * SecondNs);
        Assert.Equal((polls + 1, 256), (bench.Nic.Polls, bench.Nic.Ring.Filled.Count));
    }

    [Fact]
    public void The_watchdog_tries_every_two_seconds_while_memory_is_short_and_fails_each_time()
    {
        using var bench = new ReceiveBench(
            RxPath.Fragment, PatchSet.None, freePages: 300, sockets: 1, stalled: 0, keyUp: false);
        for (var i = 0; i < 50; i++)
        {
            bench.Train((i + 1) * 1_000_000, 16);
        }

        bench.RunTo(SecondNs);
        var (polls, failed) = (bench.Nic.Polls, bench.Nic.Ring.RxAllocFailed);
        bench.RunTo(9 * SecondNs);
        Assert.Equal((polls + 4, failed + 4), (bench.Nic.Polls, bench.Nic.Ring.RxAllocFailed));
        Assert.Equal(0, bench.Nic.Ring.Filled.Count);
    }

    [Theory]
    [InlineData(RxPath.Fragment)]
    [InlineData(RxPath.CopyBreak)]
    public void A_ring_that_is_whole_and_one_that_holds_no_memory_are_left_alone_by_the_watchdog(RxPath path)
    {
        using var bench = new ReceiveBench(path, PatchSet.All, freePages: 4_000, sockets: 1, stalled: 0);
        bench.RunTo(SecondNs);
        var polls = bench.Nic.Polls;
        bench.RunTo(9 * SecondNs);
        Assert.Equal(polls, bench.Nic.Polls);
    }

    [Fact]
    public void A_copying_driver_never_runs_short_of_descriptors_but_drops_what_it_cannot_copy()
    {
        using var bench = new ReceiveBench(
            RxPath.CopyBreak, PatchSet.None, freePages: 100, sockets: 8, stalled: 8, keyUp: false);
        bench.Datagrams(1_000, sockets: 8).RunTo(SecondNs);
        Assert.Equal((0, 255), (bench.Nic.Ring.RxMissed, bench.Nic.FewestBuffers));
        Assert.True(bench.Nic.Ring.RxDropped > 0);
        Assert.Equal(1_000, bench.Nic.Ring.RxDropped + bench.Sockets.Arrived);
    }

    [Fact]
    public void Interrupts_of_frames_that_follow_each_other_closely_are_spaced_by_the_moderation()
    {
        // A frame every 4 us for a millisecond, at most one poll in 50 us, and the first fill.
        using var bench = new ReceiveBench(RxPath.Fragment, PatchSet.All, freePages: 4_000, sockets: 1, stalled: 0);
        bench.Datagrams(250, sockets: 1, everyNs: 4_000).RunTo(SecondNs);
        Assert.InRange(bench.Nic.Polls, 10, 22);
        Assert.Equal(250, bench.Sockets.Arrived);
    }
}
