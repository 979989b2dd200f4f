// Buffers for sending: an allocation that can stop and go on.
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Slab;
using MemoryPack;

namespace ClusterSwap.Kernel.Net;

public sealed partial class SkbAllocator
{
    // Segments of the train at hand: none outlives the call.
    [MemoryPackIgnore]
    private readonly List<SkBuff> _built = [];

    /// <summary>
    /// <c>sk_stream_alloc_skb</c>: fclone pair and linear data with the socket's allocation mode. Runs to its end or to
    /// the next point where the page allocation inside stops.
    /// </summary>
    public AllocOutcome AllocTx(ref SkbCall call)
    {
        while (call.Stage != SkbStage.Ended)
        {
            var cache = call.Stage == SkbStage.Head ? _index.SkbFclone : DataCache(call.DataBytes);
            var outcome = RunStage(ref call, cache);
            if (outcome is not (AllocOutcome.Granted or AllocOutcome.Failed))
            {
                return outcome;
            }

            if (!EndStage(ref call, cache, outcome == AllocOutcome.Granted))
            {
                return AllocOutcome.Failed;
            }
        }

        return AllocOutcome.Granted;
    }

    /// <summary>
    /// <c>skb_page_frag_refill</c>: a block of eight pages that costs no direct reclaim, else a page with the socket's
    /// allocation mode, which can stop where that does. <see cref="AllocCall.Order"/> says which was granted.
    /// </summary>
    public AllocOutcome AllocTxFragment(ref AllocCall call)
    {
        var order = SocketRules.TransmitFragmentOrder(_rules);
        if (order > 0 && call.Step == AllocStep.FastPass)
        {
            var block = call;
            block.Order = (byte)order;
            block.Gfp = (call.Gfp & ~Gfp.Wait) | Gfp.Comp | Gfp.NoWarn | Gfp.NoRetry;
            if (_pages.Continue(ref block) == AllocOutcome.Granted)
            {
                call = block;
                return AllocOutcome.Granted;
            }
        }

        return _pages.Continue(ref call);
    }

    /// <summary>
    /// Software segmentation of a train (<c>skb_segment</c>, 6.1) for a driver that frees each segment as soon as it
    /// has written it: all segments are built before the first one leaves, each a header and a copy of its bytes, with
    /// bottom halves disabled, where no task flag counts. False: the train is dropped, and nobody above is told.
    /// </summary>
    public bool TrySegment(int payload, int segments, TcpParameters tcp, int cpu)
    {
        var built = 0;
        while (_built.Count < segments)
        {
            _built.Add(SkBuff.None);
        }

        var left = payload;
        for (; built < segments; built++)
        {
            var bytes = Math.Min(left, tcp.Mss);
            left -= bytes;
            var outcome = AllocSkb(
                Gfp.Atomic, TaskFlags.None, AllocContext.BottomHalvesDisabled, cpu, bytes + SkbSizes.FrameHeaders, out var skb);
            if (outcome != AllocOutcome.Granted)
            {
                break;
            }

            _built[built] = skb;
        }

        for (var i = 0; i < built; i++)
        {
            Free(_built[i], cpu);
        }

        return built == segments;
    }

    private AllocOutcome RunStage(ref SkbCall call, byte cache)
    {
        if (!call.Started)
        {
            var first = call.Stage == SkbStage.Data && _knowsReserve;
            var gfp = first ? call.Gfp | Gfp.NoMemAlloc | Gfp.NoWarn : call.Gfp;
            call.Inner = SlabCall.For(gfp, call.Task, call.Context, call.Cpu);
            call.Started = true;
        }

        call.Inner.Task = call.Task;
        call.Inner.Cpu = call.Cpu;
        return _caches[cache].Alloc(ref call.Inner);
    }

    /// <summary>Moves to the next stage; false when the whole call failed.</summary>
    private bool EndStage(ref SkbCall call, byte cache, bool granted)
    {
        call.Started = false;
        if (call.Stage == SkbStage.Head && granted)
        {
            call.Result.Head = call.Inner.Slab;
            call.Result.HeadCache = cache;
            call.Stage = SkbStage.Data;
            return true;
        }

        if (call.Stage != SkbStage.Head && granted)
        {
            call.Result.Data = call.Inner.Slab;
            call.Result.DataCache = cache;
            call.Result.TrueSize = SkbSizes.Head + _caches[cache].ObjectSize;
            call.Result.PfMemAlloc = call.Stage == SkbStage.DataFromReserve;
            call.Stage = SkbStage.Ended;
            return true;
        }

        if (call.Stage == SkbStage.Data && _knowsReserve
            && _pages.PfMemAllocAllowed(call.Gfp, call.Task, call.Context))
        {
            call.Stage = SkbStage.DataFromReserve;
            return true;
        }

        if (call.Result.Head != PageFrame.None)
        {
            _caches[call.Result.HeadCache].Free(call.Result.Head, call.Cpu);
        }

        call.Result = SkBuff.None;
        call.Stage = SkbStage.Ended;
        return false;
    }
}
