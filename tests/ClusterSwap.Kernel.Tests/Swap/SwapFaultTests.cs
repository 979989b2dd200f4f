using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Swap;

namespace ClusterSwap.Kernel.Tests.Swap;

public sealed class SwapFaultTests
{
    private readonly SmallBlade _blade =
        new(frames: 64, processes: 2, pagesPerProcess: 40, devicePages: 512, position: 8);

    [Fact]
    public void A_first_write_needs_a_page_table_then_a_page_which_starts_active()
    {
        var call = Call(0, write: true, version: 1);
        _blade.Spaces.Touch(ref call);
        Assert.Equal(TouchStop.NeedsPageTable, call.Stop);
        _blade.Handle(call);
        _blade.Spaces.Touch(ref call);
        Assert.Equal(TouchStop.AnonFault, call.Stop);
        _blade.Handle(call);
        Assert.Single(_blade.Lru.Active);
        Assert.Equal(1, _blade.Stat[VmCounter.pgfault]);
        Assert.Equal(1, _blade.Stat[VmGauge.nr_anon_pages]);
        Assert.Equal(1, _blade.Stat[VmGauge.nr_page_table_pages]);
        Assert.Equal(0, call.Touched);

        _blade.Spaces.Touch(ref call);
        Assert.Equal(1, call.Touched);
        Assert.Equal(Stamps.Of(0, 1), Frame(0).Stamp);
        _blade.Spaces.AssertInvariants();
    }

    [Fact]
    public void A_read_of_what_was_never_written_maps_the_zero_page_and_takes_no_memory()
    {
        _blade.TouchOne(0, write: false, 0, 0);
        var free = _blade.FreePages;
        for (var vpn = 1; vpn < 40; vpn++)
        {
            Assert.True(_blade.TouchOne(vpn, write: false, 0, 0));
        }

        Assert.Equal(free, _blade.FreePages);
        Assert.Equal(40, _blade.Stat[VmCounter.pgfault]);
        Assert.True(_blade.TouchOne(5, write: true, 0, 1));
        Assert.Equal(free - 1, _blade.FreePages);
        _blade.Spaces.AssertInvariants();
    }

    [Fact]
    public void Resident_pages_cost_their_touch_and_the_slice_may_be_overdrawn_by_less_than_one()
    {
        Write(0, 20, version: 1);
        var call = Call(0, write: false, version: 1);
        call.BudgetNs = 950;
        _blade.Spaces.Touch(ref call);
        Assert.Equal((TouchStop.SliceOver, 10, 1000L, 0L), (call.Stop, call.Touched, call.UserNs, call.SystemNs));
        Assert.Equal(10, call.Offset);
    }

    [Fact]
    public void The_last_page_ends_the_pass()
    {
        Write(0, 40, version: 1);
        var call = Call(0, write: false, version: 1);
        _blade.Spaces.Touch(ref call);
        Assert.Equal((TouchStop.PassEnd, 40, 40), (call.Stop, call.Touched, call.Offset));
    }

    [Fact]
    public void A_page_is_written_at_its_first_encounter_and_freed_at_its_second_and_its_slot_survives()
    {
        Write(0, 1, version: 1);
        var page = PageOf(0);
        Evict(0, finish: false);
        Assert.True(_blade.Frames[page].Has(PageFlags.SwapCache | PageFlags.Writeback | PageFlags.Reclaim));
        Assert.True(PageTableEntry.IsSwap(_blade.Spaces.Entry(0)));
        Assert.Equal(1, _blade.Stat[VmGauge.nr_swapcached]);
        var free = _blade.FreePages;
        _blade.Shrink(1);
        Assert.Equal(free, _blade.FreePages);
        _blade.FinishWrites();
        _blade.Shrink(1);
        Assert.Equal(free + 1, _blade.FreePages);
        Assert.False(_blade.Map.IsFree(8));
        Assert.False(_blade.Map.IsCached(8));
        Assert.Equal(0, _blade.Nodes.ObjectsInUse);
        _blade.Spaces.AssertInvariants();

        Assert.True(_blade.TouchOne(0, write: false, 1, 0));
        Assert.Equal((1L, 1L), (_blade.Stat[VmCounter.pgmajfault], _blade.Stat[VmCounter.pswpin]));
        _blade.Spaces.AssertInvariants();
    }

    [Fact]
    public void A_page_read_in_starts_locked_and_inactive_and_a_second_toucher_waits_for_its_lock()
    {
        EvictAll(0, 1, version: 1);
        var call = Call(0, write: false, version: 1);
        _blade.Spaces.Touch(ref call);
        Assert.Equal((TouchStop.SwapFault, 8), (call.Stop, call.Slot));
        _blade.ReadAround(8);
        var page = Assert.Single(_blade.Reads);
        Assert.True(_blade.Frames[page].Has(PageFlags.Locked | PageFlags.SwapCache | PageFlags.Lru));
        Assert.Equal([page], _blade.Lru.Inactive);
        _blade.Spaces.Touch(ref call);
        Assert.Equal((TouchStop.PageLocked, page, 8), (call.Stop, call.Page, call.Slot));
        Assert.False(_blade.Spaces.MapSwapIn(0, page, write: false, 0));
        _blade.FinishReads();
        call.BudgetNs = 1300;
        _blade.Spaces.Touch(ref call);
        Assert.Equal((1, 100L, 1200L), (call.Touched, call.UserNs, call.SystemNs));
        Assert.Equal(1, _blade.Stat[VmCounter.swap_cache_hits]);
        Assert.Equal(0, _blade.Stat[VmCounter.pgmajfault]);
    }

