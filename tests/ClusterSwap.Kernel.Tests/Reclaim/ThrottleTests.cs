using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Reclaim;

namespace ClusterSwap.Kernel.Tests.Reclaim;

/// <summary>The pfmemalloc throttle (patches 15 and 16).</summary>
public class ThrottleTests
{
    private static FakeBlade Low(Func<PatchSet, PatchSet>? change = null)
    {
        var patches = change?.Invoke(PatchSet.All) ?? PatchSet.All;
        var blade = new FakeBlade(patches: patches);
        blade.Zones.FreePages[0] = 724;
        return blade;
    }

    [Theory]
    [InlineData(724, false)]
    [InlineData(725, true)]
    public void A_flat_2_GiB_blade_throttles_at_exactly_half_of_its_min_mark(long free, bool ok)
    {
        var blade = new FakeBlade();
        blade.Zones.FreePages[0] = free;
        Assert.Equal(ok, blade.Vm.PfMemAllocWatermarkOk(blade.K, out _));
    }

    [Theory]
    [InlineData(0, 723, false)]
    [InlineData(0, 724, true)]
    [InlineData(2031, 0, true)]
    public void With_a_DMA_zone_the_limit_is_723_and_the_pages_of_DMA_count(long dma, long dma32, bool ok)
    {
        var blade = new FakeBlade(FakeBlade.Dma2GiB);
        blade.Zones.FreePages[0] = dma;
        blade.Zones.FreePages[1] = dma32;
        Assert.Equal(ok, blade.Vm.PfMemAllocWatermarkOk(blade.K, out _));
    }

    [Fact]
    public void A_caller_with_FS_waits_without_end_until_it_is_woken_and_the_test_passes()
    {
        var blade = Low();
        blade.Begin();
        Assert.Equal(ReclaimStepKind.Throttled, blade.Vm.Step(blade.Call));
        Assert.Equal(long.MaxValue, blade.Call.SleepNs);
        blade.Call.WaitExpired = true;
        Assert.Equal(ReclaimStepKind.Throttled, blade.Vm.Step(blade.Call));
        Assert.Equal(1, blade.K.PfMemAllocWaiters);
        Assert.Equal(0, blade.Stat[VmCounter.allocstall]);
        blade.Zones.FreePages[0] = 725;
        Assert.NotEqual(ReclaimStepKind.Throttled, blade.Vm.Step(blade.Call));
        Assert.Equal(0, blade.K.PfMemAllocWaiters);
        Assert.Equal(1, blade.Stat[VmCounter.allocstall]);
    }

    [Theory]
    [InlineData(Gfp.NoFs)]
    [InlineData(Gfp.NoIo)]
    public void A_caller_without_FS_waits_a_second_at_most_and_then_reclaims_regardless(Gfp gfp)
    {
        var blade = Low();
        blade.Begin(gfp);
        Assert.Equal(ReclaimStepKind.Throttled, blade.Vm.Step(blade.Call));
        Assert.Equal(1_000_000_000, blade.Call.SleepNs);
        Assert.False(blade.Call.KeepDeadline);
        Assert.Equal(ReclaimStepKind.Throttled, blade.Vm.Step(blade.Call));
        Assert.True(blade.Call.KeepDeadline);
        blade.Call.WaitExpired = true;
        Assert.NotEqual(ReclaimStepKind.Throttled, blade.Vm.Step(blade.Call));
        Assert.Equal(1, blade.Stat[VmCounter.allocstall]);
        Assert.Equal(0, blade.K.PfMemAllocWaiters);
    }

    [Fact]
    public void Throttling_is_counted_once_per_entry()
    {
        var blade = Low();
        blade.Begin();
        for (var i = 0; i < 5; i++)
        {
            blade.Vm.Step(blade.Call);
        }

        Assert.Equal(1, blade.Stat[VmCounter.pgscan_direct_throttle]);
    }

    [Fact]
    public void Kernel_threads_are_exempt()
    {
        var blade = Low();
        blade.Reclaim(Gfp.NoIo, TaskFlags.KThread);
        Assert.Equal(0, blade.Stat[VmCounter.pgscan_direct_throttle]);
        Assert.Equal(1, blade.Stat[VmCounter.allocstall]);
    }

