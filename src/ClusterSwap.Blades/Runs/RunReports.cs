// From the actors' states at the end of a run to its report.
using System.Globalization;
using ClusterSwap.Blades.Actors;
using ClusterSwap.Engine;
using ClusterSwap.Kernel;

namespace ClusterSwap.Blades.Runs;

/// <summary>Makes reports.</summary>
public static class RunReports
{
    /// <summary>The report of a run that came to its end.</summary>
    public static RunReport Of(Cluster cluster, Verdict verdict, SimulationResult result, ClusterWatch watch) => new()
    {
        Verdict = verdict,
        Fingerprint = result.Fingerprint.ToString("x32", CultureInfo.InvariantCulture),
        VirtualNs = result.TimeNs,
        Messages = result.Messages,
        Events = result.Events,
        LookaheadNs = result.Statistics.LookaheadNs == long.MaxValue ? 0 : result.Statistics.LookaheadNs,
        LookaheadLink = result.Statistics.LimitingEdge,
        Blades = BladesOf(cluster, result.TimeNs, watch),
        Hang = watch.Hang,
        Notes = NotesOn(verdict, watch.Note, result.TimeNs),
        Statistics = StatisticsOf(result.Statistics),
    };

    /// <summary>What the blades did that live here, in order of the scenario.</summary>
    public static IReadOnlyList<BladeReport> BladesOf(Cluster cluster, long nowNs, ClusterWatch watch) =>
        [.. cluster.LocalBlades.Select(blade => OfBlade(cluster, blade, nowNs, watch))];

    /// <summary>
    /// What machines count that live here and send streams to blades that do not: a blade's place in the scenario, and
    /// counters that its own report has as 0.
    /// </summary>
    public static IReadOnlyList<(int Place, KeyValuePair<string, long>[] Counters)> SentElsewhere(Cluster cluster) =>
        [.. cluster.Blades.Index()
            .Where(blade => blade.Item.StreamHost >= 0 && cluster.Simulation.IsLocal(blade.Item.StreamHost)
                && !cluster.Simulation.IsLocal(blade.Item.Host))
            .Select(blade => (blade.Index, SentStatOf(cluster, blade.Item)))];

    /// <summary>A report with counters in place of those that it has by these names.</summary>
    public static BladeReport With(BladeReport blade, IReadOnlyList<KeyValuePair<string, long>> counters) => blade with
    {
        NetStat = [.. blade.NetStat.Select(
            counter => counters.FirstOrDefault(other => other.Key == counter.Key, counter))],
    };

    /// <summary>The remarks of a report: that of the verdict, or why there is none.</summary>
    public static IReadOnlyList<string> NotesOn(Verdict verdict, string? note, long nowNs) =>
        note is not null ? [note] : verdict == Verdict.Unknown ? [RunNotes.TimeLimit(nowNs)] : [];

    /// <summary>The report of a run in which an invariant broke.</summary>
    public static RunReport Safety(Cluster cluster, Exception fault) => new()
    {
        Verdict = Verdict.Safety,
        Fingerprint = cluster.Simulation.Fingerprint.ToString("x32", CultureInfo.InvariantCulture),
        VirtualNs = cluster.Simulation.TimeNs,
        Messages = cluster.Simulation.Messages,
        Events = cluster.Simulation.Events,
        Notes = [fault.Message],
    };

    // Windows and waiting exist only between partitions that can hear from each other.
    private static KeyValuePair<string, long>[] StatisticsOf(EngineStatistics engine) => engine.Windows == 0
        ? [new("partitions", engine.Partitions)]
        :
        [
            new("partitions", engine.Partitions),
            new("windows", engine.Windows),
            new("events_per_window", engine.EventsPerWindow),
            new("wait_per_mille", engine.Workers.Select(w => w.WaitPerMille).DefaultIfEmpty().Max()),
        ];

    private static BladeReport OfBlade(Cluster cluster, BladePlace blade, long nowNs, ClusterWatch watch)
    {
        var simulation = cluster.Simulation;
        var state = simulation.Actor<Blade>(blade.Host, BladeActors.Blade).Inspect;
        var zones = state.Memory.Pages.Zones;
        long ended = 0;
        for (var process = 0; process < blade.Spec.Processes; process++)
        {
            var endedNs = simulation.Actor<Process>(blade.Host, BladeActors.Process(process)).Inspect.EndedNs;
            ended = Math.Max(ended, endedNs < 0 ? nowNs : endedNs);
        }

        return new BladeReport
        {
            Name = blade.Name,
            UserNs = state.Cpus.TotalUserNs(),
            SystemNs = state.Cpus.TotalSystemNs() + state.Cpus.TotalInterruptNs(),
            ElapsedNs = ended,
            MinFreePages = state.Memory.MinFreePages,
            LastProgressNs = state.ProgressNs,
            FreePages = state.Memory.FreeSeries.Until(nowNs),
            WatermarkMin = zones.Sum(zone => zone.Min),
            WatermarkLow = zones.Sum(zone => zone.Low),
            WatermarkHigh = zones.Sum(zone => zone.High),
            VmStat = VmStatOf(state.Memory),
            NetStat = NetStatOf(cluster, blade, watch),
        };
    }

