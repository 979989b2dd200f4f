// The course of one allocation: which step answers what, and where it goes on.
using ClusterSwap.Kernel.Memory;

namespace ClusterSwap.Kernel.Tests.Memory;

public class AllocStepsTests
{
    [Fact]
    public void A_request_that_may_not_wait_fails_in_the_slow_path()
    {
        var memory = At(96);
        var call = Machine.Request(Gfp.Atomic);
        Assert.Equal(AllocOutcome.Failed, memory.Continue(ref call));
        Assert.Equal(AllocOutcome.Failed, call.Outcome);
        Assert.Equal(AllocStep.Ended, call.Step);
        Assert.Equal(PageFrame.None, call.Page);
        Assert.Equal(1, memory.VmStat[VmCounter.alloc_failed]);
        Assert.True(memory.KswapdWanted);
    }

    [Fact]
    public void A_task_that_frees_memory_fails_at_once_when_nothing_is_left()
    {
        var memory = At(0);
        var call = Machine.Privileged();
        Assert.Equal(AllocOutcome.Failed, memory.Continue(ref call));
    }

    [Theory]
    [InlineData(Gfp.Kernel, AllocOutcome.Failed)]
    [InlineData(Gfp.Kernel | Gfp.NoFail, AllocOutcome.NeedsWait)]
    public void A_victim_of_the_OOM_killer_fails_unless_it_must_not(Gfp gfp, AllocOutcome expected)
    {
        var memory = At(0);
        var call = Machine.Request(gfp, TaskFlags.MemDie);
        Assert.Equal(expected, memory.Continue(ref call));
    }

    [Fact]
    public void An_entitled_request_that_must_not_fail_waits_for_the_reserve()
    {
        var memory = At(0);
        var call = Machine.Request(Gfp.NoIo | Gfp.NoFail, TaskFlags.MemAlloc);
        Assert.Equal(AllocOutcome.NeedsWait, memory.Continue(ref call));
        Assert.Equal(AllocStep.Rebalance, call.Step);

        memory.Free(FirstOwned(memory, order: 10), 10, 0);
        Assert.Equal(AllocOutcome.Granted, memory.Continue(ref call));
    }

    [Theory]
    [InlineData(Gfp.NoIo)]
    [InlineData(Gfp.NoFs)]
    public void NOIO_and_NOFS_never_fail_and_never_reach_the_OOM_killer(Gfp gfp)
    {
        var memory = At(256);
        var call = Machine.Request(gfp, owner: PageOwner.TxFragment);
        for (var round = 1; round <= 1000; round++)
        {
            Assert.Equal(AllocOutcome.NeedsReclaim, memory.Continue(ref call));
            Assert.Equal(AllocStep.AfterReclaim, call.Step);
            call.Reclaimed = 0;
            Assert.Equal(AllocOutcome.NeedsWait, memory.Continue(ref call));
            Assert.Equal(AllocStep.Rebalance, call.Step);
            Assert.Equal(round, call.Rounds);
        }

        Assert.Equal(0, memory.VmStat[VmCounter.alloc_failed]);
    }

    [Fact]
    public void The_short_wait_does_not_wake_kswapd_again_but_the_OOM_killer_does()
    {
        var memory = At(256);
        var call = Machine.Request(Gfp.NoIo);
        memory.Continue(ref call);
        memory.KswapdWanted = false;
        memory.Continue(ref call);
        Assert.Equal(AllocOutcome.NeedsReclaim, memory.Continue(ref call));
        Assert.False(memory.KswapdWanted);

        call = Machine.Request(Gfp.Kernel);
        memory.Continue(ref call);
        memory.KswapdWanted = false;
        Assert.Equal(AllocOutcome.OutOfMemory, memory.Continue(ref call));
        Assert.Equal(AllocStep.SlowPath, call.Step);
        Assert.Equal(AllocOutcome.NeedsReclaim, memory.Continue(ref call));
        Assert.True(memory.KswapdWanted);
    }

