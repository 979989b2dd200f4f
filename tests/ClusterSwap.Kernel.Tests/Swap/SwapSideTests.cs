using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Swap;

namespace ClusterSwap.Kernel.Tests.Swap;

public sealed class SwapSideTests
{
    private readonly SmallBlade _blade =
        new(frames: 100, processes: 1, pagesPerProcess: 80, devicePages: 400, position: 60);

    public SwapSideTests()
    {
        for (var vpn = 0; vpn < 80; vpn++)
        {
            _blade.TouchOne(vpn, write: true, 0, 1);
        }
    }

    [Fact]
    public void Adding_to_swap_asks_for_a_node_without_waiting_and_never_from_the_reserve()
    {
        Assert.True(Add(PageOf(0)));
        Assert.Equal([Gfp.High | Gfp.NoMemAlloc | Gfp.NoWarn], _blade.Nodes.Asked);
        ref var frame = ref _blade.Frames[PageOf(0)];
        Assert.True(frame.Has(PageFlags.SwapCache | PageFlags.Dirty));
        Assert.Equal(60, frame.Private);
    }

    [Fact]
    public void Sixty_four_slots_share_a_node_which_goes_with_the_last_of_them()
    {
        for (var vpn = 0; vpn < 68; vpn++)
        {
            Assert.True(Add(PageOf(vpn)));
        }

        // Slots 60 to 63, then 64 to 127.
        Assert.Equal(2, _blade.Nodes.ObjectsInUse);
        _blade.Side.Cpu = 3;
        for (var vpn = 0; vpn < 4; vpn++)
        {
            _blade.Side.RemoveFromSwapCache(PageOf(vpn));
        }

        Assert.Equal(1, _blade.Nodes.ObjectsInUse);
        Assert.Equal(3, _blade.Nodes.LastFreeCpu);
        _blade.Cache.AssertInvariants();
    }

    [Fact]
    public void Without_memory_for_the_node_the_slot_is_given_back()
    {
        _blade.Nodes.Script.Enqueue(AllocOutcome.Failed);
        Assert.False(Add(PageOf(0)));
        Assert.Equal(399, _blade.Side.FreeSlots);
        Assert.False(_blade.Frames[PageOf(0)].Has(PageFlags.SwapCache));
        _blade.Spaces.AssertInvariants();
    }

    [Fact]
    public void Without_a_free_slot_nothing_is_added()
    {
        var blade = new SmallBlade(frames: 16, processes: 1, pagesPerProcess: 4, devicePages: 3);
        for (var vpn = 0; vpn < 4; vpn++)
        {
            blade.TouchOne(vpn, write: true, 0, 1);
        }

        blade.Deactivate(4);
        blade.Shrink(4);
        Assert.Equal(2, blade.Writes.Count);
        Assert.Equal(2, blade.Lru.Active.Count);
        Assert.Equal(0, blade.Side.FreeSlots);
    }

    [Fact]
    public void The_young_bit_is_seen_once()
    {
        var page = PageOf(0);
        Assert.Equal(1, _blade.Side.TestAndClearReferenced(page));
        Assert.Equal(0, _blade.Side.TestAndClearReferenced(page));
        Assert.True(_blade.TouchOne(0, write: false, 1, 0));
        Assert.Equal(1, _blade.Side.TestAndClearReferenced(page));
    }

    [Fact]
    public void Unmapping_moves_what_the_hardware_wrote_into_the_page_flag()
    {
        var page = PageOf(0);
        Add(page);
        _blade.Frames[page].Clear(PageFlags.Dirty);
        _blade.Side.Unmap(page);
        Assert.True(_blade.Frames[page].Has(PageFlags.Dirty));
        Assert.Equal(PageFrame.None, _blade.Frames[page].Mapping);
        Assert.Equal(79, _blade.Stat[VmGauge.nr_anon_pages]);
        Assert.False(_blade.Side.SlotIsUnneeded(page));
        Assert.Equal(0, _blade.Side.TestAndClearReferenced(page));
    }

