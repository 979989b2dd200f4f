// The socket: who owns it, what arrives for it, what leaves it.
using ClusterSwap.Blades.Messages;
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Net;

namespace ClusterSwap.Blades.Actors;

public sealed partial class NbdDevice
{
    private const int SoftirqCpu = 0;

    private TcpEffects _fx;
    private bool _ackAsked;

    // Flags of the softirq while it processes a frame, for what leaves then.
    private TaskFlags _softirqTask;

    private bool TryOwn(int task)
    {
        if (Socket.Owner >= 0 && Socket.Owner != task)
        {
            if (!Socket.LockWaiters.Contains(task))
            {
                Socket.LockWaiters.Add(task);
            }

            return false;
        }

        Socket.LockWaiters.Remove(task);
        Socket.Owner = task;
        return true;
    }

    /// <summary>
    /// release_sock: the backlog is processed first, on the owner's time but with bottom halves disabled
    /// (<c>__release_sock</c>, 3.6), then one waiter is woken.
    /// </summary>
    private void Release(TaskThread context)
    {
        var flags = context.State.Flags | SocketRules.NbdTransmit(Socket.Flags).Task;
        while (Socket.Backlog.TryTake(out var frame))
        {
            var rule = SocketRules.ReceiveBacklog(_rules, Socket.KeyRaised, frame.Skb.PfMemAlloc, Socket.Flags);
            context.SystemNs += _cost.ReceiveMergedNs;
            Process(frame.Segment, new ReadOnlySpan<SkBuff>(in frame.Skb), context, flags | rule, AllocContext.BottomHalvesDisabled);
        }

        // What the output limit held back may have been let go while the socket was owned (tcp_release_cb).
        while (Tcp.TryTransmit(Host.NowNs, push: false, out var segment))
        {
            Transmit(segment, context);
        }

        FlushFreed(context.Cpu);
        Socket.Owner = -1;
        if (Socket.LockWaiters.Count > 0)
        {
            var waiter = Socket.LockWaiters[0];
            Socket.LockWaiters.RemoveAt(0);
            Host.Send(BladeActors.Blade, _wake[waiter]);
        }
    }

    /// <summary>tcp_v4_rcv in the softirq: filter, then the socket or, while somebody owns it, the backlog.</summary>
    private void OnSegments(SegmentsArrived arrived)
    {
        var segment = arrived.Frame.Segment;
        var buffers = arrived.Buffers.AsSpan(0, arrived.Count);
        var tagged = buffers[0].PfMemAlloc;
        var rule = SocketRules.Receive(_rules, Socket.KeyRaised, tagged, EtherProtocol.Ipv4);
        if (SocketRules.FilterDrops(_rules, tagged, Socket.Flags))
        {
            State.Counters.FilterDrops += buffers.Length;
            TraceDrops(buffers, SkbDrop.Filter);
            FreeAll(buffers);
        }
        else if (State.Closed)
        {
            FreeAll(buffers);
        }
        else if (Socket.Owner >= 0)
        {
            AddToBacklog(arrived.Frame, buffers);
        }
        else
        {
            foreach (var record in arrived.Frame.Records)
            {
                StoreRecord(record, segment);
            }

            Process(segment, buffers, context: null, rule.Task, AllocContext.Softirq);
        }

        FlushFreed(SoftirqCpu);
    }

    private void AddToBacklog(Frame frame, ReadOnlySpan<SkBuff> buffers)
    {
        var limit = (long)Tcp.RcvBuf + Tcp.SndBuf;
        for (var i = 0; i < buffers.Length; i++)
        {
            var one = frame.Segment.Length == 0 ? frame.Segment : frame.Segment.Frame(i, Tcp.Parameters.Mss);
            if (!Socket.Backlog.TryAdd(buffers[i], one, limit, Tcp.RmemAlloc))
            {
                TraceDrops(buffers.Slice(i, 1), SkbDrop.Backlog);
                _freeSkbs.Add(buffers[i]);
                continue;
            }

            foreach (var record in frame.Records)
            {
                StoreRecord(record, one);
            }
        }
    }

    // What the bytes mean is known as soon as the first of them is here; it is read when all are.
    private void StoreRecord(in StreamRecord record, in TcpSegment segment)
    {
        if (record.Offset >= segment.Seq && record.Offset < segment.End)
        {
            Socket.In.Store(record);
        }
    }

