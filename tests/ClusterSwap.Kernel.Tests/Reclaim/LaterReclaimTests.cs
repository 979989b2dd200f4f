// Reclaim since 4.8: each change against the rule before it.
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Reclaim;

namespace ClusterSwap.Kernel.Tests.Reclaim;

public class LaterReclaimTests
{
    private const TaskFlags Kswapd = TaskFlags.MemAlloc | TaskFlags.Kswapd | TaskFlags.KThread;

    private static KernelRules With(params KernelChange[] changes) => new(
        Era.Linux36, PatchSet.All, changes.Aggregate(ChangeSet.None, (set, change) => set.With(change)));

    private static FakeBlade Blade(params KernelChange[] changes) => new(patches: With(changes));

    private static FakeBlade Linux61(ZoneSize[]? sizes = null) => new(sizes, KernelRules.Of(Era.Linux61));

    private static void Fill(FakeBlade blade, int pages, LruList list = LruList.InactiveAnon)
    {
        for (var i = 0; i < pages; i++)
        {
            blade.Anon(list);
        }
    }

    private static void StepUntil(FakeBlade blade, Func<bool> reached)
    {
        for (var steps = 0; !reached(); steps++)
        {
            Assert.True(steps < 1000, "reclaim never comes to that");
            blade.Vm.Step(blade.Call);
        }
    }

    [Fact]
    public void A_page_under_writeback_waits_on_the_active_list_and_comes_back_to_the_tail()
    {
        var blade = Blade(KernelChange.WritebackActivates);
        var page = blade.UnderWriteback(slot: 7);
        Fill(blade, 40);
        blade.Reclaim();
        Assert.True(blade.Frames[page].Has(PageFlags.Active | PageFlags.Reclaim | PageFlags.Lru));

        blade.Vm.EndWriteback(page);

        Assert.False(blade.Frames[page].Has(PageFlags.Active));
        Assert.Equal(page, blade.Lru.Tail[(int)LruList.InactiveAnon]);
    }

    [Fact]
    public void Before_4_11_it_stays_on_the_inactive_list()
    {
        var blade = Blade();
        var page = blade.UnderWriteback(slot: 7);
        Fill(blade, 40);
        blade.Reclaim();
        Assert.False(blade.Frames[page].Has(PageFlags.Active));
    }

    [Fact]
    public void A_first_reference_spares_an_anonymous_page_and_a_second_one_activates_it()
    {
        var blade = Blade(KernelChange.AnonInactive);
        var page = blade.Anon(young: true);
        blade.Reclaim();

        Assert.Equal(0, blade.Stat[VmCounter.pgactivate]);
        Assert.True(blade.Frames[page].Has(PageFlags.Referenced));
        blade.Swap.Young[page] = true;
        blade.Reclaim();

        Assert.Equal(1, blade.Stat[VmCounter.pgactivate]);
    }

    [Theory]
    [InlineData(Gfp.Kernel, true)]
    [InlineData(Gfp.NoIo, false)]
    public void Reclaimers_with_io_and_fs_stop_at_an_eighth_of_the_inactive_pages(Gfp gfp, bool stops)
    {
        var blade = Blade(KernelChange.IsolatedLimit, KernelChange.ReclaimThrottle);
        Fill(blade, 160);
        blade.Lru.Zones[0].Isolated[0] = 21;
        blade.Stat.Move(VmGauge.nr_isolated_anon, 21);
        blade.Begin(gfp);
        var kind = ReclaimStepKind.Continue;
        for (var steps = 0; kind == ReclaimStepKind.Continue && blade.Stat[VmCounter.pgscan_direct] == 0; steps++)
        {
            Assert.True(steps < 1000);
            kind = blade.Vm.Step(blade.Call);
        }

        Assert.Equal(stops ? ReclaimStepKind.Sleep : ReclaimStepKind.Continue, kind);
        if (stops)
        {
            // HZ/50 at 250 ticks: 20 ms, once.
            Assert.Equal((20_000_000L, ThrottleReason.Isolated), (blade.Call.SleepNs, blade.Call.Throttle));
        }
    }

