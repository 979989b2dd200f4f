// What no part of a blade can check alone: everything that is given out is held by somebody, and by one only.
using ClusterSwap.Blades.Actors;
using ClusterSwap.Blades.Messages;
using ClusterSwap.Engine;
using ClusterSwap.Kernel;
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Swap;

namespace ClusterSwap.Blades.Monitors;

/// <summary>
/// Compares, at a barrier, what a blade's memory has given out with what its actors hold, and its sleeping tasks with
/// what would wake them. A difference is a bug of the simulator, never of what is simulated.
/// </summary>
public sealed partial class Conservation
{
    private const int BioCache = 6;
    private const int RadixCache = 8;

    private readonly Simulation _simulation;
    private readonly BladePlace _place;
    private readonly BladeState _blade;
    private readonly MachineMemory _memory;
    private readonly NbdDeviceState _nbd;
    private readonly Holdings _held;
    private IReadOnlySet<int>? _stopped;

    private Conservation(Simulation simulation, BladePlace place)
    {
        _simulation = simulation;
        _place = place;
        _blade = Actor<Blade>(BladeActors.Blade).Inspect;
        _memory = _blade.Memory;
        _nbd = Actor<NbdDevice>(BladeActors.NbdDevice).Inspect;
        _held = new Holdings(_memory.Slabs.Count, _memory.Pages.Frames.Length);
    }

    /// <summary>
    /// Checks every blade that lives here; throws <see cref="InvalidOperationException"/> with the first difference.
    /// </summary>
    public static void Check(Cluster cluster)
    {
        foreach (var place in cluster.LocalBlades)
        {
            Check(cluster.Simulation, place);
        }
    }

    /// <summary>
    /// Checks a blade; throws <see cref="InvalidOperationException"/> with the first difference. Tasks that somebody
    /// has <paramref name="stopped"/> sleep without anything that will wake them.
    /// </summary>
    public static void Check(Simulation simulation, BladePlace place, IReadOnlySet<int>? stopped = null)
    {
        try
        {
            new Conservation(simulation, place) { _stopped = stopped }.Check();
        }
        catch (InvalidOperationException e)
        {
            throw new InvalidOperationException($"{place.Name} at {simulation.TimeNs} ns: {e.Message}", e);
        }
    }

    private void Check()
    {
        CollectNetwork();
        CollectReclaim();
        CollectProcesses();
        CollectRequests();
        for (var actor = 0; actor < _simulation.Host(_place.Host).ActorCount; actor++)
        {
            (_simulation.Actor<HostActor>(_place.Host, actor) as IMemoryHolder)?.AddTo(_held);
        }

        CheckPages();
        CheckTables();
        CheckObjects();
        CheckStreams();
        CheckTcpMemory();
        CheckTasks();
    }

    private T Actor<T>(int actor)
        where T : HostActor => _simulation.Actor<T>(_place.Host, actor);

    private void CollectNetwork()
    {
        var socket = _nbd.Socket;
        for (var i = 0; i < socket.SendQueue.Skbs.Count; i++)
        {
            _held.Add(socket.SendQueue.Skbs[i].Skb);
        }

        for (var i = 0; i < socket.SendQueue.Pages.Count; i++)
        {
            Holdings.AddOnce(_held.TxPages, socket.SendQueue.Pages[i].Page, "in the send queue");
        }

        for (var i = 0; i < _nbd.GrantedPages.Count; i++)
        {
            Holdings.AddOnce(_held.TxPages, _nbd.GrantedPages[i], "granted to the sender");
        }

        if (_nbd.SkbPending)
        {
            _held.Add(_nbd.SkbCall.Result);
        }

        CollectReceived();
        foreach (var slot in Actor<Uplink>(BladeActors.Uplink).Inspect.Ring)
        {
            if (slot.HasSkb)
            {
                _held.Add(slot.Skb);
            }
        }
    }