    [Fact]
    public void A_write_fault_on_a_cached_page_takes_it_out_of_the_cache_and_frees_its_slot()
    {
        EvictAll(0, 1, version: 1);
        Assert.True(_blade.TouchOne(0, write: true, 1, 2));
        Assert.True(_blade.Map.IsFree(8));
        Assert.True(Frame(0).Has(PageFlags.Dirty));
        Assert.False(Frame(0).Has(PageFlags.SwapCache));
        Assert.Equal(0, _blade.Stat[VmGauge.nr_swapcached]);
        _blade.Spaces.AssertInvariants();
    }

    [Fact]
    public void A_read_fault_keeps_slot_and_cache_so_that_the_page_can_go_without_a_write()
    {
        EvictAll(0, 1, version: 1);
        Assert.True(_blade.TouchOne(0, write: false, 1, 0));
        Assert.True(_blade.Map.IsCached(8));
        Assert.False(_blade.Map.IsUsedByPte(8));
        _blade.Spaces.AssertInvariants();
        var free = _blade.FreePages;
        _blade.Side.TestAndClearReferenced(PageOf(0));
        _blade.Shrink(1);
        Assert.Empty(_blade.Writes);
        Assert.Equal(free + 1, _blade.FreePages);
        Assert.True(_blade.TouchOne(0, write: false, 1, 0));
    }

    [Fact]
    public void A_write_to_a_page_that_was_mapped_for_reading_is_one_more_fault_and_frees_the_slot()
    {
        EvictAll(0, 1, version: 1);
        Assert.True(_blade.TouchOne(0, write: false, 1, 0));
        var faults = _blade.Stat[VmCounter.pgfault];
        Assert.True(_blade.TouchOne(0, write: true, 1, 2));
        Assert.Equal(faults + 1, _blade.Stat[VmCounter.pgfault]);
        Assert.True(_blade.Map.IsFree(8));
        Assert.True(Frame(0).Has(PageFlags.Dirty));
        _blade.Spaces.AssertInvariants();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_page_written_by_its_user_during_writeback_stays_cached_and_is_written_again(
        bool deviceSeesTheLateWord)
    {
        Write(0, 1, version: 1);
        Evict(0, finish: false);
        Assert.True(_blade.TouchOne(0, write: true, 1, 2));
        var page = PageOf(0);
        Assert.True(_blade.Frames[page].Has(PageFlags.SwapCache | PageFlags.Writeback));
        Assert.False(_blade.Map.IsUsedByPte(8));
        _blade.Spaces.AssertInvariants();

        _blade.FinishWrite(0, deviceSeesTheLateWord);
        Assert.Equal(1, _blade.Side.TestAndClearReferenced(page));
        _blade.Shrink(1);
        Assert.Equal(Stamps.Of(0, 2), Assert.Single(_blade.Writes).Stamp);
        _blade.FinishWrites();
        _blade.Shrink(1);
        Assert.True(_blade.TouchOne(0, write: false, 2, 0));
        Assert.Equal(1, _blade.Stat[VmCounter.pgmajfault]);
    }

    [Fact]
    public void When_swap_is_more_than_half_full_a_read_fault_gives_the_slot_up()
    {
        var blade = new SmallBlade(frames: 64, processes: 1, pagesPerProcess: 16, devicePages: 24);
        Assert.False(blade.Map.IsFull);
        for (var vpn = 0; vpn < 16; vpn++)
        {
            blade.TouchOne(vpn, write: true, 0, 1);
        }

        EvictAll(blade);
        Assert.True(blade.Map.IsFull);
        Assert.True(blade.TouchOne(3, write: false, 1, 0));
        var page = PageTableEntry.Frame(blade.Spaces.Entry(3));
        Assert.True(blade.Frames[page].Has(PageFlags.Dirty));
        Assert.False(blade.Frames[page].Has(PageFlags.SwapCache));
        Assert.Equal(23 - 15, blade.Map.FreeSlots);
        blade.Spaces.AssertInvariants();
    }

    [Fact]
    public void A_failed_read_stops_its_toucher()
    {
        EvictAll(0, 1, version: 1);
        _blade.ReadAround(8);
        _blade.In.ReadFailed(_blade.Reads[0]);
        var call = Call(0, write: false, version: 1);
        _blade.Spaces.Touch(ref call);
        Assert.Equal(TouchStop.ReadError, call.Stop);
    }

    private static TouchCall Call(int vpn, bool write, uint version) => new()
    {
        Process = vpn / 40,
        Offset = vpn % 40,
        Write = write,
        Stamp = write ? version : 0,
        Expected = write ? version - 1 : version,
        BudgetNs = 1_000_000,
    };

    private static void EvictAll(SmallBlade blade)
    {
        blade.Deactivate(1000);
        blade.Shrink(1000);
        blade.FinishWrites();
        blade.Shrink(1000);
    }

    private void Write(int vpn, int count, uint version)
    {
        for (var end = vpn + count; vpn < end; vpn++)
        {
            Assert.True(_blade.TouchOne(vpn, write: true, version - 1, version));
        }
    }

    private void EvictAll(int vpn, int count, uint version)
    {
        Write(vpn, count, version);
        EvictAll(_blade);
        Assert.True(PageTableEntry.IsSwap(_blade.Spaces.Entry(vpn)));
    }

    private void Evict(int vpn, bool finish)
    {
        _blade.Deactivate(1);
        _blade.Shrink(1);
        Assert.True(PageTableEntry.IsSwap(_blade.Spaces.Entry(vpn)));
        if (finish)
        {
            _blade.FinishWrites();
        }
    }

    private int PageOf(int vpn) => PageTableEntry.Frame(_blade.Spaces.Entry(vpn));

    private ref PageFrame Frame(int vpn) => ref _blade.Frames[PageOf(vpn)];
}
