// Linux 6.1 as a whole: who sends, what a hang says, and that a run is still one run however it is executed.
using ClusterSwap.Blades.Actors;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Blades.Tests.Checkpoints;
using ClusterSwap.Blades.Tests.Determinism;

namespace ClusterSwap.Blades.Tests.Eras;

public sealed class Era61Tests
{
    private const string Direct = "blade.scheduler=\"none\"";
    private const string Worker = "blade.scheduler=\"mq-deadline\"";

    [Theory]
    [InlineData(Direct)]
    [InlineData(Worker)]
    public void A_run_repeats_itself_on_any_number_of_threads(string scheduler)
    {
        var scenario = Small(scheduler);
        var expected = DeterminismTests.FingerprintOf(scenario);
        Assert.Equal(expected, DeterminismTests.FingerprintOf(scenario));
        Assert.Equal(expected, DeterminismTests.FingerprintOf(scenario, threads: 2));
    }

    [Theory]
    [InlineData(Direct)]
    [InlineData(Worker)]
    public void A_run_continues_from_two_barriers(string scheduler) =>
        CheckpointTests.AssertContinues(Small(scheduler, Trial.ManyBarriers), [3, 7], 60 * Trial.Second);

    [Theory]
    [InlineData(Direct)]
    [InlineData(Worker)]
    public void Nothing_is_lost_at_any_barrier(string scheduler)
    {
        using var trial = new Trial(Small(scheduler, Trial.ManyBarriers));
        trial.Run(60 * Trial.Second, checkEvery: 1);
        Assert.True(trial.Completed);
    }

    [Fact]
    public void Without_a_scheduler_whoever_reclaims_or_faults_sends_and_with_one_the_worker_does()
    {
        Assert.Contains(Senders(Small(Direct, Trial.ManyBarriers)), task => task >= BladeTasks.FirstProcess);
        Assert.DoesNotContain(
            Senders(Small(Worker, Trial.ManyBarriers)), task => task != BladeTasks.NbdSender);
    }

    [Fact]
    public void A_sender_without_privilege_hangs_with_tx_lock_and_the_socket_held_and_the_report_names_it()
    {
        // Without patch 14 and with a reserve of 32 pages the first send that finds too few pages never ends.
        var scenario = Trial.Quick(
            "swapnbd", "blade.era=6.1", Worker, "blade.patches=\"all - 14\"", "blade.min_free_kbytes=128",
            "blade.costs.preset=\"uml\"", "blade.zones=\"flat\"", "blade.cpus=1", "hang_after=\"60 s\"");
        var report = ClusterSwap.Blades.Tests.Runs.Quick.Run(scenario);
        Assert.Contains(report.Verdict, new[] { Verdict.Deadlock, Verdict.Livelock });
        Assert.Contains(report.Hang!.Cycle, line => line.StartsWith(
            "the block worker holds tx_lock and the socket while it waits for a free page (GFP_NOIO, which never fails"));
    }

    [Fact]
    public void Reads_and_writes_share_128_tags_and_are_never_marked_congested()
    {
        using var trial = new Trial(Small(Direct, Trial.ManyBarriers));
        for (var barrier = 1; barrier <= 20; barrier++)
        {
            trial.Run(barrier * Trial.Second / 10);
            var queue = trial.Nbd().Queue;
            Assert.InRange(queue.InFlight(write: false) + queue.InFlight(write: true), 0, 128);
            Assert.False(queue.Congested(write: true));
        }
    }

    private static IReadOnlyList<int> Senders(Scenario scenario)
    {
        // Every moment at which some task holds tx_lock at a barrier; barriers fall anywhere.
        var senders = new List<int>();
        using var trial = new Trial(scenario);
        for (var barrier = 1; barrier <= 30; barrier++)
        {
            trial.Run(barrier * Trial.Second / 10);
            if (trial.Nbd().TxOwner >= 0)
            {
                senders.Add(trial.Nbd().TxOwner);
            }
        }

        Assert.NotEmpty(senders);
        return senders;
    }

    [Theory]
    [InlineData("slub")]
    [InlineData("slab")]
    public void Nothing_is_lost_where_segments_are_copied_below_TCP_and_frames_have_no_ring(string slab)
    {
        var scenario = Small(
            Direct, Trial.ManyBarriers, $"blade.slab=\"{slab}\"", "blade.nic.sg=false", "blade.nic.tso=false",
            "blade.nic.rx_path=\"per-frame\"");
        using var trial = new Trial(scenario);
        trial.Run(60 * Trial.Second, checkEvery: 1);
        Assert.True(trial.Completed);
        CheckpointTests.AssertContinues(scenario, [4, 9], 60 * Trial.Second);
    }

    private static Scenario Small(params string[] overrides) =>
        Trial.Quick("swapnbd", ["blade.era=6.1", Trial.OnePass, "blade.costs.preset=\"uml\"", .. overrides]);
}
