// Patch 6 in whole runs on two nodes: who may use the reserve is not held to the memory policy of the task.
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Blades.Tests.Scenarios;
using ClusterSwap.Kernel;

namespace ClusterSwap.Blades.Tests.Nodes;

public sealed class ReservePolicyTests
{
    // On a blk-mq device a reclaiming process sends its own pages, with PF_MEMALLOC and under its own policy.
    private const string Sends = "auto + blk-mq";
    private const string Repaired = Sends + " + reserve-nodemask";

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Without_6_no_page_of_the_reserve_comes_from_the_node_that_a_bound_task_may_not_use(int bound)
    {
        using var with = Run("all", $"bind:{bound}", "none", Repaired);
        using var without = Run("all - 6", $"bind:{bound}", "none", Repaired);
        Assert.True(ReserveOf(with, 1 - bound) > 0);
        Assert.Equal(0, ReserveOf(without, 1 - bound));
        Assert.True(ReserveOf(without, bound) > 0);
    }

    [Fact]
    public void As_posted_6_does_nothing_for_a_bound_task_as_the_mask_of_its_policy_stays()
    {
        using var with = Run("all", "bind:1", "none", Sends);
        using var without = Run("all - 6", "bind:1", "none", Sends);
        Assert.Equal(with.Fingerprint, without.Fingerprint);
        Assert.Equal(0, ReserveOf(with, 0));
        Assert.True(ReserveOf(with, 1) > 0);
    }

    [Theory]
    [InlineData("preferred:1")]
    [InlineData("interleave")]
    public void As_posted_6_changes_the_order_of_nodes_for_the_other_policies(string policy)
    {
        using var with = Run("all", policy, "none", Sends);
        using var without = Run("all - 6", policy, "none", Sends);
        Assert.NotEqual(with.Fingerprint, without.Fingerprint);
        Assert.True(ReserveOf(with, 0) > 0 && ReserveOf(with, 1) > 0);
    }

    [Theory]
    [InlineData("preferred:1")]
    [InlineData("interleave")]
    public void In_3_6_it_is_the_NBD_thread_and_softirq_that_use_the_reserve_and_they_have_no_policy(string policy)
    {
        using var with = Run("all", policy, "auto", "auto");
        using var without = Run("all - 6", policy, "auto", "auto");
        Assert.Equal(with.Fingerprint, without.Fingerprint);
        Assert.True(with.Sum(VmCounter.reserve_pages_taken) > 0);
    }

    private static long ReserveOf(Trial trial, int node)
    {
        var memory = trial.Blade().Memory;
        return memory.Pages.Zones.Where(zone => zone.Node == node)
            .Sum(zone => memory.Stat.InZone(VmCounter.reserve_pages_taken, zone.Index));
    }

    private static Trial Run(string patches, string policy, string scheduler, string changes)
    {
        var file = ScenarioFile.Load(Path.Combine(ScenarioFolder.Repository, "config", "studies", "which-patch.toml"));
        return new Trial(file.Resolve("base",
        [
            "blade.nodes=2", $"blade.mempolicy={policy}", $"blade.patches={patches}",
            $"blade.scheduler={scheduler}", $"blade.changes={changes}",
        ])).Run(60 * Trial.Second);
    }
}
