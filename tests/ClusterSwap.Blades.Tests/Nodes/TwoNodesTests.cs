// Whole runs on two nodes: outcomes, counters, determinism, checkpoints, what reports and files say.
using ClusterSwap.Blades.Monitors;
using ClusterSwap.Blades.ProcFiles;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Blades.Tests.Checkpoints;
using ClusterSwap.Blades.Tests.ProcFiles;
using ClusterSwap.Blades.Tests.Runs;
using ClusterSwap.Kernel;

namespace ClusterSwap.Blades.Tests.Nodes;

public sealed class TwoNodesTests
{
    private const string Two = "blade.nodes=2";

    [Theory]
    [InlineData("swapnbd", "blade.zones=dma-dma32", "blade.mempolicy=default")]
    [InlineData("swapnbd-slab", "blade.zones=flat", "blade.mempolicy=default")]
    [InlineData("swapnbd", "blade.zones=flat", "blade.mempolicy=bind:0")]
    [InlineData("swapnbd-slab", "blade.zones=dma-dma32", "blade.mempolicy=bind:1")]
    [InlineData("swapnbd-slab", "blade.zones=dma-dma32", "blade.mempolicy=interleave")]
    public void A_patched_blade_completes_with_either_slab_allocator(string variant, string zones, string policy)
    {
        var report = Quick.Run(Quick.Of(variant, Trial.OnePass, Two, zones, policy));
        Assert.Equal(Verdict.Completed, report.Verdict);
        var stat = report.Blades[0].VmStat.ToDictionary(pair => pair.Key, pair => pair.Value);
        Assert.Equal(stat["numa_miss"], stat["numa_foreign"]);
        Assert.Equal(stat["numa_hit"] + stat["numa_miss"], stat["numa_local"] + stat["numa_other"]);
        Assert.Equal(policy.EndsWith("interleave", StringComparison.Ordinal), stat["numa_interleave"] > 0);
        Assert.True(stat["pswpout"] > 30_000);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void An_unpatched_blade_with_SLUB_hangs_and_the_report_tells_nodes(ulong seed)
    {
        var report = Quick.Run(Quick.Of("vanilla", Two), seed);
        Assert.True(report.Verdict is Verdict.Deadlock or Verdict.Livelock, report.Verdict.ToString());
        Assert.Contains(report.Hang!.Cycle, line => line.Contains("DMA32 of node 1", StringComparison.Ordinal));
    }

    [Fact]
    public void Both_kswapds_work_each_for_its_node()
    {
        using var trial = new Trial(Trial.Quick("swapnbd", Trial.OnePass, Two, "blade.zones=flat"));
        trial.Run(checkEvery: 1);
        var memory = trial.Blade().Memory;
        Assert.True(memory.Stat.InZone(VmCounter.pgsteal_kswapd, 0) > 0);
        Assert.True(memory.Stat.InZone(VmCounter.pgsteal_kswapd, 1) > 0);
        Assert.Equal([0, 1], memory.Kswapds.Select(kswapd => kswapd.Node));
        Conservation.Check(trial.Cluster);
    }

    [Fact]
    public void A_workload_bound_to_a_node_leaves_the_memory_of_the_other_alone()
    {
        using var trial = new Trial(Trial.Quick("swapnbd", Trial.OnePass, Two, "blade.zones=flat", "blade.mempolicy=bind:1"));
        trial.Run(Trial.Second);
        var pages = trial.Blade().Memory.Pages;
        Assert.True(pages.FreeOn(0) > 4 * pages.Zones[0].High, $"{pages.FreeOn(0)} pages are free on node 0");
        Assert.True(pages.FreeOn(1) < 2 * pages.Zones[1].High, $"{pages.FreeOn(1)} pages are free on node 1");
        Assert.Equal(0, trial.Blade().Memory.Stat.InZone(VmCounter.pgsteal_direct, 0));
    }

    [Theory]
    [InlineData("swapnbd")]
    [InlineData("swapnbd-slab")]
    public void A_run_continues_from_its_barriers(string variant) => CheckpointTests.AssertContinues(
        Trial.Quick(variant, Trial.OnePass, Trial.ManyBarriers, Two, "blade.mempolicy=interleave"),
        [3, 6, 9],
        8 * Trial.Second);

    [Fact]
    public void Two_threads_and_any_partitions_give_the_run_of_one()
    {
        string Print(int threads, IReadOnlyList<int[]>? partitions)
        {
            using var trial = new Trial(Trial.Quick("swapnbd", Trial.OnePass, Two));
            return trial.Run(8 * Trial.Second, threads, partitions).Fingerprint;
        }

        var expected = Print(1, null);
        Assert.Equal(expected, Print(1, null));
        Assert.Equal(expected, Print(2, null));
        Assert.Equal(expected, Print(2, [[1], [0]]));
    }

    [Fact]
    public void Files_list_the_zones_of_each_node_that_have_pages_and_their_counts_add_up()
    {
        using var trial = new Trial(Trial.Quick("swapnbd", Trial.OnePass, Two));
        trial.Run(Trial.Second);
        var simulation = trial.Cluster.Simulation;
        var moment = new ProcMoment(simulation, new BladeStates(simulation, trial.Cluster.Blades[0]), simulation.TimeNs);
        var text = ZoneInfoFile.Write(moment, ProcForm.Linux36);
        Assert.Equal(
            ["Node 0, zone      DMA", "Node 0, zone    DMA32", "Node 1, zone    DMA32"],
            text.Split('\n').Where(line => line.StartsWith("Node", StringComparison.Ordinal)));
        var vmstat = VmStatFile.Values(moment);
        var zones = ProcReader.ZoneInfo(text);
        foreach (var name in VmStatNames.OfZone(ProcForm.Linux36, numa: true))
        {
            Assert.Equal((name, vmstat[name]), (name, zones.Sum(zone => zone.Fields[name])));
        }

        Assert.Contains("\nnuma_other ", VmStatFile.Write(moment, ProcForm.Linux36), StringComparison.Ordinal);
        Assert.Contains("\nzone_reclaim_failed 0\n", VmStatFile.Write(moment, ProcForm.Linux36), StringComparison.Ordinal);
        var files = ProcTree.Files(moment, ProcForm.Linux36).Where(file => file.Path.EndsWith("numastat", StringComparison.Ordinal));
        Assert.Equal(
            ["sys/devices/system/node/node0/numastat", "sys/devices/system/node/node1/numastat"],
            files.Select(file => file.Path));
        var hits = files.Sum(file => ProcReader.VmStat(file.Text).First(line => line.Name == "numa_hit").Value);
        Assert.Equal(vmstat["numa_hit"], hits);
    }
}
