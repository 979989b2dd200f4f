// Patches 1, 5, 6, 13, 15 and 16 on the study's blade: all patches against all but one.
namespace ClusterSwap.Blades.Tests.Patches;

public sealed class MemoryPatchTests
{
    // Short of memory, but never below the floor of receive buffers: the server is quick.
    private static readonly string[] AboveTheFloor =
        ["server.write_time=50 us", "blade.nic.ring=256", "blade.min_free_kbytes=1024"];

    [Fact]
    public void With_1_objects_of_the_reserve_are_looked_at_and_more_ordinary_requests_fail()
    {
        var all = PatchRuns.Seeds.Select(seed => PatchRuns.All(seed, "blade.slab=slab")).ToArray();
        var without = PatchRuns.Seeds.Select(seed => PatchRuns.AllBut(1, seed, "blade.slab=slab")).ToArray();
        Assert.True(all.Sum(run => run["slab_alloc_failed"]) > without.Sum(run => run["slab_alloc_failed"]));
        Assert.All(all, run => Assert.True(run["slab_reserve_checks"] > 0));
        Assert.All(without, run => Assert.Equal(0, run["slab_reserve_checks"]));
    }

    [Fact]
    public void Without_5_packets_are_dropped_whose_pages_anybody_could_have_had()
    {
        Assert.Equal(0, PatchRuns.All(1, AboveTheFloor)["udp_filter_pfmemalloc_drop"]);
        Assert.True(PatchRuns.AllBut(5, 1, AboveTheFloor)["udp_filter_pfmemalloc_drop"] > 0);
    }

    [Fact]
    public void On_one_node_6_changes_nothing() =>
        Assert.Equal(PatchRuns.All().Fingerprint, PatchRuns.AllBut(6).Fingerprint);

    [Fact]
    public void With_swap_on_NBD_13_costs_checks_and_nothing_else()
    {
        var all = PatchRuns.All(2, "blade.slab=slab");
        var without = PatchRuns.AllBut(13, 2, "blade.slab=slab");
        Assert.Equal(all.Fingerprint, without.Fingerprint);
        Assert.True(without["slab_reserve_checks"] > all["slab_reserve_checks"]);
    }

    [Fact]
    public void With_15_tasks_wait_where_without_it_they_reclaim()
    {
        var all = PatchRuns.All(1, PatchRuns.Throttling);
        var without = PatchRuns.AllBut(15, 1, PatchRuns.Throttling);
        Assert.True(all.Completed && without.Completed);
        Assert.True(all["pgscan_direct_throttle"] > 0);
        Assert.Equal(0, without["pgscan_direct_throttle"]);
        Assert.NotEqual(all.Fingerprint, without.Fingerprint);
    }

    [Fact]
    public void With_DMA_and_DMA32_15_makes_no_difference()
    {
        string[] zones = [.. PatchRuns.Throttling, "blade.zones=dma-dma32"];
        Assert.Equal(PatchRuns.All(1, zones).Fingerprint, PatchRuns.AllBut(15, 1, zones).Fingerprint);
        Assert.Equal(0, PatchRuns.All(1, zones)["pgscan_direct_throttle"]);
    }

    [Fact]
    public void Without_16_the_same_tasks_wait_but_nobody_counts_them()
    {
        var all = PatchRuns.All(1, PatchRuns.Throttling);
        var without = PatchRuns.AllBut(16, 1, PatchRuns.Throttling);
        Assert.Equal(all.Fingerprint, without.Fingerprint);
        Assert.True(all["pgscan_direct_throttle"] > 0);
        Assert.Equal(0, without["pgscan_direct_throttle"]);
    }
}
