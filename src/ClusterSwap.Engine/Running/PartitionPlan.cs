// Which hosts run together: partitions, the groups that must wait for each other, and the distances in them.
namespace ClusterSwap.Engine;

/// <summary>
/// Cuts hosts into partitions and partitions into groups. A function of the topology and the options only.
/// </summary>
internal static class PartitionPlan
{
    /// <summary>A host weighs 1, and 1 more for every so many edges: a server has more to do than a blade.</summary>
    private const int EdgesPerWeight = 8;

    /// <summary>
    /// Connected components, split into more while there are more threads than partitions and hosts to split.
    /// </summary>
    public static List<int[]> Default(EdgeTable[] edges, int threads)
    {
        List<int[]> components = Components(edges);
        int[] parts = new int[components.Count];
        Array.Fill(parts, 1);
        for (int total = parts.Length; total < threads; total++)
        {
            int largest = 0;
            for (int i = 1; i < parts.Length; i++)
            {
                bool larger = (long)components[i].Length * parts[largest] > (long)components[largest].Length * parts[i];
                largest = larger ? i : largest;
            }

            if (parts.Length == 0 || components[largest].Length <= parts[largest])
            {
                break;
            }

            parts[largest]++;
        }

        var partitions = new List<int[]>();
        for (int i = 0; i < parts.Length; i++)
        {
            Split(components[i], parts[i], edges, partitions);
        }

        return partitions;
    }

    /// <summary>Throws unless every host is in exactly one partition.</summary>
    public static void Check(IReadOnlyList<int[]> partitions, int hosts)
    {
        bool[] seen = new bool[hosts];
        int count = 0;
        foreach (int[] partition in partitions)
        {
            foreach (int host in partition)
            {
                if ((uint)host >= (uint)hosts || seen[host])
                {
                    throw new ArgumentException($"host {host} is in two partitions, or is none of the {hosts} hosts");
                }

                seen[host] = true;
                count++;
            }
        }

        if (count != hosts)
        {
            throw new ArgumentException($"the partitions hold {count} of {hosts} hosts");
        }
    }

    /// <summary>
    /// Shortest ways between partitions over direct latencies (row by row), the diagonal being the shortest cycle. A
    /// way through a partition is taken to cost nothing there, which can only make windows shorter than they could be.
    /// </summary>
    public static long[] Closure(long[] direct, int count)
    {
        long[] distances = (long[])direct.Clone();
        for (int via = 0; via < count; via++)
        {
            for (int from = 0; from < count; from++)
            {
                long first = distances[(from * count) + via];
                if (first == long.MaxValue)
                {
                    continue;
                }

                for (int to = 0; to < count; to++)
                {
                    long second = distances[(via * count) + to];
                    ref long known = ref distances[(from * count) + to];
                    known = Math.Min(known, Partition.Later(first, second));
                }
            }
        }

        return distances;
    }

    /// <summary>Sets of members that edges connect, in order of their lowest member.</summary>
    public static List<int[]> Connected(int count, IEnumerable<(int From, int To)> edges)
    {
        int[] parent = new int[count];
        for (int i = 0; i < count; i++)
        {
            parent[i] = i;
        }

        foreach ((int from, int to) in edges)
        {
            int a = RootOf(parent, from);
            int b = RootOf(parent, to);
            parent[Math.Max(a, b)] = Math.Min(a, b);
        }

        var members = new List<int>[count];
        for (int i = 0; i < count; i++)
        {
            (members[RootOf(parent, i)] ??= []).Add(i);
        }

        return [.. members.Where(set => set is not null).Select(set => set.ToArray())];
    }

    private static List<int[]> Components(EdgeTable[] edges)
    {
        return Connected(edges.Length, Pairs());

        IEnumerable<(int From, int To)> Pairs()
        {
            for (int from = 0; from < edges.Length; from++)
            {
                for (int i = 0; i < edges[from].Count; i++)
                {
                    yield return (from, edges[from].TargetAt(i));
                }
            }
        }
    }

    private static int RootOf(int[] parent, int member)
    {
        while (parent[member] != member)
        {
            parent[member] = parent[parent[member]];
            member = parent[member];
        }

        return member;
    }

    private static void Split(int[] hosts, int parts, EdgeTable[] edges, List<int[]> into)
    {
        long total = hosts.Sum(host => WeightOf(edges[host]));
        int start = 0;
        long taken = 0;
        for (int part = 0; part < parts; part++)
        {
            int end = start;
            int mustLeave = parts - part - 1;
            while (end < hosts.Length - mustLeave && (end == start || taken * parts < total * (part + 1)))
            {
                taken += WeightOf(edges[hosts[end]]);
                end++;
            }

            if (mustLeave == 0)
            {
                end = hosts.Length;
            }

            into.Add(hosts[start..end]);
            start = end;
        }
    }

    private static long WeightOf(EdgeTable edges) => 1 + (edges.Count / EdgesPerWeight);
}
