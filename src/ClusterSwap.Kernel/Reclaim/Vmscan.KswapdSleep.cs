// Between two rounds: kswapd takes a new request, or sleeps first briefly and then for good.
using ClusterSwap.Kernel.Tracing;

namespace ClusterSwap.Kernel.Reclaim;

public sealed partial class Vmscan
{
    // After a balanced round: a harder request that came meanwhile is served at once.
    private void NextRequest(KswapdCall k)
    {
        if (k.BalancedClasszone >= k.NewClasszone && k.BalancedOrder == k.NewOrder)
        {
            k.NewOrder = k.RequestedOrder;
            k.NewClasszone = k.RequestedClasszone;
            ForgetRequest(k);
        }

        if (k.Order < k.NewOrder || k.Classzone > k.NewClasszone)
        {
            StartRequest(k, k.NewOrder, k.NewClasszone);
        }
        else
        {
            k.Phase = KswapdPhase.TrySleep;
        }
    }

    private void TakeRequest(KswapdCall k)
    {
        k.Waiting = false;
        k.NewOrder = k.RequestedOrder;
        k.NewClasszone = k.RequestedClasszone;
        ForgetRequest(k);
        StartRequest(k, k.NewOrder, k.NewClasszone);
    }

    private void ForgetRequest(KswapdCall k)
    {
        k.RequestedOrder = 0;
        k.RequestedClasszone = _types - 1;
    }

    private void StartRequest(KswapdCall k, int order, int classzone)
    {
        Trace?.Add(TraceEvent.mm_vmscan_kswapd_wake, k.Scan.Cpu, k.Node, order);
        k.Order = order;
        k.Classzone = classzone;
        k.Scan.Order = (byte)order;
        k.BalancedClasszone = classzone;
        k.EndZone = 0;
        k.Phase = KswapdPhase.LoopAgain;
    }

    // kswapd_try_to_sleep: HZ/10 first, so that a quick wake-up shows that the low mark was hit again.
    private ReclaimStepKind? StepSleep(KswapdCall k)
    {
        k.Scan.CostNs += _cost.IsolateNs;
        if (k.Phase == KswapdPhase.TrySleep)
        {
            k.Phase = KswapdPhase.SecondCheck;
            k.Woken = false;
            if (!MaySleep(k, cutShort: false))
            {
                return null;
            }

            k.Waiting = true;
            k.Scan.SleepNs = TicksNs(Hz / 10);
            return ReclaimStepKind.Sleep;
        }

        var cutShort = k.Woken;
        k.Waiting = false;
        k.Woken = false;
        k.Phase = KswapdPhase.TakeRequest;
        if (MaySleep(k, cutShort))
        {
            k.Waiting = true;
            Trace?.Add(TraceEvent.mm_vmscan_kswapd_sleep, k.Scan.Cpu, k.Node);
            return ReclaimStepKind.KswapdSleep;
        }

        _stat.Count(cutShort ? VmCounter.kswapd_low_wmark_hit_quickly : VmCounter.kswapd_high_wmark_hit_quickly);
        return null;
    }

    /// <summary>
    /// <c>prepare_kswapd_sleep</c>, 3.6. Waiters on pfmemalloc_wait are woken and, until 3.19, forbid the sleep: a
    /// task that fell asleep there just now would have nobody to wake it.
    /// </summary>
    private bool MaySleep(KswapdCall k, bool cutShort)
    {
        if (cutShort)
        {
            return false;
        }

        if (k.PfMemAllocWaiters > 0)
        {
            WakeThrottled(k);
            if (!_rules.Has(KernelChange.KswapdSleepsWithWaiters))
            {
                return false;
            }
        }

        if (_how.ByNode)
        {
            return NodeMaySleep(k);
        }

        var balanced = 0L;
        var allOk = true;
        for (var type = 0; type <= k.BalancedClasszone; type++)
        {
            var zone = FirstZone(k) + type;
            var present = _view.Present(zone);
            var ok = present == 0 || _lru.Zones[zone].AllUnreclaimable
                || _view.WatermarkOk(zone, k.BalancedOrder, _view.High(zone), type);
            allOk &= ok;
            balanced += ok ? present : 0;
        }

        return k.BalancedOrder > 0 ? IsQuarter(k, balanced, k.BalancedClasszone) : allOk;
    }
}
