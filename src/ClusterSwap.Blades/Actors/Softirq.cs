// The NIC's receive side: frames fill the ring's buffers as they arrive; the softirq takes them up and refills the
// ring.
using ClusterSwap.Blades.Messages;
using ClusterSwap.Engine;
using ClusterSwap.Kernel;
using ClusterSwap.Kernel.Net;
using ClusterSwap.Kernel.Tracing;

namespace ClusterSwap.Blades.Actors;

/// <summary>A NIC with one receive queue.</summary>
/// <param name="Path">How its driver gets receive memory.</param>
/// <param name="RingSize">Descriptors.</param>
/// <param name="ModerationNs">Shortest time between two interrupts, ns.</param>
/// <param name="Bystanders">Actor that holds the UDP sockets, or −1.</param>
/// <param name="Tap">Actor of the packet tap, or −1.</param>
/// <param name="Arp">Actor of the neighbour table, or −1.</param>
/// <param name="Streams">Where ordinary TCP sockets are; null without any.</param>
public sealed record NicQueue(
    RxPath Path, int RingSize, long ModerationNs, int Bystanders = -1, int Tap = -1, int Arp = -1,
    StreamPorts? Streams = null);

/// <summary>Ordinary TCP sockets of a blade.</summary>
/// <param name="SourceHost">Host that sends to them: all TCP of others is the swap's.</param>
/// <param name="FirstConnection">Connection of the first socket.</param>
/// <param name="FirstSpace">Its reader's address space; the others follow.</param>
public sealed record StreamPorts(int SourceHost, int FirstConnection, int FirstSpace)
{
    /// <summary>The actor of a connection's socket.</summary>
    public int ActorOf(int connection) => BladeActors.Process(FirstSpace + connection - FirstConnection);
}

/// <summary>
/// NAPI of one NIC with one queue, whose interrupt goes to CPU 0: a poll takes up to 64 frames, hands them up in
/// batches of 16 and
/// refills after each; a watchdog polls every 2 s whether frames arrive or not. All memory comes by messages to the
/// blade, which
/// works on the ring in the softirq's turn (<c>e1000_clean_rx_irq</c>, <c>igb_clean_rx_irq</c>, <c>rtl_rx</c>, 3.6).
/// </summary>
public sealed class Softirq : HostActor<SoftirqState>
{
    /// <summary>NAPI_POLL_WEIGHT: frames of one poll. A train is not split for it.</summary>
    public const int PollWeight = 64;

    /// <summary>The CPU that the interrupt goes to.</summary>
    public const int InterruptCpu = 0;

    private readonly CostModel _cost;
    private readonly NicQueue _nic;
    private readonly NicPoll _poll = new();
    private readonly PollOn _pollOn = new();
    private readonly RingWatchdog _watchdog = new();
    private readonly RxRefill _refill;
    private readonly RxTake _take;
    private readonly TapFrames _tapFrames = new() { Cpu = InterruptCpu };
    private TraceLog? _trace;

    /// <summary>The receive side of <paramref name="nic"/>.</summary>
    public Softirq(HostContext host, int index, CostModel cost, NicQueue nic)
        : base(host, index, new SoftirqState { Ring = new RxRing(nic.Path, nic.RingSize) })
    {
        _cost = cost;
        _nic = nic;
        _refill = new RxRefill { ReplyTo = index, Cpu = InterruptCpu };
        _take = new RxTake { ReplyTo = index, Cpu = InterruptCpu };
    }

    /// <summary>Records frames that found no buffer from now on, also after a restore.</summary>
    public void StartTrace(TraceLog trace) => _trace = trace;

    /// <inheritdoc/>
    public override void AssertInvariants() => State.AssertInvariants();

    /// <inheritdoc/>
    protected override void Receive(SimMessage message)
    {
        switch (message)
        {
            case Frame frame:
                OnFrame(frame);
                break;
            case NicPoll:
                OnPoll();
                break;
            case RxBuffers buffers:
                OnTaken(buffers);
                break;
            case FramesTapped tapped:
                State.PollNs += tapped.CostNs;
                HandUpBatch(_tapFrames.Buffers);
                break;
            case PollOn:
                GoOn();
                break;
            case RxRefilled refilled:
                OnRefilled(refilled);
                break;
            case RingWatchdog:
                OnWatchdog();
                break;
            case StartTask:
                SchedulePoll(Host.NowNs);
                Host.Schedule(Host.NowNs + KernelTimes.RingWatchdogNs, Index, _watchdog);
                break;
            default:
                throw new InvalidOperationException($"softirq does not know {message.GetType().Name}");
        }
    }

    /// <summary>The hardware: a frame goes into the next filled descriptor, or is lost.</summary>
    private void OnFrame(Frame frame)
    {
        var fitting = Math.Min(frame.Frames, State.Available);
        State.Ring.RxMissed += frame.Frames - fitting;
        if (fitting < frame.Frames)
        {
            _trace?.Add(TraceEvent.ring_overrun, cpu: -1, frame.Frames - fitting);
        }

        State.FewestBuffers = Math.Min(State.FewestBuffers, State.Available - fitting);
        if (fitting == 0)
        {
            return;
        }

        State.Written += fitting;
        State.Arrived.Enqueue(frame.Prefix(fitting));
        if (!State.PollScheduled)
        {
            SchedulePoll(Math.Max(State.NextInterruptNs, State.BusyUntilNs));
        }
    }

