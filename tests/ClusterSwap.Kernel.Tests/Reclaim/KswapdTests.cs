using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Reclaim;

namespace ClusterSwap.Kernel.Tests.Reclaim;

/// <summary>kswapd: wake-up, balance loop, sleep.</summary>
public class KswapdTests
{
    private static FakeBlade Asleep(ZoneSize[]? sizes = null)
    {
        var blade = new FakeBlade(sizes);
        Assert.Equal(ReclaimStepKind.Sleep, blade.RunKswapd());
        Assert.Equal(ReclaimStepKind.KswapdSleep, blade.RunKswapd());
        return blade;
    }

    [Fact]
    public void The_first_sleep_lasts_a_tenth_of_a_second_and_the_second_until_a_wake_up()
    {
        var blade = new FakeBlade();
        Assert.Equal(ReclaimStepKind.Sleep, blade.Vm.StepKswapd(blade.K));
        Assert.Equal(100_000_000, blade.K.SleepNs);
        Assert.True(blade.K.Waiting);
        Assert.Equal(ReclaimStepKind.KswapdSleep, blade.Vm.StepKswapd(blade.K));
    }

    [Theory]
    [InlineData(1811, false)]
    [InlineData(1810, true)]
    public void A_sleeping_kswapd_is_woken_when_the_zone_does_not_pass_its_low_mark(long free, bool woken)
    {
        var blade = Asleep();
        blade.Zones.FreePages[0] = free;
        Assert.Equal(woken, blade.Vm.WakeupKswapd(blade.K, 0, 0, 0));
        Assert.False(blade.Vm.WakeupKswapd(blade.K, 0, 0, 0));
    }

    [Fact]
    public void An_empty_zone_wakes_nobody()
    {
        var blade = Asleep([new(16, 0, 0, 0, 0), new(64, 524288, 1448, 1810, 2172)]);
        blade.Zones.FreePages[0] = 0;
        Assert.False(blade.Vm.WakeupKswapd(blade.K, 0, 0, 0));
    }

    [Fact]
    public void Only_a_higher_order_narrows_the_class_zone()
    {
        var blade = Asleep(FakeBlade.Dma2GiB);
        blade.Vm.WakeupKswapd(blade.K, 0, 0, 0);
        Assert.Equal((0, 1), (blade.K.RequestedOrder, blade.K.RequestedClasszone));
        blade.Vm.WakeupKswapd(blade.K, 0, 2, 0);
        Assert.Equal((2, 0), (blade.K.RequestedOrder, blade.K.RequestedClasszone));
        blade.Vm.WakeupKswapd(blade.K, 1, 1, 1);
        Assert.Equal((2, 0), (blade.K.RequestedOrder, blade.K.RequestedClasszone));
    }

    [Fact]
    public void A_short_sleep_cut_short_is_counted_as_the_low_mark_hit_quickly()
    {
        var blade = new FakeBlade();
        blade.Vm.StepKswapd(blade.K);
        blade.Zones.FreePages[0] = 1810;
        Assert.True(blade.Vm.WakeupKswapd(blade.K, 0, 0, 0));
        blade.Vm.StepKswapd(blade.K);
        Assert.Equal(1, blade.Stat[VmCounter.kswapd_low_wmark_hit_quickly]);
        Assert.Equal(1, blade.Stat[VmCounter.pageoutrun]);
    }

    [Fact]
    public void A_zone_below_its_high_mark_after_the_short_sleep_is_counted_as_the_high_mark_hit_quickly()
    {
        var blade = new FakeBlade();
        blade.Vm.StepKswapd(blade.K);
        blade.Zones.FreePages[0] = 2172;
        blade.Vm.StepKswapd(blade.K);
        Assert.Equal(1, blade.Stat[VmCounter.kswapd_high_wmark_hit_quickly]);
        Assert.Equal(1, blade.Stat[VmCounter.pageoutrun]);
    }

    [Fact]
    public void Waiters_on_the_throttle_are_woken_and_forbid_the_sleep()
    {
        var blade = new FakeBlade();
        blade.K.PfMemAllocWaiters = 3;
        Assert.Equal(ReclaimStepKind.KswapdSleep, blade.Vm.StepKswapd(blade.K));
        Assert.True(blade.K.WakeThrottled);
        Assert.Equal(1, blade.K.WakeEpoch);
    }

    [Fact]
    public void The_loop_ends_when_the_zone_passes_its_high_mark()
    {
        var blade = Asleep();
        for (var slot = 1; slot <= 4000; slot++)
        {
            blade.Cached(slot);
        }

        blade.Zones.FreePages[0] = 1810;
        Assert.True(blade.Vm.WakeupKswapd(blade.K, 0, 0, 0));
        while (!blade.K.Waiting)
        {
            // Congestion waits in between; at the end the short sleep, from which it can be woken.
            Assert.Equal(ReclaimStepKind.Sleep, blade.RunKswapd());
        }

        Assert.InRange(blade.Zones.FreePages[0], 2173, 2172 + 512);
        Assert.Equal(blade.Stat[VmCounter.pgsteal_kswapd], blade.Zones.FreePages[0] - 1810);
        Assert.Equal(0, blade.Stat[VmCounter.allocstall]);
        blade.AssertInvariants();
    }

