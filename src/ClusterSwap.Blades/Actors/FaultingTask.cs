// A task with pages of its own: it touches them, and its faults run in its own kernel context.
using ClusterSwap.Blades.Messages;
using ClusterSwap.Engine;
using ClusterSwap.Kernel;
using ClusterSwap.Kernel.Block;
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Swap;

namespace ClusterSwap.Blades.Actors;

/// <summary>
/// The page faults of a task in user mode, or of the kernel on its behalf: page tables, new pages, swap-in, and the
/// direct reclaim that these may need. The program says which pages it touches and what it does when it has touched
/// them.
/// </summary>
/// <typeparam name="TState">Its state.</typeparam>
public abstract class FaultingTask<TState> : HostActor<TState>, IFaultingTask
    where TState : FaultingState
{
    // A task that has worked this long in one go lets the CPU look at its run queue: the kernel could interrupt it
    // anywhere.
    private const long SectionNs = 20_000;

    private readonly int _space;
    private readonly int _pagesPerSpace;
    private readonly CostModel _cost;
    private readonly TouchRequest _touch;
    private readonly PageRequest _page;
    private readonly SwapInRequest _swapIn;
    private readonly BioSubmission _submission;
    private readonly Reclaim _reclaim;
    private readonly ExitRequest _exit;

    /// <summary>The task with address space <paramref name="space"/> of a blade, each of so many pages.</summary>
    protected FaultingTask(
        HostContext host, int index, int space, int pagesPerSpace, CostModel cost, IssuedBy issuedBy, TState state)
        : base(host, index, state)
    {
        var task = BladeTasks.Process(space);
        _space = space;
        _pagesPerSpace = pagesPerSpace;
        _cost = cost;
        Thread = new TaskThread(host, index, task, cost.WakeupNs);
        _touch = new TouchRequest { Task = task, ReplyTo = index };
        _page = new PageRequest { ReplyTo = index };
        _swapIn = new SwapInRequest { Task = task, ReplyTo = index };
        _submission = new BioSubmission(host, index, Thread, issuedBy, TaskFlags.None);
        _reclaim = new Reclaim { ReplyTo = index };
        _exit = new ExitRequest { Process = space, ReplyTo = index };
        Thread.State = state.Task;
    }

    /// <inheritdoc/>
    public FaultingState Faults => State;

    /// <summary>The task.</summary>
    protected TaskThread Thread { get; }

    /// <summary>The section has lasted long enough.</summary>
    protected bool SectionIsLong => Thread.SystemNs + Thread.UserNs >= SectionNs;

    /// <summary>The next stretch of touches; the address space is filled in.</summary>
    protected abstract TouchCall NextStretch(long budgetNs, int cpu);

    /// <summary>A stretch came this far. True: the program has done all of its work with this.</summary>
    protected abstract bool Advance(TouchCall call);

    /// <summary>All pages of the stretch are touched: the program goes on, or ends the section.</summary>
    protected abstract void PassEnded(bool done);

    /// <summary>The task has a CPU and no fault under way.</summary>
    protected virtual void RunProgram() => Touch();

    /// <inheritdoc/>
    protected override void Attach() => Thread.State = State.Task;

    /// <inheritdoc/>
    protected override void Receive(SimMessage message)
    {
        switch (message)
        {
            case RunTask run:
                Thread.Begin(run);
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
                Thread.SystemNs += refused.CostNs;
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
                Thread.OnTimer(timer);
                break;
            case StartTask:
                Thread.Wake();
                break;
            default:
                throw new InvalidOperationException($"{GetType().Name} does not know {message.GetType().Name}");
        }
    }

    private void Run()
    {
        switch (State.Phase)
        {
            case ProcessPhase.User:
                RunProgram();
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
                Thread.SleepOn(WaitKind.Ended);
                break;
        }
    }

    /// <summary>Goes on touching.</summary>
    protected void Touch()
    {
        _touch.Call = NextStretch(SectionNs - Thread.SystemNs - Thread.UserNs, Thread.Cpu);
        _touch.Call.Process = _space;
        _touch.MapPage = State.ReadPage;
        State.ReadPage = PageFrame.None;
        Host.Send(BladeActors.Blade, _touch);
    }

    private void OnTouched(TouchCall call)
    {
        Thread.UserNs += call.UserNs;
        Thread.SystemNs += call.SystemNs;
        if (call.Touched > 0)
        {
            State.LastProgressNs = Host.NowNs;
        }

        var offset = call.Offset;
        var done = Advance(call);
        switch (call.Stop)
        {
            case TouchStop.SliceOver:
                Thread.EndSection(Index);
                break;
            case TouchStop.PassEnd:
                PassEnded(done);
                break;
            case TouchStop.NeedsPageTable:
                BeginAlloc(PageOwner.PageTable, Gfp.Kernel | Gfp.Repeat | Gfp.Zero, offset);
                break;
            case TouchStop.AnonFault:
                BeginAlloc(PageOwner.Anon, Gfp.HighUserMovable | Gfp.Zero, offset);
                break;
            case TouchStop.SwapFault:
                State.Read.TargetSlot = call.Slot;
                State.Read.TargetVpn = _space * _pagesPerSpace + offset;
                State.Read.SpreadBy = offset + 1;
                State.Read.Task = State.Task.Flags;
                State.Phase = ProcessPhase.SwapIn;
                RequestSwapIn(begin: true);
                break;
            case TouchStop.PageLocked:
                Thread.SleepOnPage(call.Page);
                break;
            case TouchStop.ReadError:
                // do_swap_page returns VM_FAULT_SIGBUS; nobody catches it, and the process gives its memory back.
                State.KilledNs = Host.NowNs;
                State.Phase = ProcessPhase.Exit;
                Thread.EndSection(Index);
                break;
            default:
                throw new InvalidOperationException(
                    $"address space {_space} finds page {offset} wrong ({call.Stop}): page frame {call.Page}, slot {call.Slot}");
        }
    }

    private void BeginAlloc(PageOwner owner, Gfp gfp, int offset)
    {
        State.Phase = ProcessPhase.AllocPage;
        State.Alloc = AllocCall.For(owner, gfp, State.Task.Flags, AllocContext.Task, Thread.Cpu);
        State.Alloc.SpreadBy = owner == PageOwner.Anon ? offset + 1 : 0;
        State.AllocVpn = _space * _pagesPerSpace + offset;
        Thread.SystemNs += _cost.MinorFaultNs;
        RequestPage();
    }

    private void RequestPage()
    {
        State.Alloc.Task = State.Task.Flags;
        State.Alloc.Cpu = (byte)Thread.Cpu;
        _page.Call = State.Alloc;
        _page.VirtualPage = State.AllocVpn;
        Host.Send(BladeActors.Blade, _page);
    }

    private void OnPageGranted(PageGranted granted)
    {
        State.Phase = ProcessPhase.User;
        State.LastProgressNs = Host.NowNs;
        Thread.SystemNs += granted.CostNs + _cost.CopyPageNs;
        if (SectionIsLong)
        {
            Thread.EndSection(Index);
        }
        else
        {
            Touch();
        }
    }

    private void RequestSwapIn(bool begin)
    {
        State.Read.Cpu = Thread.Cpu;
        State.Read.Task = State.Task.Flags;
        _swapIn.Call = State.Read;
        _swapIn.Run = State.Run;
        _swapIn.Begin = begin;
        Host.Send(BladeActors.Blade, _swapIn);
    }

    private void OnSwapIn(SwapInAnswer answer)
    {
        Thread.SystemNs += answer.CostNs;
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
            Thread.EndSection(Index);
        }
        else
        {
            Thread.SleepOnPage(State.ReadPage);
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
                Host.Send(BladeActors.ReclaimerOf(_space), _reclaim);
                Thread.EndSection(BladeActors.ReclaimerOf(_space), WaitKind.FreePage);
                break;
            case AllocOutcome.NeedsWait:
                Thread.EndSection(Index, WaitKind.FreePage);
                break;
            case AllocOutcome.OutOfMemory:
                Host.Send(BladeActors.Blade, new OutOfMemory(Thread.Task));
                Thread.EndSection(Index, WaitKind.FreePage);
                break;
            default:
                // A fault that gets no page ends the process, as VM_FAULT_OOM does.
                State.Phase = ProcessPhase.Exit;
                Thread.EndSection(Index);
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
        _exit.Cpu = Thread.Cpu;
        Host.Send(BladeActors.Blade, _exit);
    }

    private void OnExited(Exited exited)
    {
        State.ExitOffset = exited.Offset;
        Thread.SystemNs += exited.CostNs;
        if (!exited.Complete)
        {
            Thread.EndSection(Index);
            return;
        }

        State.Phase = ProcessPhase.Ended;
        State.EndedNs = Host.NowNs;
        Thread.SleepOn(WaitKind.Ended);
    }
}
