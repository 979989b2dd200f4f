// A blade as it stands at a moment: zones, lists, tasks, locks, sockets, queues.
using ClusterSwap.Blades.Actors;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Engine;
using ClusterSwap.Kernel;
using ClusterSwap.Kernel.Net;
using ClusterSwap.Kernel.Reclaim;
using ClusterSwap.Kernel.Swap;

namespace ClusterSwap.Blades.Replaying;

/// <summary>
/// The state of one blade, and of its connection at the server, in tables. Looking changes nothing, so it may be done
/// at any moment of a run.
/// </summary>
public static class BladeMoment
{
    /// <summary>All tables of the blade at <paramref name="place"/>, as its cluster stands.</summary>
    public static IReadOnlyList<MomentTable> Of(Cluster cluster, BladePlace place)
    {
        var states = new BladeStates(cluster.Simulation, place);
        return
        [
            Zones(states), Lru(states), Holders(states), Tasks(cluster.Simulation, states), Locks(states), Tcp(states),
            Sockets(cluster.Simulation, states), Queues(states), Pending(cluster.Simulation, place),
        ];
    }

    /// <summary>Who waits for what, in words, as the report of a hang tells it.</summary>
    public static IReadOnlyList<string> Story(Cluster cluster, BladePlace place)
    {
        var states = new BladeStates(cluster.Simulation, place);
        if (states.Unfinished() == 0)
        {
            return ["all processes have ended"];
        }

        var graph = WaitForGraph.Of(cluster.Simulation, states);
        return
        [
            graph.IsKnot
                ? "nothing that can still happen ends the waiting: a knot"
                : "not a knot: " + string.Join("; ", graph.WaysOut().Take(4)),
            .. HangStory.Tell(states, cluster.Simulation),
        ];
    }

    private static MomentTable Zones(BladeStates states)
    {
        var table = new MomentTable(
            "zones", "zone", "free", "min", "low", "high", "present", "kept_for_lower", "pages_scanned", "all_unreclaimable");
        var pages = states.Memory.Pages;
        foreach (var zone in pages.Zones)
        {
            var reclaim = states.Memory.Lru.StateOf(zone.Index);
            table.Add(RunNotes.NameOf(states.Memory, zone), zone.NrFree, zone.Min, zone.Low, zone.High, zone.Present,
                zone.LowmemReserve[pages.Zones.Length - 1], reclaim.PagesScanned, reclaim.AllUnreclaimable);
        }

        return table;
    }

    private static MomentTable Lru(BladeStates states)
    {
        var table = new MomentTable("lru", "zone", "inactive_anon", "active_anon", "inactive_file", "active_file", "isolated");
        var lru = states.Memory.Lru;
        for (var zone = 0; zone < lru.Zones.Length; zone++)
        {
            table.Add(
                lru.Zones.Length < states.Memory.Pages.Zones.Length
                    ? FormattableString.Invariant($"node {zone}")
                    : RunNotes.NameOf(states.Memory, states.Memory.Pages.Zones[zone]),
                lru.Size(zone, LruList.InactiveAnon), lru.Size(zone, LruList.ActiveAnon),
                lru.Size(zone, LruList.InactiveFile), lru.Size(zone, LruList.ActiveFile), lru.Zones[zone].Isolated.Sum());
        }

        return table;
    }

    private static MomentTable Holders(BladeStates states)
    {
        var table = new MomentTable("pages", "held_by", "pages", "of_the_reserve");
        var holders = new PageHolders(states.Memory);
        var reserve = holders.ReservePages.ToDictionary(holder => holder.Key, holder => holder.Value);
        foreach (var (name, pages) in holders.Pages)
        {
            table.Add(name, pages, reserve.GetValueOrDefault(name));
        }

        return table;
    }

