// The far end of a blade's connections: TCP of a machine whose memory is not modelled.
using ClusterSwap.Blades.Messages;
using ClusterSwap.Engine;
using ClusterSwap.Kernel.Net;
using MemoryPack;

namespace ClusterSwap.Blades.Actors;

/// <summary>A connection of a machine that has memory enough.</summary>
[MemoryPackable]
public partial class PeerSocket
{
    /// <summary>Host of the other end.</summary>
    public int Host;

    /// <summary>The connection.</summary>
    public TcpConnection Tcp = null!;

    /// <summary>What the bytes received mean.</summary>
    public ByteStream In = new();

    /// <summary>What the bytes sent mean.</summary>
    public ByteStream Out = new();

    /// <summary>Earliest timer event on its way, ns.</summary>
    public long TimerAtNs = long.MaxValue;

    /// <summary>Bytes sent that the other end has acknowledged.</summary>
    public long AckedTo;

    /// <summary>pending_confirm of the route to the other end.</summary>
    public bool ConfirmPending;
}

/// <summary>
/// What TCP asks for, done for all connections of an actor: frames leave, timers are set. Its buffers are never
/// lacking, so an ACK that is due goes at once.
/// </summary>
/// <param name="host">The host.</param>
/// <param name="actor">The actor that holds the connections: gets their timers.</param>
/// <param name="output">The actor that takes frames.</param>
public sealed class PeerTcp(HostContext host, int actor, int output)
{
    private readonly List<StreamRecord> _records = [];

    /// <summary>Does what <paramref name="fx"/> asks for; true when bytes were acknowledged.</summary>
    public bool After(int connection, PeerSocket socket, ref TcpEffects fx)
    {
        if (fx.Acked)
        {
            var acked = (int)(fx.AckedTo - socket.AckedTo);
            socket.AckedTo = fx.AckedTo;
            socket.Tcp.ReleaseSend(acked, ref fx);
            socket.Out.AckedTo(fx.AckedTo);
            socket.ConfirmPending = true;
        }

        while (fx.Retransmit && socket.Tcp.TryRetransmit(host.NowNs, out var again))
        {
            Transmit(connection, socket, again);
        }

        TransmitAll(connection, socket, push: false);
        if (fx.SendAckNow && socket.Tcp.TryBuildAck(host.NowNs, out var ack))
        {
            Transmit(connection, socket, ack);
        }

        ScheduleTimer(connection, socket);
        return fx.Acked;
    }

    /// <summary>Sends what may leave.</summary>
    public void TransmitAll(int connection, PeerSocket socket, bool push)
    {
        while (socket.Tcp.TryTransmit(host.NowNs, push, out var segment))
        {
            Transmit(connection, socket, segment);
        }

        ScheduleTimer(connection, socket);
    }

    /// <summary>A timer event. True: a timer was due, and what it asks for is in <paramref name="fx"/>.</summary>
    public bool OnTimer(TcpTimer timer, PeerSocket socket, ref TcpEffects fx)
    {
        if (timer.AtNs != socket.TimerAtNs)
        {
            return false;
        }

        socket.TimerAtNs = long.MaxValue;
        if (host.NowNs < socket.Tcp.NextTimerNs)
        {
            ScheduleTimer(timer.Connection, socket);
            return false;
        }

        socket.Tcp.OnTimer(host.NowNs, socketOwned: false, ref fx);
        return true;
    }

    private void Transmit(int connection, PeerSocket socket, in TcpSegment segment)
    {
        _records.Clear();
        if (segment.Length > 0)
        {
            socket.Out.Collect(segment.Seq, segment.Length, _records);
        }

        var frame = new Frame
        {
            Source = host.HostId,
            Destination = socket.Host,
            Connection = connection,
            Segment = segment,
            Records = _records.Count == 0 ? [] : [.. _records],
        };
        host.Send(output, new Transmit(frame, SkBuff.None, hasSkb: false) { Confirmed = socket.ConfirmPending });
        socket.ConfirmPending = false;
    }

    private void ScheduleTimer(int connection, PeerSocket socket)
    {
        var atNs = socket.Tcp.NextTimerNs;
        if (atNs < socket.TimerAtNs)
        {
            socket.TimerAtNs = Math.Max(atNs, host.NowNs + 1);
            host.Schedule(socket.TimerAtNs, actor, new TcpTimer(connection, socket.TimerAtNs));
        }
    }
}
