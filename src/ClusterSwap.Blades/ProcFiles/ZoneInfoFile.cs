// /proc/zoneinfo.
using System.Numerics;
using System.Text;
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Reclaim;

namespace ClusterSwap.Blades.ProcFiles;

/// <summary>/proc/zoneinfo (<c>zoneinfo_show_print</c>, 3.6 and 6.1): node by node, a block for each zone.</summary>
public static class ZoneInfoFile
{
    // Zone types of x86-64 in their order: the columns of a zone's protection.
    private static readonly string[] ZoneTypes = ["DMA", "DMA32", "Normal", "Movable"];

    /// <summary>The file.</summary>
    public static string Write(ProcMoment moment, ProcForm form)
    {
        var text = new StringBuilder();
        for (var node = 0; node < moment.Memory.Pages.Nodes; node++)
        {
            WriteNode(text, moment, form, node);
        }

        return text.ToString();
    }

    private static void WriteNode(StringBuilder text, ProcMoment moment, ProcForm form, int node)
    {
        var first = true;
        for (var type = 0; type < ZoneTypes.Length; type++)
        {
            var zone = Array.Find(
                moment.Memory.Pages.Zones, each => each.Node == node && TypeOf(each) == type && each.Present > 0);
            if (zone is null && form == ProcForm.Linux36)
            {
                continue;
            }

            text.Line($"Node {node}, zone {ZoneTypes[type],8}");
            if (form == ProcForm.Linux61 && zone is not null && first)
            {
                first = false;
                text.Line($"  per-node stats");
                WriteCounters(text, VmStatFile.Values(moment), VmStatNames.OfNode(form), "      ");
            }

            if (zone is null)
            {
                WriteAbsent(text);
            }
            else if (form == ProcForm.Linux36)
            {
                Write36(text, moment, zone);
            }
            else
            {
                Write61(text, moment, zone);
            }
        }
    }

    /// <summary>
    /// <c>calculate_normal_threshold</c>: how far the counters of a CPU may run ahead of the zone's. The model
    /// has no such counters; its numbers are exact.
    /// </summary>
    public static int StatThreshold(long presentPages, int cpus)
    {
        var eighths = (uint)(presentPages >> 15);
        return Math.Min(125, 2 * Fls((uint)cpus) * (1 + Fls(eighths)));
    }

    private static void Write36(StringBuilder text, ProcMoment moment, Zone zone)
    {
        text.Line($"  pages free     {zone.NrFree}");
        WriteMarks(text, zone);
        text.Line($"        scanned  {moment.Memory.Lru.StateOf(zone.Index).PagesScanned}");
        text.Line($"        spanned  {Spanned(moment, zone)}");
        text.Line($"        present  {zone.Present}");
        WriteCounters(text, VmStatFile.ValuesOf(moment, zone.Index), VmStatNames.OfZone(ProcForm.Linux36, HasNodes(moment)), "    ");
        text.Line($"        protection: ({Protection(moment, zone)})");
        WritePageSets(text, moment, zone, "count: ", "high:  ", "batch: ");
        var state = moment.Memory.Lru.StateOf(zone.Index);
        text.Line($"  all_unreclaimable: {(state.AllUnreclaimable ? 1 : 0)}");
        text.Line($"  start_pfn:         {zone.StartPfn}");
        text.Line($"  inactive_ratio:    {Vmscan.InactiveRatio(zone.Present)}");
    }

    private static void Write61(StringBuilder text, ProcMoment moment, Zone zone)
    {
        text.Line($"  pages free     {zone.NrFree}");
        text.Line($"        boost    0");
        WriteMarks(text, zone);
        text.Line($"        spanned  {Spanned(moment, zone)}");
        text.Line($"        present  {zone.Present}");
        text.Line($"        managed  {moment.ManagedPages(zone.Index)}");
        text.Line($"        cma      0");
        text.Line($"        protection: ({Protection(moment, zone)})");
        WriteCounters(text, VmStatFile.ValuesOf(moment, zone.Index), VmStatNames.OfZone(ProcForm.Linux61), "      ");
        WritePageSets(text, moment, zone, "count: ", "high:  ", "batch: ");
        var state = moment.Memory.Lru.StateOf(zone.Index);
        text.Line($"  node_unreclaimable:  {(state.AllUnreclaimable ? 1 : 0)}");
        text.Line($"  start_pfn:           {zone.StartPfn}");
    }

    // 6.1 lists zone types without memory too, and stops after their sizes.
    private static void WriteAbsent(StringBuilder text)
    {
        text.Line($"  pages free     0");
        foreach (var name in (ReadOnlySpan<string>)
            ["boost", "min", "low", "high", "spanned", "present", "managed", "cma"])
        {
            text.Line($"        {name,-8} 0");
        }

        text.Line($"        protection: (0, 0, 0, 0)");
    }

    private static void WriteMarks(StringBuilder text, Zone zone)
    {
        text.Line($"        min      {zone.Min}");
        text.Line($"        low      {zone.Low}");
        text.Line($"        high     {zone.High}");
    }

    private static void WriteCounters(
        StringBuilder text, NamedCounters values, IReadOnlyList<string> names, string indent)
    {
        foreach (var name in names)
        {
            text.Line($"{indent}{name,-12} {values[name]}");
        }
    }

    private static void WritePageSets(
        StringBuilder text, ProcMoment moment, Zone zone, string count, string high, string batch)
    {
        var pages = moment.Memory.Pages;
        text.Line($"  pagesets");
        for (var cpu = 0; cpu < pages.Cpus; cpu++)
        {
            ref readonly var lists = ref pages.PerCpuOf(cpu, zone.Index);
            text.Line($"    cpu: {cpu}");
            text.Line($"              {count}{lists.Count}");
            text.Line($"              {high}{lists.High}");
            text.Line($"              {batch}{lists.Batch}");
            text.Line($"  vm stats threshold: {StatThreshold(zone.Present, pages.Cpus)}");
        }
    }

    // A zone type without memory above this zone is protected from like the highest present one below it.
    private static string Protection(ProcMoment moment, Zone zone)
    {
        var protection = new long[ZoneTypes.Length];
        foreach (var other in moment.Memory.Pages.Zones.Where(each => each.Node == zone.Node))
        {
            for (var type = TypeOf(other); type < ZoneTypes.Length; type++)
            {
                protection[type] = zone.LowmemReserve[other.Type];
            }
        }

        return string.Join(", ", protection);
    }

    // Holes lie behind the present pages, up to where the next zone starts or the RAM ends.
    private static long Spanned(ProcMoment moment, Zone zone)
    {
        var zones = moment.Memory.Pages.Zones;
        var last = zone.Index == zones.Length - 1;
        var end = last ? Math.Max(moment.Place.Spec.RamPages, zone.EndPfn) : zones[zone.Index + 1].StartPfn;
        return end - zone.StartPfn;
    }

    private static int TypeOf(Zone zone) => (int)zone.Kind;

    private static bool HasNodes(ProcMoment moment) => moment.Memory.Pages.Nodes > 1;

    private static int Fls(uint value) => value == 0 ? 0 : BitOperations.Log2(value) + 1;
}