    private static MomentTable Tasks(Simulation simulation, BladeStates states)
    {
        var table = new MomentTable("tasks", "task", "cpu", "inner_call", "waits_for", "object", "since", "flags", "does");
        for (var node = 0; node < states.Place.Spec.Nodes; node++)
        {
            var call = states.Memory.Kswapds[node];
            AddTask(table, simulation, states, BladeTasks.KswapdOf(states.Place.Group, node), states.KswapdOf(node).Task,
                FormattableString.Invariant($"{call.Phase}, priority {call.Scan.Priority}"));
        }

        AddTask(table, simulation, states, BladeTasks.NbdSender, states.Device.Sender,
            FormattableString.Invariant($"{states.Device.SenderPhase}")
            + (states.Device.Sending < 0 ? "" : FormattableString.Invariant($", {states.Device.SendLeft} bytes of a request left")));
        AddTask(table, simulation, states, BladeTasks.NbdReceiver, states.Device.Receiver,
            FormattableString.Invariant($"{states.Device.ReceiverPhase}")
            + (states.Device.Receiving < 0 ? "" : FormattableString.Invariant($", {states.Device.ReceiveLeft} bytes of a reply left")));
        for (var process = 0; process < states.UserTasks; process++)
        {
            var does = process < states.Processes
                ? WorkOf(states.Process(process))
                : FormattableString.Invariant($"{states.UserTask(process).Phase}, {states.Reader(process - states.Processes).Step}");
            if (states.Reclaims(process))
            {
                var reclaim = states.Reclaimer(process);
                does += FormattableString.Invariant($"; reclaim {reclaim.Phase}, priority {reclaim.Call.Priority}");
            }

            AddTask(table, simulation, states, BladeTasks.Process(process), states.Innermost(process), does);
        }

        return table;
    }

    private static string WorkOf(ProcessState state) => FormattableString.Invariant(
        $"{state.Phase}, pass {state.Workload!.Pass(0)} page {state.Workload.Position(0)}");

    private static void AddTask(
        MomentTable table, Simulation simulation, BladeStates states, int task, TaskState state, string does)
    {
        var cpus = states.Blade.Cpus;
        var on = Enumerable.Range(0, cpus.CpuCount).Where(cpu => cpus.TaskOn(cpu) == task).Select(cpu => $"cpu {cpu}");
        var runs = on.FirstOrDefault() ?? (cpus.StateOf(task) == CpuTaskState.Runnable ? "runnable" : "asleep");
        var wait = state.Wait;
        table.Add(
            RunNotes.TaskName(states, task), runs,
            simulation.ActorName(states.Place.Host, states.Blade.RunActor[task]),
            wait.ToString(), wait is WaitKind.PageLock or WaitKind.Request ? state.WaitObject : null,
            wait == WaitKind.None ? null : Moments.Seconds(state.WaitSinceNs), state.Flags.ToString(), does);
    }

    private static MomentTable Locks(BladeStates states)
    {
        var table = new MomentTable("locks", "lock", "owner", "waiters");
        string Names(IEnumerable<int> tasks) => string.Join(", ", tasks.Select(task => RunNotes.TaskName(states, task)));
        var device = states.Device;
        table.Add("tx_lock", device.TxOwner < 0 ? null : Names([device.TxOwner]), Names(device.TxWaiters));
        table.Add("socket lock", device.Socket.Owner < 0 ? null : Names([device.Socket.Owner]), Names(device.Socket.LockWaiters));
        foreach (var group in states.Blade.PageWaiters.GroupBy(waiter => waiter.Page).OrderBy(group => group.Key))
        {
            var owner = states.Memory.Pages.Frames[group.Key].Has(Kernel.Memory.PageFlags.Writeback) ? "its write" : "its read";
            table.Add(FormattableString.Invariant($"page {group.Key}"), owner, Names(group.Select(waiter => waiter.Task)));
        }

        for (var node = 0; node < states.Blade.Throttled.Length; node++)
        {
            var name = states.Blade.Throttled.Length == 1 ? "pfmemalloc_wait" : FormattableString.Invariant($"pfmemalloc_wait {node}");
            table.Add(name, null, Names(states.Blade.Throttled[node]));
        }

        table.Add("bio mempool", null, Names(states.Blade.BioWaiters));
        table.Add("congestion_wait", null, Names(states.Blade.CongestionWaiters));
        return table;
    }

    private static MomentTable Tcp(BladeStates states)
    {
        var table = new MomentTable(
            "tcp", "end", "state", "unacked_bytes", "segments_out", "unsent_bytes", "wmem_queued", "sndbuf", "window", "cwnd",
            "rmem", "rcvbuf", "unread_bytes", "out_of_order", "rto", "timer");
        AddTcp(table, states.Place.Name, states.Device.Socket.Tcp);
        AddTcp(table, "server", states.Client.Tcp);
        for (var i = 0; i < states.Streams; i++)
        {
            AddTcp(table, FormattableString.Invariant($"stream {i}"), states.Reader(i).Tcp);
        }

        return table;
    }

    private static void AddTcp(MomentTable table, string end, TcpConnection tcp) => table.Add(
        end, tcp.Failed ? "failed" : tcp.State.ToString(), tcp.SndNxt - tcp.SndUna, tcp.PacketsOut, tcp.WriteSeq - tcp.SndNxt,
        tcp.WmemQueued, tcp.SndBuf, tcp.SndWndEnd - tcp.SndUna, tcp.Cwnd, tcp.RmemAlloc, tcp.RcvBuf, tcp.Readable,
        tcp.OutOfOrder.Count, Moments.Seconds(tcp.RtoNs), tcp.NextTimerNs == long.MaxValue ? null : Moments.Seconds(tcp.NextTimerNs));

