// Pages for processes: faults, swap-in, exit.
using ClusterSwap.Blades.Messages;
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Swap;

namespace ClusterSwap.Blades.Actors;

public sealed partial class Blade
{
    private void OnTouch(TouchRequest request)
    {
        ref var call = ref request.Call;
        long mapNs = 0;
        if (request.MapPage != PageFrame.None)
        {
            var vpn = Memory.Spaces.Vpn(call.Process, call.Offset);
            if (Memory.Spaces.MapSwapIn(vpn, request.MapPage, call.Write, call.Cpu))
            {
                mapNs = _cost.SwapFaultNs;
            }
        }

        Memory.Spaces.Touch(ref call);
        call.SystemNs += mapNs;
        if (call.Touched > 0 && call.Process < _spec.Processes)
        {
            // A reader that runs in memory is no progress of the workload.
            Progressed(call.Touched);
        }

        request.Answer.Call = call;
        Host.Send(request.ReplyTo, request.Answer);
    }

    private void OnPageRequest(PageRequest request)
    {
        ref var call = ref request.Call;
        var outcome = Memory.Pages.Continue(ref call);
        AfterAllocation();
        if (outcome != AllocOutcome.Granted)
        {
            request.Refused.Outcome = outcome;
            request.Refused.CostNs = _cost.PagePairNs;
            Host.Send(request.ReplyTo, request.Refused);
            return;
        }

        Map(request.VirtualPage, call);
        Progressed(1);
        request.Granted.Page = call.Page;
        request.Granted.FromReserve = call.PfMemAlloc;
        request.Granted.CostNs = _cost.PagePairNs;
        Host.Send(request.ReplyTo, request.Granted);
    }

    private void Map(int vpn, in AllocCall call)
    {
        if (call.Owner == PageOwner.PageTable)
        {
            if (!Memory.Spaces.AddPageTable(vpn, call.Page))
            {
                Memory.Pages.Free(call.Page, 0, call.Cpu);
            }
        }
        else
        {
            Memory.Spaces.MapNewAnon(vpn, call.Page, write: true, stamp: 0);
        }
    }

    private void OnSwapIn(SwapInRequest request)
    {
        var call = request.Call!;
        if (request.Begin)
        {
            call.Begin(Memory.Slots, Memory.Spaces, Memory.PageCluster);
        }

        long costNs = 0;
        request.Answer.Outcome = Memory.Reader.Continue(call, ref costNs);
        request.Answer.CostNs = costNs;
        FillRun(request.Run!, call, request.Task);
        Host.Send(request.ReplyTo, request.Answer);
    }

    // What is ready to be read, with bios as far as there are any (swap_readpage of each page, 3.6).
    private void FillRun(BioRun run, SwapReadCall call, int task)
    {
        run.Write = false;
        run.Short = false;
        run.Bios = 0;
        run.Count = call.Ready - call.HandedOver;
        Array.Copy(call.Pages, call.HandedOver, run.Pages, 0, run.Count);
        Array.Copy(call.Slots, call.HandedOver, run.Slots, 0, run.Count);
        call.HandedOver = call.Ready;
        MakeBios(run, Gfp.Kernel, call.Task, call.Cpu, task);
    }

    private void OnExit(ExitRequest request)
    {
        var step = request.Offset;
        var count = Memory.Spaces.Release(request.Process, ref step, _released, request.Cpu);
        for (var i = 0; i < count; i++)
        {
            Memory.Pages.Free(_released[i], 0, request.Cpu);
        }

        Progressed(count);
        request.Answer.Offset = step;
        request.Answer.Complete = step == Memory.Spaces.ReleaseSteps;
        request.Answer.CostNs = (step - request.Offset) * (long)_cost.IsolateNs + count * (long)_cost.PagePairNs;
        Host.Send(request.ReplyTo, request.Answer);
    }

    private void OnOutOfMemory(int task)
    {
        Memory.Stat.Count(Kernel.VmCounter.oom_kill);
        if (State.OutOfMemoryNs < 0)
        {
            State.OutOfMemoryNs = Host.NowNs;
            State.OutOfMemoryTask = task;
        }
    }

    /// <summary>What every allocation may leave behind: a wish to wake kswapd, and a new low of free pages.</summary>
    private void AfterAllocation()
    {
        Memory.NoteFree(Host.NowNs, State.ProgressNs);
        var pages = Memory.Pages;
        if (!pages.KswapdWanted)
        {
            return;
        }

        pages.KswapdWanted = false;
        var order = pages.KswapdWantedOrder;
        var classzone = pages.KswapdWantedClasszone;
        foreach (var i in pages.ZonelistOf(pages.KswapdWantedList))
        {
            var zone = pages.Zones[i];
            if (zone.Type <= pages.KswapdWantedHighest
                && Memory.Vmscan.WakeupKswapd(Memory.Kswapds[zone.Node], i, order, classzone))
            {
                SendWakeKswapd(zone.Node, order, classzone);
            }
        }
    }

    private void SendWakeKswapd(int node, int order, int classzone)
    {
        _wakeKswapd[node].Order = order;
        _wakeKswapd[node].Classzone = classzone;
        Host.Send(_kswapds[node], _wakeKswapd[node]);
    }
}
