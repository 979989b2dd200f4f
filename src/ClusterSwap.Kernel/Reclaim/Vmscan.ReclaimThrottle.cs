// reclaim_throttle of 5.16: reclaimers wait for writes, for isolated pages or for any progress, not for a device.
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Tracing;

namespace ClusterSwap.Kernel.Reclaim;

public sealed partial class Vmscan
{
    /// <summary>Tasks that sleep for writes (<c>nr_writeback_throttled</c>).</summary>
    public int WritebackThrottled;

    /// <summary>Pages written since the first of them began to wait.</summary>
    public long WrittenMeanwhile;

    /// <summary>Sleepers of these reasons must be woken; the caller does it and clears this.</summary>
    public ThrottleReason ThrottlesToWake;

    /// <summary>
    /// <c>reclaim_throttle</c>, 5.16. True when the task sleeps: then <see cref="ReclaimCall.SleepNs"/> and
    /// <see cref="ReclaimCall.Throttle"/> say how long and for what. Kernel threads other than kswapd, workqueue
    /// workers among them, go on.
    /// </summary>
    private bool Throttle(ReclaimCall call, ThrottleReason reason)
    {
        if ((call.Task & (TaskFlags.KThread | TaskFlags.Kswapd)) == TaskFlags.KThread
            || (reason == ThrottleReason.NoProgress && SkipsNoProgress()))
        {
            return false;
        }

        var ticks = reason switch
        {
            ThrottleReason.Writeback => Hz / 10,
            ThrottleReason.Isolated => Hz / 50,
            _ => 1,
        };
        if (reason == ThrottleReason.Writeback && ++WritebackThrottled == 1)
        {
            WrittenMeanwhile = 0;
        }

        call.Throttle = reason;
        call.SleepNs = TicksNs(ticks);
        if (Trace is not null)
        {
            Trace.SleepsSince[Trace.TaskOn(call.Cpu)] = Trace.Now();
        }

        return true;
    }

    private void LeaveReclaimThrottle(ReclaimCall call)
    {
        if (call.Throttle != ThrottleReason.None)
        {
            TraceThrottled(call);
        }

        if (call.Throttle == ThrottleReason.Writeback)
        {
            WritebackThrottled--;
        }

        call.Throttle = ThrottleReason.None;
    }

    // The kernel knows the time in ticks.
    private void TraceThrottled(ReclaimCall call)
    {
        if (Trace is null)
        {
            return;
        }

        var known = Trace.SleepsSince.Remove(Trace.TaskOn(call.Cpu), out var sinceNs);
        var tickNs = TicksNs(1);
        var sleptNs = known ? (Trace.Now() - sinceNs) / tickNs * tickNs : call.SleepNs;
        Trace.Add(
            TraceEvent.mm_vmscan_throttled, call.Cpu, call.SleepNs / 1_000, Math.Min(sleptNs, call.SleepNs) / 1_000,
            (long)call.Throttle);
    }

    // skip_throttle_noprogress: waiting a tick helps only while much is being written.
    private bool SkipsNoProgress()
    {
        var reclaimable = 0L;
        for (var zone = 0; zone < _lru.Zones.Length; zone++)
        {
            reclaimable += ReclaimablePages(zone);
        }

        return NodeIsHopeless() || 2 * _stat[VmGauge.nr_writeback] <= reclaimable;
    }

    /// <summary>
    /// <c>consider_reclaim_throttle</c> after a priority of a direct reclaimer: more than an eighth reclaimed wakes
    /// those who wait for progress; nothing at all down to priority 1 makes the task one of them.
    /// </summary>
    private bool ConsiderThrottle(ReclaimCall call)
    {
        if (call.NrReclaimed > call.NrScanned >> 3)
        {
            ThrottlesToWake |= ThrottleReason.NoProgress;
            return false;
        }

        return call.Priority == 1 && call.NrReclaimed == 0 && Throttle(call, ThrottleReason.NoProgress);
    }

    /// <summary>
    /// <c>too_many_isolated</c>. Since 3.8 a reclaimer with IO and FS may only isolate an eighth of the inactive pages,
    /// so that one without, for which others may be waiting, gets past it.
    /// </summary>
    private bool TooManyIsolated(ReclaimCall call, ZoneReclaimState state, int file)
    {
        const Gfp IoAndFs = Gfp.Io | Gfp.Fs;
        var inactive = _lru.Size(call.Zone, call.List);
        if (_rules.Has(KernelChange.IsolatedLimit) && (call.Gfp & IoAndFs) == IoAndFs)
        {
            inactive >>= 3;
        }

        var tooMany = state.Isolated[file] > inactive;
        if (!tooMany && _how.WaitsForWhatIsLacking)
        {
            ThrottlesToWake |= ThrottleReason.Isolated;
        }

        return tooMany;
    }

    // One short sleep, then the batch is given up: the scan goes on with the next list. False: it sleeps.
    private bool StallOnIsolated(ReclaimCall call)
    {
        if (!call.BrakeSlept && Throttle(call, ThrottleReason.Isolated))
        {
            call.BrakeSlept = true;
            return false;
        }

        if (call.BrakeSlept && call.FatalSignal)
        {
            call.ZoneReclaimed += ReclaimCall.BatchPages;
        }

        call.BrakeSlept = false;
        call.ZonePhase = ZonePhase.Lists;
        return true;
    }

    // acct_reclaim_writeback: a batch written for each sleeper wakes them all.
    private void CountWritten()
    {
        if (WritebackThrottled > 0 && ++WrittenMeanwhile > (long)ReclaimCall.BatchPages * WritebackThrottled)
        {
            ThrottlesToWake |= ThrottleReason.Writeback;
        }
    }
}
