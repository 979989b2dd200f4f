// Names and their order, against the list of names of each release.
using ClusterSwap.Blades.ProcFiles;
using ClusterSwap.Kernel;

namespace ClusterSwap.Blades.Tests.ProcFiles;

public sealed class ProcNamesTests
{
    // What a 3.6 kernel shows up to pgrotated, without NUMA; <zone> is each of dma, dma32, normal, movable.
    private const string VmStat36 =
        "nr_free_pages nr_inactive_anon nr_active_anon nr_inactive_file nr_active_file nr_unevictable nr_mlock "
        + "nr_anon_pages nr_mapped nr_file_pages nr_dirty nr_writeback nr_slab_reclaimable nr_slab_unreclaimable nr_page_table_pages "
        + "nr_kernel_stack nr_unstable nr_bounce nr_vmscan_write nr_vmscan_immediate_reclaim nr_writeback_temp "
        + "nr_isolated_anon nr_isolated_file nr_shmem nr_dirtied nr_written nr_anon_transparent_hugepages "
        + "nr_dirty_threshold nr_dirty_background_threshold pgpgin pgpgout pswpin pswpout pgalloc_<zone> pgfree "
        + "pgactivate pgdeactivate pgfault pgmajfault pgrefill_<zone> pgsteal_kswapd_<zone> pgsteal_direct_<zone> "
        + "pgscan_kswapd_<zone> pgscan_direct_<zone> pgscan_direct_throttle pginodesteal slabs_scanned "
        + "kswapd_inodesteal kswapd_low_wmark_hit_quickly kswapd_high_wmark_hit_quickly kswapd_skip_congestion_wait pageoutrun "
        + "allocstall pgrotated";

    private static readonly string[] Suffixes = ["dma", "dma32", "normal", "movable"];

    [Fact]
    public void The_3_6_form_has_the_names_of_3_6_in_their_order()
    {
        var wanted = VmStat36.Split(' ').SelectMany(name => name.Contains("<zone>", StringComparison.Ordinal)
            ? Suffixes.Select(suffix => name.Replace("<zone>", suffix, StringComparison.Ordinal))
            : [name]).ToArray();
        Assert.Equal(wanted, VmStatNames.All(ProcForm.Linux36).Take(wanted.Length));
    }

    [Theory]
    [InlineData("nr_zone_inactive_anon", true)]
    [InlineData("nr_swapcached", true)]
    [InlineData("nr_throttled_written", true)]
    [InlineData("allocstall_movable", true)]
    [InlineData("pgskip_dma32", true)]
    [InlineData("pgsteal_kswapd", true)]
    [InlineData("pgscan_direct", true)]
    [InlineData("pgscan_anon", true)]
    [InlineData("swap_ra_hit", true)]
    [InlineData("oom_kill", true)]
    [InlineData("pgscan_direct_throttle", true)]
    [InlineData("pageoutrun", true)]
    [InlineData("pgscan_direct_dma32", false)]
    [InlineData("allocstall", false)]
    [InlineData("kswapd_skip_congestion_wait", false)]
    [InlineData("nr_unstable", false)]
    public void The_6_1_form_has_what_came_and_lacks_what_went(string name, bool shown)
    {
        Assert.Equal(shown, VmStatNames.All(ProcForm.Linux61).Contains(name));
        Assert.Equal(VmStatNames.All(ProcForm.Linux61).Distinct(), VmStatNames.All(ProcForm.Linux61));
    }

    [Fact]
    public void Meminfo_of_3_6_has_no_MemAvailable()
    {
        Assert.DoesNotContain("MemAvailable", MemInfoFile.Names(ProcForm.Linux36));
        Assert.Equal(["MemTotal", "MemFree", "MemAvailable"], MemInfoFile.Names(ProcForm.Linux61).Take(3));
    }

    [Fact]
    public void PFMemallocDrop_is_a_column_of_6_1_only()
    {
        Assert.DoesNotContain("PFMemallocDrop", NetNames.NetStat(ProcForm.Linux36)[0].Columns);
        Assert.Contains("PFMemallocDrop", NetNames.NetStat(ProcForm.Linux61)[0].Columns);
        Assert.Contains("TCPBacklogDrop", NetNames.NetStat(ProcForm.Linux36)[0].Columns);
    }

    [Theory]
    [InlineData(0, "000000")]
    [InlineData(12_250_000_000, "000012.25")]
    [InlineData(1_762_000_000_000, "001762")]
    [InlineData(999_999_999, "000000.999999999")]
    public void Moments_are_named_so_that_they_sort_by_time(long timeNs, string name) =>
        Assert.Equal(name, ProcTree.NameOf(timeNs));

    [Theory]
    [InlineData(Era.Linux35, ProcForm.Linux36)]
    [InlineData(Era.Linux36, ProcForm.Linux36)]
    [InlineData(Era.Linux61, ProcForm.Linux61)]
    public void The_form_is_that_of_the_blades_release(Era era, ProcForm form) => Assert.Equal(form, ProcForms.Of(era));
}
