using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Reclaim;

namespace ClusterSwap.Kernel.Tests.Reclaim;

/// <summary>
/// What shrink_page_list does with one page, in the order of its rules; and the runs that it hands out.
/// </summary>
public class PageListTests
{
    private readonly FakeBlade _blade = new();

    private ref PageFrame Frame(int page) => ref _blade.Frames[page];

    // Another inactive page, so that what was activated is not aged again at once.
    private void KeepOneInactive() => _blade.UnderWriteback(900);

    [Fact]
    public void A_locked_page_is_kept()
    {
        var page = _blade.Cached(1);
        Frame(page).Set(PageFlags.Locked);
        _blade.Reclaim();
        Assert.Equal(1, _blade.Lru.Size(0, LruList.InactiveAnon));
        Assert.Empty(_blade.Zones.Freed);
    }

    [Fact]
    public void A_page_under_writeback_is_marked_for_reclaim_and_kept_without_waiting()
    {
        var page = _blade.UnderWriteback(1);
        _blade.Reclaim();
        Assert.True(Frame(page).Has(PageFlags.Reclaim | PageFlags.Writeback | PageFlags.Lru));
    }

    [Fact]
    public void A_referenced_anonymous_page_is_activated()
    {
        var page = _blade.Anon(young: true);
        KeepOneInactive();
        _blade.Reclaim();
        Assert.True(Frame(page).Has(PageFlags.Active | PageFlags.Lru));
        Assert.Equal(1, _blade.Stat[VmCounter.pgactivate]);
        Assert.Equal(1, _blade.Lru.Size(0, LruList.ActiveAnon));
    }

    [Fact]
    public void Without_the_IO_bit_a_page_gets_no_slot_and_is_kept()
    {
        var page = _blade.Anon();
        _blade.Reclaim(Gfp.Wait);
        Assert.Equal(PageFlags.Lru, Frame(page).Flags);
        Assert.Equal(1_000_000, _blade.Swap.FreeSlots);
    }

    [Fact]
    public void Without_the_IO_bit_a_clean_page_of_the_swap_cache_is_freed_and_a_dirty_one_kept()
    {
        var clean = _blade.Cached(1);
        var dirty = _blade.Cached(2, dirty: true);
        Assert.Empty(_blade.Reclaim(Gfp.Wait));
        Assert.Equal([clean], _blade.Zones.Freed);
        Assert.True(Frame(dirty).Has(PageFlags.Lru | PageFlags.Dirty));
    }

    [Fact]
    public void A_page_that_gets_no_slot_is_activated()
    {
        var page = _blade.Anon();
        _blade.Swap.Refuses = true;
        KeepOneInactive();
        _blade.Reclaim();
        Assert.True(Frame(page).Has(PageFlags.Active));
        Assert.Equal(1, _blade.Stat[VmCounter.pgactivate]);
    }

    [Fact]
    public void A_page_needs_two_encounters_one_to_write_it_and_one_to_free_it()
    {
        var page = _blade.Anon();
        var runs = _blade.Reclaim();
        Assert.Equal([page], Assert.Single(runs));
        Assert.Equal(
            PageFlags.Writeback | PageFlags.Reclaim | PageFlags.SwapCache | PageFlags.Lru, Frame(page).Flags);
        Assert.Equal(1, _blade.Stat[VmGauge.nr_writeback]);
        Assert.Equal(1, _blade.Stat[VmCounter.nr_vmscan_write]);
        Assert.Equal(1, _blade.Stat[VmCounter.pswpout]);
        Assert.Equal(PageFrame.None, Frame(page).Mapping);

        _blade.Anon();
        _blade.Vm.EndWriteback(page);
        Assert.Equal(page, _blade.Lru.Tail[0]);
        Assert.Equal(1, _blade.Stat[VmCounter.pgrotated]);
        Assert.Equal(1, _blade.Stat[VmCounter.nr_written]);
        Assert.Equal(0, _blade.Stat[VmGauge.nr_writeback]);

        _blade.Reclaim();
        Assert.Equal([page], _blade.Zones.Freed);
        Assert.Equal(1, _blade.Stat[VmCounter.pgsteal_direct]);
        Assert.Equal(1, _blade.Call.NrReclaimed);
    }

