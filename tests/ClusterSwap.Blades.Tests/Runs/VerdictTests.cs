// How runs end, and what is told about it.
using ClusterSwap.Blades.Actors;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Blades.Tests.Scenarios;
using ClusterSwap.Engine;

namespace ClusterSwap.Blades.Tests.Runs;

public sealed class VerdictTests
{
    [Fact]
    public void An_unpatched_machine_ends_in_a_deadlock_that_is_told_as_docs_verdicts_shows()
    {
        var report = Quick.Run(Quick.Of("vanilla"));

        Assert.Equal(Verdict.Deadlock, report.Verdict);
        var told = report.Hang!.Cycle.Select(line => "  " + line).Prepend(report.Hang.Banner);
        Assert.Equal(string.Join('\n', ExampleInDocs()), string.Join('\n', told));
    }

    [Fact]
    public void A_patched_machine_completes()
    {
        var report = Quick.Run(Quick.Of("swapnbd"));

        Assert.Equal(Verdict.Completed, report.Verdict);
        Assert.Null(report.Hang);
        Assert.Empty(report.Notes);
    }

    [Fact]
    public void The_verdict_does_not_depend_on_threads()
    {
        var scenario = Quick.Of("vanilla");
        var one = Quick.Run(scenario, threads: 1);
        var two = Quick.Run(scenario, threads: 2);

        Assert.Equal((one.Verdict, one.Fingerprint, one.VirtualNs), (two.Verdict, two.Fingerprint, two.VirtualNs));
        Assert.Equal(one.Hang!.Banner, two.Hang!.Banner);
        Assert.Equal(one.Hang.Cycle, two.Hang.Cycle);
    }

    // All that is sent to the blade is lost. Its retransmissions could be answered at any time, so there is no knot.
    [Fact]
    public void A_machine_that_hears_nothing_from_its_server_is_in_a_livelock_and_not_in_a_deadlock()
    {
        var report = Quick.Run(Quick.Of("swapnbd", "blade.link.loss_per_million=1000000"));

        Assert.Equal(Verdict.Livelock, report.Verdict);
        Assert.InRange(report.VirtualNs, 120_000_000_000, 130_000_000_000);
        Assert.Contains("livelock", report.Hang!.Banner);
        Assert.Contains("not at an end: the server's TCP will send again", report.Hang.Cycle);
    }

    [Fact]
    public void Work_that_fits_into_memory_says_nothing_about_swap()
    {
        var report = Quick.Run(Quick.Of("vanilla", "blade.mapping=\"16 MiB\""));

        Assert.Equal(Verdict.Unknown, report.Verdict);
        Assert.Equal(
            ["memory was never under pressure: no page was swapped out, so the run says nothing about swap"],
            report.Notes);
    }

    [Fact]
    public void A_run_that_the_time_limit_ends_is_unknown()
    {
        var report = Quick.Run(Quick.Of("swapnbd", "time_limit=\"2 s\"", "hang_after=\"2 s\""));

        Assert.Equal(Verdict.Unknown, report.Verdict);
        Assert.Equal(
            ["stopped at 2.0 s of virtual time with work left: neither done nor hanging"], report.Notes);
    }

    [Fact]
    public void A_process_that_gets_nothing_for_120_s_while_others_move_starves()
    {
        var process = 0;
        var watch = AtOneSecond(states =>
        {
            while (states.Process(process).EndedNs >= 0)
            {
                process++;
            }

            states.Process(process).LastProgressNs = -119_000_000_000;
        });

        Assert.Equal(Verdict.Starvation, watch.Verdict);
        Assert.Equal(
            $"blade: starvation. Process {process} has got nothing for 120.0 s while others moved.",
            watch.Hang!.Banner);
        Assert.StartsWith($"process {process} waits for ", watch.Hang.Cycle[0]);
    }

    [Fact]
    public void The_call_of_the_OOM_killer_ends_the_run_and_names_the_caller()
    {
        var watch = AtOneSecond(states =>
        {
            states.Blade.OutOfMemoryNs = 900_000_000;
            states.Blade.OutOfMemoryTask = BladeTasks.Process(5);
        });

        Assert.Equal(Verdict.Oom, watch.Verdict);
        Assert.StartsWith(
            "blade: process 5 called the OOM killer at 0.9 s; free pages at the next barrier: DMA ", watch.Note);
        Assert.Contains("swap slots are free", watch.Note);
    }

    [Fact]
    public void A_broken_invariant_is_a_fault_whose_text_is_the_report()
    {
        var scenario = Quick.Of("swapnbd");
        using var cluster = ClusterBuilder.Build(scenario, scenario.Seed);
        var states = new BladeStates(cluster.Simulation, cluster.Blades[0]);
        states.Memory.Pages.Zones[0].NrFree++;

        var fault = Assert.Throws<SimulationFaultException>(cluster.Simulation.AssertInvariants);
        Assert.IsType<InvalidOperationException>(fault.InnerException);
        var report = RunReports.Safety(cluster, fault);
        Assert.Equal(Verdict.Safety, report.Verdict);
        Assert.Equal([fault.Message], report.Notes);
    }

    // The block after the heading "The report". Its figures change with every rule that changes the run; then the page
    // changes too.
    private static string[] ExampleInDocs()
    {
        var page = File.ReadAllLines(Path.Combine(ScenarioFolder.Repository, "docs", "verdicts.md"));
        return page.SkipWhile(line => line != "## The report").SkipWhile(line => line != "```").Skip(1)
            .TakeWhile(line => line != "```").ToArray();
    }

    private static ClusterWatch AtOneSecond(Action<BladeStates> change)
    {
        var scenario = Quick.Of("swapnbd");
        using var cluster = ClusterBuilder.Build(scenario, scenario.Seed);
        var request = new RunRequest { Scenario = scenario, Variant = scenario.Variant, Seed = scenario.Seed };
        var watch = new ClusterWatch(cluster, request);
        cluster.Simulation.Run(new ClusterSwap.Engine.RunOptions
        {
            UntilNs = 1_000_000_000,
            OnBarrier = barrier =>
            {
                Assert.True(watch.OnBarrier(barrier));
                change(new BladeStates(barrier.Simulation, cluster.Blades[0]));
                return watch.OnBarrier(barrier);
            },
        });
        return watch;
    }
}
