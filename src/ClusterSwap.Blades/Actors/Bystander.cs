// Ordinary sockets: datagrams of others that take the blade's receive memory, and the tasks that read them, or do not.
using ClusterSwap.Blades.Messages;
using ClusterSwap.Blades.Monitors;
using ClusterSwap.Engine;
using ClusterSwap.Kernel;
using ClusterSwap.Kernel.Net;
using ClusterSwap.Kernel.Tracing;

namespace ClusterSwap.Blades.Actors;

/// <summary>The ordinary sockets of a blade.</summary>
/// <param name="Sockets">How many.</param>
/// <param name="Stalled">How many of them, the last ones, nobody reads.</param>
/// <param name="RcvBuf">Receive buffer of each, bytes of truesize.</param>
/// <param name="FirstTask">Task that reads socket 0; those of the others follow.</param>
/// <param name="FreeBufferPages">nr_free_buffer_pages at boot: udp_mem follows from it.</param>
/// <param name="Rules">The kernel's rules.</param>
public sealed record BystanderSpec(
    int Sockets, int Stalled, int RcvBuf, int FirstTask, long FreeBufferPages, KernelRules Rules = default);

/// <summary>
/// All ordinary UDP sockets of a blade, and a reader task each. They are one actor because they share udp_mem: a
/// charge to one socket
/// decides on the next charge to another within the same softirq. A datagram's buffer stays allocated until it is read
/// or dropped.
/// </summary>
public sealed class Bystander : HostActor<BystanderState>, IMemoryHolder
{
    // What a reader takes before the section ends: it returns to user mode after each, where it may be preempted.
    private const int SectionDatagrams = 16;

    private const int SoftirqCpu = 0;

    private TraceLog? _trace;
    private readonly CostModel _cost;
    private readonly BystanderSpec _spec;
    private readonly TaskThread[] _readers;
    private readonly List<SkBuff> _free = [];

    /// <summary>The sockets of <paramref name="spec"/>.</summary>
    public Bystander(HostContext host, int index, CostModel cost, BystanderSpec spec)
        : base(host, index, FirstState(spec))
    {
        _cost = cost;
        _spec = spec;
        _readers = new TaskThread[spec.Sockets - spec.Stalled];
        for (var i = 0; i < _readers.Length; i++)
        {
            _readers[i] = new TaskThread(host, index, spec.FirstTask + i, cost.WakeupNs);
        }

        Attach();
    }

    /// <inheritdoc/>
    public override void AssertInvariants() => State.AssertInvariants();

    /// <inheritdoc/>
    public void AddTo(Holdings holdings)
    {
        foreach (var socket in State.Sockets)
        {
            for (var i = 0; i < socket.Queue.Count; i++)
            {
                holdings.Add(socket.Queue[i]);
            }
        }
    }

    /// <inheritdoc/>
    protected override void Attach()
    {
        foreach (var socket in State.Sockets)
        {
            socket.Attach(State.Memory);
        }

        for (var i = 0; i < _readers.Length; i++)
        {
            _readers[i].State = State.Readers[i];
        }
    }

    /// <inheritdoc/>
    protected override void Receive(SimMessage message)
    {
        switch (message)
        {
            case SegmentsArrived arrived:
                OnArrived(arrived);
                break;
            case RunTask run:
                OnRun(run);
                break;
            default:
                throw new InvalidOperationException($"bystander does not know {message.GetType().Name}");
        }
    }

    private static BystanderState FirstState(BystanderSpec spec)
    {
        var state = new BystanderState
        {
            Memory = UdpMemory.ForMachine(spec.FreeBufferPages),
            Sockets = new UdpSocket[spec.Sockets],
            Readers = new TaskState[spec.Sockets - spec.Stalled],
        };
        state.Memory.Quota.Sockets = spec.Sockets;
        for (var i = 0; i < spec.Sockets; i++)
        {
            state.Sockets[i] = new UdpSocket { RcvBuf = spec.RcvBuf };
        }

        for (var i = 0; i < state.Readers.Length; i++)
        {
            state.Readers[i] = new TaskState { Wait = WaitKind.SocketData };
        }

        return state;
    }

    /// <summary>Records events from now on. Changes nothing else.</summary>
    public void StartTrace(TraceLog trace) => _trace = trace;

    private void TraceDrop(in SkBuff skb, SkbDrop where) =>
        _trace?.Add(TraceEvent.kfree_skb, SoftirqCpu, skb.Head, (long)where, softirq: true);

    /// <summary>udp_queue_rcv_skb in the softirq: the filter of patch 9, the socket's buffer, the quota.</summary>
    private void OnArrived(SegmentsArrived arrived)
    {
        var number = arrived.Frame.Connection;
        var socket = State.Sockets[number];
        var queued = 0;
        for (var i = 0; i < arrived.Count; i++)
        {
            var skb = arrived.Buffers[i];
            skb.Length = arrived.Frame.Segment.Length;
            State.Arrived++;
            if (SocketRules.FilterDrops(_spec.Rules, skb.PfMemAlloc, SocketFlags.None))
            {
                State.FilterDrops++;
                TraceDrop(skb, SkbDrop.Filter);
                _free.Add(skb);
            }
            else if (socket.TryQueue(skb) == UdpOutcome.Queued)
            {
                queued++;
            }
            else
            {
                TraceDrop(skb, SkbDrop.Udp);
                _free.Add(skb);
            }
        }

        State.MostQuotaPages = Math.Max(State.MostQuotaPages, State.Memory.Quota.AllocatedPages);
        FlushFreed(SoftirqCpu);
        if (queued > 0 && number < _readers.Length && State.Readers[number].Wait == WaitKind.SocketData)
        {
            _readers[number].Wake();
        }
    }

    /// <summary>The reader of a socket: recvfrom until nothing is left, then it sleeps for more.</summary>
    private void OnRun(RunTask run)
    {
        var number = run.Task - _spec.FirstTask;
        var reader = _readers[number];
        reader.Begin(run);
        for (var i = 0; i < SectionDatagrams && State.Sockets[number].TryRead(out var skb); i++)
        {
            State.Read++;
            reader.SystemNs += _cost.SyscallNs + (long)_cost.ReceiveCopyNs * skb.Length / SkbSizes.Page;
            _free.Add(skb);
        }

        FlushFreed(run.Cpu);
        if (State.Sockets[number].Queue.Count > 0)
        {
            reader.EndSection(Index);
        }
        else
        {
            reader.SystemNs += _cost.SyscallNs;
            reader.SleepOn(WaitKind.SocketData);
        }
    }

    private void FlushFreed(int cpu)
    {
        if (_free.Count > 0)
        {
            Host.Send(BladeActors.Blade, new FreeSkbs { Skbs = [.. _free], Count = _free.Count, Cpu = cpu });
            _free.Clear();
        }
    }
}