    private void Process(
        TcpSegment segment, ReadOnlySpan<SkBuff> buffers, TaskThread? context, TaskFlags flags, AllocContext where)
    {
        _fx.Clear();
        if (State.Failed)
        {
            FreeAll(buffers);
            return;
        }

        if ((segment.Flags & TcpSegmentFlags.Reset) != 0)
        {
            State.WasReset = true;
            Tcp.Reset(ref _fx);
            FreeAll(buffers);
        }
        else if (segment.Length == 0)
        {
            Tcp.OnSegment(segment, Host.NowNs, ref _fx);
            FreeAll(buffers);
        }
        else
        {
            ProcessData(segment, buffers);
        }

        After(context, flags, where);
    }

    private void ProcessData(TcpSegment segment, ReadOnlySpan<SkBuff> buffers)
    {
        var counts = default(ReceiveCounts);
        var receive = new TcpReceive(Tcp, Socket.ReceiveQueue, _rules, _freeSkbs);
        var admitted = receive.Data(segment, buffers, Host.NowNs, ref _fx, ref counts);
        State.Counters.PruneCalled += counts.PruneCalled;
        State.Counters.ReceivePruned += counts.Pruned;
        TraceDrops(buffers[admitted..], SkbDrop.ReceiveBuffer);
    }

    /// <summary>Does what TCP asked for; <paramref name="context"/> is the task whose time it takes, null for the
    /// softirq.</summary>
    private void After(TaskThread? context, TaskFlags flags, AllocContext where)
    {
        var counters = State.Counters;
        counters.TcpTimeouts += _fx.TcpTimeouts;
        counters.FastRetransmits += _fx.FastRetransmits;
        counters.DelayedAcks += _fx.DelayedAcks;
        if (_fx.Failed)
        {
            LoseConnection();
            return;
        }

        if (_fx.Acked)
        {
            var trueSize = Socket.SendQueue.AckedTo(_fx.AckedTo, _freeSkbs, _freePages);
            Tcp.ReleaseSend(trueSize, ref _fx);
            Socket.Out.AckedTo(_fx.AckedTo);
            Socket.ConfirmPending = true;
        }

        _softirqTask = where == AllocContext.Softirq ? flags : TaskFlags.None;

        while (_fx.Retransmit && Tcp.TryRetransmit(Host.NowNs, out var again))
        {
            counters.Retransmitted += again.Segments;
            Transmit(again, context);
        }

        while (Tcp.TryTransmit(Host.NowNs, push: false, out var segment))
        {
            Transmit(segment, context);
        }

        _softirqTask = TaskFlags.None;
        if (_fx.SendAckNow)
        {
            AskForAck(context, flags, where);
        }

        if (_fx.DataReadable && State.Receiver.Wait == WaitKind.SocketData)
        {
            _receiver.Wake();
        }

        if (_fx.WriteSpace && _sender.State.Wait == WaitKind.SendSpace)
        {
            _sender.Wake();
        }

        ScheduleTimer();
    }

    private void AskForAck(TaskThread? context, TaskFlags flags, AllocContext where)
    {
        if (_ackAsked)
        {
            return;
        }

        _ackAsked = true;
        _ack.SocketAllocation = Socket.Allocation;
        _ack.Task = flags;
        _ack.Context = where;
        _ack.Cpu = context?.Cpu ?? SoftirqCpu;
        Host.Send(BladeActors.Blade, _ack);
    }

    private void OnAckMemory(AckMemory memory)
    {
        _ackAsked = false;
        if (!memory.Granted)
        {
            State.Counters.AckFailures++;
            Tcp.AckAllocationFailed(Host.NowNs);
            ScheduleTimer();
            return;
        }

        if (!Tcp.TryBuildAck(Host.NowNs, out var segment))
        {
            // Data that left meanwhile carried the ACK.
            _freeSkbs.Add(memory.Skb);
            FlushFreed(_ack.Cpu);
            return;
        }

        State.Counters.AcksSent++;
        _softirqTask = _ack.Context == AllocContext.Softirq ? _ack.Task : TaskFlags.None;
        Output(new Transmit(FrameOf(segment), memory.Skb, hasSkb: true));
        _softirqTask = TaskFlags.None;
        ScheduleTimer();
    }

