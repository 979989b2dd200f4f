// A packet tap holds what it was shown until it is read; patch 12 keeps the reserve from it.
using ClusterSwap.Blades.Actors;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Kernel;
using ClusterSwap.Kernel.Net;

namespace ClusterSwap.Blades.Tests.Net;

public sealed class TapTests
{
    private const long SecondNs = 1_000_000_000;

    private static readonly TapSpec Stalled = new(UdpSocket.DefaultRcvBuf, ReaderTask: -1);

    private static readonly TapSpec Read = new(UdpSocket.DefaultRcvBuf, ReaderTask: 0);

    [Fact]
    public void A_tap_that_is_read_sees_every_frame_of_every_protocol_and_keeps_none()
    {
        using var bench = new ReceiveBench(
            RxPath.Fragment, PatchSet.All, freePages: 4_000, sockets: 1, stalled: 0, tap: Read);
        bench.Datagrams(300, sockets: 1).Train(50_000_000, 45).LetGo(SecondNs / 2).RunTo(SecondNs);
        var tap = bench.Tap.Tap;
        Assert.Equal((345L, 0, 0L, 0L), (tap.Read, tap.Queue.Count, tap.RcvbufDrops, tap.Skipped));
        Assert.Equal(300, bench.Sockets.Read);
        Assert.All(bench.Memory.Skbs.SharedData, holders => Assert.Equal(0, holders));
    }

    [Fact]
    public void A_stalled_tap_keeps_what_its_buffer_takes_after_the_sockets_have_read_the_same_frames()
    {
        using var bench = new ReceiveBench(
            RxPath.Fragment, PatchSet.All, freePages: 4_000, sockets: 1, stalled: 0, tap: Stalled);
        bench.Datagrams(300, sockets: 1).RunTo(SecondNs);
        Assert.Equal((98, 202L), (bench.Tap.Tap.Queue.Count, bench.Tap.Tap.RcvbufDrops));
        Assert.Equal((300L, 0), (bench.Sockets.Read, bench.Sockets.Queued));
        Assert.Equal(98, bench.Memory.Skbs.SharedData.Count(holders => holders == 1));
    }

    [Fact]
    public void With_patch_12_a_stalled_tap_pins_nothing_of_the_reserve_and_without_it_it_does()
    {
        var pinned = new Dictionary<bool, (int Reserve, long Skipped)>();
        foreach (var patched in new[] { true, false })
        {
            var patches = patched ? PatchSet.All : PatchSet.All.Without(12);
            using var bench = new ReceiveBench(
                RxPath.Paged, patches, freePages: 250, sockets: 4, stalled: 0,
                tap: new TapSpec(4 << 20, ReaderTask: -1));
            bench.Datagrams(600, sockets: 4).RunTo(SecondNs);
            pinned[patched] = (bench.Tap.HoldingReserve(bench.Memory.Pages.Frames), bench.Tap.Tap.Skipped);
        }

        Assert.Equal(0, pinned[true].Reserve);
        Assert.True(pinned[true].Skipped > 0);
        Assert.True(pinned[false].Reserve > 0);
        Assert.Equal(0, pinned[false].Skipped);
    }

    [Theory]
    [InlineData("fragment")]
    [InlineData("paged")]
    [InlineData("copybreak")]
    public void A_whole_run_beside_a_tap_keeps_every_account_and_completes(string path)
    {
        var scenario = Trial.Quick(
            "swapnbd", Trial.OnePass, Trial.ManyBarriers, $"blade.nic.rx_path={path}", "blade.background.tap=true",
            "blade.background.bystanders=4", "blade.background.packets_per_second=1000");
        using var trial = new Trial(scenario);
        trial.Run(checkEvery: 5);
        Assert.True(trial.Completed);
        var place = trial.Cluster.Blades[0];
        var tap = trial.Cluster.Simulation.Actor<Tap>(place.Host, BladeActors.Tap(place.Group)).Inspect.Tap;
        Assert.True(tap.Read > 1_000, $"{tap.Read} frames were read");
    }

    [Fact]
    public void A_run_beside_a_stalled_tap_is_the_same_after_a_restore()
    {
        var scenario = Trial.Quick("swapnbd", Trial.OnePass, "blade.background.tap=true", "blade.background.tap_stalled=true");
        using var straight = new Trial(scenario);
        using var written = new Trial(scenario);
        using var restored = new Trial(scenario);
        straight.Run(2 * SecondNs);
        written.Run(SecondNs);
        var checkpoint = new MemoryStream();
        written.Cluster.Simulation.Checkpoint(checkpoint);
        checkpoint.Position = 0;
        restored.Cluster.Simulation.Restore(checkpoint);
        restored.Run(2 * SecondNs, checkEvery: 1);
        Assert.Equal(straight.Fingerprint, restored.Fingerprint);
    }
}
