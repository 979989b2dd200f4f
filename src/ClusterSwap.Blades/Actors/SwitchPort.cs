// The switch port towards a machine: a queue of limited size that drains at the cable's speed, and drops from its tail.
using ClusterSwap.Blades.Messages;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Engine;
using ClusterSwap.Kernel.Tracing;
using MemoryPack;

namespace ClusterSwap.Blades.Actors;

/// <summary>State of a switch port.</summary>
[MemoryPackable]
public sealed partial class SwitchPortState
{
    /// <summary>The cable is busy until then, ns.</summary>
    public long BusyUntilNs;

    /// <summary>Ethernet frames delivered.</summary>
    public long Frames;

    /// <summary>Ethernet frames that found the queue full.</summary>
    public long Dropped;

    /// <summary>Ethernet frames lost at random.</summary>
    public long Lost;

    /// <summary>Faults on the way to the machine; null where the scenario has none.</summary>
    public LinkFaultState? Faults;
}

/// <summary>
/// Store and forward by the frame: a train's first frame leaves while its last is still coming in, so a train through
/// an idle port of equal speed is late by one frame, not by itself.
/// </summary>
public sealed class SwitchPort : HostActor<SwitchPortState>
{
    private readonly WireSpec _wire;
    private readonly int _receiver;
    private readonly LinkFaults? _faults;

    /// <summary>
    /// The port whose cable ends at <paramref name="receiver"/>. The scenario has <paramref name="faults"/> on it;
    /// <paramref name="uplink"/> is the wire out of the same machine.
    /// </summary>
    public SwitchPort(
        HostContext host, int index, WireSpec wire, int receiver, IReadOnlyList<NumberedFault>? faults = null,
        int uplink = -1)
        : base(host, index, new SwitchPortState())
    {
        _wire = wire;
        _receiver = receiver;
        if (faults is { Count: > 0 })
        {
            _faults = new LinkFaults(host, index, LinkDirection.Down, wire, faults, uplink);
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
            case Frame frame when _faults is null:
                OnFrame(frame);
                break;
            case Frame frame:
                _faults.Enter(frame, Host.NowNs);
                TakePassed();
                break;
            case LateFrame late:
                OnFrame(late.Frame);
                break;
            case FaultBegins begins:
                _faults!.Begin(begins);
                break;
            case FaultEnds ends:
                _faults!.End(ends);
                TakePassed();
                break;
            default:
                throw new InvalidOperationException($"switch port does not know {message.GetType().Name}");
        }
    }

    private void TakePassed()
    {
        foreach (var passage in _faults!.Passed)
        {
            if (passage.AtNs == Host.NowNs)
            {
                OnFrame(passage.Frame);
            }
            else
            {
                Host.Schedule(passage.AtNs, Index, new LateFrame(passage.Frame));
            }
        }

        _faults.Passed.Clear();
    }

    private void OnFrame(Frame frame)
    {
        var queued = Math.Max(State.BusyUntilNs - Host.NowNs, 0) * _wire.BitsPerSecond / 8_000_000_000;
        var bytesEach = frame.WireBytes / frame.Frames;
        var fitting = (int)Math.Clamp((_wire.QueueBytes - queued) / bytesEach, 0, frame.Frames);
        State.Dropped += frame.Frames - fitting;
        if (fitting == 0)
        {
            return;
        }

        frame = frame.Prefix(fitting);
        if (_wire.LossPerMillion == 0)
        {
            Forward(frame);
        }
        else
        {
            ForwardWithLoss(frame);
        }
    }

    private void ForwardWithLoss(Frame frame)
    {
        var good = 0;
        while (frame.Frames > good)
        {
            if (Host.NextRandom(1_000_000) >= _wire.LossPerMillion)
            {
                good++;
                continue;
            }

            State.Lost++;
            if (good > 0)
            {
                Forward(frame.Prefix(good));
            }

            if (frame.Frames <= good + 1)
            {
                return;
            }

            frame = frame.Suffix(good + 1);
            good = 0;
        }

        Forward(frame);
    }

    private void Forward(Frame frame)
    {
        var oneIn = frame.SerializationNs / frame.Frames;
        var oneOut = _wire.TimeOf(frame.WireBytes / frame.Frames);
        var firstIn = Host.NowNs - frame.SerializationNs + oneIn;
        var start = Math.Max(State.BusyUntilNs, firstIn);
        State.BusyUntilNs = Math.Max(start + _wire.TimeOf(frame.WireBytes), Host.NowNs + oneOut);
        State.Frames += frame.Frames;
        Host.Schedule(State.BusyUntilNs, _receiver, frame);
    }
}
