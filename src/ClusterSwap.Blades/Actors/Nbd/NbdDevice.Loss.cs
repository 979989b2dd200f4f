// The connection is lost, or the server answers with an error: what becomes of requests. 3.6 does not reconnect.
using ClusterSwap.Blades.Messages;
using ClusterSwap.Kernel.Block;
using ClusterSwap.Kernel.Tracing;

namespace ClusterSwap.Blades.Actors;

public sealed partial class NbdDevice
{
    // CPU time of requests that failed in the present message, which whoever flushed them has not paid yet.
    private long _failingNs;

    private long TakeFailingNs()
    {
        var ns = _failingNs;
        _failingNs = 0;
        return ns;
    }

    // A section that flushes at its end is over when the requests fail: its CPU is kept for them all the same.
    private void OnUnplug(Unplug unplug)
    {
        Flush(unplug.Task);
        if (TakeFailingNs() is > 0 and var ns)
        {
            Host.Send(BladeActors.Blade, new StealCpu { Cpu = unplug.Cpu, CostNs = ns });
        }
    }

    /// <summary>
    /// <c>nbd_handle_cmd</c> of 6.1 on a dead socket, in whoever issues the request: no other connection, and
    /// dead_conn_timeout is 0, so it fails (BLK_STS_IOERR). Everything of a request is done but its way over the network.
    /// </summary>
    private void FailIssued()
    {
        var thread = _sender;
        var request = State.Queue[TakeTag()];
        thread.SystemNs += _cost.RequestNs;
        FailRequest(request, thread.Cpu);
        PassTxLock();
        thread.EndSection(BladeActors.NbdDevice);
    }

    private void FailRequest(BlockRequest request, int cpu)
    {
        State.Counters.ReadErrors += request.Write ? 0 : 1;
        State.Counters.WriteErrors += request.Write ? 1 : 0;
        _trace?.Add(TraceEvent.request_failed, cpu, request.Write ? 1 : 0, request.FirstSlot, request.Count);
        Complete(request, NoStamps, cpu, failed: true);
    }

    /// <summary>sk_err is set and both ends of the socket are shut: whoever sleeps on it wakes (sk_error_report).</summary>
    private void LoseConnection()
    {
        if (State.Failed)
        {
            return;
        }

        State.Failed = true;
        State.FailedNs = Host.NowNs;
        _trace?.Add(TraceEvent.nbd_disconnected, cpu: -1, State.WasReset ? 1 : 0);
        if (State.Receiver.Wait == WaitKind.SocketData)
        {
            _receiver.Wake();
        }

        if (_sender.State.Wait == WaitKind.SendSpace)
        {
            _sender.Wake();
        }
    }

    /// <summary>tcp_sendmsg returned an error: the request in hand fails, and tx_lock is free.</summary>
    private void AbortSend()
    {
        while (State.GrantedPages.Count > 0)
        {
            _freePages.Add(State.GrantedPages.Take());
        }

        if (Socket.Owner == State.TxOwner)
        {
            Release(_sender);
        }

        Socket.LockWaiters.Remove(State.TxOwner);
        FlushFreed(_sender.Cpu);
        var request = State.Queue[State.Sending];
        State.Sending = -1;
        State.SendLeft = 0;
        State.SenderPhase = SenderPhase.Idle;
        FailRequest(request, _sender.Cpu);
        if (State.Receiver.Wait == WaitKind.Work)
        {
            _receiver.Wake();
        }

        if (_multiQueue)
        {
            UnlockTx();
        }
        else
        {
            _sender.SleepOn(WaitKind.Work);
        }
    }

    /// <summary>
    /// NBD_DO_IT returns (<c>nbd_clear_que</c>): under tx_lock every request that was handed to the driver fails.
    /// nbd-client exits, which closes the socket; without -persist nobody opens it again.
    /// </summary>
    private void EndClient()
    {
        if (State.Sending >= 0)
        {
            _receiver.SleepOn(WaitKind.Work);
            return;
        }

        if (!State.Closed)
        {
            State.Closed = true;
            State.ReceiverPhase = ReceiverPhase.Header;
            State.Receiving = -1;
            State.Waiting.Clear();
            CloseSocket();
            FailHandedOver();
        }

        _receiver.SleepOn(WaitKind.Ended);
    }

    private void CloseSocket()
    {
        Socket.SendQueue.TakeAll(_freeSkbs, _freePages);
        Socket.ReceiveQueue.Read(Tcp.Readable, _freeSkbs);
        Socket.ReceiveQueue.PruneOutOfOrder(_freeSkbs);
        while (Socket.Backlog.TryTake(out var frame))
        {
            _freeSkbs.Add(frame.Skb);
        }

        Tcp.Close();
        Socket.In = new();
        Socket.Out = new();
        FlushFreed(_receiver.Cpu);
    }

    // What is still in a task's plug fails when it is handed over.
    private void FailHandedOver()
    {
        var plugged = new HashSet<int>();
        foreach (var plug in State.Plugs)
        {
            for (var i = 0; i < plug.Count; i++)
            {
                plugged.Add(plug.Tags[i]);
            }
        }

        for (var tag = 0; tag < State.Queue.Created; tag++)
        {
            if (State.Queue[tag].InFlight && !plugged.Contains(tag))
            {
                _receiver.SystemNs += _cost.RequestNs / 2;
                FailRequest(State.Queue[tag], _receiver.Cpu);
            }
        }
    }
}