    [Fact]
    public void Without_patch_15_nobody_is_throttled_and_without_patch_16_nobody_is_counted()
    {
        var without15 = Low(all => all.Without(15));
        without15.Reclaim();
        Assert.Equal(0, without15.Stat[VmCounter.pgscan_direct_throttle]);

        var without16 = Low(all => all.Without(16));
        without16.Begin();
        Assert.Equal(ReclaimStepKind.Throttled, without16.Vm.Step(without16.Call));
        Assert.Equal(0, without16.Stat[VmCounter.pgscan_direct_throttle]);
    }

    [Fact]
    public void A_fatal_signal_ends_the_wait_and_pretends_progress()
    {
        var blade = Low();
        blade.Begin();
        blade.Vm.Step(blade.Call);
        blade.Call.FatalSignal = true;
        Assert.Equal(ReclaimStepKind.Done, blade.Vm.Step(blade.Call));
        Assert.Equal(1, blade.Call.NrReclaimed);
        Assert.Equal(0, blade.Stat[VmCounter.allocstall]);
        Assert.Equal(0, blade.K.PfMemAllocWaiters);
    }

    [Theory]
    [InlineData(true, 0)]
    [InlineData(false, 1)]
    public void In_3_6_a_fatal_signal_pretends_progress_even_when_nothing_was_throttled(bool patched, long stalls)
    {
        var blade = new FakeBlade(patches: patched ? PatchSet.All : PatchSet.None);
        blade.Call.FatalSignal = true;
        blade.Reclaim();
        Assert.Equal(1, blade.Call.NrReclaimed);
        Assert.Equal(stalls, blade.Stat[VmCounter.allocstall]);
    }

    [Fact]
    public void The_throttle_wakes_a_sleeping_kswapd_itself()
    {
        var blade = new FakeBlade();
        Assert.Equal(ReclaimStepKind.Sleep, blade.RunKswapd());
        Assert.Equal(ReclaimStepKind.KswapdSleep, blade.RunKswapd());
        blade.Zones.FreePages[0] = 724;
        blade.Begin();
        blade.Vm.Step(blade.Call);
        Assert.True(blade.Call.WakeKswapd);
        Assert.False(blade.K.Waiting);
        blade.Call.WakeKswapd = false;
        blade.Vm.Step(blade.Call);
        Assert.False(blade.Call.WakeKswapd);
    }

    [Fact]
    public void Kswapd_wakes_the_waiters_after_a_priority_once_the_test_passes()
    {
        var blade = Low();
        for (var slot = 1; slot <= 4000; slot++)
        {
            blade.Cached(slot);
        }

        blade.Begin();
        Assert.Equal(ReclaimStepKind.Throttled, blade.Vm.Step(blade.Call));
        blade.K.Phase = KswapdPhase.TakeRequest;
        while (!blade.K.WakeThrottled)
        {
            Assert.Equal(ReclaimStepKind.Continue, blade.Vm.StepKswapd(blade.K));
        }

        Assert.True(blade.Zones.FreePages[0] > 724);
        Assert.Equal(0, blade.K.PfMemAllocWaiters);
        Assert.NotEqual(ReclaimStepKind.Throttled, blade.Vm.Step(blade.Call));
        Assert.Equal(0, blade.K.PfMemAllocWaiters);
    }

    [Fact]
    public void A_woken_task_that_fails_the_test_again_is_queued_again()
    {
        var blade = Low();
        blade.Begin();
        blade.Vm.Step(blade.Call);
        blade.Zones.FreePages[0] = 3000;
        Assert.Equal(ReclaimStepKind.KswapdSleep, blade.RunKswapd());
        Assert.True(blade.K.WakeThrottled);
        Assert.Equal(0, blade.K.PfMemAllocWaiters);
        blade.Zones.FreePages[0] = 700;
        Assert.Equal(ReclaimStepKind.Throttled, blade.Vm.Step(blade.Call));
        Assert.Equal(1, blade.K.PfMemAllocWaiters);
        Assert.Equal(1, blade.Stat[VmCounter.pgscan_direct_throttle]);
    }

    [Fact]
    public void An_abandoned_throttled_call_leaves_the_queue()
    {
        var blade = Low();
        blade.Begin();
        blade.Vm.Step(blade.Call);
        blade.Vm.PutbackAll(blade.Call);
        Assert.Equal(0, blade.K.PfMemAllocWaiters);
    }
}
