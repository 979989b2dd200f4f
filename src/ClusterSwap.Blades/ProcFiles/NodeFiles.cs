// /sys/devices/system/node: where the pages of each node went.
using System.Text;
using ClusterSwap.Kernel;

namespace ClusterSwap.Blades.ProcFiles;

/// <summary>Files of NUMA nodes; a kernel built without NUMA, which a blade with one node is, has none.</summary>
public static class NodeFiles
{
    // node_read_numastat, 3.6: its own names, in this order.
    private static readonly (string Name, VmCounter Counter)[] Lines =
    [
        ("numa_hit", VmCounter.numa_hit), ("numa_miss", VmCounter.numa_miss), ("numa_foreign", VmCounter.numa_foreign),
        ("interleave_hit", VmCounter.numa_interleave), ("local_node", VmCounter.numa_local),
        ("other_node", VmCounter.numa_other),
    ];

    /// <summary>The files of a moment by their place below its root.</summary>
    public static IEnumerable<(string Path, string Text)> Of(ProcMoment moment)
    {
        var nodes = moment.Memory.Pages.Nodes;
        return nodes == 1 ? [] : Enumerable.Range(0, nodes).Select(
            node => ($"sys/devices/system/node/node{node}/numastat", NumaStat(moment, node)));
    }

    /// <summary>numastat of a node: pages by where they were wanted and where they were found.</summary>
    public static string NumaStat(ProcMoment moment, int node)
    {
        var text = new StringBuilder();
        foreach (var (name, counter) in Lines)
        {
            var zones = moment.Memory.Pages.Zones.Where(zone => zone.Node == node);
            text.Line($"{name} {zones.Sum(zone => moment.Memory.Stat.InZone(counter, zone.Index))}");
        }

        return text.ToString();
    }
}
