// Patches 3, 7 to 11 and 14 on the study's blade: all patches against all but one.
namespace ClusterSwap.Blades.Tests.Patches;

public sealed class NetworkPatchTests
{
    [Fact]
    public void With_all_patches_the_blade_completes_and_the_ring_never_runs_dry()
    {
        var all = PatchRuns.All();
        Assert.True(all.Completed);
        Assert.True(all["rx_ring_fewest"] > 0);
    }

    [Fact]
    public void Without_3_sends_succeed_but_refills_fail_and_nothing_comes_back()
    {
        var without = PatchRuns.AllBut(3);
        Assert.True(without.Hung);
        Assert.True(without["alloc_rx_buff_failed"] > 0);
        Assert.Equal(0, without["rx_ring_fewest"]);
        Assert.True(without["reserve_pages_taken"] > 0);
    }

    [Fact]
    public void Without_8_no_socket_is_privileged_and_it_ends_as_without_14()
    {
        var without = PatchRuns.AllBut(8);
        Assert.True(without.Hung);
        Assert.Equal(0, without["reserve_pages_taken"]);
        Assert.Equal(PatchRuns.AllBut(14).Fingerprint, without.Fingerprint);
    }

    [Fact]
    public void Without_9_it_hangs_although_sends_get_the_reserve()
    {
        var without = PatchRuns.AllBut(9);
        Assert.True(without.Hung);
        Assert.True(without["alloc_rx_buff_failed"] > 0);
        Assert.True(without["reserve_pages_taken"] > 0);
        Assert.Equal(0, without["udp_filter_pfmemalloc_drop"]);
        Assert.True(PatchRuns.All()["udp_filter_pfmemalloc_drop"] > 0);
    }

    [Fact]
    public void Without_10_ordinary_sockets_hold_pages_of_the_reserve()
    {
        Assert.Equal(0, PatchRuns.All()["udp_queued_from_reserve"]);
        Assert.True(PatchRuns.AllBut(10)["udp_queued_from_reserve"] > 0);
    }

    // With a reserve of twice the size and SLAB: with less of either it hangs as without 9. Single runs vary too much
    // by seed.
    [Fact]
    public void Without_11_refills_fail_and_it_takes_longer_but_does_not_hang()
    {
        string[] sets = ["blade.slab=slab", "blade.min_free_kbytes=1024"];
        var all = PatchRuns.Seeds.Select(seed => PatchRuns.All(seed, sets)).ToArray();
        var without = PatchRuns.Seeds.Select(seed => PatchRuns.AllBut(11, seed, sets)).ToArray();
        Assert.All(all.Concat(without), run => Assert.True(run.Completed));
        Assert.Equal(0, all.Sum(run => run["alloc_rx_buff_failed"]));
        Assert.True(without.Sum(run => run["alloc_rx_buff_failed"]) > 0);
        Assert.True(without.Sum(run => run.ElapsedNs) > all.Sum(run => run.ElapsedNs) * 5 / 4);
    }

    [Fact]
    public void Without_14_nobody_takes_the_reserve_and_the_blade_hangs()
    {
        var without = PatchRuns.AllBut(14);
        Assert.True(without.Hung);
        Assert.Equal(0, without["reserve_pages_taken"]);
        Assert.True(PatchRuns.All()["reserve_pages_taken"] > 0);
    }
}
