// Pages as things: owners, the pfmemalloc bit, per-CPU lists, blocks, misuse, saving and restoring.
using ClusterSwap.Kernel.Memory;
using MemoryPack;

namespace ClusterSwap.Kernel.Tests.Memory;

public class PageAllocatorTests
{
    [Fact]
    public void All_memory_is_free_at_power_on_and_requests_prefer_the_highest_zone()
    {
        var memory = Machine.Dma2GiB();
        Assert.Equal(523_976, memory.FreePages);
        memory.AssertInvariants();

        var call = Machine.Request(Gfp.HighUserMovable);
        memory.Continue(ref call);
        Assert.Equal(1, memory.ZoneOf(call.Page));
        Assert.Equal(30, memory.PerCpuPages);
    }

    [Fact]
    public void Pages_are_handed_out_in_ascending_order_after_power_on()
    {
        var memory = Machine.Flat2GiB();
        for (var page = 0; page < 5000; page++)
        {
            var call = Machine.Request(Gfp.HighUserMovable);
            memory.Continue(ref call);
            Assert.Equal(page, call.Page);
        }
    }

    [Fact]
    public void A_freed_page_is_the_next_one_taken_and_a_cold_one_the_last()
    {
        var memory = Machine.Flat2GiB();
        var pages = new int[3];
        var call = Machine.Request(Gfp.HighUserMovable);
        memory.AllocBulk(ref call, pages);
        memory.Free(pages[0], 0, 0);
        memory.Free(pages[1], 0, 0, cold: true);
        Assert.Equal(pages[0], Take(Gfp.HighUserMovable));
        Assert.Equal(pages[1], Take(Gfp.HighUserMovable | Gfp.Cold));
        memory.AssertInvariants();

        int Take(Gfp gfp)
        {
            var one = Machine.Request(gfp);
            memory.Continue(ref one);
            return one.Page;
        }
    }

    [Fact]
    public void A_full_list_gives_a_batch_back()
    {
        var memory = Machine.Flat2GiB();
        var pages = new int[400];
        var call = Machine.Request(Gfp.HighUserMovable);
        memory.AllocBulk(ref call, pages);
        memory.DrainPerCpu();
        var most = 0L;
        foreach (var page in pages)
        {
            memory.Free(page, 0, 0);
            most = Math.Max(most, memory.PerCpuPages);
        }

        Assert.Equal(185, most);
        Assert.InRange(memory.PerCpuPages, 155, 185);
        memory.AssertInvariants();
        memory.DrainPerCpu();
        Assert.Equal(524_288, memory.FreePages);
        memory.AssertInvariants();
    }

