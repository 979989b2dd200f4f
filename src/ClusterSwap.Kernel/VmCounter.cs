// Counters of a blade, named as in /proc/vmstat and /proc/net/netstat.
using MemoryPack;

namespace ClusterSwap.Kernel;

/// <summary>Event counters, spelled as the kernel spells them (<c>mm/vmstat.c</c>, 3.6; zone suffixes are
/// summed).</summary>
public enum VmCounter
{
    pgpgin, pgpgout, pswpin, pswpout, pgalloc, pgfree, pgactivate, pgdeactivate, pgfault, pgmajfault, pgrefill,
    pgsteal_kswapd, pgsteal_direct, pgscan_kswapd, pgscan_direct, pgscan_direct_throttle, slabs_scanned,
    kswapd_low_wmark_hit_quickly, kswapd_high_wmark_hit_quickly, kswapd_skip_congestion_wait, pageoutrun, allocstall,
    pgrotated, nr_vmscan_write, nr_vmscan_immediate_reclaim, nr_dirtied, nr_written, oom_kill, compact_stall, compact_fail,

    // In /proc/vmstat since 5.8 only.
    pgscan_anon, pgscan_file, pgsteal_anon, pgsteal_file,

    // Not in /proc/vmstat; kept for reports.
    alloc_failed, reserve_pages_taken, slab_alloc_failed, swap_cache_hits, pages_freed_unread,
    slab_reserve_checks,

    // In /proc/vmstat of a kernel with NUMA; kept by zone.
    numa_hit, numa_miss, numa_foreign, numa_interleave, numa_local, numa_other,
}

/// <summary>Gauges: how many pages are in a state now.</summary>
public enum VmGauge
{
    nr_inactive_anon, nr_active_anon, nr_inactive_file, nr_active_file, nr_anon_pages, nr_file_pages, nr_dirty,
    nr_writeback, nr_slab_unreclaimable, nr_page_table_pages, nr_isolated_anon, nr_isolated_file, nr_swapcached,
    nr_reserve_in_use,
}

/// <summary>All counters of one blade. Plain data.</summary>
[MemoryPackable]
public sealed partial class VmStat
{
    /// <summary>Event counters by <see cref="VmCounter"/>.</summary>
    public long[] Events = new long[Enum.GetValues<VmCounter>().Length];

    /// <summary>
    /// Of those, events that the kernel counts for each zone (<c>pgalloc_dma</c> and the like): entry
    /// zone × counters + counter. As long as the zones that had such events.
    /// </summary>
    public long[] ZoneEvents = [];

    /// <summary>allocstall by the zone type that the request asked for, as 6.1 counts it: DMA, DMA32, Normal,
    /// Movable.</summary>
    public long[] AllocStalls = new long[4];

    /// <summary>Gauges by <see cref="VmGauge"/>, in pages.</summary>
    public long[] Gauges = new long[Enum.GetValues<VmGauge>().Length];

    /// <summary>Counts <paramref name="n"/> events.</summary>
    public void Count(VmCounter counter, long n = 1) => Events[(int)counter] += n;

    /// <summary>Counts <paramref name="n"/> events of a zone, and in all.</summary>
    public void Count(VmCounter counter, int zone, long n)
    {
        var counters = Events.Length;
        Events[(int)counter] += n;
        var at = zone * counters + (int)counter;
        if (at >= ZoneEvents.Length)
        {
            Array.Resize(ref ZoneEvents, (zone + 1) * counters);
        }

        ZoneEvents[at] += n;
    }

    /// <summary>Events of a zone; 0 of a counter that is not kept by zone.</summary>
    public long InZone(VmCounter counter, int zone)
    {
        var at = zone * Events.Length + (int)counter;
        return at < ZoneEvents.Length ? ZoneEvents[at] : 0;
    }

    /// <summary>Moves a gauge by <paramref name="pages"/>.</summary>
    public void Move(VmGauge gauge, long pages) => Gauges[(int)gauge] += pages;

    /// <summary>Value of an event counter.</summary>
    public long this[VmCounter counter] => Events[(int)counter];

    /// <summary>Value of a gauge, pages.</summary>
    public long this[VmGauge gauge] => Gauges[(int)gauge];
}