    [Theory]
    [InlineData(Gfp.Kernel, 0, AllocOutcome.OutOfMemory)]
    [InlineData(Gfp.Kernel, 3, AllocOutcome.OutOfMemory)]
    [InlineData(Gfp.Kernel, 4, AllocOutcome.Failed)]
    [InlineData(Gfp.Kernel | Gfp.NoFail, 4, AllocOutcome.OutOfMemory)]
    [InlineData(Gfp.Kernel | Gfp.Dma32, 0, AllocOutcome.Failed)]
    [InlineData(Gfp.Kernel | Gfp.NoRetry, 0, AllocOutcome.Failed)]
    [InlineData(Gfp.NoIo, 3, AllocOutcome.NeedsWait)]
    [InlineData(Gfp.NoIo, 4, AllocOutcome.Failed)]
    [InlineData(Gfp.NoIo | Gfp.NoRetry, 0, AllocOutcome.Failed)]
    [InlineData(Gfp.NoIo | Gfp.NoFail, 4, AllocOutcome.NeedsWait)]
    [InlineData(Gfp.NoIo | Gfp.Repeat, 4, AllocOutcome.NeedsWait)]
    public void Without_progress(Gfp gfp, int order, AllocOutcome expected)
    {
        var memory = At(256);
        var call = Machine.Request(gfp, order: order);
        Assert.Equal(AllocOutcome.NeedsReclaim, memory.Continue(ref call));
        call.Reclaimed = 0;
        Assert.Equal(expected, memory.Continue(ref call));
    }

    [Fact]
    public void A_large_block_is_repeated_until_as_much_was_reclaimed()
    {
        var memory = At(256);
        var call = Machine.Request(Gfp.NoIo | Gfp.Repeat, order: 6);
        memory.Continue(ref call);
        call.Reclaimed = 63;
        Assert.Equal(AllocOutcome.NeedsWait, memory.Continue(ref call));
        Assert.Equal(AllocOutcome.NeedsReclaim, memory.Continue(ref call));
        call.Reclaimed = 1;
        Assert.Equal(AllocOutcome.Failed, memory.Continue(ref call));
        Assert.Equal(64, call.ReclaimedTotal);
    }

    [Fact]
    public void The_last_try_before_a_kill_needs_more_than_the_high_mark()
    {
        foreach (var (free, expected) in new[] { (385L, AllocOutcome.Granted), (384L, AllocOutcome.OutOfMemory) })
        {
            var memory = At(256);
            var call = Machine.Request(Gfp.Kernel);
            Assert.Equal(AllocOutcome.NeedsReclaim, memory.Continue(ref call));
            memory.Free(FirstOwned(memory, order: 10), 10, 0);
            Machine.LeaveFree(memory, free);
            call.Reclaimed = 0;
            Assert.Equal(expected, memory.Continue(ref call));
        }
    }

    [Fact]
    public void After_progress_the_per_CPU_lists_are_drained_once_for_the_retry()
    {
        // 17 pages freed on another CPU stay on its list (high 18): only draining makes them free.
        var memory = Machine.Small(cpus: 2);
        var pages = new int[17];
        var bulk = Machine.Request(Gfp.HighUserMovable, cpu: 1);
        Assert.Equal(17, memory.AllocBulk(ref bulk, pages));
        memory.DrainPerCpu();
        Machine.LeaveFree(memory, 256);
        var call = Machine.Request(Gfp.Kernel);
        Assert.Equal(AllocOutcome.NeedsReclaim, memory.Continue(ref call));
        foreach (var page in pages)
        {
            memory.Free(page, 0, 1);
        }

        Assert.Equal(17, memory.PerCpuPages);
        Assert.Equal(256, memory.FreePages);
        call.Reclaimed = 17;
        Assert.Equal(AllocOutcome.Granted, memory.Continue(ref call));
        Assert.Equal(2, memory.PerCpuPages);
        Assert.Equal(256 + 17 - 3, memory.FreePages);
        memory.AssertInvariants();
    }

