// A hang in words: who waits for what, and who owns it.
using System.Globalization;
using ClusterSwap.Blades.Actors;
using ClusterSwap.Engine;
using ClusterSwap.Kernel;
using ClusterSwap.Kernel.Block;
using ClusterSwap.Kernel.Memory;

namespace ClusterSwap.Blades.Runs;

/// <summary>
/// Tells the states of a blade that does not move, from its processes round to the memory that they wait for.
/// </summary>
public sealed class HangStory
{
    private readonly BladeStates _states;
    private readonly List<string> _lines = [];

    private HangStory(BladeStates states) => _states = states;

    /// <summary>A text with numbers as everywhere: thousands separated, whatever the machine's language.</summary>
    public static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    /// <summary>Seconds of virtual time, to a tenth.</summary>
    public static string Seconds(long ns) =>
        Text($"{ns / KernelTimes.SecondNs:N0}.{ns / (KernelTimes.SecondNs / 10) % 10} s");

    /// <summary>How many of what.</summary>
    public static string Count(long count, string one, string many) => Text($"{count:N0} {(count == 1 ? one : many)}");

    /// <summary>How many processes.</summary>
    public static string Processes(long count) => Count(count, "process", "processes");

    /// <summary>One line per waiter or group of waiters, then what is where.</summary>
    public static IReadOnlyList<string> Tell(BladeStates states, Simulation simulation)
    {
        var story = new HangStory(states);
        story.TellProcesses();
        story.TellRequests();
        story.TellReceiver();
        story.TellSender();
        story.TellBacklog();
        story.TellMemory();
        story.TellFaults(simulation.TimeNs);
        story._lines.AddRange(OrdinarySockets.Of(simulation, states.Place)?.Tell() ?? []);
        story.TellAmounts();
        return story._lines;
    }

    /// <summary>What one process waits for, as the end of a sentence about it.</summary>
    public static string WaitOf(BladeStates states, int process)
    {
        var inner = states.Innermost(process);
        return "waits for " + inner.Wait switch
        {
            WaitKind.PageLock => Text($"page {inner.WaitObject:N0}, which is being read"),
            WaitKind.Request => "a request of the swap device",
            WaitKind.Bio => "a bio of the mempool",
            WaitKind.Throttle => "half of the reserve to be free again (pfmemalloc_wait)",
            WaitKind.TxLock => $"tx_lock, which {SenderOf(states)} holds",
            WaitKind.FreePage or WaitKind.Timer => "a free page",
            _ => "a CPU",
        } + Text($", since {Seconds(inner.WaitSinceNs)} of virtual time");
    }

    private void TellProcesses()
    {
        var waiting = new int[(int)WaitKind.Ended + 1];
        var waitForRead = 0;
        for (var process = 0; process < _states.Processes; process++)
        {
            if (_states.Process(process).EndedNs < 0)
            {
                var inner = _states.Innermost(process);
                var kind = inner.Wait == WaitKind.None && _states.Reclaims(process) ? WaitKind.FreePage : inner.Wait;
                waiting[(int)kind]++;
                waitForRead += kind == WaitKind.Request && inner.WaitObject == 0 ? 1 : 0;
            }
        }

        var queue = _states.Device.Queue;
        TellGroup(waiting[(int)WaitKind.Request] - waitForRead, KswapdsOn(WaitKind.Request),
            Text($"a write request of the swap device: {queue.InFlight(write: true):N0} are in flight, ")
            + (queue.SharedTags > 0
                ? Text($"{queue.SharedTags} tags are for reads and writes together")
                : Text($"the limit is {queue.Limit} ({queue.HardLimit} with batchers)")));
        TellGroup(waitForRead, [],
            Text($"a read request of the swap device: {queue.InFlight(write: false):N0} are in flight, ")
            + Text($"the limit is {queue.Limit}"));
        TellGroup(waiting[(int)WaitKind.Bio], KswapdsOn(WaitKind.Bio),
            "a bio: the mempool is empty, and an element comes back when a request completes");
        TellGroup(waiting[(int)WaitKind.PageLock], [],
            "a page that is being read: " + Count(queue.InFlight(write: false), "read is", "reads are") + " in flight");
        TellGroup(waiting[(int)WaitKind.Throttle], [], "half of the reserve to be free again (pfmemalloc_wait)");
        TellGroup(waiting[(int)WaitKind.FreePage] + waiting[(int)WaitKind.Timer], KswapdsOn(WaitKind.Timer),
            "free pages: reclaim finds nothing that it can free, again and again");
        TellGroup(waiting[(int)WaitKind.TxLock], KswapdsOn(WaitKind.TxLock), $"tx_lock, which {SenderOf(_states)} holds");
        TellGroup(waiting[(int)WaitKind.None], [], "nothing: they run");
    }

    // Names of those that wait so, one for each node.
    private string[] KswapdsOn(WaitKind wait) =>
    [
        .. _states.Memory.Kswapds.Where(kswapd => _states.KswapdOf(kswapd.Node).Task.Wait == wait).Select(
            kswapd => RunNotes.TaskName(_states, BladeTasks.KswapdOf(_states.Place.Group, kswapd.Node))),
    ];

    private void TellGroup(int processes, string[] kswapds, string what)
    {
        string[] who = processes == 0 ? kswapds : [Processes(processes), .. kswapds];
        if (who.Length > 0)
        {
            var waits = processes + kswapds.Length == 1 ? "waits" : "wait";
            _lines.Add($"{string.Join(" and ", who)} {waits} for {what}");
        }
    }

