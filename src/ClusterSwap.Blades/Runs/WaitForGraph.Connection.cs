// The connection: who owns the socket, and what may still arrive for it.
using ClusterSwap.Blades.Actors;
using ClusterSwap.Blades.Messages;
using ClusterSwap.Blades.Scenarios;

namespace ClusterSwap.Blades.Runs;

public sealed partial class WaitForGraph
{
    private void ConnectSocket()
    {
        var socket = _states.Device.Socket;
        if (socket.Owner < 0)
        {
            _socket.GoesOn();
        }
        else
        {
            _socket.Needs(socket.Owner == BladeTasks.NbdReceiver ? _receiver : _sender);
        }

        // What has arrived is taken up when the owner lets go; what is to come needs a buffer first.
        if (socket.Backlog.Frames.Count > 0 || _states.Softirq.Arrived.Count > 0)
        {
            _received.Needs(_socket);
        }

        _received.Needs(_socket, _traffic, _ring);
    }

    private void ConnectTraffic()
    {
        var device = _states.Device;
        var client = _states.Client;
        if (!device.Failed && device.Socket.Tcp.NextTimerNs != long.MaxValue)
        {
            // While a task owns the socket the timer only puts itself off.
            _traffic.Needs(_socket);
        }

        if (EndingFault() is { } fault)
        {
            _traffic.GoesOn($"fault {fault.Name} ends");
        }

        if (client.Phase == ServerPhase.Serving && !client.ServedInStall)
        {
            _traffic.GoesOn("the server works on a request");
        }
        else if (!client.Tcp.Failed && client.Tcp.NextTimerNs != long.MaxValue)
        {
            _traffic.GoesOn("the server's TCP will send again");
        }
        else if (FramesAreUnderWay())
        {
            _traffic.GoesOn("frames are under way");
        }
    }

    private FaultSpec? EndingFault() =>
        _states.Place.Faults.FirstOrDefault(fault => fault.Ends && fault.IsInForce(_simulation.TimeNs));

    private bool FramesAreUnderWay()
    {
        foreach (var (_, _, message) in _simulation.Pending(_states.Place.Host))
        {
            if (message is Frame or LateFrame or NicPoll or TxClean)
            {
                return true;
            }
        }

        foreach (var (_, _, message) in _simulation.Pending(_states.Place.Server))
        {
            var frame = message is LateFrame late ? late.Frame : message as Frame;
            if (frame?.Connection == _states.Place.Connection)
            {
                return true;
            }
        }

        return false;
    }
}
