// The pfmemalloc throttle: ordinary reclaimers wait while half of the reserve is gone (patches 15 and 16).
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Tracing;

namespace ClusterSwap.Kernel.Reclaim;

public sealed partial class Vmscan
{
    /// <summary>
    /// <c>pfmemalloc_watermark_ok</c>, 3.6: more pages are free, over all zones of the node, than half of the sum of
    /// their min marks. When not, a sleeping kswapd is marked woken and <paramref name="wakeKswapd"/> tells the caller
    /// to start it. Later kernels leave out zones without reclaimable pages, pass when none is left, and pass when the
    /// node is hopeless.
    /// </summary>
    public bool PfMemAllocWatermarkOk(KswapdCall k, out bool wakeKswapd)
    {
        long reserve = 0, free = 0;
        for (var zone = FirstZone(k); zone < FirstZone(k) + _types; zone++)
        {
            if (CountsInThrottle(zone))
            {
                reserve += _view.Min(zone);
                free += _view.Free(zone);
            }
        }

        // With kswapd gone nobody would end the wait (4.12).
        var ok = reserve == 0 || free > reserve / 2 || NodeIsHopeless();
        wakeKswapd = !ok && k.Waiting;
        if (wakeKswapd)
        {
            k.RequestedClasszone = Math.Min(k.RequestedClasszone, _types - 1);
            WakeUp(k);
        }

        return ok;
    }

    // Lists that belong to the node stand for each of its zones.
    private bool CountsInThrottle(int zone) =>
        !_rules.Has(KernelChange.ThrottleSkipsUnreclaimable)
        || ReclaimablePages(Math.Min(zone, _lru.Zones.Length - 1)) > 0
        || (_rules.Has(KernelChange.ZoneWithoutLruCountsFree) && _view.Free(zone) > 0);

    /// <summary>
    /// <c>throttle_direct_reclaim</c>, 3.6: true while the task has to wait. Otherwise the phase is set to what
    /// follows: reclaim, or the end with "progress" for a task with a fatal signal (in 3.6 even when it never waited,
    /// later only when it did).
    /// </summary>
    private bool ThrottleDirectReclaim(ReclaimCall call)
    {
        if (!_rules.Has(15))
        {
            call.Phase = DirectPhase.Begin;
            return false;
        }

        var queued = call.Phase == DirectPhase.Throttled;
        LeaveThrottle(call);
        if (MustWait(call, queued))
        {
            call.Phase = DirectPhase.Throttled;
            var node = _nodes[call.ListNode];
            call.QueuedEpoch = node.WakeEpoch;
            node.PfMemAllocWaiters++;
            if (!queued)
            {
                Trace?.Add(TraceEvent.reclaim_throttled, call.Cpu, call.ListNode, (long)call.Gfp);
            }

            call.KeepDeadline = queued;
            call.SleepNs = (call.Gfp & Gfp.Fs) != 0 ? long.MaxValue : TicksNs(Hz);
            return true;
        }

        call.Phase = DirectPhase.Begin;
        if (queued)
        {
            Trace?.Add(TraceEvent.reclaim_released, call.Cpu, call.ListNode);
        }

        if (call.FatalSignal && (queued || !_how.SignalCountsAfterThrottle))
        {
            End(call, 1);
        }

        return false;
    }

    private bool MustWait(ReclaimCall call, bool queued)
    {
        var isDying = call.FatalSignal && !queued && _how.SignalCountsAfterThrottle;
        if ((call.Task & TaskFlags.KThread) != 0 || isDying)
        {
            return false;
        }

        // The node of the first zone in the zonelist, whatever a bind policy allows.
        var ok = PfMemAllocWatermarkOk(_nodes[call.ListNode], out var wakeKswapd);
        call.WakeKswapd |= wakeKswapd;
        if (ok)
        {
            return false;
        }

        if (!queued)
        {
            CountThrottled();
        }

        // With FS the wait ends by a fatal signal alone; without it also by a second gone or by any signal.
        var gaveUp = (call.Gfp & Gfp.Fs) == 0 && queued && call.WaitExpired;
        return !gaveUp && !call.FatalSignal;
    }

    private void CountThrottled()
    {
        if (_rules.Has(16))
        {
            _stat.Count(VmCounter.pgscan_direct_throttle);
        }
    }

    // A woken task has been taken off the queue by the wake-up; one that comes for another reason takes itself off.
    private void LeaveThrottle(ReclaimCall call)
    {
        if (call.Phase == DirectPhase.Throttled && call.QueuedEpoch == _nodes[call.ListNode].WakeEpoch)
        {
            _nodes[call.ListNode].PfMemAllocWaiters--;
        }
    }

    private static void WakeThrottled(KswapdCall k)
    {
        k.WakeThrottled = true;
        k.PfMemAllocWaiters = 0;
        k.WakeEpoch++;
    }

    private static void WakeUp(KswapdCall k)
    {
        k.Waiting = false;
        k.Woken = true;
    }
}