    private void TellRequests()
    {
        var device = _states.Device;
        long inFlight = device.Queue.InFlight(write: true) + device.Queue.InFlight(write: false);
        if (inFlight == 0)
        {
            return;
        }

        long unsent = device.Waiting.Count + (device.Sending >= 0 ? 1 : 0);
        foreach (var plug in device.Plugs)
        {
            unsent += plug.Count;
        }

        if (unsent < inFlight)
        {
            _lines.Add(Count(inFlight - unsent, "request is sent and waits", "requests are sent and wait")
                + " for the NBD receiver to read the reply");
        }

        if (unsent > 0)
        {
            var sender = device.TxOwner < 0 ? "the block worker" : SenderOf(_states);
            _lines.Add(Count(unsent, "request waits", "requests wait")
                + (device.Issues.Length > 0 ? $" for tx_lock, which {sender} holds" : $" for {sender} to send ")
                + (device.Issues.Length > 0 ? "" : unsent == 1 ? "it" : "them"));
        }
    }

    private void TellReceiver() => _lines.Add("the NBD receiver " + _states.Device.Receiver.Wait switch
    {
        WaitKind.SocketLock => $"waits for the socket (lock_sock), which {Owner()} owns",
        WaitKind.SocketData => "waits for data on the socket",
        WaitKind.Work => $"waits until {SenderOf(_states)} has sent the whole request that is already answered",
        _ => "runs",
    });

    private void TellSender()
    {
        var device = _states.Device;
        if (device.TxOwner < 0)
        {
            _lines.Add("nobody holds tx_lock");
            return;
        }

        var sender = SenderOf(_states);
        if (device.SenderPhase == SenderPhase.Memory)
        {
            var call = device.SkbPending ? device.SkbCall.Inner.Pages : device.PageCall;
            var never = (call.Gfp & (Gfp.Wait | Gfp.Io)) == Gfp.Wait ? "GFP_NOIO, which never fails" : "inside reclaim";
            var locks = device.Socket.Owner == device.TxOwner ? "tx_lock and the socket" : "tx_lock";
            _lines.Add($"{sender} holds {locks} while it waits for a free page "
                + Text($"({never}; {call.Rounds:N0} rounds of reclaim so far)"));
            return;
        }

        var tcp = device.Socket.Tcp;
        _lines.Add($"{sender} " + device.TaskOf(device.TxOwner).Wait switch
        {
            WaitKind.SocketLock => $"holds tx_lock and waits for the socket (lock_sock), which {Owner()} owns",
            WaitKind.SendSpace when tcp.MemoryFree =>
                "holds tx_lock and waits for send memory, with the socket released",
            WaitKind.SendSpace => "holds tx_lock and waits for room in the send buffer "
                + Text($"({tcp.WmemQueued:N0} bytes, limit {tcp.SndBuf:N0})")
                + ", with the socket released",
            WaitKind.Work => "waits for requests",
            _ when device.Issues.Length > 0 => "holds tx_lock and runs",
            _ => "runs",
        });
    }

    private void TellBacklog()
    {
        var backlog = _states.Device.Socket.Backlog;
        if (backlog.Frames.Count > 0)
        {
            _lines.Add(Count(backlog.Frames.Count, "frame has", "frames have")
                + (backlog.Frames.Count == 1 ? " arrived and lies" : " arrived and lie")
                + Text($" in the socket's backlog ({backlog.TrueSize:N0} bytes): ")
                + $"ACKs and replies that wait until {Owner()} releases the socket");
        }

        var tcp = _states.Device.Socket.Tcp;
        if (tcp.PacketsOut > 0)
        {
            _lines.Add(Count(tcp.PacketsOut, "segment is", "segments are")
                + Text($" sent and not acknowledged, for all this host knows ({tcp.SndNxt - tcp.SndUna:N0} bytes): ")
                + "their memory waits for ACKs");
        }

        var ring = _states.Softirq.Available;
        if (ring == 0)
        {
            _lines.Add("no frame can arrive: the receive ring is empty, and its refills wait for free pages");
        }
    }

    private void TellMemory()
    {
        var zones = _states.Memory.Pages.Zones;
        var parts = new List<string>();
        foreach (var zone in zones.Where(zone => zone.Present > 0))
        {
            var kept = zone.LowmemReserve[^1];
            parts.Add(Text($"{RunNotes.NameOf(_states.Memory, zone)} {zone.NrFree:N0} (min {zone.Min:N0}")
                + (kept > 0 ? Text($" and {kept:N0} kept from requests for higher zones)") : ")"));
        }

        _lines.Add("pages are free in zones " + string.Join(", ", parts));
        var writeback = _states.Memory.Stat[VmGauge.nr_writeback];
        if (writeback > 0)
        {
            _lines.Add(Count(writeback, "page comes", "pages come") + " free when the writes in flight complete");
        }
    }

    private void TellFaults(long nowNs)
    {
        foreach (var fault in _states.Place.Faults.Where(fault => fault.IsInForce(nowNs)))
        {
            var beganNs = fault.BeganNs(nowNs);
            var end = fault.ForNs is { } lasts ? $"until {Seconds(beganNs + lasts)}" : "to the end of the run";
            _lines.Add($"fault {fault.Name} ({fault.Effect.Kind}) is in force from {Seconds(beganNs)} {end}");
        }
    }

    private void TellAmounts()
    {
        _lines.AddRange(new PageHolders(_states.Memory).Tell());
        var ring = _states.Place.Group.Nic.Ring;
        _lines.Add(Text($"the receive ring has {_states.Softirq.Available:N0} of {ring:N0} buffers, ")
            + Count(_states.Softirq.Ring.RxAllocFailed, "refill has failed", "refills have failed"));
    }

    private string Owner() => _states.Device.Socket.Owner switch
    {
        < 0 => "nobody",
        var task => RunNotes.TaskName(_states, task),
    };

    private static string SenderOf(BladeStates states) => RunNotes.TaskName(states, states.Device.TxOwner);
}
