// Buffers for sending: an allocation that can stop and go on.
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Slab;

namespace ClusterSwap.Kernel.Net;

public sealed partial class SkbAllocator
{
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
