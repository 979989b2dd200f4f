// Reclaim: sections of scans for whoever scans, and what ends with the I/O that they started.
using ClusterSwap.Blades.Messages;
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Reclaim;

namespace ClusterSwap.Blades.Actors;

public sealed partial class Blade
{
    private void OnScan(ScanRequest request)
    {
        var call = request.Call!;
        var vmscan = Memory.Vmscan;
        Memory.SwapSide.Cpu = call.Cpu;
        if (request.Begin)
        {
            vmscan.BeginDirect(call, call.Gfp, call.Order, call.Task, call.Cpu);
        }

        var step = vmscan.Step(call);
        if (call.WakeKswapd)
        {
            call.WakeKswapd = false;
            SendWakeKswapd(call.ListNode, 0, Memory.Kswapds[call.ListNode].RequestedClasszone);
        }

        if (step == ReclaimStepKind.Throttled)
        {
            State.Throttled[call.ListNode].Add(request.Task);
        }

        Answer(request.Answer, request.Run!, call, step, request.Task);
        WakeReclaimSleepers();
        Host.Send(request.ReplyTo, request.Answer);
    }

    private void OnBalance(BalanceRequest request)
    {
        var kswapd = Memory.Kswapds[request.Node];
        kswapd.Scan.Cpu = (byte)request.Cpu;
        Memory.SwapSide.Cpu = request.Cpu;
        var step = Memory.Vmscan.StepKswapd(kswapd);
        if (kswapd.WakeThrottled)
        {
            kswapd.WakeThrottled = false;
            WakeAll(State.Throttled[request.Node]);
        }

        request.Answer.ShortSleep = kswapd.Waiting;
        Answer(request.Answer, request.Run!, kswapd.Scan, step, request.Task);
        WakeReclaimSleepers();
        Host.Send(request.ReplyTo, request.Answer);
    }

    private void Answer(Scanned answer, BioRun run, ReclaimCall call, ReclaimStepKind step, int task)
    {
        if (State.ReclaimSleepers.Count > 0)
        {
            State.ReclaimSleepers.RemoveAll(sleeper => sleeper.Task == task);
        }

        answer.Step = step;
        answer.CostNs = call.CostNs;
        answer.SleepNs = call.SleepNs;
        answer.KeepDeadline = call.KeepDeadline;
        answer.PlugEnds = call.ZonePhase == ZonePhase.Start;
        answer.Reclaimed = (int)Math.Min(call.NrReclaimed, int.MaxValue);
        answer.Run = run;
        call.CostNs = 0;
        if (step == ReclaimStepKind.WriteOut)
        {
            FillRun(run, call, task);
        }
        else if (call.Throttle != ThrottleReason.None)
        {
            State.ReclaimSleepers.Add(new ReclaimSleeper(task, call.Throttle));
        }
        else if (step == ReclaimStepKind.Sleep && !answer.ShortSleep)
        {
            State.CongestionWaiters.Remove(task);
            State.CongestionWaiters.Add(task);
        }
    }

    private void FillRun(BioRun run, ReclaimCall call, int task)
    {
        var frames = Memory.Pages.Frames;
        run.Write = true;
        run.Count = call.RunCount;
        run.Bios = 0;
        var last = call.RunCount - 1;
        for (var i = 0; i <= last; i++)
        {
            var page = call.Run[call.RunDirection < 0 ? last - i : i];
            run.Pages[i] = page;
            run.Slots[i] = frames[page].Private;
            run.Stamps[i] = frames[page].Stamp;
        }

        MakeBios(run, Gfp.NoIo, call.Task, call.Cpu, task);
    }

    /// <summary>Bios for the pages that lack one, until the mempool is empty: then the task waits for what comes
    /// back.</summary>
    private void MakeBios(BioRun run, Gfp gfp, TaskFlags flags, int cpu, int task)
    {
        while (run.Bios < run.Count
            && Memory.Bios.TryAlloc(Memory.Slabs.Bio, gfp, flags, cpu, out run.BioSlabs[run.Bios]))
        {
            run.Bios++;
        }

        State.BioWaiters.Remove(task);
        run.Short = run.Bios < run.Count;
        if (run.Short)
        {
            State.BioWaiters.Add(task);
        }

        AfterAllocation();
    }

    private void OnBioRequest(BioRequest request)
    {
        var run = request.Run!;
        MakeBios(run, run.Write ? Gfp.NoIo : Gfp.Kernel, request.Flags, request.Cpu, request.Task);
        request.Answer.Bios = run.Bios;
        Host.Send(request.ReplyTo, request.Answer);
    }

    private void OnIoCompleted(IoCompleted completed)
    {
        for (var i = 0; i < completed.Count; i++)
        {
            if (completed.Write)
            {
                Memory.Vmscan.EndWriteback(completed.Pages[i], completed.Failed);
            }
            else if (completed.Failed)
            {
                Memory.SwapIn.ReadFailed(completed.Pages[i]);
                WakeWaitersOf(completed.Pages[i]);
            }
            else
            {
                Memory.SwapIn.ReadCompleted(completed.Pages[i], completed.Stamps[i]);
                WakeWaitersOf(completed.Pages[i]);
            }

            if (Memory.Bios.Return(Memory.Slabs.Bio, completed.Bios[i], completed.Cpu))
            {
                // mempool_alloc waits without WQ_FLAG_EXCLUSIVE: all wake, who finds nothing waits again.
                WakeAll(State.BioWaiters);
            }
        }

        WakeReclaimSleepers();
        if (!completed.Failed)
        {
            // A device that only fails gets nobody on.
            Progressed(completed.Count);
        }

        completed.Spares?.Push(completed);
    }

    private void WakeWaitersOf(int page)
    {
        var waiters = State.PageWaiters;
        for (var i = 0; i < waiters.Count;)
        {
            if (waiters[i].Page == page)
            {
                var task = waiters[i].Task;
                waiters.RemoveAt(i);
                WakeTask(task);
            }
            else
            {
                i++;
            }
        }
    }

    private void OnCongestion(bool congested)
    {
        Memory.Vmscan.DeviceCongested = congested;
        if (!congested)
        {
            WakeAll(State.CongestionWaiters);
        }
    }

    // wake_up of reclaim_wait: who was woken by its timer meanwhile looks again without cause.
    private void WakeReclaimSleepers()
    {
        var reasons = Memory.Vmscan.ThrottlesToWake;
        if (reasons == ThrottleReason.None)
        {
            return;
        }

        Memory.Vmscan.ThrottlesToWake = ThrottleReason.None;
        var sleepers = State.ReclaimSleepers;
        for (var i = 0; i < sleepers.Count;)
        {
            if ((sleepers[i].Reason & reasons) == 0)
            {
                i++;
                continue;
            }

            var task = sleepers[i].Task;
            sleepers.RemoveAt(i);
            WakeTask(task);
        }
    }

    // Tasks that a timer woke meanwhile are still listed: a wake-up without cause, after which they look again.
    private void WakeAll(List<int> tasks)
    {
        foreach (var task in tasks)
        {
            WakeTask(task);
        }

        tasks.Clear();
    }
}
