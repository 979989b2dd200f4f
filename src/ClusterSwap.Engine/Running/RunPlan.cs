// The partitions of one run, bound to hosts and workers.
using System.Runtime.ExceptionServices;

namespace ClusterSwap.Engine;

/// <summary>
/// Who runs what: groups of partitions that wait for one another are given to fixed workers, partitions that nothing
/// reaches are taken by whoever is free.
/// </summary>
internal sealed class RunPlan
{
    private readonly List<Partition> _free = [];
    private readonly List<WindowGroup> _groups = [];
    private int _nextFree;

    public RunPlan(
        Simulation simulation, EdgeTable[] edges, IReadOnlyList<int[]> partitions, int threads, RunOptions options)
    {
        HostContext[] hosts = simulation.Hosts;
        PartitionPlan.Check(partitions, hosts.Length);
        All = new Partition[partitions.Count];
        for (int i = 0; i < All.Length; i++)
        {
            All[i] = new Partition(i, [.. partitions[i].Select(id => hosts[id])], simulation);
            All[i].Adopt();
            if (!All[i].IsLocal && options.Exchange is null)
            {
                throw new ArgumentException($"partition {i} lives elsewhere, and there is no exchange");
            }
        }

        List<Cut> cuts = FindCuts(hosts, edges);
        Form(simulation, cuts, threads, options);
    }

    /// <summary>All partitions, in the order of the options.</summary>
    public Partition[] All { get; }

    /// <summary>Smallest distance between partitions.</summary>
    public long LookaheadNs { get; private set; } = long.MaxValue;

    /// <summary>The edge of that distance.</summary>
    public string LimitingEdge { get; private set; } = string.Empty;

    /// <summary>The first fault of a host that lives elsewhere; <see cref="long.MaxValue"/> when none is known.</summary>
    public long FaultElsewhereNs => _groups.Count == 0 ? long.MaxValue : _groups.Min(group => group.FaultElsewhereNs);

    /// <summary>What the exchange with other machines threw; null when all is well.</summary>
    public ExceptionDispatchInfo? Trouble => _groups.Find(group => group.Trouble is not null)?.Trouble;

    /// <summary>Work of all window groups, and that of the busiest worker of each window.</summary>
    public (long All, long Critical) GroupWork()
        => (_groups.Sum(group => group.Work), _groups.Sum(group => group.CriticalWork));

    /// <summary>The worker's share of the way to the next barrier.</summary>
    public void RunEpoch(int worker, long barrierNs, WorkerStatistics statistics)
    {
        foreach (WindowGroup group in _groups)
        {
            if (group.WorkerOfSeat.Contains(worker))
            {
                group.Run(worker, barrierNs, statistics);
            }
        }

        while (true)
        {
            int taken = Interlocked.Increment(ref _nextFree) - 1;
            if (taken >= _free.Count)
            {
                return;
            }

            _free[taken].Refresh();
            _free[taken].Run(barrierNs);
        }
    }

    /// <summary>Called between epochs, when all workers rest.</summary>
    public void Rewind() => _nextFree = 0;

    private List<Cut> FindCuts(HostContext[] hosts, EdgeTable[] edges)
    {
        var cuts = new List<Cut>();
        foreach (HostContext host in hosts)
        {
            host.InLatencyNs = long.MaxValue;
        }

        foreach (HostContext from in hosts)
        {
            EdgeTable table = edges[from.HostId];
            for (int i = 0; i < table.Count; i++)
            {
                HostContext to = hosts[table.TargetAt(i)];
                long latencyNs = table.LatencyAt(i);
                if (ReferenceEquals(from.Partition, to.Partition))
                {
                    to.InLatencyNs = Math.Min(to.InLatencyNs, latencyNs);
                    continue;
                }

                cuts.Add(new Cut(from.Partition!.Id, to.Partition!.Id, latencyNs));
                if (latencyNs < LookaheadNs)
                {
                    LookaheadNs = latencyNs;
                    LimitingEdge = $"{from.Name} -> {to.Name}";
                }
            }
        }

        return cuts;
    }

    private void Form(Simulation simulation, List<Cut> cuts, int threads, RunOptions options)
    {
        int seated = 0;
        int number = 0;
        foreach (int[] members in PartitionPlan.Connected(All.Length, cuts.Select(cut => (cut.From, cut.To))))
        {
            Partition[] group = [.. members.Select(id => All[id])];
            if (group.Length == 1)
            {
                if (group[0].IsLocal)
                {
                    _free.Add(group[0]);
                }

                continue;
            }

            // Groups have the same number everywhere, wherever their members live.
            int id = number++;
            if (!Array.Exists(group, partition => partition.IsLocal))
            {
                continue;
            }

            int[] workers = [.. group.Select(
                partition => partition.IsLocal ? seated++ % threads : -1 - options.Exchange!.NodeOf(partition.Id))];
            WindowBridge? bridge = Array.TrueForAll(group, partition => partition.IsLocal)
                ? null
                : new WindowBridge(options.Exchange!, id, group, simulation);
            long[] distances = DistancesOf(members, cuts);
            _groups.Add(new WindowGroup(group, workers, distances, simulation, options.SpinLimit, bridge));
        }
    }

    private static long[] DistancesOf(int[] members, List<Cut> cuts)
    {
        int count = members.Length;
        long[] direct = new long[count * count];
        Array.Fill(direct, long.MaxValue);
        foreach (Cut cut in cuts)
        {
            int from = Array.BinarySearch(members, cut.From);
            int to = Array.BinarySearch(members, cut.To);
            if (from >= 0)
            {
                ref long known = ref direct[(from * count) + to];
                known = Math.Min(known, cut.LatencyNs);
            }
        }

        return PartitionPlan.Closure(direct, count);
    }

    private readonly record struct Cut(int From, int To, long LatencyNs);
}
