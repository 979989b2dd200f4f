// The reclaim frame of a task: it runs on the task's CPU time, in the task's stead, until it is done.
using ClusterSwap.Blades.Messages;
using ClusterSwap.Engine;
using ClusterSwap.Kernel.Block;
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Reclaim;
using MemoryPack;

namespace ClusterSwap.Blades.Actors;

/// <summary>Where a reclaimer stands between two sections.</summary>
public enum ReclaimPhase : byte
{
    /// <summary>No reclaim under way.</summary>
    Idle,

    /// <summary>Next: start the scan.</summary>
    Begin,

    /// <summary>Next: go on scanning.</summary>
    Scan,

    /// <summary>Next: submit what is left of a run of pages.</summary>
    Submit,
}

/// <summary>State of a reclaimer.</summary>
[MemoryPackable]
public sealed partial class ReclaimerState
{
    /// <summary>The task, while this actor holds its call.</summary>
    public TaskState Task = new();

    /// <summary>The reclaim frame: priority, scanned, isolated pages.</summary>
    public ReclaimCall Call = new();

    /// <summary>Where it stands.</summary>
    public ReclaimPhase Phase;

    /// <summary>When a wait in the throttle ends, ns; <see cref="long.MaxValue"/> when only a wake-up ends
    /// it.</summary>
    public long ThrottledUntilNs;

    /// <summary>What is being written out.</summary>
    public BioRun Run = new();

    /// <summary>Flags of the allocation that asked.</summary>
    public Gfp Gfp;

    /// <summary>Its order.</summary>
    public int Order;

    /// <summary>Node whose zonelist it went through.</summary>
    public byte ListNode;

    /// <summary>Nodes that it may use, a bit each; 0: all.</summary>
    public byte Nodes;

    /// <summary>The actor that asked, to which the task returns.</summary>
    public int Owner;
}

/// <summary>
/// <c>__perform_reclaim</c> and <c>do_try_to_free_pages</c> of one task. The task's own actor sleeps meanwhile with
/// every lock that it holds; PF_MEMALLOC is set while this runs, so nothing that this allocates reclaims in turn.
/// </summary>
public sealed class DirectReclaimer : HostActor<ReclaimerState>
{
    private readonly TaskThread _thread;
    private readonly ScanRequest _scan;
    private readonly BioSubmission _submission;
    private readonly Reclaimed _reclaimed = new();

    /// <summary>The reclaimer of <paramref name="task"/>.</summary>
    public DirectReclaimer(HostContext host, int index, int task, int wakeupNs, IssuedBy issuedBy = IssuedBy.DriverThread)
        : base(host, index, new ReclaimerState())
    {
        _thread = new TaskThread(host, index, task, wakeupNs);
        _scan = new ScanRequest { Task = task, ReplyTo = index };
        _submission = new BioSubmission(host, index, _thread, issuedBy, TaskFlags.MemAlloc);
        Attach();
    }

    /// <inheritdoc/>
    protected override void Attach() => _thread.State = State.Task;

    /// <inheritdoc/>
    protected override void Receive(SimMessage message)
    {
        switch (message)
        {
            case RunTask run:
                _thread.Begin(run);
                Run();
                break;
            case Scanned scanned:
                OnScanned(scanned);
                break;
            case BiosSubmitted or BiosMade:
                OnSubmission(_submission.OnAnswer(State.Run, message));
                break;
            case Reclaim reclaim:
                State.Owner = reclaim.ReplyTo;
                State.Gfp = reclaim.Gfp;
                State.Order = reclaim.Order;
                State.ListNode = reclaim.ListNode;
                State.Nodes = reclaim.Nodes;
                State.Task.Flags = reclaim.Flags;
                State.Phase = ReclaimPhase.Begin;
                break;
            case SleepOver timer:
                _thread.OnTimer(timer);
                break;
            default:
                throw new InvalidOperationException($"direct reclaimer does not know {message.GetType().Name}");
        }
    }

    private void Run()
    {
        switch (State.Phase)
        {
            case ReclaimPhase.Begin:
                State.Call.Gfp = State.Gfp;
                State.Call.Order = (byte)State.Order;
                State.Call.ListNode = State.ListNode;
                State.Call.Nodes = State.Nodes;
                State.Call.Task = State.Task.Flags;
                Scan(begin: true);
                break;
            case ReclaimPhase.Scan:
                Scan(begin: false);
                break;
            case ReclaimPhase.Submit when State.Run.Count == 0:
                OnSubmission(done: true);
                break;
            case ReclaimPhase.Submit:
                _submission.Start(State.Run, flush: false);
                break;
            default:
                throw new InvalidOperationException($"task {_thread.Task} runs in its reclaimer, which is idle");
        }
    }

    private void Scan(bool begin)
    {
        State.Phase = ReclaimPhase.Scan;
        State.Call.Cpu = (byte)_thread.Cpu;
        State.Call.WaitExpired = State.Task.Wait == WaitKind.Throttle && Host.NowNs >= State.ThrottledUntilNs;
        _scan.Call = State.Call;
        _scan.Run = State.Run;
        _scan.Begin = begin;
        Host.Send(BladeActors.Blade, _scan);
    }

    private void OnScanned(Scanned scanned)
    {
        _thread.SystemNs += scanned.CostNs;
        switch (scanned.Step)
        {
            case ReclaimStepKind.Continue:
                if (scanned.PlugEnds)
                {
                    _submission.FinishPlug(Index, WaitKind.FreePage);
                    break;
                }

                _thread.EndSection(Index, WaitKind.FreePage);
                break;
            case ReclaimStepKind.WriteOut:
                State.Phase = ReclaimPhase.Submit;
                _submission.Start(State.Run, flush: false);
                break;
            case ReclaimStepKind.Sleep:
                _submission.Unplug();
                _thread.SleepAtMost(WaitKind.Timer, scanned.SleepNs);
                break;
            case ReclaimStepKind.Throttled:
                _submission.Unplug();
                Throttle(scanned);
                break;
            default:
                State.Phase = ReclaimPhase.Idle;
                _reclaimed.Pages = scanned.Reclaimed;
                _submission.FinishPlug(State.Owner, WaitKind.FreePage, _reclaimed);
                break;
        }
    }

    private void Throttle(Scanned scanned)
    {
        if (!scanned.KeepDeadline)
        {
            State.ThrottledUntilNs = scanned.SleepNs == long.MaxValue ? long.MaxValue : Host.NowNs + scanned.SleepNs;
        }

        if (State.ThrottledUntilNs == long.MaxValue)
        {
            _thread.SleepOn(WaitKind.Throttle);
        }
        else
        {
            _thread.SleepAtMost(WaitKind.Throttle, State.ThrottledUntilNs - Host.NowNs);
        }
    }

    private void OnSubmission(bool done)
    {
        if (done)
        {
            State.Phase = ReclaimPhase.Scan;
            _thread.EndSection(Index, WaitKind.FreePage);
        }
    }
}