    private void Transmit(in TcpSegment segment, TaskThread? context)
    {
        var offloaded = Tcp.Parameters.Tso && !Tcp.Parameters.SegmentsBelow;
        long costNs = offloaded ? _cost.SendSkbTsoNs : segment.Segments * (long)_cost.SendSegmentNs;
        if (context is not null)
        {
            context.SystemNs += costNs;
        }
        else
        {
            StealFor(costNs);
        }

        if (Tcp.Parameters.SegmentsBelow)
        {
            var cpu = context?.Cpu ?? SoftirqCpu;
            Host.Send(BladeActors.Blade, new SegmentTrain
            {
                Frame = FrameOf(segment),
                Cpu = cpu,
                ReplyTo = Index,
                Tcp = Tcp.Parameters,
                Output = _connection.Output,
                Confirmed = Socket.ConfirmPending,
            });
            Socket.ConfirmPending = false;
            return;
        }

        Output(new Transmit(FrameOf(segment), SkBuff.None, hasSkb: false));
    }

    /// <summary>A frame goes down; the first one after an ACK of the peer tells that the peer is there.</summary>
    private void Output(Transmit transmit)
    {
        transmit.Confirmed = Socket.ConfirmPending;
        transmit.Task = _softirqTask;
        Socket.ConfirmPending = false;
        Host.Send(_connection.Output, transmit);
    }

    private Frame FrameOf(in TcpSegment segment)
    {
        _records.Clear();
        if (segment.Length > 0)
        {
            Socket.Out.Collect(segment.Seq, segment.Length, _records);
        }

        return new Frame
        {
            Source = Host.HostId,
            Destination = _connection.ServerHost,
            Connection = _connection.Connection,
            Segment = segment,
            Records = _records.Count == 0 ? [] : [.. _records],
        };
    }

    private void StealFor(long costNs)
    {
        Host.Send(BladeActors.Blade, new StealCpu { Cpu = SoftirqCpu, CostNs = costNs });
    }

    private void OnTxCleaned(TxCleaned cleaned)
    {
        State.Counters.TxDropped += cleaned.Dropped;
        if (!Tcp.OnTransmitted(cleaned.Bytes))
        {
            return;
        }

        // The TSQ tasklet: an owner sends when it releases the socket.
        if (Socket.Owner < 0)
        {
            _fx.Clear();
            After(context: null, TaskFlags.None, AllocContext.Softirq);
        }
    }

    private void OnTcpTimer(TcpTimer timer)
    {
        if (timer.AtNs != Socket.TimerAtNs)
        {
            return;
        }

        Socket.TimerAtNs = long.MaxValue;
        if (Host.NowNs >= Tcp.NextTimerNs)
        {
            _fx.Clear();
            Tcp.OnTimer(Host.NowNs, Socket.Owner >= 0, ref _fx);
            if (Socket.Owner < 0)
            {
                After(context: null, TaskFlags.None, AllocContext.Softirq);
                FlushFreed(SoftirqCpu);
                return;
            }
        }

        ScheduleTimer();
    }

    /// <summary>One timer event is on its way at most, and never later than the earliest timer; later ones are found by
    /// it.</summary>
    private void ScheduleTimer()
    {
        var atNs = Tcp.NextTimerNs;
        if (atNs < Socket.TimerAtNs)
        {
            Socket.TimerAtNs = Math.Max(atNs, Host.NowNs + 1);
            Host.Schedule(Socket.TimerAtNs, Index, new TcpTimer(_connection.Connection, Socket.TimerAtNs));
        }
    }

    private void FreeAll(ReadOnlySpan<SkBuff> buffers)
    {
        foreach (var buffer in buffers)
        {
            _freeSkbs.Add(buffer);
        }
    }

    private void FlushFreed(int cpu)
    {
        if (_freeSkbs.Count == 0 && _freePages.Count == 0)
        {
            return;
        }

        var free = _spareFrees.TryPop(out var spare) ? spare : new FreeSkbs { Spares = _spareFrees };
        free.Fill(_freeSkbs, _freePages);
        free.Cpu = cpu;
        Host.Send(BladeActors.Blade, free);
        _freeSkbs.Clear();
        _freePages.Clear();
    }
}