    [Fact]
    public void Freed_blocks_merge_until_memory_is_as_at_power_on()
    {
        var memory = Machine.Small();
        var pages = new List<int>();
        Machine.TakeAll(memory, Machine.Privileged(), pages);
        Assert.Equal(16_384, pages.Count);
        Assert.Equal(0, memory.FreePages + memory.PerCpuPages);
        foreach (var page in pages)
        {
            memory.Free(page, 0, 0);
        }

        memory.DrainPerCpu();
        Assert.Equal(16, memory.Zones[0].NrFreeBlocks[10]);
        Assert.Equal(16_384, memory.FreePages);
        memory.AssertInvariants();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_pfmemalloc_bit_says_which_pass_gave_the_page_only_with_patch_5(bool patched)
    {
        // Between min and low an entitled caller needs no reserve page: without patch 5 it is tagged all the same.
        var memory = Machine.Flat2GiB(patched ? PatchSet.All : PatchSet.All.Without(5));
        Machine.LeaveFree(memory, 1600);
        var inUse = memory.ReserveInUse;
        var call = Machine.Request(Gfp.Atomic | Gfp.MemAlloc);
        memory.Continue(ref call);
        Assert.Equal(!patched, call.PfMemAlloc);
        Assert.Equal(!patched, memory.Frames[call.Page].Has(PageFlags.PfMemAlloc));
        Assert.False(memory.Frames[call.Page].Has(PageFlags.FromReserve));
        Assert.Equal(inUse, memory.ReserveInUse);
    }

    [Fact]
    public void A_page_from_the_reserve_is_tagged_and_accounted_until_it_is_freed()
    {
        var memory = Machine.Flat2GiB();
        Machine.LeaveFree(memory, 500);
        memory.Attach(new VmStat());
        var inUse = memory.ReserveInUse;
        var call = Machine.Request(
            Gfp.Atomic | Gfp.MemAlloc, context: AllocContext.Softirq, owner: PageOwner.RxFragment);
        Assert.Equal(AllocOutcome.Granted, memory.Continue(ref call));
        Assert.True(call.PfMemAlloc);
        Assert.True(memory.Frames[call.Page].Has(PageFlags.PfMemAlloc | PageFlags.FromReserve));
        Assert.Equal(inUse + 1, memory.ReserveInUse);
        Assert.Equal(1, memory.VmStat[VmGauge.nr_reserve_in_use]);
        Assert.Equal(1, memory.VmStat[VmCounter.reserve_pages_taken]);

        memory.Free(call.Page, 0, 0);
        Assert.Equal(inUse, memory.ReserveInUse);
        Assert.Equal(0, memory.VmStat[VmGauge.nr_reserve_in_use]);
        Assert.Equal(PageFlags.None, memory.Frames[call.Page].Flags);
        memory.AssertInvariants();
    }

    [Fact]
    public void The_bit_is_rewritten_when_the_page_is_given_again()
    {
        var memory = Machine.Flat2GiB();
        Machine.LeaveFree(memory, 500);
        var call = Machine.Privileged();
        memory.Continue(ref call);
        var page = call.Page;
        memory.Free(page, 0, 0);
        memory.Free(Array.FindIndex(memory.Frames, f => f.Owner == PageOwner.Anon && f.Order == 10), 10, 0);
        memory.Free(Array.FindIndex(memory.Frames, f => f.Owner == PageOwner.Anon && f.Order == 10), 10, 0);
        call = Machine.Request(Gfp.NoIo);
        memory.Continue(ref call);
        Assert.Equal(page, call.Page);
        Assert.False(call.PfMemAlloc);
        Assert.False(memory.Frames[page].Has(PageFlags.PfMemAlloc));
    }

    [Fact]
    public void Owners_are_counted()
    {
        var memory = Machine.Small();
        memory.ReserveBoot(1500, PageOwner.Kernel);
        var call = Machine.Request(Gfp.Kernel, order: 3, owner: PageOwner.Slab);
        memory.Continue(ref call);
        var page = Machine.Request(Gfp.HighUserMovable);
        memory.Continue(ref page);
        memory.ChangeOwner(page.Page, PageOwner.File);
        Assert.Equal(1500, memory.CountOwned(PageOwner.Kernel));
        Assert.Equal(8, memory.CountOwned(PageOwner.Slab));
        Assert.Equal(0, memory.CountOwned(PageOwner.Anon));
        Assert.Equal(1, memory.CountOwned(PageOwner.File));
        Assert.Equal(16_384 - 1500 - 8 - 1 - memory.PerCpuPages, memory.CountOwned(PageOwner.Free));
        memory.AssertInvariants();
    }

    [Fact]
    public void Kernel_pages_and_user_pages_keep_to_their_own_page_blocks()
    {
        var memory = Machine.Flat2GiB();
        var user = Machine.Request(Gfp.HighUserMovable);
        memory.Continue(ref user);
        for (var i = 0; i < 300; i++)
        {
            var slab = Machine.Request(Gfp.Kernel, owner: PageOwner.Slab);
            memory.Continue(ref slab);
            Assert.NotEqual(user.Page >> PageBlock.Order, slab.Page >> PageBlock.Order);
            Assert.Equal(MigrateType.Unmovable, memory.Zones[0].BlockType(slab.Page));
        }

        Assert.Equal(MigrateType.Movable, memory.Zones[0].BlockType(user.Page));
    }

    [Fact]
    public void Misuse_throws_with_the_values()
    {
        var memory = Machine.Small();
        var call = Machine.Request(Gfp.Kernel, order: 2, owner: PageOwner.Slab);
        memory.Continue(ref call);
        var block = call.Page;
        Throws(() => memory.Free(block, 0, 0), "order 2");
        Throws(() => memory.Free(block + 1, 0, 0), "owner Free");
        memory.Frames[block].Set(PageFlags.Writeback);
        Throws(() => memory.Free(block, 2, 0), "Writeback");
        memory.Frames[block].Clear(PageFlags.Writeback);
        memory.Free(block, 2, 0);
        Throws(() => memory.Free(block, 2, 0), $"page {block}");

        call = Machine.Request(Gfp.Kernel);
        memory.Continue(ref call);
        var page = call.Page;
        memory.Free(page, 0, 0);
        Throws(() => memory.Free(page, 0, 0), "owner PerCpu");
        Throws(() => memory.ChangeOwner(page, PageOwner.File), "PerCpu");

        memory.ReserveBoot(1, PageOwner.Kernel);
        var kernel = Array.FindIndex(memory.Frames, f => f.Owner == PageOwner.Kernel);
        Throws(() => memory.Free(kernel, 0, 0), "owner Kernel");
        call = Machine.Request(Gfp.Kernel, owner: PageOwner.PerCpu);
        Throws(() => memory.Continue(ref call), "PerCpu");
        memory.AssertInvariants();
    }

    [Fact]
    public void The_walk_finds_a_page_whose_owner_was_changed_behind_the_counts()
    {
        var memory = Machine.Small();
        var call = Machine.Request(Gfp.Kernel);
        memory.Continue(ref call);
        memory.Frames[call.Page].Owner = PageOwner.File;
        Throws(memory.AssertInvariants, "Anon");
    }

    [Fact]
    public void Holes_belong_to_no_zone()
    {
        var memory = Machine.Dma2GiB();
        Assert.Equal(0, memory.ZoneOf(3975));
        Throws(() => memory.ZoneOf(3976), "page 3976");
        Assert.Equal(1, memory.ZoneOf(4096));
        Throws(() => memory.ZoneOf(524_096), "524096");
    }

    [Theory]
    [InlineData(Gfp.Kernel, 2)]
    [InlineData(Gfp.HighUserMovable, 2)]
    [InlineData(Gfp.Kernel | Gfp.Dma32, 1)]
    [InlineData(Gfp.Kernel | Gfp.Dma, 0)]
    public void The_class_zone_is_the_highest_that_the_request_may_use(Gfp gfp, int index)
    {
        var zones = new PageAllocator(ZoneLayout.DmaDma32Normal, 4 * Machine.GiB, null, 1, PatchSet.All).Zones;
        Assert.Equal(index, PageAllocator.HighestType(gfp, zones));
        Assert.Equal(Math.Min(index, 1), PageAllocator.HighestType(gfp, zones[..2]));
        Assert.Equal(0, PageAllocator.HighestType(gfp, zones[..1]));
    }

    [Fact]
    public void A_saved_two_GiB_machine_takes_twenty_four_bytes_a_page()
    {
        var bytes = MemoryPackSerializer.Serialize(Machine.Flat2GiB());
        Assert.InRange(bytes.Length, 24 * 524_288, 24 * 524_288 + 4096);
    }

    private static void Throws(Action act, string part) =>
        Assert.Contains(part, Assert.Throws<InvalidOperationException>(act).Message);
}