    private static List<KeyValuePair<string, long>> VmStatOf(MachineMemory memory)
    {
        var list = new List<KeyValuePair<string, long>> { new("nr_free_pages", memory.Pages.FreePages) };
        foreach (var gauge in Enum.GetValues<VmGauge>())
        {
            list.Add(new(gauge.ToString(), memory.Stat[gauge]));
        }

        foreach (var counter in Enum.GetValues<VmCounter>())
        {
            list.Add(new(counter.ToString(), memory.Stat[counter]));
        }

        return list;
    }

    private static List<KeyValuePair<string, long>> NetStatOf(Cluster cluster, BladePlace blade, ClusterWatch watch)
    {
        var memory = cluster.Simulation.Actor<Blade>(blade.Host, BladeActors.Blade).Inspect.Memory;
        var ordinary = OrdinarySockets.Of(cluster.Simulation, blade);
        var tcp = new StreamTotals(ordinary?.Streams ?? []);
        var device = cluster.Simulation.Actor<NbdDevice>(blade.Host, BladeActors.NbdDevice).Inspect;
        var softirq = cluster.Simulation.Actor<Softirq>(blade.Host, BladeActors.Softirq).Inspect;
        var port = cluster.Simulation.Actor<SwitchPort>(blade.Host, BladeActors.Downlink).Inspect;
        var wire = cluster.Simulation.Actor<Uplink>(blade.Host, BladeActors.Uplink).Inspect;
        var counters = device.Counters;
        return
        [
            new("TCPTimeouts", counters.TcpTimeouts),
            new("TCPFastRetrans", counters.FastRetransmits),
            new("RetransSegs", counters.Retransmitted),
            new("DelayedACKs", counters.DelayedAcks + tcp.DelayedAcks),
            new("TCPBacklogDrop", device.Socket.Backlog.Drops + tcp.BacklogDrops),
            new("PruneCalled", counters.PruneCalled + tcp.PruneCalled),
            new("RcvPruned", counters.ReceivePruned + tcp.ReceivePruned),
            new("OfoPruned", device.Socket.Tcp.OfoPruned + tcp.OfoPruned),
            new("TCPMemoryPressures", memory.Tcp.Quota.Pressures),
            new("sk_filter_pfmemalloc_drop", counters.FilterDrops),
            new("ack_alloc_failed", counters.AckFailures),
            new("ack_sent", counters.AcksSent),
            new("tx_memory_waits", counters.MemoryWaits),
            new("tx_space_waits", counters.SpaceWaits),
            new("rx_frames", softirq.Frames),
            new("rx_polls", softirq.Polls),
            new("rx_missed_errors", softirq.Ring.RxMissed),
            new("alloc_rx_buff_failed", softirq.Ring.RxAllocFailed),
            new("rx_dropped", softirq.Ring.RxDropped),
            new("rx_ring_fewest", softirq.FewestBuffers == int.MaxValue ? 0 : softirq.FewestBuffers),
            new("switch_dropped", port.Dropped + port.Lost),
            new("tx_frames", wire.Frames),
            new("tx_dropped", counters.TxDropped),
            new("nbd_reads", counters.Reads),
            new("nbd_read_pages", counters.PagesRead),
            new("nbd_writes", counters.Writes),
            new("nbd_write_pages", counters.PagesWritten),
            new("nbd_sent_by_worker", counters.SentByWorker),
            new("nbd_sent_by_kswapd", counters.SentByKswapd),
            new("nbd_sent_by_processes", counters.SentByProcesses),
            new("block_sleeprq", device.Queue.SleepRq),
            .. UdpStatOf(cluster, blade),
            .. StreamStatOf(cluster, blade, tcp),
            .. ordinary is null ? [] : OrdinaryStatOf(blade, ordinary, watch),
            .. TapStatOf(cluster, blade),
            .. ArpStatOf(cluster, blade),
            .. FaultStatOf(port.Faults, wire.Faults),
            .. ErrorStatOf(counters),
        ];
    }

    private static IEnumerable<KeyValuePair<string, long>> ErrorStatOf(NbdCounters counters) =>
        counters.ReadErrors + counters.WriteErrors == 0
            ? []
            : [new("nbd_read_errors", counters.ReadErrors), new("nbd_write_errors", counters.WriteErrors)];