    [Fact]
    public void Dropping_the_slot_of_a_mapped_page_makes_the_page_the_only_copy()
    {
        var page = PageOf(0);
        Add(page);
        _blade.Frames[page].Clear(PageFlags.Dirty);
        Assert.True(_blade.Side.SlotIsUnneeded(page));
        _blade.Side.RemoveFromSwapCache(page);
        Assert.True(_blade.Frames[page].Has(PageFlags.Dirty));
        Assert.Equal(399, _blade.Side.FreeSlots);
        Assert.False(_blade.Side.SlotIsUnneeded(page));
    }

    [Fact]
    public void A_page_may_not_leave_the_cache_during_its_write()
    {
        var page = PageOf(0);
        Add(page);
        _blade.Frames[page].Set(PageFlags.Writeback);
        Assert.False(_blade.Side.SlotIsUnneeded(page));
        Assert.Throws<InvalidOperationException>(() => _blade.Side.RemoveFromSwapCache(page));
    }

    [Fact]
    public void A_process_that_ends_gives_back_pages_slots_nodes_and_page_tables()
    {
        _blade.Deactivate(60);
        _blade.Shrink(40);
        _blade.FinishWrites();
        _blade.Shrink(20);
        Release();
        Assert.Equal(100, _blade.FreePages);
        Assert.Equal(399, _blade.Map.FreeSlots);
        Assert.Equal(0, _blade.Nodes.ObjectsInUse);
        Assert.Equal(0, _blade.Stat[VmGauge.nr_anon_pages]);
        Assert.Equal(0, _blade.Stat[VmGauge.nr_page_table_pages]);
        _blade.Spaces.AssertInvariants();
    }

    [Fact]
    public void Pages_under_writeback_outlive_their_process_until_reclaim_finds_them()
    {
        _blade.Deactivate(10);
        _blade.Shrink(10);
        Release();
        Assert.Equal(90, _blade.FreePages);
        Assert.Equal(389, _blade.Map.FreeSlots);
        _blade.Spaces.AssertInvariants();
        _blade.FinishWrites();
        Assert.True(_blade.Side.SlotIsUnneeded(_blade.Lru.Inactive[0]));
        _blade.Shrink(10);
        Assert.Equal(100, _blade.FreePages);
        Assert.Equal(399, _blade.Map.FreeSlots);
    }

    [Fact]
    public void A_page_that_a_reclaimer_holds_when_its_process_ends_is_left_to_the_reclaimer()
    {
        var page = PageOf(7);
        _blade.Lru.Delete(page);
        _blade.Frames[page].Set(PageFlags.Isolated);
        Release();
        Assert.Equal(99, _blade.FreePages);
        Assert.True(_blade.Side.IsOrphan(page));
    }

    [Fact]
    public void Reclaiming_a_slot_on_the_way_spares_what_is_locked_being_written_or_unmapped()
    {
        for (var vpn = 0; vpn < 4; vpn++)
        {
            Add(PageOf(vpn));
        }

        _blade.Frames[PageOf(0)].Set(PageFlags.Locked);
        _blade.Frames[PageOf(1)].Set(PageFlags.Writeback);
        _blade.Side.Unmap(PageOf(2));
        Assert.Equal(
            [false, false, false, true], new[] { 60, 61, 62, 63 }.Select(slot => _blade.Cache.TryReclaim(slot)));
    }

    private bool Add(int page) => _blade.Side.AddToSwap(page, TaskFlags.MemAlloc, AllocContext.Task, 1);

    private int PageOf(int vpn) => PageTableEntry.Frame(_blade.Spaces.Entry(vpn));

    private void Release()
    {
        Span<int> freed = stackalloc int[7];
        for (var step = 0; step < _blade.Spaces.ReleaseSteps;)
        {
            var count = _blade.Spaces.Release(0, ref step, freed, 0);
            foreach (var page in freed[..count])
            {
                _blade.Free(page);
            }
        }
    }
}
