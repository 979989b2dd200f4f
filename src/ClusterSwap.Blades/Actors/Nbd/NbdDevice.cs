// The NBD device of a blade: its request queue, and what arrives for its socket and its two tasks.
using ClusterSwap.Blades.Messages;
using ClusterSwap.Engine;
using ClusterSwap.Kernel;
using ClusterSwap.Kernel.Block;
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Net;
using ClusterSwap.Kernel.Tracing;

namespace ClusterSwap.Blades.Actors;

/// <summary>What a device is connected to.</summary>
/// <param name="ServerHost">Host of the server.</param>
/// <param name="Connection">Number of the connection at the server.</param>
/// <param name="Tcp">TCP constants of the blade.</param>
/// <param name="Output">Actor that takes its frames: the wire out, or the neighbour table in front of it.</param>
public sealed record NbdConnection(
    int ServerHost, int Connection, TcpParameters Tcp, int Output = BladeActors.Uplink)
{
    /// <summary>nr_requests of its queue.</summary>
    public int Requests { get; init; } = RequestQueue.NrRequests;
}

/// <summary>
/// <c>drivers/block/nbd.c</c> of 3.5/3.6 with its request queue and TCP socket. Holds the calls of two tasks: the
/// sender thread and the receiver (the nbd-client process inside NBD_DO_IT). Whatever arrives while one of them owns
/// the socket goes to the backlog.
/// </summary>
public sealed partial class NbdDevice : HostActor<NbdDeviceState>
{
    private const int SenderTask = BladeTasks.NbdSender;
    private const int ReceiverTask = BladeTasks.NbdReceiver;

    // Copies of one section: eight pages are about 10 us; the kernel could be interrupted, and preempted between sends.
    private const int SectionBytes = 8 * BlockRequest.PageBytes;

    private TraceLog? _trace;
    private readonly CostModel _cost;
    private readonly KernelRules _rules;
    private readonly NbdConnection _connection;
    private readonly Func<TcpMemory> _tcpMemory;
    private readonly IssuedBy _issuedBy;
    private readonly bool _sorted;
    private readonly int _sectionBytes;
    private readonly TaskThread _worker;
    private readonly TaskThread _receiver;
    private readonly WakeTask[] _wake;
    private readonly TxMemoryRequest _txMemory;
    private readonly AckRequest _ack;
    private readonly Reclaim _reclaim;
    private readonly List<SkBuff> _freeSkbs = [];
    private readonly List<int> _freePages = [];
    private readonly List<StreamRecord> _records = [];
    private readonly FaultTimes _faults;

    // Messages that do not outlive the instant in which they are sent: the blade gives them back.
    private readonly Stack<FreeSkbs> _spareFrees = new();
    private readonly Stack<IoCompleted> _spareCompletions = new();
    private readonly int[] _flushed = new int[Plug.MaxRequestsLater];

    // The thread of whoever sends: on a blk-mq device, of whoever holds tx_lock.
    private TaskThread _sender;

    /// <summary>
    /// The device of a blade with <paramref name="tasks"/> tasks; <paramref name="tcpMemory"/> finds tcp_mem, which its
    /// socket shares with others. nbd-client, whose task the receiver is, has the flags of <paramref name="client"/>
    /// from its start. The scenario has <paramref name="faults"/> on the server and its cable: here they are recorded.
    /// </summary>
    public NbdDevice(
        HostContext host,
        int index,
        CostModel cost,
        KernelRules rules,
        NbdConnection connection,
        Func<TcpMemory> tcpMemory,
        int tasks,
        IoScheduler scheduler = IoScheduler.Cfq,
        TaskFlags client = TaskFlags.None,
        IReadOnlyList<NumberedFault>? faults = null)
        : base(host, index, FirstState(connection, rules, tasks, scheduler))
    {
        State.Receiver.Flags |= BlockRules.ReceiverIsWorker(rules) ? TaskFlags.None : client;
        _cost = cost;
        _rules = rules;
        _connection = connection;
        _tcpMemory = tcpMemory;
        _worker = new TaskThread(host, index, SenderTask, cost.WakeupNs);
        _sender = _worker;
        _receiver = new TaskThread(host, index, ReceiverTask, cost.WakeupNs);
        _wake = Enumerable.Range(0, tasks).Select(task => new WakeTask(task)).ToArray();
        _txMemory = new TxMemoryRequest
        {
            ReplyTo = index,
            Block = SocketRules.TransmitFragmentOrder(rules) > 0,
        };
        _ack = new AckRequest { ReplyTo = index, CostNs = cost.AckNs, SoftirqCpu = SoftirqCpu };
        _reclaim = new Reclaim { ReplyTo = index };
        _faults = new FaultTimes(host, index, faults ?? []);
        _issuedBy = BlockRules.IssuerOf(scheduler);
        _sorted = scheduler == IoScheduler.MqDeadline;
        _sectionBytes = _issuedBy == IssuedBy.DriverThread ? SectionBytes : BlockRequest.PageBytes;
        _threads = State.Issues.Length > 0 ? NewThreads(tasks) : [];
        Tcp.Attach(tcpMemory(), first: true);
        Attach();
    }

