// A machine's wire out: its transmit ring, its bandwidth, and the clean-up when frames have left.
using ClusterSwap.Blades.Messages;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Engine;
using ClusterSwap.Kernel.Net;
using ClusterSwap.Kernel.Tracing;
using MemoryPack;

namespace ClusterSwap.Blades.Actors;

/// <summary>A wire.</summary>
/// <param name="BitsPerSecond">Bandwidth.</param>
/// <param name="LatencyNs">Propagation, one way.</param>
/// <param name="QueueBytes">Queue of the switch port, bytes.</param>
/// <param name="LossPerMillion">Frames lost at random, of a million.</param>
public sealed record WireSpec(long BitsPerSecond, long LatencyNs, long QueueBytes, int LossPerMillion)
{
    /// <summary>How long so many bytes take, ns, rounded up.</summary>
    public long TimeOf(long bytes) => (bytes * 8 * 1_000_000_000 + BitsPerSecond - 1) / BitsPerSecond;

    /// <summary>How many bytes that time carries, rounded down; none in the past.</summary>
    public long BytesIn(long ns) => (long)((Int128)Math.Max(ns, 0) * BitsPerSecond / 8_000_000_000);
}

/// <summary>A train in the transmit ring.</summary>
[MemoryPackable]
public partial struct TxSlot
{
    /// <summary>When its last bit has left, ns.</summary>
    public long DepartNs;

    /// <summary>The connection whose bytes it carries.</summary>
    public int Connection;

    /// <summary>Bytes of payload.</summary>
    public int Bytes;

    /// <summary>A pure ACK's buffer, to be freed.</summary>
    public SkBuff Skb;

    /// <summary>There is one.</summary>
    public bool HasSkb;
}

/// <summary>State of a wire out.</summary>
[MemoryPackable]
public sealed partial class UplinkState
{
    /// <summary>The wire is busy until then, ns.</summary>
    public long BusyUntilNs;

    /// <summary>Trains that are not cleaned up yet, oldest first.</summary>
    public Queue<TxSlot> Ring = new();

    /// <summary>A clean-up is on its way.</summary>
    public bool CleanScheduled;

    /// <summary>Ethernet frames sent.</summary>
    public long Frames;

    /// <summary>Bytes sent, overhead included.</summary>
    public long WireBytes;

    /// <summary>Faults on the way out; null where the scenario has none.</summary>
    public LinkFaultState? Faults;
}

/// <summary>The NIC's transmit side and the cable to the switch.</summary>
public sealed class Uplink : HostActor<UplinkState>
{
    private readonly WireSpec _wire;
    private readonly IReadOnlyDictionary<int, long> _latencyNs;
    private readonly long _cleanDelayNs;
    private readonly int _portAtPeer;
    private readonly int _socketOwner;
    private readonly int _memory;
    private readonly TxClean _clean = new();
    private readonly LinkFaults? _faults;

    /// <summary>
    /// A wire out; <paramref name="latencyNs"/> is the propagation to each peer's host. Peers hear from it at their
    /// <paramref name="portAtPeer"/>; <paramref name="socketOwner"/> is told when its bytes have left; buffers go back
    /// to <paramref name="memory"/> (−1 where memory is not modelled). The scenario has <paramref name="faults"/> on it.
    /// </summary>
    public Uplink(
        HostContext host,
        int index,
        WireSpec wire,
        IReadOnlyDictionary<int, long> latencyNs,
        long cleanDelayNs,
        int portAtPeer,
        int socketOwner,
        int memory,
        IReadOnlyList<NumberedFault>? faults = null)
        : base(host, index, new UplinkState())
    {
        _wire = wire;
        _latencyNs = latencyNs;
        _cleanDelayNs = cleanDelayNs;
        _portAtPeer = portAtPeer;
        _socketOwner = socketOwner;
        _memory = memory;
        if (faults is { Count: > 0 })
        {
            _faults = new LinkFaults(host, index, LinkDirection.Up, wire, faults, partner: -1);
            State.Faults = _faults.State;
        }
    }

    /// <summary>Records faults from now on, also after a restore.</summary>
    public void StartTrace(TraceLog trace) => _faults?.StartTrace(trace);

    /// <inheritdoc/>
    public override void AssertInvariants() => State.Faults?.AssertInvariants();

    /// <inheritdoc/>
    protected override void Attach()
    {
        if (_faults is not null)
        {
            _faults.State = State.Faults!;
        }
    }

    /// <inheritdoc/>
    protected override void Receive(SimMessage message)
    {
        switch (message)
        {
            case Transmit transmit:
                OnTransmit(transmit);
                break;
            case TxClean:
                OnClean();
                break;
            case FaultBegins begins:
                _faults!.Begin(begins);
                break;
            case FaultEnds ends:
                _faults!.End(ends);
                SendPassed();
                break;
            default:
                throw new InvalidOperationException($"uplink does not know {message.GetType().Name}");
        }
    }

    private void OnTransmit(Transmit transmit)
    {
        var frame = transmit.Frame;
        frame.SerializationNs = _wire.TimeOf(frame.WireBytes);
        State.BusyUntilNs = Math.Max(State.BusyUntilNs, Host.NowNs) + frame.SerializationNs;
        State.Frames += frame.Frames;
        State.WireBytes += frame.WireBytes;
        State.Ring.Enqueue(new TxSlot
        {
            DepartNs = State.BusyUntilNs,
            Connection = frame.Connection,
            Bytes = frame.Segment.Length,
            Skb = transmit.Skb,
            HasSkb = transmit.HasSkb,
        });
        if (_faults is null)
        {
            Send(frame, State.BusyUntilNs);
        }
        else
        {
            _faults.Enter(frame, State.BusyUntilNs);
            SendPassed();
        }

        ScheduleClean();
    }

    private void SendPassed()
    {
        foreach (var passage in _faults!.Passed)
        {
            Send(passage.Frame, passage.AtNs);
        }

        _faults.Passed.Clear();
    }

    private void Send(Frame frame, long leavesNs) =>
        Host.Transmit(frame.Destination, _portAtPeer, leavesNs + _latencyNs[frame.Destination], frame);

    private void ScheduleClean()
    {
        if (!State.CleanScheduled && State.Ring.Count > 0)
        {
            State.CleanScheduled = true;
            Host.Schedule(Math.Max(State.Ring.Peek().DepartNs, Host.NowNs) + _cleanDelayNs, Index, _clean);
        }
    }

    private void OnClean()
    {
        State.CleanScheduled = false;
        FreeSkbs? free = null;
        TxCleaned? cleaned = null;
        while (State.Ring.Count > 0 && State.Ring.Peek().DepartNs <= Host.NowNs)
        {
            var slot = State.Ring.Dequeue();
            if (slot.HasSkb)
            {
                free ??= new FreeSkbs { Skbs = new SkBuff[State.Ring.Count + 1] };
                free.Skbs[free.Count++] = slot.Skb;
            }

            if (slot.Bytes == 0)
            {
                continue;
            }

            if (cleaned is not null && cleaned.Connection != slot.Connection)
            {
                Host.Send(_socketOwner, cleaned);
                cleaned = null;
            }

            cleaned ??= new TxCleaned { Connection = slot.Connection };
            cleaned.Bytes += slot.Bytes;
        }

        if (free is not null && _memory >= 0)
        {
            Host.Send(_memory, free);
        }

        if (cleaned is not null)
        {
            Host.Send(_socketOwner, cleaned);
        }

        ScheduleClean();
    }
}
