// Memory of the network path.
using ClusterSwap.Blades.Messages;
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Net;

namespace ClusterSwap.Blades.Actors;

public sealed partial class Blade
{
    private void OnRxTake(RxTake request)
    {
        var answer = request.Answer;
        var ring = request.Ring!;
        if (answer.Buffers.Length < request.Count)
        {
            answer.Buffers = new SkBuff[request.Payloads.Length];
        }

        ring.Attach(Memory.Skbs);
        var filled = ring.Filled.Count;
        long costNs = 0;
        for (var i = 0; i < request.Count; i++)
        {
            // What a failed copy leaves behind is SkBuff.None.
            ring.Take(request.Payloads[i], request.Cpu, out answer.Buffers[i]);
            costNs += ring.AllocatesPerFrame
                ? BufferNs(ring) + (long)_cost.CopyPageNs * request.Payloads[i] / SkbSizes.Page
                : 0;
        }

        answer.Count = request.Count;
        answer.CostNs = costNs + (ring.AllocatesPerFrame
            ? 0
            : (ring.Filled.Count - filled + request.Count) * BufferNs(ring));
        AfterAllocation();
        Host.Send(request.ReplyTo, answer);
    }

    private void OnRxRefill(RxRefill request)
    {
        var answer = request.Answer;
        var ring = request.Ring!;
        ring.Attach(Memory.Skbs);
        answer.Filled = ring.Refill(request.Cpu);
        answer.CostNs = answer.Filled * BufferNs(ring);
        State.Cpus.Interrupt(request.Cpu, request.PollNs + answer.CostNs, Host.NowNs);
        AfterAllocation();
        Host.Send(request.ReplyTo, answer);
    }

    // A buffer is half a page and its header; on the paged path the header has a data object of its own.
    private long BufferNs(RxRing ring) =>
        _cost.PagePairNs / 2 + (ring.Path == RxPath.Paged ? 2 : 1) * (long)_cost.SlabPairNs;

    /// <summary>Each frame goes past the tap, by the rule of patch 12 for what came from the reserve.</summary>
    private void OnTapFrames(TapFrames frames)
    {
        var taken = 0;
        for (var i = 0; i < frames.Count; i++)
        {
            ref var skb = ref frames.Buffers[i];
            if (skb.Head < 0)
            {
                continue;
            }

            var rule = SocketRules.Receive(
                _spec.Rules, Memory.Skbs.MemallocSocketExists, skb.PfMemAlloc, EtherProtocol.Ipv4);
            taken += frames.Tap!.Take(ref skb, rule, Memory.Skbs, frames.Cpu) ? 1 : 0;
        }

        AfterAllocation();
        _tapped.Taken = taken;
        _tapped.CostNs = taken * (long)_cost.SlabPairNs;
        Host.Send(frames.ReplyTo, _tapped);
    }

    private void OnFreeSkbs(FreeSkbs free)
    {
        for (var i = 0; i < free.Count; i++)
        {
            Memory.Skbs.Free(free.Skbs[i], free.Cpu);
        }

        for (var i = 0; i < free.PageCount; i++)
        {
            var page = free.Pages[i];
            Memory.Pages.Free(page, Memory.Pages.Frames[page].Order, free.Cpu);
        }

        free.Spares?.Push(free);
    }

    private void OnAckRequest(AckRequest request)
    {
        var answer = request.Answer;
        var outcome = Memory.Skbs.AllocAck(
            request.SocketAllocation, request.Task, request.Context, request.Cpu, out answer.Skb);
        answer.Granted = outcome == AllocOutcome.Granted;
        if (answer.Granted)
        {
            State.Cpus.Interrupt(request.SoftirqCpu, request.CostNs, Host.NowNs);
        }

        AfterAllocation();
        Host.Send(request.ReplyTo, answer);
    }

    /// <summary>tcp_collapse: its copies are time of the softirq.</summary>
    private void OnCollapseQueue(CollapseQueue request)
    {
        var answer = request.Answer;
        var queue = request.Queue!;
        var before = queue.InOrder.Count;
        answer.Collapsed = TcpCollapse.Run(queue, Memory.Skbs, request.Cpu, out answer.TrueSize);
        var copies = queue.InOrder.Count - before + answer.Collapsed;
        State.Cpus.Interrupt(request.Cpu, copies * ((long)_cost.CopyPageNs + 2 * _cost.SlabPairNs), Host.NowNs);
        AfterAllocation();
        Host.Send(request.ReplyTo, answer);
    }

    /// <summary>Software segmentation below TCP: the train leaves if all of its segments can be built, and is lost
    /// otherwise.</summary>
    private void OnSegmentTrain(SegmentTrain train)
    {
        var segment = train.Frame.Segment;
        var built = Memory.Skbs.TrySegment(segment.Length, train.Frame.Frames, train.Tcp!, train.Cpu);
        AfterAllocation();
        if (built)
        {
            Host.Send(train.Output, new Transmit(train.Frame, SkBuff.None, hasSkb: false) { Confirmed = train.Confirmed });
        }
        else
        {
            Host.Send(train.ReplyTo, new TxCleaned
            {
                Connection = train.Frame.Connection,
                Bytes = segment.Length,
                Dropped = train.Frame.Frames,
            });
        }
    }

    private void OnTxMemory(TxMemoryRequest request)
    {
        var answer = request.Answer;
        answer.HasSkb = false;
        answer.Count = 0;
        answer.CostNs = 0;
        answer.Outcome = AllocOutcome.Granted;
        if (request.NeedsSkb)
        {
            answer.CostNs += 2 * _cost.SlabPairNs;
            answer.Outcome = Memory.Skbs.AllocTx(ref request.Skb);
            answer.HasSkb = answer.Outcome == AllocOutcome.Granted;
            answer.Skb = request.Skb.Result;
        }

        if (answer.Outcome == AllocOutcome.Granted && request.PagesWanted > 0 && request.Block)
        {
            answer.Outcome = Memory.Skbs.AllocTxFragment(ref request.Page);
            answer.Count = answer.Outcome == AllocOutcome.Granted ? 1 : 0;
            answer.Pages[0] = request.Page.Page;
            answer.CostNs += _cost.PagePairNs;
        }
        else if (answer.Outcome == AllocOutcome.Granted && request.PagesWanted > 0)
        {
            answer.Count = Memory.Pages.AllocBulk(ref request.Page, answer.Pages.AsSpan(0, request.PagesWanted));
            answer.Outcome = request.Page.Outcome;
            answer.CostNs += request.PagesWanted * (long)_cost.PagePairNs;
        }

        AfterAllocation();
        Host.Send(request.ReplyTo, answer);
    }
}
