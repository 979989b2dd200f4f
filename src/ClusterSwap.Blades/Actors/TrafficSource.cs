// Somebody else on the network who sends datagrams to a blade at a constant rate.
using ClusterSwap.Blades.Messages;
using ClusterSwap.Engine;
using ClusterSwap.Kernel.Net;
using MemoryPack;

namespace ClusterSwap.Blades.Actors;

/// <summary>A stream of datagrams.</summary>
/// <param name="Blade">Host that it goes to.</param>
/// <param name="Sockets">Sockets there; each gets a datagram in turn.</param>
/// <param name="PerSecond">Datagrams a second.</param>
/// <param name="Bytes">Payload of each, bytes.</param>
/// <param name="EndNs">No datagram leaves after this, ns.</param>
public sealed record DatagramFlow(int Blade, int Sockets, long PerSecond, int Bytes, long EndNs);

/// <summary>State of a traffic source.</summary>
[MemoryPackable]
public sealed partial class TrafficSourceState
{
    /// <summary>Datagrams sent.</summary>
    public long Sent;

    /// <summary>When the first one was due, ns: drawn once, within one interval.</summary>
    public long PhaseNs = -1;

    /// <summary>The source's wire is busy until then, ns.</summary>
    public long BusyUntilNs;
}

/// <summary>
/// Sends at constant spacing with a random phase, so that two sources are not in step. There is no jitter: each
/// datagram is due at the
/// phase and so many whole intervals. A rate beyond the wire's is cut to the wire's.
/// </summary>
public sealed class TrafficSource : HostActor<TrafficSourceState>
{
    private readonly WireSpec _wire;
    private readonly DatagramFlow _flow;
    private readonly DatagramTick _tick = new();

    /// <summary>A source of <paramref name="flow"/> on its own <paramref name="wire"/> to the switch.</summary>
    public TrafficSource(HostContext host, int index, WireSpec wire, DatagramFlow flow)
        : base(host, index, new TrafficSourceState())
    {
        _wire = wire;
        _flow = flow;
    }

    /// <inheritdoc/>
    protected override void Receive(SimMessage message)
    {
        switch (message)
        {
            case StartTask:
                State.PhaseNs = Host.NowNs + (long)(Host.NextRandom() % (ulong)Math.Max(DueNs(1), 1));
                ScheduleNext();
                break;
            case DatagramTick:
                Emit();
                ScheduleNext();
                break;
            default:
                throw new InvalidOperationException($"traffic source does not know {message.GetType().Name}");
        }
    }

    private void Emit()
    {
        var frame = new Frame
        {
            Source = Host.HostId,
            Destination = _flow.Blade,
            Connection = (int)(State.Sent % _flow.Sockets),
            Protocol = FrameProtocol.Udp,
            Segment = new TcpSegment { Seq = State.Sent, Length = _flow.Bytes, Segments = 1 },
        };
        frame.SerializationNs = _wire.TimeOf(frame.WireBytes);
        State.BusyUntilNs = Host.NowNs + frame.SerializationNs;
        State.Sent++;
        Host.Transmit(_flow.Blade, BladeActors.Downlink, State.BusyUntilNs + _wire.LatencyNs, frame);
    }

    private void ScheduleNext()
    {
        var atNs = Math.Max(State.PhaseNs + DueNs(State.Sent), State.BusyUntilNs);
        if (atNs <= _flow.EndNs)
        {
            Host.Schedule(atNs, Index, _tick);
        }
    }

    // n datagrams take n / rate seconds, rounded down; whole seconds apart, so that nothing overflows.
    private long DueNs(long n) =>
        n / _flow.PerSecond * KernelTimes.SecondNs + n % _flow.PerSecond * KernelTimes.SecondNs / _flow.PerSecond;
}
