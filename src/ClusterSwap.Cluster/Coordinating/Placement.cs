// Which hosts are a partition, and which node has which.
using ClusterSwap.Blades;
using ClusterSwap.Blades.Scenarios;

namespace ClusterSwap.Clustering;

/// <summary>Functions of the scenario and of the nodes only.</summary>
internal static class Placement
{
    /// <summary>
    /// Links of at least this latency may lead from node to node, ns. A round trip between processes costs 200 to 400
    /// microseconds: shorter links would make windows that are nothing but waiting.
    /// </summary>
    public const long CutFromNs = 1_000_000;

    // Every window looks at all pairs of partitions, so there are not many more than nodes to place them on.
    private const int PartitionsMin = 64;
    private const int PartitionsPerNode = 4;

    /// <summary>Racks, the lowest host first; small ones together where there are very many.</summary>
    public static int[][] PartitionsOf(Scenario scenario, int nodes)
    {
        IReadOnlyList<int[]> racks = ClusterBuilder.Racks(scenario, CutFromNs);
        int most = Math.Max(PartitionsMin, nodes * PartitionsPerNode);
        if (racks.Count <= most)
        {
            return [.. racks];
        }

        long total = racks.Sum(rack => (long)rack.Length);
        var partitions = new List<int>[most];
        long before = 0;
        foreach (int[] rack in racks)
        {
            (partitions[before * most / total] ??= []).AddRange(rack);
            before += rack.Length;
        }

        return [.. partitions.Where(partition => partition is not null).Select(partition => partition.Order().ToArray())];
    }

    /// <summary>
    /// The node of each partition: the heaviest first, each to the node that is least loaded for its capacity. A host is
    /// the unit of load: a blade's work is far more than what its size says about it.
    /// </summary>
    public static int[] NodesOf(int[][] partitions, IReadOnlyList<int> capacities)
    {
        long[] loads = new long[capacities.Count];
        int[] nodeOf = new int[partitions.Length];
        foreach (int partition in Enumerable.Range(0, partitions.Length).OrderByDescending(i => partitions[i].Length))
        {
            int best = 0;
            for (int node = 1; node < loads.Length; node++)
            {
                long load = (loads[node] + partitions[partition].Length) * capacities[best];
                long bestLoad = (loads[best] + partitions[partition].Length) * capacities[node];
                best = load < bestLoad ? node : best;
            }

            loads[best] += partitions[partition].Length;
            nodeOf[partition] = best;
        }

        return nodeOf;
    }
}
