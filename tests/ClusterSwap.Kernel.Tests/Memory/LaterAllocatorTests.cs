// The page allocator since 4.4: each change against the rule before it, with the sheets' numbers.
using ClusterSwap.Kernel.Memory;

namespace ClusterSwap.Kernel.Tests.Memory;

public class LaterAllocatorTests
{
    private static KernelRules With(params KernelChange[] changes) => new(
        Era.Linux36, PatchSet.All, changes.Aggregate(ChangeSet.None, (set, change) => set.With(change)));

    private static PageAllocator Uml(KernelRules rules, int cpus = 1) =>
        new(ZoneLayout.Flat, 16_384, minFreeKbytes: 512, cpus, rules);

    private static AllocCall Call(Gfp gfp, int order = 0, TaskFlags task = TaskFlags.None) =>
        AllocCall.For(PageOwner.Slab, gfp, task, AllocContext.Task, cpu: 0, order);

    private static void LeaveFree(PageAllocator pages, long free) =>
        pages.ReserveBoot((int)(pages.FreePages - free), PageOwner.Kernel);

    [Fact]
    public void The_measured_machine_keeps_128_160_192_and_lists_of_3_up_to_160()
    {
        var rules = KernelRules.Of(Era.Linux61);
        var zone = Uml(rules).Zones[0];
        Assert.Equal((128, 160, 192), (zone.Min, zone.Low, zone.High));
        var lists = PerCpuPages.For(zone, cpus: 1, rules);
        Assert.Equal((3, 160), (lists.Batch, lists.High));
        Assert.Equal(80, PerCpuPages.For(zone, cpus: 2, rules).High);
    }

    [Fact]
    public void Lists_are_short_while_kswapd_works()
    {
        var pages = Uml(With(KernelChange.PerCpuHigh));
        var taken = new List<int>();
        for (var i = 0; i < 300; i++)
        {
            var call = Call(Gfp.Kernel);
            Assert.Equal(AllocOutcome.Granted, pages.Continue(ref call));
            taken.Add(call.Page);
        }

        pages.Zones[0].ReclaimActive = true;
        taken.GetRange(0, 100).ForEach(page => pages.Free(page, 0, 0));
        Assert.InRange(pages.PerCpuPages, 0, 12);
        pages.Zones[0].ReclaimActive = false;
        taken.GetRange(100, 100).ForEach(page => pages.Free(page, 0, 0));
        Assert.InRange(pages.PerCpuPages, 100, 159);
        pages.AssertInvariants();
    }

    [Theory]
    [InlineData(Gfp.High, TaskFlags.None, 48)]
    [InlineData(Gfp.None, TaskFlags.None, 128)]
    [InlineData(Gfp.NoIo, TaskFlags.None, 128)]
    [InlineData(Gfp.NoIo, TaskFlags.RealTime, 64)]
    [InlineData(Gfp.High | Gfp.NoMemAlloc, TaskFlags.None, 64)]
    public void Who_may_go_how_low_since_6_3(Gfp gfp, TaskFlags task, long floor)
    {
        var rules = KernelRules.Of(Era.Linux61);
        var pages = Uml(rules);
        var flags = GfpRules.ToAllocFlags(gfp, task, AllocContext.Task, rules);
        LeaveFree(pages, floor);
        Assert.False(pages.ZoneWatermarkOk(pages.Zones[0], 0, pages.Zones[0].Min, 0, flags));
        pages = Uml(rules);
        LeaveFree(pages, floor + 1);
        Assert.True(pages.ZoneWatermarkOk(pages.Zones[0], 0, pages.Zones[0].Min, 0, flags));
    }

    [Fact]
    public void A_victim_of_the_OOM_killer_gets_half_of_the_reserve_since_4_14()
    {
        var rules = With(KernelChange.OomReserve);
        var victim = GfpRules.ToAllocFlags(Gfp.Kernel, TaskFlags.MemDie, AllocContext.Task, rules);
        var reclaimer = GfpRules.ToAllocFlags(Gfp.Kernel, TaskFlags.MemAlloc, AllocContext.Task, rules);
        Assert.Equal(AllocFlags.Oom, victim & (AllocFlags.Oom | AllocFlags.NoWatermarks));
        Assert.Equal(AllocFlags.NoWatermarks, reclaimer & (AllocFlags.Oom | AllocFlags.NoWatermarks));
    }

