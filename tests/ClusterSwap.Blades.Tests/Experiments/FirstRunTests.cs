// The table of docs/studies/first-run.md, in small: who hangs, who completes, and that the work was really done.
using ClusterSwap.Blades.Actors;
using ClusterSwap.Blades.Monitors;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Blades.Tests.Scenarios;
using ClusterSwap.Kernel;

namespace ClusterSwap.Blades.Tests.Experiments;

public sealed class FirstRunTests
{
    private const string Sg = "blade.nic.sg=true";
    private const string NoSg = "blade.nic.sg=false";

    [Fact]
    public void The_unpatched_kernel_hangs_for_every_seed()
    {
        for (ulong seed = 1; seed <= 20; seed++)
        {
            AssertHangs("vanilla", seed, Sg, "dma-dma32", within: 3);
        }
    }

    [Theory]
    [InlineData(Sg, "flat", 1)]
    [InlineData(Sg, "flat", 2)]
    [InlineData(NoSg, "flat", 1)]
    [InlineData(NoSg, "flat", 2)]
    [InlineData(NoSg, "dma-dma32", 1)]
    [InlineData(NoSg, "dma-dma32", 15)] // the sender once span through direct reclaim without virtual time here
    public void The_unpatched_kernel_hangs_with_every_card_and_zone_layout(string sg, string zones, int seed)
    {
        AssertHangs("vanilla", (ulong)seed, sg, zones, within: 6);
    }

    [Theory]
    [InlineData("swapnbd", Sg, "dma-dma32")]
    [InlineData("swapnbd", Sg, "flat")]
    [InlineData("swapnbd", NoSg, "dma-dma32")]
    [InlineData("swapnbd", NoSg, "flat")]
    [InlineData("swapnbd-slab", Sg, "dma-dma32")]
    [InlineData("swapnbd-slab", NoSg, "flat")]
    [InlineData("vanilla-slab", NoSg, "dma-dma32")]
    public void The_rest_completes_with_every_page_written_and_read_back(string variant, string sg, string zones)
    {
        using var trial = Start(variant, 1, sg, zones);
        trial.Run();
        Assert.True(trial.Completed);
        var place = trial.Cluster.Blades[0];
        for (var process = 0; process < place.Spec.Processes; process++)
        {
            // A page with another content than it was given would have ended the run (TouchStop.BadStamp).
            var state = trial.Cluster.Simulation.Actor<Process>(place.Host, BladeActors.Process(process)).Inspect;
            Assert.Equal(state.Workload!.TotalTouches, state.Workload.Touched);
        }

        // What does not fit into RAM has to leave it in both passes, and to come back in the second; a process that has
        // ended spares the others a part of its last pass.
        var mapped = (long)place.Spec.Processes * place.Spec.PagesPerProcess;
        var beyond = mapped - place.Spec.RamPages;
        Assert.InRange(trial.Sum(VmCounter.pswpout), beyond * 3 / 2, mapped * 2);
        Assert.InRange(trial.Sum(VmCounter.pswpin), beyond, mapped * 2);
    }

    [Fact]
    public void A_buffer_whose_head_is_granted_is_not_dropped_when_its_data_has_to_wait()
    {
        // Full size, seed 8: the sender once forgot the head of a buffer when it ended its section at a refusal.
        var file = Path.Combine(ScenarioFolder.Repository, "config", "seed.toml");
        using var cluster = ClusterBuilder.Build(ScenarioFile.Load(file).Resolve("vanilla"), seed: 8);
        cluster.Simulation.Run(new Engine.RunOptions { UntilNs = 4 * Trial.Second, InvariantInterval = 0 });
        Conservation.Check(cluster);
    }

    // Nothing moves any more after so many seconds.
    private static void AssertHangs(string variant, ulong seed, string sg, string zones, int within)
    {
        using var trial = Start(variant, seed, sg, zones);
        trial.Run(untilNs: (within + 2) * Trial.Second);
        Assert.False(trial.Completed);
        Assert.True(trial.Blade().ProgressNs < within * Trial.Second, $"seed {seed} moved at {trial.Blade().ProgressNs} ns");
        Assert.Equal(SenderPhase.Memory, trial.Nbd().SenderPhase);
        Assert.Equal(BladeTasks.NbdSender, trial.Nbd().Socket.Owner);
        Assert.True(trial.Nbd().Socket.Backlog.Frames.Count > 0);
    }

    private static Trial Start(string variant, ulong seed, string sg, string zones) => new(
        Trial.Quick(variant, sg, sg.Replace("sg", "tso", StringComparison.Ordinal), $"blade.zones={zones}"), seed);
}