    private static MomentTable Sockets(Simulation simulation, BladeStates states)
    {
        var table = new MomentTable("sockets", "socket", "holds", "bytes", "limit", "of_the_reserve", "drops");
        var frames = states.Memory.Pages.Frames;
        var socket = states.Device.Socket;
        table.Add("nbd write queue", socket.SendQueue.Skbs.Count, socket.Tcp.WmemQueued, socket.Tcp.SndBuf, null, null);
        table.Add("nbd receive queue", socket.ReceiveQueue.InOrder.Count, socket.ReceiveQueue.TrueSize(), socket.Tcp.RcvBuf, null,
            states.Device.Counters.FilterDrops);
        table.Add("nbd backlog", socket.Backlog.Frames.Count, socket.Backlog.TrueSize, (long)socket.Tcp.RcvBuf + socket.Tcp.SndBuf,
            null, socket.Backlog.Drops);
        if (states.Place.Group.Background.Bystanders > 0)
        {
            var actor = BladeActors.Bystanders(states.UserTasks);
            var bystanders = simulation.Actor<Bystander>(states.Place.Host, actor).Inspect;
            for (var i = 0; i < bystanders.Sockets.Length; i++)
            {
                var one = bystanders.Sockets[i];
                table.Add(FormattableString.Invariant($"bystander {i}"), one.Queue.Count, one.RmemAlloc, one.RcvBuf,
                    i == 0 ? bystanders.HoldingReserve(frames) : null, one.RcvbufErrors + one.MemErrors);
            }
        }

        for (var i = 0; i < states.Streams; i++)
        {
            var reader = states.Reader(i);
            table.Add(FormattableString.Invariant($"stream {i}"), reader.Queued, reader.Tcp.RmemAlloc, reader.Tcp.RcvBuf, null,
                reader.Counters.FilterDrops + reader.Backlog.Drops);
        }

        if (states.Place.Group.Background.Tap)
        {
            var tap = simulation.Actor<Tap>(states.Place.Host, BladeActors.Tap(states.Place.Group)).Inspect;
            table.Add("packet tap", tap.Tap.Queue.Count, tap.Tap.RmemAlloc, tap.Tap.RcvBuf, tap.HoldingReserve(frames),
                tap.Tap.RcvbufDrops);
        }

        return table;
    }

    private static MomentTable Queues(BladeStates states)
    {
        var device = states.Device;
        var queue = device.Queue;
        var slots = states.Memory.Slots;
        return new MomentTable("queues", "queue", "length", "limit")
            .Add("write requests", queue.InFlight(write: true), queue.Limit)
            .Add("read requests", queue.InFlight(write: false), queue.Limit)
            .Add("sleepers for write requests", queue.Sleepers(write: true), null)
            .Add("sleepers for read requests", queue.Sleepers(write: false), null)
            .Add("plugged", device.Plugs.Sum(plug => plug.Count), null)
            .Add("to be sent", device.Waiting.Count, null)
            .Add("bio mempool", states.Memory.Bios.Kept, states.Memory.Bios.Minimum)
            .Add("receive ring, buffers", states.Softirq.Available, states.Place.Group.Nic.Ring)
            .Add("receive ring, frames", states.Softirq.Written, states.Place.Group.Nic.Ring)
            .Add("tcp_mem, pages", states.Memory.Tcp.Quota.AllocatedPages, states.Memory.Tcp.Quota.Max)
            .Add("reserve in use, pages", states.Memory.Pages.ReserveInUse, states.Memory.Pages.Zones.Sum(zone => zone.Min))
            .Add("swap slots in use", slots.TotalSlots - slots.FreeSlots, slots.TotalSlots)
            .Add($"server: {states.Client.Phase}, bytes to read", states.Client.DataLeft, null)
            .Add("server: bytes of reply left", states.Client.ReplyLeft, null);
    }

    private static MomentTable Pending(Simulation simulation, BladePlace place)
    {
        const int Shown = 12;
        var table = new MomentTable("pending", "at", "actor", "message");
        foreach (var (atNs, actor, message) in simulation.Pending(place.Host).Take(Shown))
        {
            table.Add(Moments.Seconds(atNs), simulation.ActorName(place.Host, actor), message.GetType().Name);
        }

        return table;
    }
}
