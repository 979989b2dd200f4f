// How memory and CPUs are shared out to NUMA nodes, and in which order a node looks for pages elsewhere.
namespace ClusterSwap.Kernel.Memory;

/// <summary>In which order the zones of all nodes stand in a zonelist (<c>numa_zonelist_order</c>, 3.6).</summary>
public enum ZonelistOrder
{
    /// <summary>All zones of the own node, then all of the next.</summary>
    Node,

    /// <summary>The highest zone of each node, then the next lower one of each.</summary>
    Zone,
}

/// <summary>
/// The nodes of a machine with two sockets: the lower half of memory and of the CPU numbers is node 0, the rest node 1
/// (firmware numbers both socket by socket). Zones are a grid as <c>node_zones</c> is: every node has a place for each
/// zone type of the machine, and those that it lacks have no pages. So DMA is on node 0 alone, and DMA32 ends on the
/// node in whose memory the 32-bit space ends.
/// </summary>
public static class NodeLayout
{
    /// <summary>Most nodes of a blade.</summary>
    public const int MaxNodes = 2;

    // A node has to reach beyond ZONE_DMA (4,096 pages) and keep a block of the largest order in each half.
    private const long FewestPagesWithDma = 2 * (4096 + PageBlock.Pages);

    /// <summary>Fewest pages of a machine with two nodes.</summary>
    public static long FewestRamPages(ZoneLayout layout) =>
        layout == ZoneLayout.Flat ? 2 * PageBlock.Pages : FewestPagesWithDma;

    /// <summary>
    /// Zones by node, then from low to high; with one node those of <see cref="ZoneSpan.Of"/>. Node 1 begins at half of
    /// memory, rounded down to a page block.
    /// </summary>
    public static ZoneSpan[] Grid(ZoneLayout layout, long ramPages, int nodes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(nodes, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(nodes, MaxNodes);
        var spans = ZoneSpan.Of(layout, ramPages);
        if (nodes == 1)
        {
            return spans;
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(ramPages, FewestRamPages(layout));
        var split = (int)(ramPages / 2 / PageBlock.Pages * PageBlock.Pages);
        var grid = new ZoneSpan[2 * spans.Length];
        for (var i = 0; i < spans.Length; i++)
        {
            grid[i] = Part(spans[i], 0, split);
            grid[spans.Length + i] = Part(spans[i], split, int.MaxValue);
        }

        return grid;
    }

    /// <summary>The node of a CPU.</summary>
    public static int NodeOfCpu(int cpu, int cpus, int nodes) => nodes == 1 || cpu < cpus - cpus / nodes ? 0 : 1;

    /// <summary>CPUs of a node.</summary>
    public static int CpusOf(int node, int cpus, int nodes) =>
        nodes == 1 ? cpus : node == 0 ? cpus - cpus / nodes : cpus / nodes;

    /// <summary>
    /// <c>default_zonelist_order</c>, 3.6. Zone order spares small low zones; node order keeps pages local. Node order
    /// it is when a node has no NORMAL zone, when low zones are absent or more than half of memory, or when they are
    /// more than 70 % of a node that is not small.
    /// </summary>
    public static ZonelistOrder OrderOf(ReadOnlySpan<Zone> zones, int nodes)
    {
        var types = zones.Length / nodes;
        long low = 0, total = 0;
        for (var node = 0; node < nodes; node++)
        {
            var (nodeLow, nodeTotal) = Sizes(zones.Slice(node * types, types), out var hasNormal);
            low += nodeLow;
            total += nodeTotal;
            if (!hasNormal)
            {
                return ZonelistOrder.Node;
            }
        }

        if (low == 0 || low > total / 2)
        {
            return ZonelistOrder.Node;
        }

        var average = total / (nodes + 1);
        for (var node = 0; node < nodes; node++)
        {
            var (nodeLow, nodeTotal) = Sizes(zones.Slice(node * types, types), out _);
            if (nodeLow > 0 && nodeTotal > average && nodeLow > nodeTotal * 70 / 100)
            {
                return ZonelistOrder.Node;
            }
        }

        return ZonelistOrder.Zone;
    }

    /// <summary>
    /// For each node the indices of the zones with pages in the order in which a request of that node tries them
    /// (<c>build_zonelists</c>, 3.6). With one node from the highest zone down.
    /// </summary>
    public static int[][] Zonelists(Zone[] zones, int nodes)
    {
        var order = OrderOf(zones, nodes);
        var types = zones.Length / nodes;
        var lists = new int[nodes][];
        for (var node = 0; node < nodes; node++)
        {
            var list = new List<int>();
            for (var i = 0; i < zones.Length; i++)
            {
                var (step, type) = order == ZonelistOrder.Node ? (i / types, i % types) : (i % nodes, i / nodes);
                var zone = (node + step) % nodes * types + types - 1 - type;
                if (zones[zone].Present > 0)
                {
                    list.Add(zone);
                }
            }

            lists[node] = [.. list];
        }

        return lists;
    }

    private static (long Low, long Total) Sizes(ReadOnlySpan<Zone> zones, out bool hasNormal)
    {
        long low = 0, total = 0;
        hasNormal = false;
        foreach (var zone in zones)
        {
            low += zone.Kind < ZoneKind.Normal ? zone.Present : 0;
            total += zone.Present;
            hasNormal |= zone.Kind == ZoneKind.Normal && zone.Present > 0;
        }

        return (low, total);
    }

    // What of a zone lies in [from, to). An absent zone stands where it would begin, so that starts ascend.
    private static ZoneSpan Part(ZoneSpan span, int from, int to)
    {
        var start = Math.Clamp(span.StartPfn, from, to);
        var end = Math.Clamp(span.StartPfn + span.Present, from, to);
        return new ZoneSpan(span.Kind, start, Math.Max(0, end - start));
    }
}
