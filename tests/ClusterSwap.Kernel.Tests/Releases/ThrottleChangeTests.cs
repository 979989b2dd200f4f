// Later changes to the pfmemalloc throttle: each is flipped alone, on the rules of 3.6.
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Reclaim;
using ClusterSwap.Kernel.Tests.Reclaim;

namespace ClusterSwap.Kernel.Tests.Releases;

public class ThrottleChangeTests
{
    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 1)]
    public void A_killed_task_that_was_not_throttled_reclaims_since_3_7(bool has, long stalls)
    {
        var blade = Blade(KernelChange.FatalSignalIfThrottled, has);
        blade.Call.FatalSignal = true;
        blade.Reclaim();
        Assert.Equal(stalls, blade.Stat[VmCounter.allocstall]);
    }

    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 0)]
    public void A_task_that_is_being_killed_is_not_throttled_since_3_7(bool has, long throttled)
    {
        var blade = Blade(KernelChange.FatalSignalIfThrottled, has);
        blade.Zones.FreePages[0] = 724;
        blade.Call.FatalSignal = true;
        blade.Reclaim();
        Assert.Equal(throttled, blade.Stat[VmCounter.pgscan_direct_throttle]);
    }

    [Fact]
    public void A_task_that_is_killed_in_the_throttle_still_pretends_progress()
    {
        var blade = Blade(KernelChange.FatalSignalIfThrottled, has: true);
        blade.Zones.FreePages[0] = 724;
        blade.Begin();
        Assert.Equal(ReclaimStepKind.Throttled, blade.Vm.Step(blade.Call));
        blade.Call.FatalSignal = true;
        Assert.Equal(ReclaimStepKind.Done, blade.Vm.Step(blade.Call));
        Assert.Equal(1, blade.Call.NrReclaimed);
        Assert.Equal(0, blade.Stat[VmCounter.allocstall]);
    }

    [Theory]
    [InlineData(false, ReclaimStepKind.KswapdSleep)]
    [InlineData(true, ReclaimStepKind.Sleep)]
    public void Waiters_no_longer_cost_kswapd_its_first_sleep(bool has, ReclaimStepKind expected)
    {
        var blade = Blade(KernelChange.KswapdSleepsWithWaiters, has);
        blade.Zones.FreePages[0] = 724;
        blade.Begin();
        Assert.Equal(ReclaimStepKind.Throttled, blade.Vm.Step(blade.Call));
        blade.Zones.FreePages[0] = 3_000;
        blade.K.Phase = KswapdPhase.TrySleep;
        blade.K.Waiting = false;

        // In 3.6 the first check is refused; the second, with nobody left to wake, passes.
        Assert.Equal(expected, blade.Vm.StepKswapd(blade.K));
        Assert.True(blade.K.WakeThrottled);
    }

    [Theory]
    [InlineData(false, true)]
    [InlineData(true, false)]
    public void A_DMA_zone_with_nothing_to_reclaim_no_longer_keeps_the_throttle_open(bool has, bool ok)
    {
        var blade = DmaOnlyFree(Of(KernelChange.ThrottleSkipsUnreclaimable, has));
        Assert.Equal(ok, blade.Vm.PfMemAllocWatermarkOk(blade.K, out _));
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, true)]
    public void A_zone_without_LRU_pages_counts_its_free_pages_again_in_6_1_124(bool has, bool ok)
    {
        var rules = Of(KernelChange.ZoneWithoutLruCountsFree, has);
        rules = rules with { Changes = rules.Changes.With(KernelChange.ThrottleSkipsUnreclaimable) };
        Assert.Equal(ok, DmaOnlyFree(rules).Vm.PfMemAllocWatermarkOk(new KswapdCall(), out _));
    }

    [Fact]
    public void With_no_zone_left_to_count_nobody_is_throttled()
    {
        var blade = Blade(KernelChange.ThrottleSkipsUnreclaimable, has: true);
        blade.Zones.FreePages[0] = 0;
        Assert.True(blade.Vm.PfMemAllocWatermarkOk(blade.K, out _));
    }

    private static KernelRules Of(KernelChange change, bool has)
    {
        KernelRules rules = PatchSet.All;
        return rules with { Changes = has ? rules.Changes.With(change) : rules.Changes.Without(change) };
    }

    private static FakeBlade Blade(KernelChange change, bool has) => new(patches: Of(change, has));

    /// <summary>DMA free and without any LRU page, DMA32 used up with pages to reclaim.</summary>
    private static FakeBlade DmaOnlyFree(KernelRules rules)
    {
        var blade = new FakeBlade(FakeBlade.Dma2GiB, rules);
        blade.Zones.FreePages[0] = 2_031;
        blade.Zones.FreePages[1] = 0;
        blade.Anon();
        return blade;
    }
}
