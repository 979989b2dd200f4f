// A program that reads a stream from an ordinary TCP socket, and whose own pages are memory like any other.
using ClusterSwap.Blades.Messages;
using ClusterSwap.Blades.Monitors;
using ClusterSwap.Engine;
using ClusterSwap.Kernel;
using ClusterSwap.Kernel.Block;
using ClusterSwap.Kernel.Net;
using ClusterSwap.Kernel.Swap;
using ClusterSwap.Kernel.Tracing;

namespace ClusterSwap.Blades.Actors;

/// <summary>A stream to a blade, at the blade.</summary>
/// <param name="Space">Address space of its reader.</param>
/// <param name="PagesPerSpace">Pages of an address space.</param>
/// <param name="ReaderPages">Pages that the reader uses, 1 or more: its buffer first.</param>
/// <param name="Stalled">The reader never reads.</param>
/// <param name="SourceHost">Host of the sender.</param>
/// <param name="Connection">Number of the connection there.</param>
/// <param name="Tcp">TCP constants of the socket.</param>
/// <param name="Rules">The kernel's rules.</param>
public sealed record StreamSpec(
    int Space, int PagesPerSpace, int ReaderPages, bool Stalled, int SourceHost, int Connection, TcpParameters Tcp,
    KernelRules Rules);

/// <summary>
/// An ordinary TCP socket and the task that reads it. The task waits for data, copies it into its buffer, works on it,
/// and waits again. Nothing says that it stalls: it does when a page of its own is swapped out and cannot be read in
/// again. During the copy it owns the socket, as tcp_recvmsg does, so that what arrives meanwhile goes to the backlog;
/// during its own work it does not.
/// </summary>
public sealed partial class TcpReader : FaultingTask<TcpReaderState>, IMemoryHolder
{
    /// <summary>Pages of the buffer that a program reads into, if it has so many: 16 KiB, an estimate.</summary>
    public const int BufferPages = 4;

    private readonly CostModel _cost;
    private readonly StreamSpec _spec;
    private readonly Func<TcpMemory> _tcpMemory;
    private readonly bool _keyOn;
    private readonly AckRequest _ack;
    private readonly CollapseQueue _collapse;
    private readonly List<SkBuff> _free = [];

    // What arrives in the instant in which the queue is collapsed waits for that.
    private readonly Queue<SegmentsArrived> _deferred = new();
    private TraceLog? _trace;

    /// <summary>The reader of <paramref name="spec"/>; <paramref name="tcpMemory"/> finds tcp_mem, which all sockets
    /// share.</summary>
    public TcpReader(
        HostContext host, int index, CostModel cost, StreamSpec spec, Func<TcpMemory> tcpMemory, IssuedBy issuedBy)
        : base(
            host, index, spec.Space, spec.PagesPerSpace, cost, issuedBy,
            new TcpReaderState { Tcp = new TcpConnection(spec.Tcp) })
    {
        _cost = cost;
        _spec = spec;
        _tcpMemory = tcpMemory;
        _keyOn = SocketRules.NbdRaisesKey(spec.Rules);
        _ack = new AckRequest
        {
            ReplyTo = index,
            CostNs = cost.AckNs,
            SoftirqCpu = SoftirqCpu,
            SocketAllocation = Kernel.Memory.Gfp.Kernel,
        };
        _collapse = new CollapseQueue { ReplyTo = index, Cpu = SoftirqCpu };
        State.Tcp.Attach(tcpMemory(), first: true);
    }

    private TcpConnection Tcp => State.Tcp;

    /// <summary>Records events from now on. Changes nothing else.</summary>
    public void StartTrace(TraceLog trace) => _trace = trace;

    /// <inheritdoc/>
    public override void AssertInvariants()
    {
        Tcp.AssertInvariants();
        State.ReceiveQueue.AssertInvariants();
        State.Backlog.AssertInvariants();
        if (Tcp.RmemAlloc != State.ReceiveQueue.TrueSize())
        {
            throw new InvalidOperationException(
                $"stream {_spec.Connection}: rmem is {Tcp.RmemAlloc}, the queue holds {State.ReceiveQueue.TrueSize()}");
        }

        if (State.Backlog.Frames.Count > 0 && !State.Owned)
        {
            throw new InvalidOperationException($"stream {_spec.Connection}: a backlog, and nobody owns the socket");
        }
    }