    [Fact]
    public void Progress_without_a_page_waits_and_tries_again_with_the_current_flags()
    {
        var memory = At(256);
        var call = Machine.Request(Gfp.Kernel);
        memory.Continue(ref call);
        call.Reclaimed = 5;
        Assert.Equal(AllocOutcome.NeedsWait, memory.Continue(ref call));
        Assert.Equal(AllocStep.Rebalance, call.Step);

        // The OOM killer has chosen the task meanwhile: now it may use the reserve.
        call.Task = TaskFlags.MemDie;
        Assert.Equal(AllocOutcome.Granted, memory.Continue(ref call));
        Assert.True(call.PfMemAlloc);
    }

    [Theory]
    [InlineData(Gfp.Kernel, 1)]
    [InlineData(Gfp.NoIo, 0)]
    public void Direct_compaction_is_counted_for_blocks_where_it_may_be_tried(Gfp gfp, long stalls)
    {
        var memory = At(256);
        var call = Machine.Request(gfp, order: 2);
        Assert.Equal(AllocOutcome.NeedsReclaim, memory.Continue(ref call));
        Assert.Equal(stalls, memory.VmStat[VmCounter.compact_stall]);
        Assert.Equal(stalls, memory.VmStat[VmCounter.compact_fail]);
        call = Machine.Request(gfp);
        memory.Continue(ref call);
        Assert.Equal(stalls, memory.VmStat[VmCounter.compact_stall]);
    }

    [Fact]
    public void Kswapd_is_asked_for_the_greatest_order_and_the_lower_class_only_with_it()
    {
        var memory = Machine.Dma2GiB();
        Machine.TakeAll(memory, Machine.Request(Gfp.Atomic));
        Assert.Equal((0, 1), (memory.KswapdWantedOrder, memory.KswapdWantedClasszone));

        Machine.TakeAll(memory, Machine.Request(Gfp.Atomic | Gfp.Dma));
        Assert.Equal((0, 1), (memory.KswapdWantedOrder, memory.KswapdWantedClasszone));

        var call = Machine.Request(Gfp.Atomic | Gfp.Dma, order: 3);
        memory.Continue(ref call);
        Assert.Equal((3, 0), (memory.KswapdWantedOrder, memory.KswapdWantedClasszone));

        call = Machine.Request(Gfp.Atomic, order: 1);
        memory.Continue(ref call);
        Assert.Equal((3, 0), (memory.KswapdWantedOrder, memory.KswapdWantedClasszone));
    }

    [Fact]
    public void A_bulk_request_stops_where_one_is_not_granted_and_goes_on_there()
    {
        var memory = At(256 + 6);
        var pages = new int[10];
        var call = Machine.Request(Gfp.HighUserMovable);
        var granted = memory.AllocBulk(ref call, pages);
        Assert.Equal(AllocOutcome.NeedsReclaim, call.Outcome);
        Assert.InRange(granted, 4, 6);

        memory.Free(FirstOwned(memory, order: 10), 10, 0);
        call.Reclaimed = 1024;
        Assert.Equal(AllocOutcome.Granted, memory.Continue(ref call));
        Assert.Equal(3, memory.AllocBulk(ref call, pages.AsSpan(0, 3)));
        Assert.Equal(0, call.Rounds);
        Assert.Equal(AllocOutcome.Granted, call.Outcome);
    }

    [Fact]
    public void A_call_that_has_ended_cannot_go_on()
    {
        var memory = Machine.Small();
        var call = Machine.Request(Gfp.Kernel);
        memory.Continue(ref call);
        Assert.Throws<InvalidOperationException>(() => memory.Continue(ref call));
    }

    private static PageAllocator At(long free)
    {
        var memory = Machine.Small();
        Machine.LeaveFree(memory, free);
        memory.KswapdWanted = false;
        return memory;
    }

    private static int FirstOwned(PageAllocator memory, int order) =>
        Array.FindIndex(memory.Frames, f => f.Owner == PageOwner.Anon && f.Order == order);
}
