// The header of a stream, from the run that it belongs to.
using System.Globalization;
using ClusterSwap.Blades;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Engine;
using ClusterSwap.Kernel;
using ClusterSwap.Kernel.Tracing;

namespace ClusterSwap.Journal;

/// <summary>Makes headers.</summary>
internal static class RunHeader
{
    /// <summary>Identities of the assemblies that decide what happens; builds of the same code have the same.</summary>
    public static string Build { get; } = string.Join(
        ' ',
        new[] { typeof(MachineMemory), typeof(Simulation), typeof(Cluster) }
            .Select(type => type.Module.ModuleVersionId.ToString("N")[..16]));

    public static JournalHeader Of(
        Cluster cluster, RunRequest request, RecordingOptions options, IReadOnlyList<int[]> partitions, int partition,
        long fromNs)
    {
        Simulation simulation = cluster.Simulation;
        var lists = new List<string[]>();
        return new JournalHeader
        {
            RunId = options.RunId,
            Partition = partition,
            Partitions = partitions.Count,
            Epoch = options.Epoch,
            FromNs = fromNs,
            Level = options.Level == JournalLevel.All ? "all" : "decisions",
            Scenario = request.Scenario.Name,
            Variant = request.Variant,
            Seed = request.Seed,
            ScenarioToml = request.Scenario.ToToml(),
            Command = options.Command,
            Program = options.Program,
            Build = Build,
            Started = options.Clock.GetUtcNow().ToString("O", CultureInfo.InvariantCulture),
            BarrierIntervalNs = simulation.BarrierIntervalNs,
            UntilNs = request.UntilNs,
            Hosts = Hosts(simulation, partitions, lists),
            ActorLists = [.. lists],
            Kinds = [.. simulation.MessageKinds.Select(kind => new JournalKind(kind.Kind, kind.Name))],
            Decisions = Enum.GetNames<TraceEvent>(),
        };
    }

    private static JournalHost[] Hosts(
        Simulation simulation, IReadOnlyList<int[]> partitions, List<string[]> lists)
    {
        int[] partitionOf = new int[simulation.HostCount];
        for (int i = 0; i < partitions.Count; i++)
        {
            foreach (int host in partitions[i])
            {
                partitionOf[host] = i;
            }
        }

        var known = new Dictionary<string, int>();
        var hosts = new JournalHost[simulation.HostCount];
        for (int id = 0; id < hosts.Length; id++)
        {
            HostContext host = simulation.Host(id);
            string[] names = [.. Enumerable.Range(0, host.ActorCount).Select(actor => simulation.ActorName(id, actor))];
            if (!known.TryGetValue(string.Join('/', names), out int list))
            {
                list = lists.Count;
                known.Add(string.Join('/', names), list);
                lists.Add(names);
            }

            hosts[id] = new JournalHost(id, host.Name, partitionOf[id], list);
        }

        return hosts;
    }
}

/// <summary>Which trace events are decisions: what rules decide, not every page that they touch.</summary>
public static class DecisionEvents
{
    /// <summary>A bit for each.</summary>
    public static ulong Mask { get; } = MaskOf(
        TraceEvent.mm_vmscan_kswapd_sleep, TraceEvent.mm_vmscan_kswapd_wake, TraceEvent.mm_vmscan_wakeup_kswapd,
        TraceEvent.mm_vmscan_direct_reclaim_begin, TraceEvent.mm_vmscan_direct_reclaim_end,
        TraceEvent.kfree_skb, TraceEvent.block_sleeprq, TraceEvent.page_refused, TraceEvent.reserve_entered,
        TraceEvent.reserve_left, TraceEvent.watermark_crossed, TraceEvent.reclaim_throttled, TraceEvent.reclaim_released,
        TraceEvent.ring_overrun, TraceEvent.mm_vmscan_throttled, TraceEvent.fault_begin, TraceEvent.fault_end,
        TraceEvent.nbd_disconnected, TraceEvent.request_failed);

    private static ulong MaskOf(params TraceEvent[] events)
        => events.Aggregate(0UL, (mask, which) => mask | 1UL << (int)which);
}