    /// <summary>Records events from now on. Changes nothing else.</summary>
    public void StartTrace(TraceLog trace)
    {
        _trace = trace;
        _faults.Trace = trace;
    }

    private NbdSocket Socket => State.Socket;

    private TcpConnection Tcp => State.Socket.Tcp;

    /// <inheritdoc/>
    public override void AssertInvariants()
    {
        State.Queue.AssertInvariants();
        Tcp.AssertInvariants();
        Socket.SendQueue.AssertInvariants();
        Socket.ReceiveQueue.AssertInvariants();
        Socket.Backlog.AssertInvariants();
    }

    /// <inheritdoc/>
    protected override void Attach()
    {
        AttachIssuers();
        _receiver.State = State.Receiver;
        Tcp.Attach(_tcpMemory(), first: false);
    }

    /// <inheritdoc/>
    protected override void Receive(SimMessage message)
    {
        switch (message)
        {
            case SubmitBios submit:
                OnSubmit(submit);
                break;
            case RunTask run:
                OnRun(run);
                break;
            case TxMemory memory:
                OnTxMemory(memory);
                break;
            case SegmentsArrived arrived:
                OnSegments(arrived);
                break;
            case AckMemory memory:
                OnAckMemory(memory);
                break;
            case Unplug unplug:
                OnUnplug(unplug);
                break;
            case TxCleaned cleaned:
                OnTxCleaned(cleaned);
                break;
            case TcpTimer timer:
                OnTcpTimer(timer);
                break;
            case Reclaimed reclaimed:
                OnReclaimed(reclaimed.Pages);
                break;
            case SleepOver timer:
                ThreadOf(timer.Task).OnTimer(timer);
                break;
            case IssuePlug issue:
                OnIssuePlug(issue);
                break;
            case StartTask:
                OnStart();
                break;
            case FaultBegins begins:
                _faults.ScheduleNext(begins);
                _faults.Begin(begins, State.ActiveFaults);
                break;
            case FaultEnds ends:
                _faults.End(ends, State.ActiveFaults);
                break;
            default:
                throw new InvalidOperationException($"nbd device does not know {message.GetType().Name}");
        }
    }

    private TaskThread ThreadOf(int task) => task switch
    {
        SenderTask => _worker,
        ReceiverTask => _receiver,
        _ => _threads[task],
    };

    private static NbdDeviceState FirstState(
        NbdConnection connection, KernelRules rules, int tasks, IoScheduler scheduler)
    {
        var state = new NbdDeviceState { Plugs = new Plug[tasks], Queue = BlockRules.NewQueue(rules, connection.Requests) };
        for (var task = 0; task < tasks; task++)
        {
            state.Plugs[task] = BlockRules.NewPlug(rules);
        }

        FirstIssues(state, rules, scheduler, tasks);

        var socket = state.Socket;
        socket.Tcp = new TcpConnection(connection.Tcp);
        socket.SendQueue = new SendQueue(connection.Tcp);
        socket.Allocation = Gfp.Kernel;
        socket.KeyRaised = SocketRules.MarkNbdSocket(rules, ref socket.Flags, ref socket.Allocation);
        return state;
    }

    private static void FirstIssues(NbdDeviceState state, KernelRules rules, IoScheduler scheduler, int tasks)
    {
        state.Sender.Flags = TaskFlags.KThread;
        state.Receiver.Flags = BlockRules.ReceiverIsWorker(rules) ? TaskFlags.KThread : TaskFlags.None;
        if (scheduler == IoScheduler.Cfq)
        {
            return;
        }

        state.TxOwner = -1;
        state.Sender.Flags |= TaskFlags.WqWorker;
        state.Issues = new IssueFrame[tasks];
        for (var task = 0; task < tasks; task++)
        {
            state.Issues[task] = new IssueFrame();
        }
    }

    // NBD_DO_IT: the connection stands, its socket is marked, and the tasks begin.
    private void OnStart()
    {
        if (Socket.KeyRaised)
        {
            Host.Send(BladeActors.Blade, new MemallocSocketRaised());
        }

        _worker.Wake();
        _receiver.Wake();
    }

