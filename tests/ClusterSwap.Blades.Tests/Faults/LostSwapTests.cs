// Requests that fail and connections that are lost: what becomes of pages and processes.
using ClusterSwap.Blades.Runs;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Blades.Tests.Checkpoints;
using ClusterSwap.Blades.Tests.Scenarios;
using ClusterSwap.Kernel;

namespace ClusterSwap.Blades.Tests.Faults;

public sealed class LostSwapTests
{
    private const int CheckEvery = 5;

    private static readonly string[] WriteErrors =
        ["faults.x.kind=server-error", "faults.x.per_million=100000", "faults.x.operations=write"];

    private static readonly string[] ReadErrors =
        ["faults.x.kind=server-error", "faults.x.per_million=1000", "faults.x.operations=read"];

    private static readonly string[] Restart = ["faults.x.kind=server-restart", "faults.x.at=3 s"];

    private static RunReport Run(Scenario scenario) => new BladeRunner().Run(
        new RunRequest { Scenario = scenario, Variant = scenario.Variant, Seed = 1 }, CancellationToken.None);

    [Fact]
    public void A_page_whose_write_fails_stays_and_is_written_again()
    {
        // Every stamp is checked when a page is touched: nothing that was not written may be read back.
        using var trial = new Trial(Trial.Rack(1, WriteErrors));
        trial.Run(checkEvery: 1);
        Assert.True(trial.Completed);
        Assert.InRange(trial.Nbd().Counters.WriteErrors, 50, long.MaxValue);
        Assert.Equal(0, trial.Nbd().Counters.ReadErrors);
        using var without = new Trial(Trial.Rack(1)).Run();
        Assert.True(trial.Sum(VmCounter.pswpout) > without.Sum(VmCounter.pswpout));
    }

    [Fact]
    public void A_process_whose_page_cannot_be_read_is_killed_and_gives_its_memory_back()
    {
        using var trial = new Trial(Trial.Quick("swapnbd", ReadErrors));
        trial.Run(checkEvery: CheckEvery);
        Assert.True(trial.Completed);
        var report = Run(Trial.Quick("swapnbd", ReadErrors));
        Assert.Equal(Verdict.Killed, report.Verdict);
        Assert.Equal(17, VerdictWords.ExitStatus(report.Verdict));
        Assert.Contains("killed (SIGBUS), the first at", Assert.Single(report.Notes));
    }

    [Theory]
    [InlineData("swapnbd")]
    [InlineData("swapnbd-slab")]
    public void After_a_server_restart_the_device_is_dead_and_its_processes_die(string variant)
    {
        using var trial = new Trial(Trial.Quick(variant, [Trial.ManyBarriers, .. Restart]));
        trial.Run(checkEvery: CheckEvery);
        Assert.True(trial.Completed);
        Assert.True(trial.Nbd().Closed);
        var report = Run(Trial.Quick(variant, Restart));
        Assert.Equal(Verdict.Killed, report.Verdict);
        var note = Assert.Single(report.Notes);
        Assert.StartsWith("blade: the connection of the swap device was lost at 3.0 s: the server reset it; ", note);
    }

    [Fact]
    public void The_page_on_faults_shows_what_the_run_of_its_example_tells()
    {
        var scenario = ScenarioFile.Load(Path.Combine(ScenarioFolder.Repository, "config", "faults.toml")).Resolve("restart");
        var page = File.ReadAllText(Path.Combine(ScenarioFolder.Repository, "docs", "faults.md"));
        Assert.Contains("note: " + Assert.Single(Run(scenario).Notes) + "\n", page);
    }

    [Fact]
    public void A_kernel_of_6_1_loses_its_device_in_the_same_way()
    {
        foreach (var scheduler in (string[])["none", "mq-deadline"])
        {
            using var trial = new Trial(Trial.Quick(
                "base",
                [Trial.ManyBarriers, "blade.era=6.1", $"blade.scheduler={scheduler}", .. Restart, "faults.x.at=2 s"]));
            trial.Run(checkEvery: CheckEvery);
            Assert.True(trial.Completed);
            Assert.True(trial.Nbd().Closed);
        }
    }

    [Theory]
    [InlineData("none", 2)]
    [InlineData("mq-deadline", 1)]
    public void Requests_of_a_dead_device_cost_whoever_issues_them_their_time(string scheduler, int issuers)
    {
        // With a scheduler that is one worker, whatever the number of CPUs; without one it is whoever reclaims.
        using var trial = new Trial(Trial.Quick(
            "base",
            [
                Trial.ManyBarriers, "blade.era=6.1", $"blade.scheduler={scheduler}", "blade.cpus=2", "blade.processes_per_cpu=2",
                .. Restart, "faults.x.at=300 ms",
            ]));
        trial.Run(untilNs: Trial.Second, checkEvery: CheckEvery);
        var lostNs = Trial.Second - trial.Nbd().FailedNs;
        Assert.InRange(lostNs, Trial.Second / 2, Trial.Second);
        Assert.InRange(trial.Nbd().Counters.WriteErrors, 10_000, issuers * lostNs / CostModel.Hw2012.RequestNs);
    }

    [Fact]
    public void Tcp_gives_up_after_fifteen_retransmissions_and_the_machine_loses_its_swap()
    {
        string[] cut = ["hang_after=2000 s", "faults.x.kind=partition", "faults.x.at=3 s"];
        var report = Run(Trial.Quick("swapnbd", cut));
        Assert.Equal(Verdict.Killed, report.Verdict);
        Assert.Contains("TCP gave up after 15 retransmissions", Assert.Single(report.Notes));

        // 15 times from 200 ms, doubling, at most 120 s each: 924.6 s (tcp_retries2), at a higher RTO somewhat more.
        Assert.InRange(report.VirtualNs, 927 * Trial.Second, 1_000 * Trial.Second);
    }

    [Fact]
    public void A_run_continues_from_the_moments_around_a_lost_connection()
    {
        var scenario = Trial.Quick("swapnbd", [Trial.ManyBarriers, .. Restart]);
        CheckpointTests.AssertContinues(scenario, [29, 30], 60 * Trial.Second);
    }
}
