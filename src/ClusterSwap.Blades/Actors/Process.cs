// A user process of the workload: it touches its pages in order, and its faults run in its own kernel context.
using ClusterSwap.Blades.Messages;
using ClusterSwap.Engine;
using ClusterSwap.Kernel;
using ClusterSwap.Kernel.Block;
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Swap;
using MemoryPack;

namespace ClusterSwap.Blades.Actors;

/// <summary>The innermost call of a process between two sections.</summary>
public enum ProcessPhase : byte
{
    /// <summary>In user mode, or about to fault.</summary>
    User,

    /// <summary>In the page allocator, for a page table or a new anonymous page.</summary>
    AllocPage,

    /// <summary>In swapin_readahead, which allocates.</summary>
    SwapIn,

    /// <summary>Submitting reads while the block is incomplete, before it reclaims.</summary>
    SubmitEarly,

    /// <summary>Submitting the block's reads.</summary>
    Submit,

    /// <summary>Giving its memory back.</summary>
    Exit,

    /// <summary>Gone.</summary>
    Ended,
}

/// <summary>State of a process.</summary>
[MemoryPackable]
public sealed partial class ProcessState
{
    /// <summary>The task.</summary>
    public TaskState Task = new();

    /// <summary>Its innermost call.</summary>
    public ProcessPhase Phase;

    /// <summary>Its place in the workload.</summary>
    public Workload? Workload;

    /// <summary>The page allocation under way.</summary>
    public AllocCall Alloc;

    /// <summary>The virtual page for which it is.</summary>
    public int AllocVpn;

    /// <summary>The swap-in under way.</summary>
    public SwapReadCall Read = new();

    /// <summary>The page for whose read it waited: mapped by the next touch, or −1.</summary>
    public int ReadPage = PageFrame.None;

    /// <summary>Reads being submitted.</summary>
    public BioRun Run = new();

    /// <summary>What the swap-in has to do once its early reads are submitted.</summary>
    public AllocOutcome Pending;

    /// <summary>How much of its memory it has given back.</summary>
    public int ExitOffset;

    /// <summary>When it last got on with its work, ns.</summary>
    public long LastProgressNs;

    /// <summary>When it ended, ns; −1 while it lives.</summary>
    public long EndedNs = -1;
}

/// <summary>A process of vmscan-anon-mmap.</summary>
public sealed class Process : HostActor<ProcessState>
{
    // A process that has worked this long in one go lets the CPU look at its run queue: the kernel could interrupt it anywhere.
    private const long SectionNs = 20_000;

    private readonly int _process;
    private readonly CostModel _cost;
    private readonly TaskThread _thread;
    private readonly TouchRequest _touch;
    private readonly PageRequest _page;
    private readonly SwapInRequest _swapIn;
    private readonly BioSubmission _submission;
    private readonly Reclaim _reclaim;
    private readonly ExitRequest _exit;

