// The address behind the connection expires, is asked for, and while nobody answers nothing leaves.
using ClusterSwap.Blades.Actors;
using ClusterSwap.Blades.Messages;
using ClusterSwap.Engine;
using ClusterSwap.Kernel;
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Net;

namespace ClusterSwap.Blades.Tests.Net;

public sealed class ArpTests
{
    private const long Second = 1_000_000_000;

    [Fact]
    public void A_run_whose_TCP_gets_on_completes_without_a_single_failure()
    {
        using var trial = new Trial(Trial.Quick("swapnbd", Trial.OnePass, Trial.ManyBarriers, "blade.nic.arp=true"));
        trial.Run(checkEvery: 5);
        Assert.True(trial.Completed);
        var arp = BladeArp(trial);
        Assert.Equal((0L, 0L), (arp.Discards, arp.Entries[0].Neighbour!.Failures));
        Assert.InRange(arp.Entries[0].Neighbour!.ReachableNs, 15 * Second, 45 * Second);
    }

    [Fact]
    public void A_run_with_ARP_is_the_same_after_a_restore()
    {
        var scenario = Trial.Quick("swapnbd", Trial.OnePass, "blade.nic.arp=true");
        using var straight = new Trial(scenario);
        using var written = new Trial(scenario);
        using var restored = new Trial(scenario);
        straight.Run(2 * Second);
        written.Run(Second);
        var checkpoint = new MemoryStream();
        written.Cluster.Simulation.Checkpoint(checkpoint);
        checkpoint.Position = 0;
        restored.Cluster.Simulation.Restore(checkpoint);
        restored.Run(2 * Second, checkEvery: 1);
        Assert.Equal(straight.Fingerprint, restored.Fingerprint);
    }

    [Fact]
    public void A_stale_address_is_asked_for_by_name_and_the_answer_makes_it_good()
    {
        using var bench = new ArpBench(PatchSet.All);
        bench.Output(50 * Second).Reply(55 * Second + Second / 2).RunTo(57 * Second);
        Assert.Equal((NudState.Reachable, 1L), (bench.Entry.Neighbour!.State, bench.Arp.Requests));
        Assert.Equal((1, 1), (bench.Sent(FrameProtocol.Tcp), bench.Sent(FrameProtocol.Arp)));
    }

    [Fact]
    public void While_nobody_answers_frames_wait_up_to_64_KiB_and_are_then_lost()
    {
        // Stale at 45 s at the latest, delay to 55 s, three questions to 58 s, then failed.
        using var bench = new ArpBench(PatchSet.All);
        bench.Output(50 * Second).RunTo(59 * Second);
        Assert.Equal((NudState.Failed, 3L), (bench.Entry.Neighbour!.State, bench.Arp.Requests));
        for (var i = 0; i < 5; i++)
        {
            bench.Output(60 * Second + i, bytes: 10 * 1_448);
        }

        // Each counts 14,480 + 768 bytes: four fit, the fifth pushes the oldest out.
        bench.RunTo(61 * Second - 1);
        Assert.Equal((NudState.Incomplete, 4), (bench.Entry.Neighbour.State, bench.Entry.Waiting.Count));
        Assert.Equal((1L, 4 * 14_480), (bench.Arp.Discards, bench.Arp.BytesWaiting));
        bench.RunTo(64 * Second);
        Assert.Equal((NudState.Failed, 6L), (bench.Entry.Neighbour.State, bench.Arp.Requests));
        Assert.Equal((5L, 0, 1), (bench.Arp.Discards, bench.Arp.BytesWaiting, bench.Sent(FrameProtocol.Tcp)));
    }

    [Fact]
    public void An_answer_in_time_sends_what_waited_in_its_order()
    {
        using var bench = new ArpBench(PatchSet.All);
        bench.Output(50 * Second).Output(60 * Second, bytes: 100).Output(60 * Second + 1, bytes: 200);
        bench.Reply(60 * Second + Second / 2).RunTo(61 * Second);
        Assert.Equal((NudState.Reachable, 3, 0L), (bench.Entry.Neighbour!.State, bench.Sent(FrameProtocol.Tcp), bench.Arp.Discards));
    }

    [Theory]
    [InlineData(true, 0L)]
    [InlineData(false, 1L)]
    public void A_question_in_a_tagged_frame_is_answered_from_the_reserve_only_with_patch_12(bool patched, long failures)
    {
        // Below the floor of GFP_ATOMIC: whoever has no part in the reserve gets nothing.
        var patches = patched ? PatchSet.All : PatchSet.All.Without(12);
        using var bench = new ArpBench(patches);
        bench.Question(Second, tagged: true).TakeMemory().RunTo(2 * Second);
        Assert.Equal((failures, 1 - failures), (bench.Arp.AllocFailures, bench.Sent(FrameProtocol.Arp)));
    }

    [Fact]
    public void A_question_of_its_own_making_gets_no_part_of_the_reserve_so_under_pressure_the_link_stalls()
    {
        using var bench = new ArpBench(PatchSet.All);
        bench.TakeMemory().Output(50 * Second).Output(60 * Second, bytes: 100).RunTo(66 * Second);
        Assert.Equal((6L, 6L), (bench.Arp.Requests, bench.Arp.AllocFailures));
        Assert.Equal((NudState.Failed, 1L), (bench.Entry.Neighbour!.State, bench.Arp.Discards));
        Assert.Equal((1, 0), (bench.Sent(FrameProtocol.Tcp), bench.Sent(FrameProtocol.Arp)));
    }

    private static ArpState BladeArp(Trial trial)
    {
        var place = trial.Cluster.Blades[0];
        return trial.Cluster.Simulation.Actor<Arp>(place.Host, BladeActors.Arp(place.Group)).Inspect;
    }
}
