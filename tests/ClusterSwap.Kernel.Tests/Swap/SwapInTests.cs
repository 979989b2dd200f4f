using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Swap;

namespace ClusterSwap.Kernel.Tests.Swap;

public sealed class SwapInTests
{
    [Fact]
    public void The_window_is_the_aligned_block_of_eight_without_unused_and_cached_slots()
    {
        var map = Named(64);
        Assert.Equal([16, 17, 18, 19, 20, 21, 22, 23], Window(map, 3, 19));
        Assert.Equal([1, 2, 3, 4, 5, 6, 7], Window(map, 3, 5));
        Assert.Equal([20, 21, 22, 23], Window(map, 2, 20));
        map.DropPte(17);
        map.AddCache(20);
        Assert.Equal([16, 18, 19, 21, 22, 23], Window(map, 3, 19));
    }

    [Fact]
    public void The_window_ends_with_the_device()
    {
        Assert.Equal([40, 41], Window(Named(42), 3, 41));
    }

    [Fact]
    public void Page_cluster_is_2_below_16_MiB_and_3_from_there()
    {
        Assert.Equal(2, SwapReadahead.DefaultPageCluster(4095));
        Assert.Equal(3, SwapReadahead.DefaultPageCluster(4096));
    }

    [Theory]
    [InlineData(1, 257)]
    [InlineData(8, 256)]
    [InlineData(1003, 257)]
    public void Reading_2048_sequential_slots_takes_a_major_fault_per_796_hundredths_of_a_page(int position, int faults)
    {
        // Sequential slots, sequential faults: 2,048 / 257 = 7.96 pages a fault unless the run is aligned.
        const int Pages = 2048;
        var blade = new SmallBlade(Pages + 8, processes: 1, pagesPerProcess: Pages, devicePages: 8192, position);
        Pass(blade, Pages, write: true, 0, 1);
        blade.Deactivate(Pages);
        blade.Shrink(Pages);
        blade.FinishWrites();
        blade.Shrink(Pages);
        Assert.Equal(8191 - Pages, blade.Map.FreeSlots);

        Pass(blade, Pages, write: false, 1, 0);
        Assert.Equal(Pages, blade.Stat[VmCounter.pswpin]);
        Assert.Equal(faults, blade.Stat[VmCounter.pgmajfault]);
        Assert.Equal(Pages - faults, blade.Stat[VmCounter.swap_cache_hits]);
        blade.Spaces.AssertInvariants();
    }

    [Fact]
    public void A_read_waits_for_the_memory_of_its_tree_node_and_goes_on()
    {
        var (blade, page) = WithSwappedPage();
        blade.Nodes.Asked.Clear();
        blade.Nodes.Script.Enqueue(AllocOutcome.NeedsReclaim);
        blade.Nodes.Script.Enqueue(AllocOutcome.NeedsWait);
        var call = SwapInCall.For(8, page, TaskFlags.None, 2);
        Assert.Equal(AllocOutcome.NeedsReclaim, blade.In.AddForRead(ref call));
        Assert.Equal(AllocOutcome.NeedsWait, blade.In.AddForRead(ref call));
        Assert.Equal(PageFrame.None, blade.Cache.Lookup(8));
        Assert.Equal(AllocOutcome.Granted, blade.In.AddForRead(ref call));
        Assert.Equal(page, blade.Cache.Lookup(8));
        Assert.All(blade.Nodes.Asked, gfp => Assert.Equal(Gfp.Kernel, gfp));
        Assert.Equal(1, blade.Stat[VmCounter.pswpin]);
    }

    [Fact]
    public void Who_waited_for_a_node_while_another_read_the_slot_gives_its_page_back()
    {
        var (blade, page) = WithSwappedPage();
        blade.Nodes.Script.Enqueue(AllocOutcome.NeedsReclaim);
        var slow = SwapInCall.For(8, page, TaskFlags.None, 0);
        blade.In.AddForRead(ref slow);
        blade.ReadAround(8);
        Assert.Equal(AllocOutcome.Failed, blade.In.AddForRead(ref slow));
        Assert.True(slow.IsTaken);
        Assert.Equal(1, blade.Nodes.ObjectsInUse);
    }

    [Fact]
    public void A_read_without_memory_for_its_node_fails_and_leaves_nothing()
    {
        var (blade, page) = WithSwappedPage();
        blade.Nodes.Script.Enqueue(AllocOutcome.Failed);
        var call = SwapInCall.For(8, page, TaskFlags.None, 0);
        Assert.Equal(AllocOutcome.Failed, blade.In.AddForRead(ref call));
        Assert.False(call.IsTaken);
        Assert.False(blade.Map.IsCached(8));
        blade.Spaces.AssertInvariants();
    }

    [Fact]
    public void A_page_read_ahead_and_dropped_unmapped_counts_as_unread()
    {
        var (blade, page) = WithSwappedPage();
        blade.Free(page);
        blade.ReadAround(8);
        blade.FinishReads();
        blade.Shrink(1);
        Assert.Equal(1, blade.Stat[VmCounter.pages_freed_unread]);
        Assert.True(blade.TouchOne(0, write: false, 1, 0));
        blade.Spaces.AssertInvariants();
    }

    private static (SmallBlade Blade, int Page) WithSwappedPage()
    {
        var blade = new SmallBlade(frames: 16, processes: 1, pagesPerProcess: 8, devicePages: 128, position: 8);
        blade.TouchOne(0, write: true, 0, 1);
        blade.Deactivate(1);
        blade.Shrink(1);
        blade.FinishWrites();
        blade.Shrink(1);
        return (blade, blade.Alloc(PageOwner.Anon));
    }

    private static void Pass(SmallBlade blade, int pages, bool write, uint expected, uint stamp)
    {
        var call = new TouchCall { Write = write, Expected = expected, Stamp = stamp };
        while (call.Offset < pages)
        {
            call.BudgetNs = 10_000;
            blade.Spaces.Touch(ref call);
            blade.Handle(call);
        }
    }

    private static SwapMap Named(int pages)
    {
        var map = new SwapMap(pages, 1);
        while (map.FreeSlots > 0)
        {
            var slot = map.Take(NothingToReclaim.Instance);
            map.AddPte(slot);
            map.DropCache(slot);
        }

        return map;
    }

    private static int[] Window(SwapMap map, int pageCluster, int slot)
    {
        Span<int> slots = stackalloc int[SwapReadahead.MaxSlots];
        return slots[..SwapReadahead.Window(map, pageCluster, slot, slots)].ToArray();
    }
}