    private void SchedulePoll(long atNs)
    {
        State.PollScheduled = true;
        Host.Schedule(Math.Max(Host.NowNs, atNs), Index, _poll);
    }

    private void OnPoll()
    {
        State.Polls++;
        State.PollLeft = PollWeight;
        State.PollNs = State.MorePolls ? 0 : _cost.InterruptNs;
        GoOn();
    }

    /// <summary>The next batch of the poll, or the refill that ends it.</summary>
    private void GoOn()
    {
        var frames = 0;
        foreach (var train in State.Arrived)
        {
            if (frames >= RxRing.RefillBatch || frames >= State.PollLeft)
            {
                break;
            }

            frames += train.Frames;
            State.Batch.Add(train);
        }

        if (frames > 0)
        {
            Take(frames);
        }
        else
        {
            _refill.Ring = State.Ring;
            _refill.PollNs = State.PollNs;
            Host.Send(BladeActors.Blade, _refill);
        }
    }

    private void Take(int frames)
    {
        if (_take.Payloads.Length < frames)
        {
            _take.Payloads = new int[frames];
        }

        var at = 0;
        foreach (var train in State.Batch)
        {
            State.Arrived.Dequeue();
            for (var i = 0; i < train.Frames; i++)
            {
                _take.Payloads[at++] = PayloadInBuffer(train, i);
            }
        }

        State.PollLeft -= frames;
        _take.Ring = State.Ring;
        _take.Count = frames;
        Host.Send(BladeActors.Blade, _take);
    }

    // Buffers are cut for TCP frames with timestamps: a datagram has a smaller header, so it counts by its whole frame.
    private static int PayloadInBuffer(Frame train, int index)
    {
        var segment = train.Segment;
        return train.Protocol == FrameProtocol.Udp
            ? Math.Max(segment.Length + Frame.DatagramOverheadBytes - Frame.OverheadBytes, 1)
            : Math.Clamp(segment.Length - index * Frame.SegmentPayload, 0, Frame.SegmentPayload);
    }

    private void OnTaken(RxBuffers taken)
    {
        State.PollNs += taken.CostNs;
        State.Written -= taken.Count;
        State.Frames += taken.Count;
        if (_nic.Tap < 0)
        {
            HandUpBatch(taken.Buffers);
            return;
        }

        // Taps come before protocols (__netif_receive_skb).
        _tapFrames.Buffers = taken.Buffers;
        _tapFrames.Count = taken.Count;
        Host.Send(_nic.Tap, _tapFrames);
    }

    private void HandUpBatch(SkBuff[] buffers)
    {
        var at = 0;
        foreach (var train in State.Batch)
        {
            var frames = train.Frames;
            State.PollNs += CostOf(train);
            HandUp(train, buffers.AsSpan(at, frames));
            at += frames;
        }

        State.Batch.Clear();
        Host.Send(Index, _pollOn);
    }

    private long CostOf(Frame train) => train.Protocol == FrameProtocol.Tcp && train.Segment.Length == 0
        ? _cost.AckNs
        : _cost.ReceiveFrameNs + (train.Frames - 1) * (long)_cost.ReceiveMergedNs;

    /// <summary>What of a train got its buffers and is equally tagged goes up together; a frame without a buffer is
    /// lost.</summary>
    private void HandUp(Frame train, ReadOnlySpan<SkBuff> buffers)
    {
        for (var from = 0; from < buffers.Length;)
        {
            var to = from + 1;
            if (buffers[from].Head < 0)
            {
                from = to;
                continue;
            }

            while (to < buffers.Length && buffers[to].Head >= 0 && buffers[to].PfMemAlloc == buffers[from].PfMemAlloc)
            {
                to++;
            }

            var part = from == 0 ? train.Prefix(to) : train.Suffix(from).Prefix(to - from);
            var receiver = train.Protocol switch
            {
                FrameProtocol.Tcp when _nic.Streams is { } streams && train.Source == streams.SourceHost =>
                    streams.ActorOf(train.Connection),
                FrameProtocol.Tcp => BladeActors.NbdDevice,
                FrameProtocol.Arp => _nic.Arp,
                _ => _nic.Bystanders,
            };
            Host.Send(receiver, new SegmentsArrived(part, buffers[from..to].ToArray(), to - from));
            from = to;
        }
    }

    private void OnRefilled(RxRefilled refilled)
    {
        State.PollNs += refilled.CostNs;
        State.BusyUntilNs = Math.Max(State.BusyUntilNs, Host.NowNs) + State.PollNs;
        State.MorePolls = State.Arrived.Count > 0;
        if (State.MorePolls)
        {
            // The weight is used up: net_rx_action polls again, without another interrupt.
            SchedulePoll(State.BusyUntilNs);
            return;
        }

        State.PollScheduled = false;
        State.NextInterruptNs = Host.NowNs + _nic.ModerationNs;
    }

    private void OnWatchdog()
    {
        if (!State.PollScheduled && !State.Ring.AllocatesPerFrame && State.Ring.Filled.Count < State.Ring.Size)
        {
            SchedulePoll(State.BusyUntilNs);
        }

        Host.Schedule(Host.NowNs + KernelTimes.RingWatchdogNs, Index, _watchdog);
    }
}
