// kswapd's balance loop: shrink the zones below their high marks until all are balanced.
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Tracing;

namespace ClusterSwap.Kernel.Reclaim;

public sealed partial class Vmscan
{
    /// <summary>Starts kswapd, which first tries to sleep.</summary>
    public void BeginKswapd(KswapdCall k)
    {
        const TaskFlags Flags = TaskFlags.MemAlloc | TaskFlags.SwapWrite | TaskFlags.Kswapd | TaskFlags.KThread;
        StartScan(k.Scan, Gfp.Kernel, 0, Flags, k.Scan.Cpu, long.MaxValue);
        k.RequestedClasszone = _types - 1;
        k.Classzone = _types - 1;
        k.NewClasszone = _types - 1;
        k.BalancedClasszone = _types - 1;
        k.Phase = KswapdPhase.TrySleep;
    }

    /// <summary>
    /// <c>wakeup_kswapd</c>, 3.6: notes the request and tells whether kswapd sleeps and the zone is below its low
    /// mark. Then it is marked woken, and the caller makes its task runnable.
    /// </summary>
    public bool WakeupKswapd(KswapdCall k, int zone, int order, int classzone)
    {
        if (_view.Present(zone) == 0)
        {
            return false;
        }

        if (k.RequestedOrder < order)
        {
            k.RequestedOrder = order;
            k.RequestedClasszone = Math.Min(k.RequestedClasszone, classzone);
        }

        var enough = _how.ByNode
            ? NodeNeedsNoKswapd(order)
            : _view.WatermarkOk(zone, order, _view.Low(zone), 0);
        if (!k.Waiting || enough)
        {
            return false;
        }

        Trace?.Add(TraceEvent.mm_vmscan_wakeup_kswapd, Trace.WakerCpu, zone, order, (long)Trace.WakerGfp);
        WakeUp(k);
        return true;
    }

    /// <summary>Goes on with kswapd up to its next sleep, batch or decision (<c>balance_pgdat</c>, 3.6).</summary>
    public ReclaimStepKind StepKswapd(KswapdCall k)
    {
        ClearRequests(k.Scan);
        while (true)
        {
            ReclaimStepKind? kind = null;
            switch (k.Phase)
            {
                case KswapdPhase.TrySleep:
                case KswapdPhase.SecondCheck:
                    kind = StepSleep(k);
                    break;
                case KswapdPhase.TakeRequest:
                    TakeRequest(k);
                    break;
                case KswapdPhase.LoopAgain:
                    LoopAgain(k);
                    break;
                case KswapdPhase.AfterWait:
                    AfterWait(k);
                    break;
                case KswapdPhase.NextRequest:
                    NextRequest(k);
                    break;
                default:
                    kind = _how.ByNode ? BalanceNode(k) : BalanceZones(k);
                    break;
            }

            if (kind is { } result)
            {
                return result;
            }
        }
    }

    // A priority of balance_pgdat up to 4.7: zones above their high marks bound the work, the others are shrunk.
    private ReclaimStepKind? BalanceZones(KswapdCall k)
    {
        switch (k.Phase)
        {
            case KswapdPhase.FindEndZone:
                FindEndZone(k);
                return null;
            case KswapdPhase.Zones:
                return StepKswapdZones(k);
            case KswapdPhase.PriorityEnd:
                return EndKswapdPriority(k);
            case KswapdPhase.Decide:
                return Decide(k);
            default:
                throw new InvalidOperationException($"kswapd in phase {k.Phase}");
        }
    }

    private void LoopAgain(KswapdCall k)
    {
        _stat.Count(VmCounter.pageoutrun);
        _view.SetReclaimActive(k.Node, true);
        k.Scan.TotalScanned = 0;
        k.Scan.NrReclaimed = 0;
        k.Scan.MayWritepage = true;
        k.Scan.Priority = ReclaimCall.DefaultPriority;
        k.Phase = KswapdPhase.FindEndZone;
    }

    // From the highest zone down: the first that fails its high mark bounds the work. None fails: balanced.
    private void FindEndZone(KswapdCall k)
    {
        var scan = k.Scan;
        k.AllZonesOk = true;
        k.HasUnderMin = false;
        k.BalancedPages = 0;
        scan.CostNs += _cost.IsolateNs;
        for (var type = _types - 1; type >= 0; type--)
        {
            var zone = FirstZone(k) + type;
            if (!ZoneIsWorthScanning(zone, scan.Priority))
            {
                continue;
            }

            if (InactiveAnonIsLow(zone))
            {
                scan.Zone = zone;
                ShrinkActiveList(scan, LruList.ActiveAnon, ReclaimCall.BatchPages);
            }

            if (!_view.WatermarkOk(zone, scan.Order, _view.High(zone), 0))
            {
                k.EndZone = type;
                scan.Zone = FirstZone(k);
                k.Phase = KswapdPhase.Zones;
                return;
            }

            _lru.Zones[zone].Congested = false;
        }

        k.Phase = KswapdPhase.Decide;
    }