    private static IEnumerable<KeyValuePair<string, long>> FaultStatOf(LinkFaultState? down, LinkFaultState? up) =>
        down is null || up is null
            ? []
            :
            [
                new("fault_frames_lost", down.Lost + up.Lost),
                new("fault_frames_refused", down.Refused + up.Refused),
                new("fault_frames_duplicated", down.Duplicated + up.Duplicated),
                new("fault_frames_reordered", down.Reordered + up.Reordered),
            ];

    private static IEnumerable<KeyValuePair<string, long>> ArpStatOf(Cluster cluster, BladePlace blade)
    {
        if (!blade.Group.Nic.Arp)
        {
            return [];
        }

        var state = cluster.Simulation.Actor<Arp>(blade.Host, BladeActors.Arp(blade.Group)).Inspect;
        return
        [
            new("arp_requests", state.Requests),
            new("arp_replies", state.Replies),
            new("arp_alloc_failed", state.AllocFailures),
            new("arp_res_failed", state.Entries.Sum(entry => entry.Neighbour?.Failures ?? 0)),
            new("arp_discards", state.Discards),
        ];
    }

    private static IEnumerable<KeyValuePair<string, long>> TapStatOf(Cluster cluster, BladePlace blade)
    {
        if (!blade.Group.Background.Tap)
        {
            return [];
        }

        var state = cluster.Simulation.Actor<Tap>(blade.Host, BladeActors.Tap(blade.Group)).Inspect;
        var frames = cluster.Simulation.Actor<Blade>(blade.Host, BladeActors.Blade).Inspect.Memory.Pages.Frames;
        return
        [
            new("tap_read", state.Tap.Read),
            new("tap_rcvbuf_drops", state.Tap.RcvbufDrops),
            new("tap_clone_failed", state.Tap.CloneFailures),
            new("tap_skipped", state.Tap.Skipped),
            new("tap_queued", state.Tap.Queue.Count),
            new("tap_queued_from_reserve", state.HoldingReserve(frames)),
        ];
    }

    private static IEnumerable<KeyValuePair<string, long>> OrdinaryStatOf(
        BladePlace blade, OrdinarySockets ordinary, ClusterWatch watch) =>
    [
        new("ordinary_queued", ordinary.Buffers),
        new("ordinary_reserve_pages", ordinary.ReservePages),
        new("ordinary_reserve_pages_most", Math.Max(watch.MostReserve(blade).Pages, ordinary.ReservePages)),
        new("ordinary_reserve_slabs_most", Math.Max(watch.MostReserve(blade).Slabs, ordinary.ReserveSlabs)),
    ];

    private static IEnumerable<KeyValuePair<string, long>> StreamStatOf(
        Cluster cluster, BladePlace blade, StreamTotals tcp)
    {
        if (blade.Spec.Readers == 0)
        {
            return [];
        }

        return
        [
            .. SentStatOf(cluster, blade),
            new("stream_bytes_read", tcp.BytesRead),
            new("stream_frames", tcp.Frames),
            new("TCPRcvCollapsed", tcp.Collapsed),
            new("stream_filter_pfmemalloc_drop", tcp.FilterDrops),
            new("stream_ack_alloc_failed", tcp.AckFailures),
            new("stream_ack_sent", tcp.AcksSent),
            new("stream_queued", tcp.Queued),
        ];
    }

    // What the machine counts that sends a blade's streams; 0 where it lives elsewhere, which has it told there.
    private static KeyValuePair<string, long>[] SentStatOf(Cluster cluster, BladePlace blade)
    {
        var flow = cluster.Simulation.IsLocal(blade.StreamHost)
            ? cluster.Simulation.Actor<StreamSource>(blade.StreamHost, ServerActors.Server).Inspect
                .Flows.First(flow => flow.FirstConnection == blade.FirstStream)
            : null;
        return [new("stream_bytes_written", flow?.Written ?? 0), new("stream_writes_blocked", flow?.Blocked ?? 0)];
    }

    private static IEnumerable<KeyValuePair<string, long>> UdpStatOf(Cluster cluster, BladePlace blade)
    {
        if (blade.Group.Background.Bystanders == 0)
        {
            return [];
        }

        var sockets = cluster.Simulation.Actor<Bystander>(blade.Host, BladeActors.Bystanders(blade.Spec.UserTasks)).Inspect;
        var frames = cluster.Simulation.Actor<Blade>(blade.Host, BladeActors.Blade).Inspect.Memory.Pages.Frames;
        return
        [
            new("UdpInDatagrams", sockets.Read),
            new("UdpRcvbufErrors", sockets.RcvbufErrors),
            new("UdpMemErrors", sockets.MemErrors),
            new("udp_filter_pfmemalloc_drop", sockets.FilterDrops),
            new("udp_mem_most_pages", sockets.MostQuotaPages),
            new("udp_queued", sockets.Queued),
            new("udp_queued_from_reserve", sockets.HoldingReserve(frames)),
        ];
    }
}