    [Fact]
    public void High_orders_need_one_large_block_since_4_4()
    {
        // 200 free pages in blocks of four: enough pages for the mark of 100, but for no block of eight.
        var zone = new Zone(0, new ZoneSpan(ZoneKind.Normal, 0, 4096)) { LowmemReserve = [0], NrFree = 200 };
        zone.NrFreeBlocks[2] = 50;
        var rules = With(KernelChange.HighOrderMark);
        Assert.True(ZoneWatermarks.Ok(zone, 2, 100, 0, AllocFlags.WmarkMin, rules));
        Assert.False(ZoneWatermarks.Ok(zone, 3, 100, 0, AllocFlags.WmarkMin, rules));
        zone.NrFreeBlocks[2] = 2;
        zone.NrFreeBlocks[0] = 192;
        Assert.True(ZoneWatermarks.Ok(zone, 2, 100, 0, AllocFlags.WmarkMin, rules));
        Assert.False(ZoneWatermarks.Ok(zone, 2, 100, 0, AllocFlags.WmarkMin, PatchSet.All));
    }

    [Fact]
    public void An_atomic_block_sets_its_page_block_aside_and_others_may_not_use_it()
    {
        var pages = Uml(With(KernelChange.HighAtomic, KernelChange.HighOrderMark));
        LeaveFree(pages, 150);
        var call = Call(Gfp.Atomic, order: 3);
        Assert.Equal(AllocOutcome.Granted, pages.Continue(ref call));
        var zone = pages.Zones[0];
        Assert.Equal(1024, zone.ReservedHighAtomic);
        Assert.Equal(MigrateType.HighAtomic, zone.BlockType(call.Page));
        pages.AssertInvariants();

        // Even who may ignore the marks finds no single page there; GFP_ATOMIC does.
        var entitled = Call(Gfp.NoIo, task: TaskFlags.MemAlloc);
        while (pages.Continue(ref entitled) == AllocOutcome.Granted)
        {
            entitled = Call(Gfp.NoIo, task: TaskFlags.MemAlloc);
        }

        Assert.Equal(AllocOutcome.Failed, entitled.Outcome);
        Assert.True(pages.FreePages > 48);
        var atomic = Call(Gfp.Atomic);
        Assert.Equal(AllocOutcome.Granted, pages.Continue(ref atomic));
        Assert.False(zone.GiveUpSetAside(pages.Frames, force: false));
        Assert.True(zone.GiveUpSetAside(pages.Frames, force: true));
        pages.AssertInvariants();
    }

    [Fact]
    public void Sixteen_fruitless_rounds_lead_to_the_OOM_killer_and_never_without_FS()
    {
        foreach (var (gfp, outOfMemory) in new[] { (Gfp.Kernel, true), (Gfp.NoIo, false) })
        {
            var pages = Uml(With(KernelChange.ReclaimRetries));
            pages.VmStat.Move(VmGauge.nr_inactive_anon, 5000);
            LeaveFree(pages, 100);
            var call = Call(gfp);
            var rounds = 0;
            var outcome = pages.Continue(ref call);
            for (; outcome is AllocOutcome.NeedsReclaim or AllocOutcome.NeedsWait && rounds < 100;)
            {
                rounds += outcome == AllocOutcome.NeedsReclaim ? 1 : 0;
                call.Reclaimed = 0;
                pages.KswapdWanted = false;
                outcome = pages.Continue(ref call);
                Assert.Equal(outcome == AllocOutcome.NeedsReclaim, pages.KswapdWanted);
            }

            Assert.Equal(outOfMemory, outcome == AllocOutcome.OutOfMemory);
            Assert.Equal(outOfMemory ? 17 : 100, rounds);
        }
    }

    [Fact]
    public void The_reserve_of_a_large_machine_grows_up_to_256_MiB_since_5_8()
    {
        const long Pages = 1L << 36 - 12 + 6;
        Assert.Equal(65_536, ZoneWatermarks.MinFreeKbytes(Pages));
        Assert.Equal(262_144, ZoneWatermarks.MinFreeKbytes(Pages, With(KernelChange.MinFreeLimit)));
    }
}
