using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Reclaim;

namespace ClusterSwap.Kernel.Tests.Reclaim;

/// <summary>do_try_to_free_pages: priorities, target, result, and the brakes on reclaimers.</summary>
public class DirectReclaimTests
{
    private static FakeBlade Wide(int frames) => new([new(frames, 524288, 1448, 1810, 2172)]);

    [Fact]
    public void Reclaim_stops_at_the_priority_that_reaches_32_pages()
    {
        var blade = new FakeBlade();
        for (var slot = 1; slot <= 4000; slot++)
        {
            blade.Cached(slot);
        }

        // Anonymous only: 4000 >> 12 .. 8 = 0, 1, 3, 7, 15 (less what went before), then 31 at priority 7.
        blade.Zones.FreePages[0] = 800;
        blade.Reclaim();
        Assert.Equal(1 + 3 + 7 + 15 + 31, blade.Call.NrReclaimed);
        Assert.Equal(blade.Call.NrReclaimed, blade.Stat[VmCounter.pgsteal_direct]);
        Assert.Equal(57, blade.Zones.Freed.Count);
        Assert.Equal(57, blade.Stat[VmCounter.pgscan_direct]);
    }

    [Fact]
    public void At_the_first_priority_the_whole_share_is_scanned_even_when_32_are_reached_before()
    {
        var blade = Wide(4096 * 96);
        for (var slot = 1; slot <= 4096 * 96; slot++)
        {
            blade.Cached(slot);
        }

        blade.Zones.FreePages[0] = 800;
        blade.Reclaim();
        Assert.Equal(96, blade.Call.NrReclaimed);
    }

    [Fact]
    public void At_later_priorities_reclaim_stops_after_the_round_that_reaches_32()
    {
        var blade = Wide(2048 * 96);
        for (var slot = 1; slot <= 2048 * 96; slot++)
        {
            _ = slot <= 48 ? blade.UnderWriteback(slot) : blade.Cached(slot);
        }

        // Priority 12 meets the 48 pages under writeback; of the 96 of priority 11 one batch is enough.
        blade.Zones.FreePages[0] = 800;
        blade.Reclaim();
        Assert.Equal(32, blade.Call.NrReclaimed);
        Assert.Equal(48 + 32, blade.Stat[VmCounter.pgscan_direct]);
    }

    [Fact]
    public void Nothing_reclaimed_counts_as_progress_until_every_zone_is_unreclaimable()
    {
        var blade = new FakeBlade(FakeBlade.Dma2GiB);
        blade.Reclaim();
        Assert.Equal(1, blade.Call.NrReclaimed);
        blade.Lru.Zones[0].AllUnreclaimable = true;
        blade.Reclaim();
        Assert.Equal(1, blade.Call.NrReclaimed);
        blade.Lru.Zones[1].AllUnreclaimable = true;
        blade.Reclaim();
        Assert.Equal(0, blade.Call.NrReclaimed);
        Assert.Equal(3, blade.Stat[VmCounter.allocstall]);
    }

    [Fact]
    public void An_unreclaimable_zone_is_scanned_at_priority_12_only()
    {
        var blade = new FakeBlade();
        for (var slot = 1; slot <= 4096; slot++)
        {
            blade.UnderWriteback(slot);
        }

        blade.Zones.FreePages[0] = 800;
        blade.Lru.Zones[0].AllUnreclaimable = true;
        blade.Reclaim();
        Assert.Equal(1, blade.Stat[VmCounter.pgscan_direct]);
    }

    [Fact]
    public void The_end_of_a_freed_page_makes_its_zone_worth_scanning_again()
    {
        var state = new ZoneReclaimState { AllUnreclaimable = true, PagesScanned = 99 };
        state.PagesFreed();
        Assert.False(state.AllUnreclaimable);
        Assert.Equal(0, state.PagesScanned);
    }

    [Fact]
    public void Pages_under_writeback_alone_are_scanned_at_every_priority_without_sleeping()
    {
        var blade = new FakeBlade();
        for (var slot = 1; slot <= 512; slot++)
        {
            blade.UnderWriteback(slot);
        }

        blade.Vm.DeviceCongested = true;
        blade.Zones.FreePages[0] = 800;
        blade.Reclaim();
        Assert.Equal(1 + 2 + 4 + 8 + 16 + 32 + 64 + 128 + 256 + 512, blade.Stat[VmCounter.pgscan_direct]);
        Assert.Equal(1, blade.Call.NrReclaimed);
    }

