// The names of /proc/vmstat in their order. An asterisk stands for dma, dma32, normal, movable.
namespace ClusterSwap.Blades.ProcFiles;

/// <summary>
/// <c>vmstat_text</c> (<c>mm/vmstat.c</c>) of kernels with compaction, huge pages and migration, without memory
/// hotplug, KSM, zswap and balloon; with NUMA where a blade has two nodes.
/// </summary>
public static class VmStatNames
{
    private static readonly string[] Suffixes = ["dma", "dma32", "normal", "movable"];

    private static readonly string[] Items36 = ProcText.Words("""
        nr_free_pages nr_inactive_anon nr_active_anon nr_inactive_file nr_active_file nr_unevictable nr_mlock
        nr_anon_pages nr_mapped nr_file_pages nr_dirty nr_writeback nr_slab_reclaimable nr_slab_unreclaimable
        nr_page_table_pages nr_kernel_stack nr_unstable nr_bounce nr_vmscan_write nr_vmscan_immediate_reclaim
        nr_writeback_temp nr_isolated_anon nr_isolated_file nr_shmem nr_dirtied nr_written
        nr_anon_transparent_hugepages
        """);

    private static readonly string[] Events36 = ProcText.Words("""
        nr_dirty_threshold nr_dirty_background_threshold pgpgin pgpgout pswpin pswpout pgalloc_* pgfree pgactivate
        pgdeactivate pgfault pgmajfault pgrefill_* pgsteal_kswapd_* pgsteal_direct_* pgscan_kswapd_* pgscan_direct_*
        pgscan_direct_throttle pginodesteal slabs_scanned kswapd_inodesteal kswapd_low_wmark_hit_quickly
        kswapd_high_wmark_hit_quickly kswapd_skip_congestion_wait pageoutrun allocstall pgrotated
        compact_blocks_moved compact_pages_moved compact_pagemigrate_failed compact_stall compact_fail compact_success
        htlb_buddy_alloc_success htlb_buddy_alloc_fail unevictable_pgs_culled unevictable_pgs_scanned
        unevictable_pgs_rescued unevictable_pgs_mlocked unevictable_pgs_munlocked unevictable_pgs_cleared
        unevictable_pgs_stranded unevictable_pgs_mlockfreed thp_fault_alloc thp_fault_fallback thp_collapse_alloc
        thp_collapse_alloc_failed thp_split
        """);

    private static readonly string[] Items61 = ProcText.Words("""
        nr_free_pages nr_zone_inactive_anon nr_zone_active_anon nr_zone_inactive_file nr_zone_active_file
        nr_zone_unevictable nr_zone_write_pending nr_mlock nr_bounce nr_zspages nr_free_cma
        """);

    private static readonly string[] Node61 = ProcText.Words("""
        nr_inactive_anon nr_active_anon nr_inactive_file nr_active_file nr_unevictable nr_slab_reclaimable
        nr_slab_unreclaimable nr_isolated_anon nr_isolated_file workingset_nodes workingset_refault_anon
        workingset_refault_file workingset_activate_anon workingset_activate_file workingset_restore_anon
        workingset_restore_file workingset_nodereclaim nr_anon_pages nr_mapped nr_file_pages nr_dirty nr_writeback
        nr_writeback_temp nr_shmem nr_shmem_hugepages nr_shmem_pmdmapped nr_file_hugepages nr_file_pmdmapped
        nr_anon_transparent_hugepages nr_vmscan_write nr_vmscan_immediate_reclaim nr_dirtied nr_written
        nr_throttled_written nr_kernel_misc_reclaimable nr_foll_pin_acquired nr_foll_pin_released nr_kernel_stack
        nr_page_table_pages nr_sec_page_table_pages nr_swapcached
        """);

    private static readonly string[] Events61 = ProcText.Words("""
        nr_dirty_threshold nr_dirty_background_threshold pgpgin pgpgout pswpin pswpout pgalloc_* allocstall_* pgskip_*
        pgfree pgactivate pgdeactivate pglazyfree pgfault pgmajfault pglazyfreed pgrefill pgreuse pgsteal_kswapd
        pgsteal_direct pgdemote_kswapd pgdemote_direct pgscan_kswapd pgscan_direct pgscan_direct_throttle pgscan_anon
        pgscan_file pgsteal_anon pgsteal_file pginodesteal slabs_scanned kswapd_inodesteal
        kswapd_low_wmark_hit_quickly kswapd_high_wmark_hit_quickly pageoutrun pgrotated drop_pagecache drop_slab
        oom_kill pgmigrate_success pgmigrate_fail thp_migration_success thp_migration_fail thp_migration_split
        compact_migrate_scanned compact_free_scanned compact_isolated compact_stall compact_fail compact_success
        compact_daemon_wake compact_daemon_migrate_scanned compact_daemon_free_scanned htlb_buddy_alloc_success
        htlb_buddy_alloc_fail unevictable_pgs_culled unevictable_pgs_scanned unevictable_pgs_rescued
        unevictable_pgs_mlocked unevictable_pgs_munlocked unevictable_pgs_cleared unevictable_pgs_stranded
        thp_fault_alloc thp_fault_fallback thp_fault_fallback_charge thp_collapse_alloc thp_collapse_alloc_failed
        thp_file_alloc thp_file_fallback thp_file_fallback_charge thp_file_mapped thp_split_page thp_split_page_failed
        thp_deferred_split_page thp_split_pmd thp_scan_exceed_none_pte thp_scan_exceed_swap_pte
        thp_scan_exceed_share_pte thp_zero_page_alloc thp_zero_page_alloc_failed thp_swpout thp_swpout_fallback
        swap_ra swap_ra_hit direct_map_level2_splits direct_map_level3_splits
        """);

    // 3.6 puts these before the last item of a zone. 6.1 with two nodes is not modelled.
    private static readonly string[] ItemsNuma36 =
        [.. Items36[..^1], .. VmStatFile.Numa.Select(counter => counter.ToString()), Items36[^1]];

    private static readonly string[] EventsNuma36 = [.. Events36.SelectMany(
        name => name == "pgscan_direct_throttle" ? new[] { name, "zone_reclaim_failed" } : [name])];

    /// <summary>Counters of a zone, as /proc/zoneinfo lists them too.</summary>
    public static IReadOnlyList<string> OfZone(ProcForm form, bool numa = false) =>
        form == ProcForm.Linux61 ? Items61 : numa ? ItemsNuma36 : Items36;

    /// <summary>Counters of a node: 3.6 has none.</summary>
    public static IReadOnlyList<string> OfNode(ProcForm form) => form == ProcForm.Linux36 ? [] : Node61;

    /// <summary>All names of /proc/vmstat, of a kernel with NUMA or without.</summary>
    public static IEnumerable<string> All(ProcForm form, bool numa = false) =>
    [
        .. OfZone(form, numa),
        .. OfNode(form),
        .. (form == ProcForm.Linux61 ? Events61 : numa ? EventsNuma36 : Events36).SelectMany(Expand),
    ];

    private static IEnumerable<string> Expand(string name) =>
        name.EndsWith('*') ? Suffixes.Select(suffix => name[..^1] + suffix) : [name];
}
