// Probes in the places of a blade's server, its kswapd and its memory.
using Akka.TestKit;
using ClusterSwap.Blades;
using ClusterSwap.Blades.Actors;
using ClusterSwap.Blades.Messages;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Engine;
using ClusterSwap.Kernel;
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Swap;
using Xunit.Abstractions;

namespace ClusterSwap.Testing.Tests.Blades;

public sealed class BladeProbeTests(ITestOutputHelper output) : BladeTestKit(output)
{
    private const int ProcessTask = BladeTasks.FirstProcess;

    private static readonly int s_process = BladeActors.Process(0);

    [Fact]
    public void A_probe_as_the_NBD_server_sees_the_first_request_and_its_retransmissions()
    {
        Use(Parse(SmallCluster.Toml));
        TestProbe server = CreateTestProbe("nbd-server");
        StandInForServer(server);
        RunUntil(() => server.HasMessages, VirtualTime.Second);
        var first = server.ExpectMsg<ClusterSwap.Blades.Messages.Frame>();
        long sentNs = ArrivedNs(server);
        Assert.Equal((0L, FrameProtocol.Tcp), (first.Segment.Seq, first.Protocol));
        Assert.NotEmpty(first.Records);

        // Nobody acknowledges: what was sent first is sent again when the retransmission timer ends.
        RunTo(sentNs + 2 * VirtualTime.Second);
        var again = FindMsg<ClusterSwap.Blades.Messages.Frame>(server, frame => frame.Segment.Seq == 0);
        Assert.Equal(first.Segment.Seq, again.Segment.Seq);
        Assert.InRange(ArrivedNs(server) - sentNs, 990 * VirtualTime.Ms, 1_010 * VirtualTime.Ms);
        Assert.True(Blade().Device.Counters.TcpTimeouts > 0);
    }

    [Fact]
    public void A_probe_as_kswapd_is_woken_when_free_pages_fall_below_low_and_direct_reclaim_does_all_the_work()
    {
        Use(Parse(SmallCluster.Toml));
        TestProbe kswapd = CreateTestProbe("kswapd");
        StandInForKswapd(kswapd);
        RunTo(1);
        ExpectMsgAt<StartTask>(kswapd, 0);
        Blade().Memory.Kswapds[0].Waiting = true;
        RunUntil(() => kswapd.HasMessages, VirtualTime.Second);
        Assert.Equal(0, kswapd.ExpectMsg<WakeKswapd>().Order);
        RunFor(20 * VirtualTime.Ms);
        MachineMemory memory = Blade().Memory;
        Assert.True(memory.Stat[VmCounter.allocstall] > 0);
        Assert.True(memory.Stat[VmCounter.pswpout] > 0);
        Assert.Equal(0, memory.Stat[VmCounter.pageoutrun]);
    }

    [Fact]
    public void A_probe_as_the_memory_refuses_a_page_and_the_process_turns_to_its_reclaimer()
    {
        Use(Parse(SmallCluster.Toml));
        TestProbe memory = CreateTestProbe("memory");
        TestProbe reclaimer = CreateTestProbe("reclaimer");
        StandInForMemory(memory);
        StandInOnBlade(BladeActors.ReclaimerOf(0), reclaimer);
        AutoPilot(memory, (sender, message) =>
        {
            switch (message)
            {
                case WakeTask { Task: ProcessTask }:
                    Ref(Cluster.Blades[0].Host, s_process).Tell(new RunTask { Task = ProcessTask }, memory);
                    break;
                case TouchRequest touch when touch.ReplyTo == s_process:
                    touch.Answer.Call = touch.Call with { Stop = TouchStop.AnonFault, Page = PageFrame.None };
                    sender.Tell(touch.Answer, memory);
                    break;
                case PageRequest page when page.ReplyTo == s_process:
                    page.Refused.Outcome = page.Call.Outcome = AllocOutcome.NeedsReclaim;
                    sender.Tell(page.Refused, memory);
                    break;
            }
        });
        RunTo(VirtualTime.Ms);
        var page = FindMsg<PageRequest>(memory);
        Assert.Equal(Gfp.HighUserMovable | Gfp.Zero, page.Call.Gfp);
        long askedNs = ArrivedNs(memory);
        Assert.Equal(Gfp.HighUserMovable | Gfp.Zero, ExpectMsgAt<Reclaim>(reclaimer, askedNs).Gfp);
        reclaimer.ExpectNoMsg();
    }

    [Fact]
    public void Runs_end_with_the_verdict_of_the_program()
    {
        Use(Parse(SmallCluster.Toml));
        Assert.Equal(Verdict.Completed, RunToVerdict());
        Assert.Null(Hang);
        Assert.True(Blade().Memory.Stat[VmCounter.pswpout] > 0);
    }

    [Fact]
    public void Without_patches_it_hangs_and_a_failure_tells_who_waits_for_whom()
    {
        Use(Parse(SmallCluster.Toml, "vanilla"));
        Verdict verdict = RunToVerdict();
        Assert.True(verdict is Verdict.Deadlock or Verdict.Livelock, verdict.ToString());
        var failure = Assert.Throws<SimulationTestException>(
            () => Check(() => Assert.Equal(Verdict.Completed, verdict)));
        Assert.Contains("scenario small, variant vanilla", failure.Message, StringComparison.Ordinal);
        Assert.Contains("blade: ", failure.Message, StringComparison.Ordinal);
        Assert.Contains("the NBD sender", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_link_that_loses_every_frame_to_the_blade_stalls_it_until_it_heals()
    {
        Use(Parse(SmallCluster.Toml));
        int blade = Cluster.Blades[0].Host;
        InterceptionRule cut = Drop<ClusterSwap.Blades.Messages.Frame>(d => d.Host == blade && d.SenderHost != blade);
        RunUntil(() => cut.Hits > 0, VirtualTime.Second);
        RunFor(2 * VirtualTime.Ms);
        cut.Remove();
        Assert.Equal(Verdict.Completed, RunToVerdict());
    }

    [Fact]
    public void Looking_on_changes_nothing_and_the_same_seed_gives_the_same_fingerprint()
    {
        Use(Parse(SmallCluster.Toml));
        RunTo(30 * VirtualTime.Ms);
        UInt128 watched = Simulation.Fingerprint;
        using Cluster plain = ClusterBuilder.Build(Parse(SmallCluster.Toml), Seed);
        plain.Simulation.Run(new RunOptions { UntilNs = 30 * VirtualTime.Ms });
        Assert.Equal(plain.Simulation.Fingerprint, watched);
    }

    [Fact]
    public void A_broken_account_fails_the_run_at_the_next_look()
    {
        Use(Parse(SmallCluster.Toml));
        RunTo(5 * VirtualTime.Ms);
        int page = Array.FindIndex(Blade().Memory.Pages.Frames, frame => frame.Owner == PageOwner.Anon);
        Blade().Memory.Pages.Frames[page].Set(PageFlags.Isolated);
        var failure = Assert.Throws<SimulationTestException>(() => RunFor(40 * VirtualTime.Ms));
        Assert.Contains("isolated", failure.What, StringComparison.Ordinal);
        Assert.Contains("CLUSTERSWAP_SEED=1", failure.Message, StringComparison.Ordinal);
    }
}