    private void OnRun(RunTask run)
    {
        if (run.Task == ReceiverTask)
        {
            _receiver.Begin(run);
            RunReceiver();
            return;
        }

        var thread = ThreadOf(run.Task);
        thread.Begin(run);
        if (_multiQueue)
        {
            RunIssuer(thread);
        }
        else
        {
            RunSender();
        }
    }

    private void OnSubmit(SubmitBios submit)
    {
        var run = submit.Run!;
        var answer = submit.Answer;
        var plug = State.Plugs[submit.Task];
        answer.Accepted = 0;
        answer.MustWait = false;
        answer.MustIssue = false;
        while (answer.Accepted < run.Bios)
        {
            var i = answer.Accepted;
            var bio = new Bio
            {
                Write = run.Write,
                Page = run.Pages[i],
                Slot = run.Slots[i],
                Stamp = run.Stamps[i],
                Slab = run.BioSlabs[i],
            };
            if (!TryPlug(plug, bio, submit.Task, out answer.MustIssue))
            {
                answer.MustWait = !answer.MustIssue;
                break;
            }

            answer.Accepted++;
        }

        answer.CostNs = answer.Accepted * (long)_cost.BioNs;
        EndPlug(submit, answer, plug);
        answer.CostNs += TakeFailingNs();

        TellCongestion();
        Host.Send(submit.ReplyTo, answer);
    }

    // A task that is about to sleep for a request gives its plug away; one that only finishes it may have to send it
    // itself.
    private void EndPlug(SubmitBios submit, BiosSubmitted answer, Plug plug)
    {
        if (submit.Flush && !answer.MustWait && _issuedBy == IssuedBy.Submitter)
        {
            answer.MustIssue |= plug.Count > 0;
        }
        else if (submit.Flush || answer.MustWait)
        {
            Flush(submit.Task);
        }
    }

    private bool TryPlug(Plug plug, in Bio bio, int task, out bool mustIssue)
    {
        mustIssue = false;
        if (plug.Add(State.Queue, bio))
        {
            return true;
        }

        if (_sorted && MqDeadline.TryMerge(State.Queue, State.Waiting, in bio))
        {
            return true;
        }

        if (plug.MustFlush(State.Queue))
        {
            if (_issuedBy == IssuedBy.Submitter)
            {
                mustIssue = true;
                return false;
            }

            Flush(task);
        }

        var sleeps = State.Queue.SleepRq;
        if (!State.Queue.TryGetRequest(bio.Write, task, Host.NowNs, out var request))
        {
            // Who stands in line already does not begin to sleep again.
            if (State.Queue.SleepRq != sleeps)
            {
                TraceBio(TraceEvent.block_sleeprq, task, in bio);
            }

            return false;
        }

        TraceBio(TraceEvent.block_getrq, task, in bio);
        if (plug.Count == 0)
        {
            _trace?.Add(TraceEvent.block_plug, _trace.CpuOf(task));
        }

        plug.Insert(State.Queue, request, bio);
        return true;
    }

    private void Flush(int task)
    {
        var count = State.Plugs[task].Flush(State.Queue, _flushed);
        TraceFlush(task, count);
        for (var i = 0; i < count; i++)
        {
            if (State.Closed && !_multiQueue)
            {
                // do_nbd_request, in whoever flushes: "Attempted send on closed socket".
                _failingNs += _cost.RequestNs;
                FailRequest(State.Queue[_flushed[i]], cpu: 0);
            }
            else
            {
                State.Waiting.Add(_flushed[i]);
            }
        }

        if (count > 0 && State.Sender.Wait == WaitKind.Work)
        {
            _worker.Wake();
        }
    }

    private void TellCongestion()
    {
        var congested = State.Queue.Congested(write: true);
        if (congested != State.CongestedTold)
        {
            State.CongestedTold = congested;
            Host.Send(BladeActors.Blade, new CongestionChanged(congested));
        }
    }

    /// <summary>A request is answered: its pages are told to the blade, its place in the queue is free.</summary>
    private void Complete(BlockRequest request, uint[] stamps, int cpu, bool failed = false)
    {
        _trace?.Add(
            TraceEvent.block_rq_complete, cpu, request.Write ? 1 : 0, request.FirstSlot, request.Count);
        var completed = _spareCompletions.TryPop(out var spare) ? spare : new IoCompleted { Spares = _spareCompletions };
        completed.Fill(request);
        completed.Stamps = stamps;
        completed.Cpu = cpu;
        completed.Failed = failed;
        Host.Send(BladeActors.Blade, completed);
        var task = State.Queue.PutRequest(request, Host.NowNs);
        if (task >= 0)
        {
            Host.Send(BladeActors.Blade, _wake[task]);
        }

        TellCongestion();
    }
}