    [Fact]
    public void A_stalled_reclaimer_sleeps_once_and_gives_the_batch_up()
    {
        var blade = Blade(KernelChange.ReclaimThrottle);
        Fill(blade, 160);
        blade.Lru.Zones[0].Isolated[0] = 200;
        blade.Stat.Move(VmGauge.nr_isolated_anon, 200);
        blade.Begin();
        // 160 pages at priority 0 are five batches: each is given up after one sleep.
        var sleeps = 0;
        StepUntil(blade, () =>
        {
            sleeps += blade.Call is { Priority: 0, Throttle: ThrottleReason.Isolated } ? 1 : 0;
            return blade.Call.Phase == DirectPhase.Ended;
        });

        Assert.Equal(5, sleeps);
        Assert.Equal(0, blade.Stat[VmCounter.pgscan_direct]);
    }

    [Theory]
    [InlineData(40, TaskFlags.None, true)]
    [InlineData(10, TaskFlags.None, false)]
    [InlineData(40, TaskFlags.KThread, false)]
    public void No_progress_costs_a_tick_while_half_is_under_writeback(int writing, TaskFlags task, bool sleeps)
    {
        var blade = Linux61();
        for (var i = 0; i < writing; i++)
        {
            blade.UnderWriteback(slot: 100 + i);
        }

        Fill(blade, 60 - writing);
        blade.Begin(Gfp.NoIo, task);
        var slept = 0L;
        var kind = ReclaimStepKind.Continue;
        for (var steps = 0; kind != ReclaimStepKind.Done; steps++)
        {
            Assert.True(steps < 1000);
            kind = blade.Vm.Step(blade.Call);
            slept += kind == ReclaimStepKind.Sleep ? blade.Call.SleepNs : 0;
        }

        // Twice: what lay under writeback had gone to the active list, which is worth a second attempt.
        Assert.Equal(sleeps ? 8_000_000 : 0, slept);
    }

    [Theory]
    [InlineData(2172, true)]
    [InlineData(2173, false)]
    public void Kswapd_is_woken_while_no_zone_meets_its_high_mark(long free, bool woken)
    {
        var blade = Linux61();
        Assert.Equal(ReclaimStepKind.Sleep, blade.RunKswapd());
        blade.Zones.FreePages[0] = free;
        Assert.Equal(woken, blade.Vm.WakeupKswapd(blade.K, 0, 0, 0));
    }

    [Fact]
    public void One_zone_that_meets_its_high_mark_balances_the_node()
    {
        var blade = Linux61(FakeBlade.Dma2GiB);
        blade.Zones.FreePages[0] = 16;
        blade.Zones.FreePages[1] = 0;
        Assert.True(blade.Vm.NodeIsBalanced(0, classzone: 1));
        blade.Zones.FreePages[0] = 15;
        Assert.False(blade.Vm.NodeIsBalanced(0, classzone: 1));
    }

    [Fact]
    public void Kswapd_gives_up_after_sixteen_fruitless_rounds_and_a_freed_page_revives_it()
    {
        var blade = Linux61();
        blade.RunKswapd();
        blade.Zones.FreePages[0] = 0;
        Assert.True(blade.Vm.WakeupKswapd(blade.K, 0, 0, 0));

        Assert.Equal(ReclaimStepKind.Sleep, blade.RunKswapd());

        Assert.True(blade.Vm.NodeIsHopeless());
        Assert.Equal(Vmscan.MostFailures, blade.Lru.Zones[0].KswapdFailures);
        Assert.True(blade.Vm.PfMemAllocWatermarkOk(blade.K, out _));
        for (var slot = 1; slot <= 40; slot++)
        {
            blade.Cached(slot);
        }

        blade.Reclaim();
        Assert.False(blade.Vm.NodeIsHopeless());
    }

    [Fact]
    public void Kswapd_scans_up_to_the_high_mark_in_a_round_that_gets_on()
    {
        // 4,000 clean pages, high 2,172: at priority 0 it would take all; it ends when the mark is met.
        var blade = Linux61();
        for (var slot = 1; slot <= 4000; slot++)
        {
            blade.Cached(slot);
        }

        blade.RunKswapd();
        blade.Zones.FreePages[0] = 1900;
        Assert.True(blade.Vm.WakeupKswapd(blade.K, 0, 0, 0));

        Assert.Equal(ReclaimStepKind.Sleep, blade.RunKswapd());

        Assert.InRange(blade.Zones.FreePages[0], 2173, 2173 + 2172);
        Assert.Equal(0, blade.Stat[VmCounter.kswapd_skip_congestion_wait]);
    }