    [Fact]
    public void The_slot_survives_its_page_while_a_page_table_entry_holds_it()
    {
        _blade.Cached(7);
        _blade.Reclaim();
        Assert.Single(_blade.Zones.Freed);
        Assert.Equal(1_000_000, _blade.Swap.FreeSlots);
    }

    [Fact]
    public void A_slot_that_nobody_needs_is_dropped_instead_of_written()
    {
        var page = _blade.Cached(7, dirty: true, held: false);
        Assert.Empty(_blade.Reclaim());
        Assert.Equal([page], _blade.Zones.Freed);
        Assert.Equal(0, _blade.Stat[VmCounter.pswpout]);
        Assert.Equal(0, _blade.Stat[VmCounter.pgsteal_direct]);
    }

    [Fact]
    public void A_page_with_another_user_is_neither_written_nor_freed()
    {
        Frame(_blade.Cached(7, dirty: true)).Count = 2;
        Frame(_blade.Cached(8)).Count = 2;
        Assert.Empty(_blade.Reclaim());
        Assert.Empty(_blade.Zones.Freed);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void An_activated_page_gives_up_its_slot_when_swap_is_more_than_half_full(bool full)
    {
        var page = _blade.Cached(7, held: false);
        Frame(page).Mapping = 99;
        _blade.Swap.Young[page] = true;
        _blade.Swap.SwapIsFull = full;
        KeepOneInactive();
        _blade.Reclaim();
        Assert.Equal(full, Frame(page).Has(PageFlags.Dirty));
        Assert.Equal(!full, Frame(page).Has(PageFlags.SwapCache));
        Assert.True(Frame(page).Has(PageFlags.Active));
    }

    [Fact]
    public void A_failed_write_makes_the_page_dirty_again_and_does_not_rotate_it()
    {
        var page = _blade.Anon();
        _blade.Reclaim();
        _blade.Anon();
        var head = _blade.Lru.Head[0];
        _blade.Vm.EndWriteback(page, failed: true);
        Assert.Equal(PageFlags.Dirty | PageFlags.SwapCache | PageFlags.Lru, Frame(page).Flags);
        Assert.Equal(head, _blade.Lru.Head[0]);
        Assert.Equal(0, _blade.Stat[VmCounter.pgrotated]);
    }

    [Fact]
    public void Writeback_that_ends_on_an_isolated_page_does_not_rotate_it()
    {
        for (var i = 0; i < 40; i++)
        {
            _blade.Anon();
        }

        _blade.Begin();
        while (_blade.Vm.Step(_blade.Call) != ReclaimStepKind.WriteOut)
        {
        }

        _blade.EndWrites(_blade.Call);
        Assert.Equal(0, _blade.Stat[VmCounter.pgrotated]);
        Assert.Equal(_blade.Call.Taken, _blade.Stat[VmGauge.nr_isolated_anon]);
    }

    [Fact]
    public void A_page_given_up_while_isolated_is_freed_but_not_counted_as_reclaimed()
    {
        for (var i = 0; i < 2; i++)
        {
            _blade.Anon();
        }

        _blade.Swap.SlotStep = 5;
        _blade.Begin();
        while (_blade.Vm.Step(_blade.Call) != ReclaimStepKind.WriteOut)
        {
        }

        // The second page waits in the batch for its own run; meanwhile its process exits.
        var waiting = _blade.Call.Isolated[_blade.Call.Position];
        Frame(waiting).Clear(PageFlags.SwapCache | PageFlags.Dirty);
        while (_blade.Vm.Step(_blade.Call) != ReclaimStepKind.Done)
        {
        }

        Assert.Equal([waiting], _blade.Zones.Freed);
        Assert.Equal(0, _blade.Stat[VmCounter.pgsteal_direct]);
        _blade.AssertInvariants();
    }

    [Fact]
    public void Clean_unused_file_pages_are_dropped()
    {
        var dropped = _blade.File();
        var used = _blade.File();
        var program = _blade.File();
        Frame(used).Set(PageFlags.Referenced);
        Frame(program).Set(PageFlags.Referenced | PageFlags.Exec);
        _blade.Stat.Move(VmGauge.nr_file_pages, 3);
        _blade.Reclaim();
        Assert.Equal([dropped], _blade.Zones.Freed);
        Assert.Equal(PageFlags.Lru, Frame(used).Flags);
        Assert.True(Frame(program).Has(PageFlags.Active));
        Assert.Equal(2, _blade.Stat[VmGauge.nr_file_pages]);
    }

    [Fact]
    public void A_dirty_file_page_is_never_written_by_a_direct_reclaimer()
    {
        var page = _blade.File();
        Frame(page).Set(PageFlags.Dirty);
        Assert.Empty(_blade.Reclaim());
        Assert.True(Frame(page).Has(PageFlags.Reclaim | PageFlags.Dirty));
        Assert.Equal(1, _blade.Stat[VmCounter.nr_vmscan_immediate_reclaim]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    public void A_run_takes_31_contiguous_slots_in_either_direction(int step)
    {
        _blade.Swap.NextSlot = 500;
        _blade.Swap.SlotStep = step;
        for (var i = 0; i < 32; i++)
        {
            _blade.Anon();
        }

        var runs = _blade.Reclaim();
        Assert.Equal(Enumerable.Range(0, 32), runs.SelectMany(run => run));
        Assert.All(runs, run => Assert.InRange(run.Length, 1, 31));
        Assert.All(runs, run => Assert.Equal(
            Enumerable.Range(0, run.Length).Select(i => Frame(run[0]).Private + i * step),
            run.Select(page => Frame(page).Private)));
    }

    [Fact]
    public void A_full_batch_of_32_makes_a_run_of_31_and_a_run_of_1()
    {
        for (var slot = 1; slot <= 32; slot++)
        {
            _blade.Cached(slot, dirty: true);
        }

        // At priority 0 and with anonymous pages only, all 32 come in one batch.
        _blade.Zones.FreePages[0] = 1500;
        _blade.Begin();
        _blade.Call.Phase = DirectPhase.PriorityStart;
        _blade.Call.Priority = 0;
        Assert.Equal(ReclaimStepKind.WriteOut, _blade.Vm.Step(_blade.Call));
        Assert.Equal(31, _blade.Call.RunCount);
        Assert.Equal(ReclaimStepKind.WriteOut, _blade.Vm.Step(_blade.Call));
        Assert.Equal(1, _blade.Call.RunCount);
        Assert.Equal(ReclaimStepKind.Continue, _blade.Vm.Step(_blade.Call));
        Assert.Equal(0, _blade.Call.Taken);
        var cost = _blade.Cost;
        Assert.Equal(
            cost.IsolateNs + 32 * (cost.IsolateNs + cost.ScanNs + cost.PutbackNs), _blade.Call.CostNs);
        Assert.Equal(64, _blade.Call.NrScanned);
    }

    [Fact]
    public void A_gap_or_a_turn_between_slots_ends_the_run()
    {
        int[] slots = [10, 11, 13, 12, 11, 12];
        foreach (var slot in slots)
        {
            _blade.Cached(slot, dirty: true);
        }

        _blade.Begin();
        _blade.Call.Phase = DirectPhase.PriorityStart;
        _blade.Call.Priority = 0;
        var lengths = new List<int>();
        while (_blade.Vm.Step(_blade.Call) == ReclaimStepKind.WriteOut)
        {
            lengths.Add(_blade.Call.RunCount);
        }

        Assert.Equal([2, 3, 1], lengths);
    }

    [Fact]
    public void Kept_pages_return_to_the_head_of_their_list_in_order()
    {
        for (var slot = 1; slot <= 3; slot++)
        {
            _blade.UnderWriteback(slot);
        }

        _blade.Begin();
        _blade.Call.Phase = DirectPhase.PriorityStart;
        _blade.Call.Priority = 0;
        _blade.Vm.Step(_blade.Call);
        Assert.Equal(0, _blade.Lru.Tail[0]);
        Assert.Equal(2, _blade.Lru.Head[0]);
    }
}