    [Theory]
    [InlineData(1500, 0)]
    [InlineData(1448, 1)]
    public void Below_priority_10_kswapd_waits_for_congestion_unless_a_zone_is_below_its_min_mark(
        long free, long skips)
    {
        var blade = Asleep();
        for (var slot = 1; slot <= 4096; slot++)
        {
            blade.UnderWriteback(slot);
        }

        blade.Zones.FreePages[0] = free;
        blade.Vm.WakeupKswapd(blade.K, 0, 0, 0);
        if (skips == 0)
        {
            Assert.Equal(ReclaimStepKind.Sleep, blade.RunKswapd());
            Assert.False(blade.K.Waiting);
            Assert.Equal(9, blade.K.Scan.Priority);
            Assert.Equal(100_000_000, blade.K.SleepNs);
        }
        else
        {
            while (blade.Stat[VmCounter.kswapd_skip_congestion_wait] == 0)
            {
                Assert.Equal(ReclaimStepKind.Continue, blade.Vm.StepKswapd(blade.K));
            }
        }
    }

    [Fact]
    public void Kswapd_does_not_give_up_until_six_times_everything_was_scanned()
    {
        var blade = Asleep();
        for (var slot = 1; slot <= 512; slot++)
        {
            blade.UnderWriteback(slot);
        }

        blade.Zones.FreePages[0] = 100;
        blade.Vm.WakeupKswapd(blade.K, 0, 0, 0);
        Assert.Equal(ReclaimStepKind.Sleep, blade.RunKswapd());
        Assert.True(blade.K.Waiting);
        Assert.True(blade.Lru.Zones[0].AllUnreclaimable);
        Assert.InRange(blade.Lru.Zones[0].PagesScanned, 6 * 512, 7 * 512 + 32);
        Assert.True(blade.Stat[VmCounter.pageoutrun] >= 3);
    }

    [Fact]
    public void An_unreclaimable_zone_counts_as_balanced()
    {
        var blade = new FakeBlade();
        blade.Zones.FreePages[0] = 0;
        blade.Lru.Zones[0].AllUnreclaimable = true;
        Assert.Equal(ReclaimStepKind.Sleep, blade.Vm.StepKswapd(blade.K));
        Assert.True(blade.K.Waiting);
    }

    [Fact]
    public void A_round_that_brings_less_than_32_pages_falls_back_to_order_0()
    {
        var blade = Asleep();
        blade.UnderWriteback(1);
        blade.UnderWriteback(2);
        Assert.True(blade.Vm.WakeupKswapd(blade.K, 0, 3, 0));
        Assert.Equal(ReclaimStepKind.Continue, blade.RunKswapd(1));
        while (blade.K.Scan.Order != 0)
        {
            Assert.True(blade.Vm.StepKswapd(blade.K) is ReclaimStepKind.Continue or ReclaimStepKind.Sleep);
        }

        Assert.Equal(3, blade.K.Order);
        Assert.Equal(1, blade.Stat[VmCounter.pageoutrun]);
    }

    [Fact]
    public void A_higher_order_asked_for_meanwhile_is_served_without_sleeping()
    {
        var blade = Asleep();
        blade.K.NewOrder = 0;
        blade.K.Order = 0;
        blade.K.BalancedOrder = 0;
        blade.K.BalancedClasszone = 0;
        blade.K.RequestedOrder = 3;
        blade.K.Phase = KswapdPhase.NextRequest;
        blade.Vm.StepKswapd(blade.K);
        Assert.Equal(3, blade.K.Order);
        Assert.Equal(1, blade.Stat[VmCounter.pageoutrun]);
    }

    [Fact]
    public void Active_anonymous_pages_are_aged_when_the_inactive_ones_are_few()
    {
        var blade = Asleep();
        for (var i = 0; i < 100; i++)
        {
            blade.Anon(LruList.ActiveAnon);
        }

        blade.K.Phase = KswapdPhase.TakeRequest;
        Assert.Equal(ReclaimStepKind.Sleep, blade.RunKswapd());
        Assert.Equal(32, blade.Stat[VmCounter.pgdeactivate]);
    }

    [Fact]
    public void A_zone_that_passes_loses_its_congestion_mark()
    {
        var blade = Asleep();
        blade.Lru.Zones[0].Congested = true;
        blade.K.Phase = KswapdPhase.TakeRequest;
        blade.RunKswapd();
        Assert.False(blade.Lru.Zones[0].Congested);
    }

    [Theory]
    [InlineData(110, true)]
    [InlineData(111, false)]
    public void A_lower_zone_is_kept_a_little_above_its_high_mark(long free, bool shrunk)
    {
        // The upper zone fails its mark. The lower one passes high, and is left alone above high + min(low, 1 %) = 110.
        var blade = new FakeBlade([new(64, 6400, 40, 50, 60), new(64, 6400, 40, 50, 60)]);
        for (var page = 0; page < 128; page++)
        {
            blade.Frames[page].Owner = PageOwner.File;
            blade.Lru.Add(page, LruList.InactiveFile);
        }

        blade.Swap.FreeSlots = 0;
        blade.Zones.FreePages = [free, 30];
        blade.K.Phase = KswapdPhase.LoopAgain;
        while (blade.RunKswapd() == ReclaimStepKind.Sleep && !blade.K.Waiting)
        {
        }

        Assert.Equal(shrunk, blade.Zones.FreePages[0] > free);
        Assert.True(blade.Zones.FreePages[1] > 60);
    }
}
