// kswapd: the same scan as a direct reclaimer's, in the loop of balance_pgdat.
using ClusterSwap.Blades.Messages;
using ClusterSwap.Engine;
using ClusterSwap.Kernel.Block;
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Reclaim;
using MemoryPack;

namespace ClusterSwap.Blades.Actors;

/// <summary>State of kswapd.</summary>
[MemoryPackable]
public sealed partial class KswapdState
{
    /// <summary>The task.</summary>
    public TaskState Task = new();

    /// <summary>Next: submit what is left of a run of pages, rather than go on balancing.</summary>
    public bool Submitting;

    /// <summary>What is being written out.</summary>
    public BioRun Run = new();
}

/// <summary>
/// kswapd of a node: may always use the reserve, is never throttled, wakes those who are. Its loop's frame belongs to
/// the memory that it balances, as <c>pgdat</c> does in the kernel; this actor holds the task.
/// </summary>
public sealed class Kswapd : HostActor<KswapdState>
{
    private readonly TaskThread _thread;
    private readonly BalanceRequest _balance;
    private readonly BioSubmission _submission;

    /// <summary>kswapd of <paramref name="node"/>, which runs as <paramref name="task"/>.</summary>
    public Kswapd(
        HostContext host,
        int index,
        int wakeupNs,
        IssuedBy issuedBy = IssuedBy.DriverThread,
        int task = BladeTasks.Kswapd,
        int node = 0)
        : base(host, index, new KswapdState
        {
            Task = { Flags = TaskFlags.MemAlloc | TaskFlags.SwapWrite | TaskFlags.Kswapd | TaskFlags.KThread },
        })
    {
        _thread = new TaskThread(host, index, task, wakeupNs);
        _submission = new BioSubmission(host, index, _thread, issuedBy, TaskFlags.None);
        _balance = new BalanceRequest { Task = task, Node = node, ReplyTo = index };
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
                if (_submission.OnAnswer(State.Run, message))
                {
                    State.Submitting = false;
                    _thread.EndSection(Index);
                }

                break;
            case WakeKswapd or StartTask:
                _thread.Wake();
                break;
            case SleepOver timer:
                _thread.OnTimer(timer);
                break;
            default:
                throw new InvalidOperationException($"kswapd does not know {message.GetType().Name}");
        }
    }

    private void Run()
    {
        if (State.Submitting && State.Run.Count == 0)
        {
            State.Submitting = false;
        }
        else if (State.Submitting)
        {
            _submission.Start(State.Run, flush: false);
            return;
        }

        _balance.Cpu = _thread.Cpu;
        _balance.Run = State.Run;
        Host.Send(BladeActors.Blade, _balance);
    }

    private void OnScanned(Scanned scanned)
    {
        _thread.SystemNs += scanned.CostNs;
        switch (scanned.Step)
        {
            case ReclaimStepKind.WriteOut:
                State.Submitting = true;
                _submission.Start(State.Run, flush: false);
                break;
            case ReclaimStepKind.Sleep:
                _submission.Unplug();
                _thread.SleepAtMost(WaitKind.Timer, scanned.SleepNs);
                break;
            case ReclaimStepKind.KswapdSleep:
                _submission.Unplug();
                _thread.SleepOn(WaitKind.Work);
                break;
            default:
                if (scanned.PlugEnds)
                {
                    _submission.FinishPlug(Index, WaitKind.None);
                    break;
                }

                _thread.EndSection(Index);
                break;
        }
    }
}
