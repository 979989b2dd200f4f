// /proc/vmstat.
using System.Text;
using ClusterSwap.Kernel;
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Reclaim;

namespace ClusterSwap.Blades.ProcFiles;

/// <summary>/proc/vmstat: a name and a number a line.</summary>
public static class VmStatFile
{
    /// <summary>Where allocations were met, as a kernel with NUMA counts by zone.</summary>
    public static readonly IReadOnlyList<VmCounter> Numa =
    [
        VmCounter.numa_hit, VmCounter.numa_miss, VmCounter.numa_foreign, VmCounter.numa_interleave,
        VmCounter.numa_local, VmCounter.numa_other,
    ];

    private static readonly string[] StallTypes = ["dma", "dma32", "normal", "movable"];

    /// <summary>The file.</summary>
    public static string Write(ProcMoment moment, ProcForm form)
    {
        var values = Values(moment);
        var text = new StringBuilder();
        foreach (var name in VmStatNames.All(form, moment.Memory.Pages.Nodes > 1))
        {
            text.Line($"{name} {values[name]}");
        }

        return text.ToString();
    }

    /// <summary>Every value that the model has, under all names of both forms.</summary>
    public static NamedCounters Values(ProcMoment moment)
    {
        var stat = moment.Memory.Stat;
        var values = new NamedCounters { ["nr_free_pages"] = moment.Memory.Pages.FreePages };
        foreach (var gauge in Enum.GetValues<VmGauge>())
        {
            values[gauge.ToString()] = stat[gauge];
        }

        foreach (var counter in Enum.GetValues<VmCounter>())
        {
            values[counter.ToString()] = stat[counter];
        }

        // The kernel's page cache includes the swap cache.
        values["nr_file_pages"] = stat[VmGauge.nr_file_pages] + stat[VmGauge.nr_swapcached];
        values["nr_slab_reclaimable"] =
            moment.Memory.Pages.CountOwned(PageOwner.Slab) - stat[VmGauge.nr_slab_unreclaimable];
        AddZoneCopies(values);
        AddZones(values, moment);
        for (var type = 0; type < StallTypes.Length; type++)
        {
            values["allocstall_" + StallTypes[type]] = stat.AllocStalls[type];
        }

        return values;
    }

    /// <summary>What /proc/zoneinfo says of a zone, under all names of both forms.</summary>
    public static NamedCounters ValuesOf(ProcMoment moment, int zone)
    {
        var stat = moment.Memory.Stat;
        var lru = moment.Memory.Lru;
        ref readonly var pages = ref moment.Zones[zone];
        var values = new NamedCounters
        {
            ["nr_free_pages"] = moment.Memory.Pages.Zones[zone].NrFree,
            ["nr_inactive_anon"] = SizeOf(lru, zone, LruList.InactiveAnon),
            ["nr_active_anon"] = SizeOf(lru, zone, LruList.ActiveAnon),
            ["nr_inactive_file"] = SizeOf(lru, zone, LruList.InactiveFile),
            ["nr_active_file"] = SizeOf(lru, zone, LruList.ActiveFile),
            ["nr_anon_pages"] = pages.MappedAnon,
            ["nr_file_pages"] = pages.File + pages.SwapCache,
            ["nr_writeback"] = pages.Writeback,
            ["nr_slab_reclaimable"] = pages.ReclaimableSlab,
            ["nr_slab_unreclaimable"] = pages.Slab,
            ["nr_page_table_pages"] = pages.PageTables,
            ["nr_isolated_anon"] = IsolatedOf(lru, zone, ZoneReclaimState.Anon),
            ["nr_isolated_file"] = IsolatedOf(lru, zone, ZoneReclaimState.File),
            ["nr_vmscan_write"] = stat.InZone(VmCounter.nr_vmscan_write, zone),
            ["nr_vmscan_immediate_reclaim"] = stat.InZone(VmCounter.nr_vmscan_immediate_reclaim, zone),
            ["nr_written"] = stat.InZone(VmCounter.nr_written, zone),
        };
        foreach (var counter in Numa)
        {
            values[counter.ToString()] = stat.InZone(counter, zone);
        }

        AddZoneCopies(values);
        return values;
    }

    // Where the lists are the node's (4.8), its first zone stands for them.
    private static long SizeOf(LruLists lru, int zone, LruList list) =>
        zone < lru.Zones.Length ? lru.Size(zone, list) : 0;

    private static long IsolatedOf(LruLists lru, int zone, int file) =>
        zone < lru.Zones.Length ? lru.Zones[zone].Isolated[file] : 0;

    // 6.1 keeps the LRU counters of a zone beside those of the node.
    private static void AddZoneCopies(NamedCounters values)
    {
        foreach (var list in (ReadOnlySpan<string>)["inactive_anon", "active_anon", "inactive_file", "active_file"])
        {
            values["nr_zone_" + list] = values["nr_" + list];
        }

        values["nr_zone_write_pending"] = values["nr_dirty"] + values["nr_writeback"];
    }

    // Zones of the same type on several nodes are one name.
    private static void AddZones(NamedCounters values, ProcMoment moment)
    {
        ReadOnlySpan<VmCounter> counters =
        [
            VmCounter.pgalloc, VmCounter.pgrefill, VmCounter.pgsteal_kswapd, VmCounter.pgsteal_direct,
            VmCounter.pgscan_kswapd, VmCounter.pgscan_direct,
        ];
        foreach (var zone in moment.Memory.Pages.Zones)
        {
            foreach (var counter in counters)
            {
                values[$"{counter}_{SuffixOf(zone)}"] += moment.Memory.Stat.InZone(counter, zone.Index);
            }
        }
    }

    private static string SuffixOf(Zone zone) => zone.Kind switch
    {
        ZoneKind.Dma => "dma",
        ZoneKind.Dma32 => "dma32",
        _ => "normal",
    };
}