    // From the lowest zone up to the end zone.
    private ReclaimStepKind? StepKswapdZones(KswapdCall k)
    {
        var scan = k.Scan;
        if (scan.Zone > FirstZone(k) + k.EndZone)
        {
            k.Phase = KswapdPhase.PriorityEnd;
            return null;
        }

        if (scan.ZonePhase == ZonePhase.Start)
        {
            if (!ZoneIsWorthScanning(scan.Zone, scan.Priority))
            {
                scan.Zone++;
                return null;
            }

            if (_view.WatermarkOk(scan.Zone, scan.Order, _view.High(scan.Zone) + Gap(scan.Zone), k.EndZone))
            {
                JudgeZone(k);
                return null;
            }

            scan.NrScanned = 0;
        }

        var progress = ShrinkZone(scan);
        if (progress != ZoneProgress.ZoneDone)
        {
            return KindOf(progress);
        }

        scan.TotalScanned += scan.NrScanned;
        var state = _lru.Zones[scan.Zone];
        if (state.PagesScanned >= ReclaimablePages(scan.Zone) * 6)
        {
            // No slab is reclaimable here, so slabs never gave anything.
            state.AllUnreclaimable = true;
        }

        JudgeZone(k);
        return null;
    }

    // A little more than the high mark, so that zones are kept level: min(low, 1 % of the zone rounded up).
    private long Gap(int zone) => Math.Min(_view.Low(zone), (_view.Present(zone) + 99) / 100);

    // What this zone means for the balance at this priority, then on to the next one.
    private void JudgeZone(KswapdCall k)
    {
        var scan = k.Scan;
        var zone = scan.Zone++;
        if (scan.TotalScanned > 2 * ReclaimCall.BatchPages
            && scan.TotalScanned > scan.NrReclaimed + scan.NrReclaimed / 2)
        {
            scan.MayWritepage = true;
        }

        if (_lru.Zones[zone].AllUnreclaimable)
        {
            if (k.EndZone > 0 && k.EndZone == zone - FirstZone(k))
            {
                k.EndZone--;
            }

            return;
        }

        if (_view.WatermarkOk(zone, scan.Order, _view.High(zone), k.EndZone))
        {
            _lru.Zones[zone].Congested = false;
            k.BalancedPages += zone - FirstZone(k) <= k.BalancedClasszone ? _view.Present(zone) : 0;
            return;
        }

        k.AllZonesOk = false;
        k.HasUnderMin |= !_view.WatermarkOk(zone, scan.Order, _view.Min(zone), k.EndZone);
    }

    private ReclaimStepKind? EndKswapdPriority(KswapdCall k)
    {
        var scan = k.Scan;
        if (k.PfMemAllocWaiters > 0 && PfMemAllocWatermarkOk(k, out _))
        {
            WakeThrottled(k);
        }

        if (IsBalanced(k))
        {
            k.Phase = KswapdPhase.Decide;
            return null;
        }

        k.Phase = KswapdPhase.AfterWait;
        if (scan.TotalScanned == 0 || scan.Priority >= ReclaimCall.DefaultPriority - 2)
        {
            return null;
        }

        if (k.HasUnderMin)
        {
            _stat.Count(VmCounter.kswapd_skip_congestion_wait);
            return null;
        }

        scan.SleepNs = TicksNs(Hz / 10);
        return ReclaimStepKind.Sleep;
    }

    private static void AfterWait(KswapdCall k)
    {
        var leave = k.Scan.NrReclaimed >= ReclaimCall.BatchPages || k.Scan.Priority == 0;
        k.Scan.Priority -= leave ? 0 : 1;
        k.Phase = leave ? KswapdPhase.Decide : KswapdPhase.FindEndZone;
    }

    // kswapd does not give up: it loops, for order 0 if a round brought next to nothing.
    private ReclaimStepKind? Decide(KswapdCall k)
    {
        if (IsBalanced(k))
        {
            k.BalancedOrder = k.Scan.Order;
            k.BalancedClasszone = k.EndZone;
            k.Phase = KswapdPhase.NextRequest;
            return null;
        }

        if (k.Scan.NrReclaimed < ReclaimCall.BatchPages)
        {
            k.Scan.Order = 0;
        }

        k.Phase = KswapdPhase.LoopAgain;
        return ReclaimStepKind.Continue;
    }

    private bool IsBalanced(KswapdCall k) =>
        k.AllZonesOk || (k.Scan.Order > 0 && IsQuarter(k, k.BalancedPages, k.BalancedClasszone));

    private int FirstZone(KswapdCall k) => k.Node * _types;

    // pgdat_balanced: at least a quarter of the pages up to a zone.
    private bool IsQuarter(KswapdCall k, long pages, int classzone)
    {
        var present = 0L;
        for (var type = 0; type <= classzone; type++)
        {
            present += _view.Present(FirstZone(k) + type);
        }

        return pages >= present >> 2;
    }
}
