// A machine on the network that sends streams to ordinary sockets of blades.
using ClusterSwap.Blades.Messages;
using ClusterSwap.Engine;
using ClusterSwap.Kernel.Net;
using MemoryPack;

namespace ClusterSwap.Blades.Actors;

/// <summary>The streams to one blade.</summary>
/// <param name="Blade">Its host.</param>
/// <param name="Streams">How many streams.</param>
/// <param name="MessagesPerSecond">Writes a second in all of them together, each stream in its turn.</param>
/// <param name="MessageBytes">Bytes of a write; each is pushed.</param>
/// <param name="FirstWindow">Window that each socket of the blade has at first, bytes.</param>
/// <param name="EndNs">Nothing is written after this, ns.</param>
public sealed record StreamFlow(
    int Blade, int Streams, long MessagesPerSecond, int MessageBytes, int FirstWindow, long EndNs);

/// <summary>State of the streams to one blade.</summary>
[MemoryPackable]
public sealed partial class FlowState
{
    /// <summary>Number of its first connection.</summary>
    public int FirstConnection;

    /// <summary>Writes that were due.</summary>
    public long Due;

    /// <summary>When the first one was due, ns: drawn once, within one interval.</summary>
    public long PhaseNs;

    /// <summary>Writes that were not made because the program was still blocked in its last one.</summary>
    public long Blocked;

    /// <summary>Bytes written.</summary>
    public long Written;
}

/// <summary>State of a source of streams.</summary>
[MemoryPackable]
public sealed partial class StreamSourceState
{
    /// <summary>By number: the connections.</summary>
    public PeerSocket[] Sockets = [];

    /// <summary>By blade: what is written.</summary>
    public FlowState[] Flows = [];
}

/// <summary>
/// The programs that write the streams, one a stream, and TCP below them. Writes are due at constant spacing from a
/// random phase. A program that finds its send buffer full is blocked: writes that come due meanwhile are not made up
/// for, so a receiver that closes its window stops its sender.
/// </summary>
public sealed class StreamSource : HostActor<StreamSourceState>
{
    private readonly StreamFlow[] _flows;
    private readonly StreamTick[] _ticks;
    private readonly PeerTcp _peer;
    private TcpEffects _fx;

    /// <summary>A source of <paramref name="flows"/>; its frames go to the actor <paramref name="output"/>.</summary>
    public StreamSource(HostContext host, int index, TcpParameters tcp, StreamFlow[] flows, int output)
        : base(host, index, FirstState(tcp, flows))
    {
        _flows = flows;
        _ticks = [.. Enumerable.Range(0, flows.Length).Select(flow => new StreamTick(flow))];
        _peer = new PeerTcp(host, index, output);
    }

    /// <inheritdoc/>
    public override void AssertInvariants()
    {
        foreach (var socket in State.Sockets)
        {
            socket.Tcp.AssertInvariants();
        }
    }

    /// <inheritdoc/>
    protected override void Receive(SimMessage message)
    {
        _fx.Clear();
        switch (message)
        {
            case Frame frame:
                var socket = State.Sockets[frame.Connection];
                socket.Tcp.OnSegment(frame.Segment, Host.NowNs, ref _fx);
                _peer.After(frame.Connection, socket, ref _fx);
                break;
            case TxCleaned cleaned:
                if (State.Sockets[cleaned.Connection].Tcp.OnTransmitted(cleaned.Bytes))
                {
                    _peer.After(cleaned.Connection, State.Sockets[cleaned.Connection], ref _fx);
                }

                break;
            case TcpTimer timer:
                if (_peer.OnTimer(timer, State.Sockets[timer.Connection], ref _fx))
                {
                    _peer.After(timer.Connection, State.Sockets[timer.Connection], ref _fx);
                }

                break;
            case StreamTick tick:
                OnTick(State.Flows[tick.Flow], _flows[tick.Flow]);
                ScheduleNext(tick.Flow);
                break;
            case StartTask:
                Start();
                break;
            default:
                throw new InvalidOperationException($"stream source does not know {message.GetType().Name}");
        }
    }

    private static StreamSourceState FirstState(TcpParameters tcp, StreamFlow[] flows)
    {
        var sockets = new List<PeerSocket>();
        var states = new FlowState[flows.Length];
        for (var i = 0; i < flows.Length; i++)
        {
            states[i] = new FlowState { FirstConnection = sockets.Count };
            for (var stream = 0; stream < flows[i].Streams; stream++)
            {
                var connection = new TcpConnection(tcp) { SndWndEnd = flows[i].FirstWindow };
                sockets.Add(new PeerSocket { Host = flows[i].Blade, Tcp = connection });
            }
        }

        return new StreamSourceState { Sockets = [.. sockets], Flows = states };
    }

    private void Start()
    {
        for (var flow = 0; flow < _flows.Length; flow++)
        {
            var interval = Math.Max(DueNs(1, _flows[flow]), 1);
            State.Flows[flow].PhaseNs = Host.NowNs + (long)(Host.NextRandom() % (ulong)interval);
            ScheduleNext(flow);
        }
    }

    private void OnTick(FlowState state, StreamFlow flow)
    {
        var connection = state.FirstConnection + (int)(state.Due % flow.Streams);
        var socket = State.Sockets[connection];
        state.Due++;
        if (!socket.Tcp.MemoryFree)
        {
            state.Blocked++;
            socket.Tcp.NoSpace = true;
            return;
        }

        socket.Tcp.Append(flow.MessageBytes, flow.MessageBytes);
        state.Written += flow.MessageBytes;
        _peer.TransmitAll(connection, socket, push: true);
    }

    private void ScheduleNext(int flow)
    {
        var atNs = State.Flows[flow].PhaseNs + DueNs(State.Flows[flow].Due, _flows[flow]);
        if (atNs <= _flows[flow].EndNs)
        {
            Host.Schedule(atNs, Index, _ticks[flow]);
        }
    }

    // n writes take n / rate seconds, rounded down; whole seconds apart, so that nothing overflows.
    private static long DueNs(long n, StreamFlow flow) =>
        n / flow.MessagesPerSecond * KernelTimes.SecondNs
        + n % flow.MessagesPerSecond * KernelTimes.SecondNs / flow.MessagesPerSecond;
}