    [Fact]
    public void The_congestion_brake_needs_a_congested_device_and_a_congested_zone()
    {
        var blade = new FakeBlade();
        for (var slot = 1; slot <= 64; slot++)
        {
            blade.UnderWriteback(slot);
        }

        blade.Vm.DeviceCongested = true;
        blade.Lru.Zones[0].Congested = true;
        blade.Begin();
        var kind = ReclaimStepKind.Continue;
        while (kind == ReclaimStepKind.Continue)
        {
            kind = blade.Vm.Step(blade.Call);
        }

        Assert.Equal(ReclaimStepKind.Sleep, kind);
        Assert.Equal(100_000_000, blade.Call.SleepNs);
    }

    [Theory]
    [InlineData(250)]
    [InlineData(100)]
    [InlineData(1000)]
    public void More_isolated_than_inactive_pages_stop_a_direct_reclaimer_for_a_tenth_of_a_second(int hz)
    {
        var blade = new FakeBlade();
        blade.Vm.Hz = hz;
        blade.Cached(1);
        Isolate(blade, 2);
        blade.Begin();
        Assert.Equal(ReclaimStepKind.Sleep, StepPastDecisions(blade));
        Assert.Equal(100_000_000, blade.Call.SleepNs);
        Assert.Equal(ReclaimStepKind.Sleep, blade.Vm.Step(blade.Call));
        Isolate(blade, -1);
        Assert.Equal(ReclaimStepKind.Continue, blade.Vm.Step(blade.Call));
        Assert.Single(blade.Zones.Freed);
    }

    [Fact]
    public void A_fatal_signal_ends_the_isolation_brake_with_32_pages_reported()
    {
        var blade = new FakeBlade();
        blade.Cached(1);
        Isolate(blade, 2);
        blade.Begin();
        Assert.Equal(ReclaimStepKind.Sleep, StepPastDecisions(blade));
        blade.Call.FatalSignal = true;
        Assert.Equal(ReclaimStepKind.Done, StepPastDecisions(blade));
        Assert.Equal(32, blade.Call.NrReclaimed);
        Assert.Empty(blade.Zones.Freed);
    }

    [Fact]
    public void Kswapd_never_meets_the_isolation_brake()
    {
        var blade = new FakeBlade();
        blade.Cached(1);
        Isolate(blade, 2);
        blade.K.Phase = KswapdPhase.TakeRequest;
        blade.Zones.FreePages[0] = 100;
        while (blade.Zones.Freed.Count == 0)
        {
            Assert.Equal(ReclaimStepKind.Continue, blade.Vm.StepKswapd(blade.K));
        }
    }

    [Fact]
    public void A_call_abandoned_in_a_batch_puts_everything_back()
    {
        var blade = new FakeBlade();
        blade.Swap.SlotStep = 9;
        for (var i = 0; i < 100; i++)
        {
            blade.Anon();
        }

        blade.Begin();
        blade.Call.Phase = DirectPhase.PriorityStart;
        blade.Call.Priority = 0;
        Assert.Equal(ReclaimStepKind.WriteOut, blade.Vm.Step(blade.Call));
        Assert.Equal(68, blade.Lru.Size(0, LruList.InactiveAnon));
        blade.Vm.PutbackAll(blade.Call, runSubmitted: false);
        Assert.Equal(100, blade.Lru.Size(0, LruList.InactiveAnon));
        Assert.Equal(0, blade.Stat[VmGauge.nr_isolated_anon]);
        Assert.Equal(0, blade.Stat[VmGauge.nr_writeback]);
        blade.AssertInvariants();
    }

    [Fact]
    public void Reclaim_does_not_begin_inside_reclaim()
    {
        var blade = new FakeBlade();
        blade.Begin();
        Assert.Throws<InvalidOperationException>(() => blade.Begin());
    }

    // Somebody else holds pages of the zone.
    private static void Isolate(FakeBlade blade, int pages)
    {
        blade.Lru.Zones[0].Isolated[0] += pages;
        blade.Stat.Move(VmGauge.nr_isolated_anon, pages);
    }

    private static ReclaimStepKind StepPastDecisions(FakeBlade blade)
    {
        ReclaimStepKind kind;
        do
        {
            kind = blade.Vm.Step(blade.Call);
        }
        while (kind == ReclaimStepKind.Continue);
        return kind;
    }
}