    [Fact]
    public void Kswapd_waits_for_writes_when_marked_pages_come_round_again()
    {
        // Two visits over nothing but pages under writeback: the first marks, the second meets the marks.
        var blade = Linux61();
        for (var slot = 1; slot <= 64; slot++)
        {
            blade.UnderWriteback(slot);
        }

        blade.RunKswapd();
        blade.Zones.FreePages[0] = 0;
        blade.Vm.WakeupKswapd(blade.K, 0, 0, 0);
        Assert.Equal(ReclaimStepKind.Sleep, blade.RunKswapd());
        Assert.Equal((ThrottleReason.Writeback, 100_000_000L), (blade.K.Scan.Throttle, blade.K.Scan.SleepNs));

        for (var page = 0; page < 33; page++)
        {
            blade.Vm.EndWriteback(page);
        }

        Assert.Equal(ThrottleReason.Writeback, blade.Vm.ThrottlesToWake & ThrottleReason.Writeback);
    }

    [Theory]
    [InlineData(0, 0, 60, 140)]
    [InlineData(100, 0, 89, 417)]
    [InlineData(0, 100, 178, 208)]
    public void Costly_lists_get_the_smaller_share(long anonCost, long fileCost, long anon, long file)
    {
        // 60 x 301 / 201 = 89, 140 x 301 / 101 = 417; 60 x 301 / 101 = 178, 140 x 301 / 201 = 209 less rounding.
        var blade = Linux61();
        Fill(blade, 1000);
        for (var i = 0; i < 1000; i++)
        {
            blade.File(i % 2 == 0 ? LruList.InactiveFile : LruList.ActiveFile);
        }

        blade.Lru.Zones[0].Cost = [anonCost, fileCost];
        blade.Call.Priority = 1;
        blade.Call.Zone = 0;
        blade.Lru.Zones[0].Cost = [anonCost, fileCost];
        for (var i = 0; i < 2; i++)
        {
            blade.File(LruList.ActiveFile);
        }

        blade.Vm.GetScanCount(blade.Call);

        Assert.Equal(500 * anon / (anon + file), blade.Call.Target[(int)LruList.InactiveAnon], 1.0);
    }

    [Fact]
    public void A_reclaimer_that_freed_nothing_tries_again_with_the_active_pages()
    {
        var blade = Linux61();
        Fill(blade, 50, LruList.ActiveAnon);
        for (var i = 0; i < 60; i++)
        {
            blade.Frames[blade.Anon()].Count = 2;
        }

        blade.Reclaim();

        Assert.True(blade.Stat[VmCounter.allocstall] == 2);
        Assert.True(blade.Stat[VmCounter.pgdeactivate] > 0);
    }

    [Theory]
    [InlineData(10u, true)]
    [InlineData(11u, false)]
    public void A_page_that_returns_within_the_size_of_the_active_list_starts_active(uint distance, bool active)
    {
        var blade = Linux61();
        Fill(blade, 10, LruList.ActiveAnon);
        Fill(blade, 90);
        blade.Lru.Zones[0].NonresidentAge = 500;
        Assert.Equal(active, blade.Lru.Refault(page: 0, evictedAt: 500 - distance));
        Assert.Equal(active ? 1 : 0, blade.Lru.Zones[0].RefaultsActivated);
    }

    [Fact]
    public void A_page_counts_once_as_scanned_since_4_16()
    {
        foreach (var (blade, count) in new[] { (Blade(), 2), (Blade(KernelChange.ScannedOnce), 1) })
        {
            blade.Anon(young: true);
            blade.Begin();
            StepUntil(blade, () => blade.Stat[VmCounter.pgscan_direct] > 0 && blade.Call.Taken == 0);

            Assert.Equal(count, blade.Call.NrScanned);
        }
    }
}