    /// <summary>
    /// Process number <paramref name="process"/> of a blade; of <paramref name="flags"/> only PF_MEMPOLICY makes sense.
    /// </summary>
    public Process(
        HostContext host,
        int index,
        int process,
        Workload workload,
        CostModel cost,
        IssuedBy issuedBy = IssuedBy.DriverThread,
        TaskFlags flags = TaskFlags.None)
        : base(host, index, new ProcessState { Workload = workload, Task = { Flags = flags } })
    {
        var task = BladeTasks.Process(process);
        _process = process;
        _cost = cost;
        _thread = new TaskThread(host, index, task, cost.WakeupNs);
        _touch = new TouchRequest { Task = task, ReplyTo = index };
        _page = new PageRequest { ReplyTo = index };
        _swapIn = new SwapInRequest { Task = task, ReplyTo = index };
        _submission = new BioSubmission(host, index, _thread, issuedBy, TaskFlags.None);
        _reclaim = new Reclaim { ReplyTo = index };
        _exit = new ExitRequest { Process = process, ReplyTo = index };
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
            case Touched touched:
                OnTouched(touched.Call);
                break;
            case PageGranted granted:
                OnPageGranted(granted);
                break;
            case PageRefused refused:
                State.Alloc = _page.Call;
                _thread.SystemNs += refused.CostNs;
                OnRefused(refused.Outcome, State.Alloc);
                break;
            case SwapInAnswer answer:
                OnSwapIn(answer);
                break;
            case BiosSubmitted or BiosMade:
                OnSubmission(_submission.OnAnswer(State.Run, message));
                break;
            case Reclaimed reclaimed:
                OnReclaimed(reclaimed.Pages);
                break;
            case Exited exited:
                OnExited(exited);
                break;
            case SleepOver timer:
                _thread.OnTimer(timer);
                break;
            case StartTask:
                _thread.Wake();
                break;
            default:
                throw new InvalidOperationException($"process does not know {message.GetType().Name}");
        }
    }

    private bool SectionIsLong => _thread.SystemNs + _thread.UserNs >= SectionNs;

    private void Run()
    {
        switch (State.Phase)
        {
            case ProcessPhase.User:
                Touch();
                break;
            case ProcessPhase.AllocPage:
                RequestPage();
                break;
            case ProcessPhase.SwapIn:
                RequestSwapIn(begin: false);
                break;
            case ProcessPhase.SubmitEarly or ProcessPhase.Submit:
                Submit();
                break;
            case ProcessPhase.Exit:
                Exit();
                break;
            default:
                _thread.SleepOn(WaitKind.Ended);
                break;
        }
    }

    private void Touch()
    {
        var workload = State.Workload!;
        _touch.Call = workload.Next(0, SectionNs - _thread.SystemNs - _thread.UserNs, _thread.Cpu);
        _touch.Call.Process = _process;
        _touch.MapPage = State.ReadPage;
        State.ReadPage = PageFrame.None;
        Host.Send(BladeActors.Blade, _touch);
    }

    private void OnTouched(TouchCall call)
    {
        var workload = State.Workload!;
        _thread.UserNs += call.UserNs;
        _thread.SystemNs += call.SystemNs;
        if (call.Touched > 0)
        {
            State.LastProgressNs = Host.NowNs;
        }

        var offset = call.Offset;
        call.Process = 0;
        var done = workload.Advance(call);
        switch (call.Stop)
        {
            case TouchStop.SliceOver:
                _thread.EndSection(Index);
                break;
            case TouchStop.PassEnd:
                State.Phase = done ? ProcessPhase.Exit : ProcessPhase.User;
                _thread.EndSection(Index);
                break;
            case TouchStop.NeedsPageTable:
                BeginAlloc(PageOwner.PageTable, Gfp.Kernel | Gfp.Repeat | Gfp.Zero, offset);
                break;
            case TouchStop.AnonFault:
                BeginAlloc(PageOwner.Anon, Gfp.HighUserMovable | Gfp.Zero, offset);
                break;
            case TouchStop.SwapFault:
                State.Read.TargetSlot = call.Slot;
                State.Read.TargetVpn = _process * State.Workload!.PagesPerProcess + offset;
                State.Read.SpreadBy = offset + 1;
                State.Read.Task = State.Task.Flags;
                State.Phase = ProcessPhase.SwapIn;
                RequestSwapIn(begin: true);
                break;
            case TouchStop.PageLocked:
                _thread.SleepOnPage(call.Page);
                break;
            default:
                throw new InvalidOperationException(
                    $"process {_process} finds page {offset} wrong ({call.Stop}): page frame {call.Page}, slot {call.Slot}");
        }
    }

    private void BeginAlloc(PageOwner owner, Gfp gfp, int offset)
    {
        State.Phase = ProcessPhase.AllocPage;
        State.Alloc = AllocCall.For(owner, gfp, State.Task.Flags, AllocContext.Task, _thread.Cpu);
        State.Alloc.SpreadBy = owner == PageOwner.Anon ? offset + 1 : 0;
        State.AllocVpn = _process * State.Workload!.PagesPerProcess + offset;
        _thread.SystemNs += _cost.MinorFaultNs;
        RequestPage();
    }

    private void RequestPage()
    {
        State.Alloc.Task = State.Task.Flags;
        State.Alloc.Cpu = (byte)_thread.Cpu;
        _page.Call = State.Alloc;
        _page.VirtualPage = State.AllocVpn;
        Host.Send(BladeActors.Blade, _page);
    }

    private void OnPageGranted(PageGranted granted)
    {
        State.Phase = ProcessPhase.User;
        State.LastProgressNs = Host.NowNs;
        _thread.SystemNs += granted.CostNs + _cost.CopyPageNs;
        if (SectionIsLong)
        {
            _thread.EndSection(Index);
        }
        else
        {
            Touch();
        }
    }

    private void RequestSwapIn(bool begin)
    {
        State.Read.Cpu = _thread.Cpu;
        State.Read.Task = State.Task.Flags;
        _swapIn.Call = State.Read;
        _swapIn.Run = State.Run;
        _swapIn.Begin = begin;
        Host.Send(BladeActors.Blade, _swapIn);
    }

    private void OnSwapIn(SwapInAnswer answer)
    {
        _thread.SystemNs += answer.CostNs;
        if (answer.Outcome != AllocOutcome.Granted && State.Run.Count == 0)
        {
            OnRefused(answer.Outcome, Refused());
            return;
        }

        // What is ready goes to the device first, as the plug of a task that goes to sleep does.
        State.Pending = answer.Outcome;
        State.Phase = answer.Outcome == AllocOutcome.Granted ? ProcessPhase.Submit : ProcessPhase.SubmitEarly;
        Submit();
    }

    // Nothing is left when others read the whole block, and when the task has sent its own requests.
    private void Submit()
    {
        if (State.Run.Count == 0)
        {
            AfterSubmission();
        }
        else
        {
            _submission.Start(State.Run, flush: true);
        }
    }

    private void OnSubmission(bool done)
    {
        if (done)
        {
            AfterSubmission();
        }
    }

    private void AfterSubmission()
    {
        if (State.Phase == ProcessPhase.SubmitEarly)
        {
            State.Phase = ProcessPhase.SwapIn;
            OnRefused(State.Pending, Refused());
            return;
        }

        State.Phase = ProcessPhase.User;
        State.ReadPage = State.Read.TargetPage;
        if (State.ReadPage == PageFrame.None)
        {
            _thread.EndSection(Index);
        }
        else
        {
            _thread.SleepOnPage(State.ReadPage);
        }
    }

    // The page of the block that was refused; a tree node asks for its own node's pages with much the same flags.
    private AllocCall Refused()
    {
        var call = State.Read.Stopped;
        call.Gfp = Gfp.HighUserMovable;
        call.Order = 0;
        return call;
    }

    private void OnRefused(AllocOutcome outcome, in AllocCall call)
    {
        switch (outcome)
        {
            case AllocOutcome.NeedsReclaim:
                _reclaim.Gfp = call.Gfp;
                _reclaim.Order = call.Order;
                _reclaim.From(in call);
                _reclaim.Flags = State.Task.Flags;
                Host.Send(BladeActors.ReclaimerOf(_process), _reclaim);
                _thread.EndSection(BladeActors.ReclaimerOf(_process), WaitKind.FreePage);
                break;
            case AllocOutcome.NeedsWait:
                _thread.EndSection(Index, WaitKind.FreePage);
                break;
            case AllocOutcome.OutOfMemory:
                Host.Send(BladeActors.Blade, new OutOfMemory(_thread.Task));
                _thread.EndSection(Index, WaitKind.FreePage);
                break;
            default:
                // A fault that gets no page ends the process, as VM_FAULT_OOM does.
                State.Phase = ProcessPhase.Exit;
                _thread.EndSection(Index);
                break;
        }
    }

    private void OnReclaimed(int pages)
    {
        if (State.Phase == ProcessPhase.SwapIn)
        {
            State.Read.SetReclaimed(pages);
        }
        else
        {
            State.Alloc.Reclaimed = pages;
        }
    }

    private void Exit()
    {
        _exit.Offset = State.ExitOffset;
        _exit.Cpu = _thread.Cpu;
        Host.Send(BladeActors.Blade, _exit);
    }

    private void OnExited(Exited exited)
    {
        State.ExitOffset = exited.Offset;
        _thread.SystemNs += exited.CostNs;
        if (!exited.Complete)
        {
            _thread.EndSection(Index);
            return;
        }

        State.Phase = ProcessPhase.Ended;
        State.EndedNs = Host.NowNs;
        _thread.SleepOn(WaitKind.Ended);
    }
}