    /// <inheritdoc/>
    public void AddTo(Holdings holdings)
    {
        for (var i = 0; i < State.Queued; i++)
        {
            holdings.Add(State.Buffer(i));
        }
    }

    /// <inheritdoc/>
    protected override void Attach()
    {
        base.Attach();
        Tcp.Attach(_tcpMemory(), first: false);
    }

    /// <inheritdoc/>
    protected override void Receive(SimMessage message)
    {
        switch (message)
        {
            case SegmentsArrived arrived:
                OnArrived(arrived);
                break;
            case QueueCollapsed collapsed:
                OnCollapsed(collapsed);
                break;
            case AckMemory memory:
                OnAckMemory(memory);
                break;
            case TcpTimer timer:
                OnTcpTimer(timer);
                break;
            default:
                base.Receive(message);
                break;
        }
    }

    /// <inheritdoc/>
    protected override void RunProgram()
    {
        switch (State.Step)
        {
            case ReaderStep.Receive:
                EnterReceive();
                break;
            case ReaderStep.Stuck:
                Thread.SleepOn(WaitKind.Ended);
                break;
            default:
                Touch();
                break;
        }
    }

    /// <inheritdoc/>
    protected override TouchCall NextStretch(long budgetNs, int cpu) => new()
    {
        Offset = State.Position,
        End = State.Step == ReaderStep.Copy ? State.Position + 1 : _spec.ReaderPages,
        Write = true,
        Cpu = (byte)cpu,
        Stamp = State.Version + 1,
        Expected = State.Version,
        BudgetNs = Math.Max(budgetNs, 1),
    };

    /// <inheritdoc/>
    protected override bool Advance(TouchCall call)
    {
        State.Position = call.Offset;
        return false;
    }

    /// <inheritdoc/>
    protected override void PassEnded(bool done)
    {
        if (State.Step == ReaderStep.Copy)
        {
            CopyPage();
            return;
        }

        State.Position = 0;
        State.Version++;
        State.Step = _spec.Stalled ? ReaderStep.Stuck : ReaderStep.Receive;
        GoOn();
    }

    private void GoOn()
    {
        if (SectionIsLong)
        {
            Thread.EndSection(Index);
        }
        else
        {
            RunProgram();
        }
    }

    /// <summary>tcp_recvmsg: waits for data, or owns the socket and begins to copy.</summary>
    private void EnterReceive()
    {
        Thread.SystemNs += _cost.SyscallNs;
        if (Tcp.Readable == 0)
        {
            Thread.SleepOn(WaitKind.SocketData);
            return;
        }

        State.Owned = true;
        State.Copied = 0;
        State.Step = ReaderStep.Copy;
        Touch();
    }

    /// <summary>A page of the buffer is there: bytes go into it, and their buffers are freed (sk_eat_skb).</summary>
    private void CopyPage()
    {
        var queue = State.ReceiveQueue;
        var bytes = (int)Math.Min(queue.RcvNxt - queue.CopiedSeq, SkbSizes.Page);
        Tcp.ReleaseReceive(queue.Read(bytes, _free));
        FlushFreed(Thread.Cpu);
        State.Copied += bytes;
        Thread.SystemNs += _cost.ReceiveCopyNs * (long)bytes / SkbSizes.Page;
        if (queue.RcvNxt == queue.CopiedSeq || State.Position >= Math.Min(BufferPages, _spec.ReaderPages))
        {
            LeaveReceive();
        }
        else
        {
            GoOn();
        }
    }

    /// <summary>The end of tcp_recvmsg: tcp_cleanup_rbuf may acknowledge, then the socket is released.</summary>
    private void LeaveReceive()
    {
        Clear();
        Tcp.Read(State.Copied, 0, Host.NowNs, ref _fx);
        State.Counters.BytesRead += State.Copied;
        After(Thread, Thread.State.Flags, Kernel.Memory.AllocContext.Task);
        Release();
        State.Step = ReaderStep.Work;
        State.Position = 0;
        GoOn();
    }
}