    private void CollectReceived()
    {
        var socket = _nbd.Socket;
        for (var i = 0; i < socket.ReceiveQueue.InOrder.Count; i++)
        {
            _held.Add(socket.ReceiveQueue.InOrder[i].Skb);
        }

        for (var i = 0; i < socket.ReceiveQueue.OutOfOrder.Count; i++)
        {
            _held.Add(socket.ReceiveQueue.OutOfOrder[i].Skb);
        }

        for (var i = 0; i < socket.Backlog.Frames.Count; i++)
        {
            _held.Add(socket.Backlog.Frames[i].Skb);
        }

        var nic = Actor<Softirq>(BladeActors.Softirq).Inspect;
        for (var i = 0; i < nic.Ring.Filled.Count; i++)
        {
            _held.Add(nic.Ring.Filled[i]);
        }

        if (nic.Ring.PendingHeader.Head >= 0)
        {
            _held.Add(nic.Ring.PendingHeader);
        }

        // A descriptor whose page went up whole has kept none.
        for (var i = 0; i < nic.Ring.KeptPages.Count; i++)
        {
            if (nic.Ring.KeptPages[i] != PageFrame.None)
            {
                _held.AddFragment(nic.Ring.KeptPages[i]);
            }
        }

        foreach (var current in _memory.Skbs.FragmentPages)
        {
            if (current.PagePlusOne > 0)
            {
                _held.AddFragment(current.PagePlusOne - 1);
            }
        }
    }

    private void CollectReclaim()
    {
        foreach (var kswapd in _memory.Kswapds)
        {
            Collect(Actor<Kswapd>(BladeActors.KswapdOf(_place.Group, kswapd.Node)).Inspect.Run, kswapd.Scan);
        }

        Collect(BladeActors.SenderReclaimer);
        Collect(BladeActors.ReceiverReclaimer);
        for (var process = 0; process < _place.Spec.UserTasks; process++)
        {
            Collect(BladeActors.ReclaimerOf(process));
        }
    }

    private void Collect(int reclaimer)
    {
        var state = Actor<DirectReclaimer>(reclaimer).Inspect;
        Collect(state.Run, state.Call);
    }

    private void Collect(BioRun run, Kernel.Reclaim.ReclaimCall call)
    {
        Collect(run);
        call.AssertInvariants(_memory.Pages.Frames);
        for (var i = 0; i < call.Taken; i++)
        {
            Holdings.AddOnce(_held.Isolated, call.Isolated[i], "isolated");
        }
    }

    private void Collect(BioRun run)
    {
        _held.AddObjects(BioCache, run.Bios);
        for (var i = 0; i < run.Count; i++)
        {
            Holdings.AddOnce(run.Write ? _held.Writing : _held.Reading, run.Pages[i], "in flight");
        }
    }

    private void CollectProcesses()
    {
        for (var process = 0; process < _place.Spec.UserTasks; process++)
        {
            var state = ((IFaultingTask)Actor<HostActor>(BladeActors.Process(process))).Faults;
            Collect(state.Run);
            var read = state.Read;
            if (read.Inserting)
            {
                Holdings.AddOnce(_held.Unmapped, read.Insert.Page, "to be read into");
            }
        }
    }

    private void CollectRequests()
    {
        var queue = _nbd.Queue;
        _held.AddObjects(BioCache, _memory.Bios.Kept);
        for (var tag = 0; tag < queue.Created; tag++)
        {
            var request = queue[tag];
            if (!request.InFlight)
            {
                continue;
            }

            _held.AddObjects(BioCache, request.Count);
            for (var i = 0; i < request.Count; i++)
            {
                Holdings.AddOnce(request.Write ? _held.Writing : _held.Reading, request.Pages[i], "in flight");
            }
        }
    }

    private static void Require(bool holds, string what)
    {
        if (!holds)
        {
            throw new InvalidOperationException(what);
        }
    }
}
