// The socket of a stream: what arrives for it, and the ACKs that leave it. It is not marked, so no reserve is for it.
using ClusterSwap.Blades.Messages;
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Net;
using ClusterSwap.Kernel.Tracing;

namespace ClusterSwap.Blades.Actors;

public sealed partial class TcpReader
{
    private const int SoftirqCpu = 0;

    private TcpEffects _fx;
    private bool _ackAsked;
    private bool _collapsing;

    private void Clear() => _fx.Clear();

    private void OnArrived(SegmentsArrived arrived)
    {
        if (_collapsing)
        {
            _deferred.Enqueue(arrived);
            return;
        }

        OnSegments(arrived);
        CollapseIfDue();
    }

    /// <summary>
    /// tcp_prune_queue, its first half: the queue is above its limit, so it is collapsed before another buffer comes.
    /// The kernel does so when that one is there, which is the same but for the moment.
    /// </summary>
    private void CollapseIfDue()
    {
        if (!State.Owned && TcpCollapse.IsDue(Tcp, State.ReceiveQueue))
        {
            _collapsing = true;
            State.Counters.PruneCalled++;
            _collapse.Queue = State.ReceiveQueue;
            Host.Send(BladeActors.Blade, _collapse);
        }
    }

    private void OnCollapsed(QueueCollapsed collapsed)
    {
        State.Counters.Collapsed += collapsed.Collapsed;
        Tcp.ReleaseReceive(collapsed.TrueSize);
        _collapsing = false;
        while (!_collapsing && _deferred.TryDequeue(out var arrived))
        {
            OnArrived(arrived);
        }
    }

    /// <summary>tcp_v4_rcv in the softirq: filter, then the socket or, while its reader owns it, the backlog.</summary>
    private void OnSegments(SegmentsArrived arrived)
    {
        var segment = arrived.Frame.Segment;
        var buffers = arrived.Buffers.AsSpan(0, arrived.Count);
        var tagged = buffers[0].PfMemAlloc;
        State.Counters.Frames += buffers.Length;
        if (SocketRules.FilterDrops(_spec.Rules, tagged, SocketFlags.None))
        {
            State.Counters.FilterDrops += buffers.Length;
            Drop(buffers, SkbDrop.Filter);
        }
        else if (State.Owned)
        {
            AddToBacklog(segment, buffers);
        }
        else
        {
            var rule = SocketRules.Receive(_spec.Rules, _keyOn, tagged, EtherProtocol.Ipv4);
            Process(segment, buffers, context: null, rule.Task, AllocContext.Softirq);
        }

        FlushFreed(SoftirqCpu);
    }

    private void AddToBacklog(in TcpSegment segment, ReadOnlySpan<SkBuff> buffers)
    {
        var limit = (long)Tcp.RcvBuf + Tcp.SndBuf;
        for (var i = 0; i < buffers.Length; i++)
        {
            var one = segment.Length == 0 ? segment : segment.Frame(i, Tcp.Parameters.Mss);
            if (!State.Backlog.TryAdd(buffers[i], one, limit, Tcp.RmemAlloc))
            {
                Drop(buffers.Slice(i, 1), SkbDrop.Backlog);
            }
        }
    }

    /// <summary>release_sock: the backlog is processed on the reader's time, with bottom halves disabled
    /// (<c>__release_sock</c>, 3.6).</summary>
    private void Release()
    {
        while (State.Backlog.TryTake(out var frame))
        {
            var rule = SocketRules.ReceiveBacklog(_spec.Rules, _keyOn, frame.Skb.PfMemAlloc, SocketFlags.None);
            Thread.SystemNs += _cost.ReceiveMergedNs;
            Process(
                frame.Segment, new ReadOnlySpan<SkBuff>(in frame.Skb), Thread, Thread.State.Flags | rule,
                AllocContext.BottomHalvesDisabled);
        }

        FlushFreed(Thread.Cpu);
        State.Owned = false;
    }

    private void Process(
        TcpSegment segment, ReadOnlySpan<SkBuff> buffers, TaskThread? context, TaskFlags flags, AllocContext where)
    {
        Clear();
        if (segment.Length == 0)
        {
            Tcp.OnSegment(segment, Host.NowNs, ref _fx);
            _free.AddRange(buffers);
        }
        else
        {
            var counts = default(ReceiveCounts);
            var receive = new TcpReceive(Tcp, State.ReceiveQueue, _spec.Rules, _free);
            var admitted = receive.Data(segment, buffers, Host.NowNs, ref _fx, ref counts);
            State.Counters.PruneCalled += counts.PruneCalled;
            State.Counters.ReceivePruned += counts.Pruned;
            TraceDrops(buffers[admitted..], SkbDrop.ReceiveBuffer);
        }

        After(context, flags, where);
    }

    /// <summary>Does what TCP asked for. The socket sends nothing but ACKs.</summary>
    private void After(TaskThread? context, TaskFlags flags, AllocContext where)
    {
        State.Counters.DelayedAcks += _fx.DelayedAcks;
        if (_fx.SendAckNow && !_ackAsked)
        {
            _ackAsked = true;
            _ack.Task = flags;
            _ack.Context = where;
            _ack.Cpu = context?.Cpu ?? SoftirqCpu;
            Host.Send(BladeActors.Blade, _ack);
        }

        if (_fx.DataReadable && Thread.State.Wait == WaitKind.SocketData)
        {
            Thread.Wake();
        }

        ScheduleTimer();
    }

    private void OnAckMemory(AckMemory memory)
    {
        _ackAsked = false;
        if (!memory.Granted)
        {
            State.Counters.AckFailures++;
            Tcp.AckAllocationFailed(Host.NowNs);
        }
        else if (Tcp.TryBuildAck(Host.NowNs, out var segment))
        {
            State.Counters.AcksSent++;
            var frame = new Frame
            {
                Source = Host.HostId,
                Destination = _spec.SourceHost,
                Connection = _spec.Connection,
                Segment = segment,
            };
            Host.Send(BladeActors.Uplink, new Transmit(frame, memory.Skb, hasSkb: true));
        }
        else
        {
            _free.Add(memory.Skb);
            FlushFreed(_ack.Cpu);
        }

        ScheduleTimer();
    }

    private void OnTcpTimer(TcpTimer timer)
    {
        if (timer.AtNs != State.TimerAtNs)
        {
            return;
        }

        State.TimerAtNs = long.MaxValue;
        Clear();
        if (Host.NowNs >= Tcp.NextTimerNs)
        {
            Tcp.OnTimer(Host.NowNs, State.Owned, ref _fx);
        }

        After(context: null, TaskFlags.None, AllocContext.Softirq);
    }

    /// <summary>One timer event is on its way at most, and never later than the earliest timer; later ones are found by
    /// it.</summary>
    private void ScheduleTimer()
    {
        var atNs = Tcp.NextTimerNs;
        if (atNs < State.TimerAtNs)
        {
            State.TimerAtNs = Math.Max(atNs, Host.NowNs + 1);
            Host.Schedule(State.TimerAtNs, Index, new TcpTimer(_spec.Connection, State.TimerAtNs));
        }
    }

    private void Drop(ReadOnlySpan<SkBuff> buffers, SkbDrop where)
    {
        TraceDrops(buffers, where);
        _free.AddRange(buffers);
    }

    private void TraceDrops(ReadOnlySpan<SkBuff> buffers, SkbDrop where)
    {
        foreach (ref readonly var buffer in buffers)
        {
            _trace?.Add(TraceEvent.kfree_skb, SoftirqCpu, buffer.Head, (long)where, softirq: true);
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
