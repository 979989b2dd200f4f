// How low each kind of request may go: real allocations down to the floor.
using ClusterSwap.Kernel.Memory;

namespace ClusterSwap.Kernel.Tests.Memory;

public class FloorTests
{
    private const Gfp SkbDataFirstTry = Gfp.High | Gfp.NoMemAlloc | Gfp.NoWarn;

    [Theory]
    [InlineData(Gfp.Kernel, 1448)]
    [InlineData(Gfp.NoIo, 1448)]
    [InlineData(SkbDataFirstTry, 724)]
    [InlineData(Gfp.Atomic, 543)]
    [InlineData(Gfp.None, 1086)]
    [InlineData(Gfp.Atomic | Gfp.MemAlloc, 0)]
    public void A_request_may_take_a_page_above_its_floor_and_none_at_it(Gfp gfp, long floor)
    {
        var memory = Machine.Flat2GiB();
        Machine.LeaveFree(memory, floor + 1);
        var call = Machine.Request(gfp);
        Assert.Equal(AllocOutcome.Granted, memory.Continue(ref call));

        memory = Machine.Flat2GiB();
        Machine.LeaveFree(memory, floor);
        call = Machine.Request(gfp);
        var refused = (gfp & Gfp.Wait) != 0 ? AllocOutcome.NeedsReclaim : AllocOutcome.Failed;
        Assert.Equal(refused, memory.Continue(ref call));
        Assert.Equal(floor, memory.FreePages);
    }

    [Theory]
    [InlineData(SkbDataFirstTry, 718)]
    [InlineData(Gfp.Atomic, 539)]
    [InlineData(Gfp.None, 1077)]
    [InlineData(Gfp.Kernel, 1436)]
    public void The_floors_of_DMA32_when_DMA_is_closed(Gfp gfp, long floor)
    {
        foreach (var (free, granted) in new[] { (floor + 1, true), (floor, false) })
        {
            var memory = Machine.Dma2GiB();
            Machine.TakeAll(memory, Machine.Request(Gfp.Atomic | Gfp.Dma));
            EmptyDma32To(memory, free);
            var call = Machine.Request(gfp);
            Assert.Equal(granted, memory.Continue(ref call) == AllocOutcome.Granted);
            memory.AssertInvariants();
        }
    }

    [Fact]
    public void Requests_fall_back_to_DMA_until_its_lowmem_reserve()
    {
        // DMA32 at its low mark: the fast pass takes from DMA what is above 2,031 + 12.
        var memory = Machine.Dma2GiB();
        EmptyDma32To(memory, 1795);
        for (var taken = 0; taken < 3976 - 2043; taken++)
        {
            var call = Machine.Request(Gfp.HighUserMovable);
            Assert.Equal(AllocOutcome.Granted, memory.Continue(ref call));
            Assert.Equal(0, memory.ZoneOf(call.Page));
        }

        Assert.False(memory.KswapdWanted);
        Assert.Equal(2043, memory.Zones[0].NrFree);
        var next = Machine.Request(Gfp.HighUserMovable);
        Assert.Equal(AllocOutcome.Granted, memory.Continue(ref next));
        Assert.Equal(1, memory.ZoneOf(next.Page));
        Assert.True(memory.KswapdWanted);
    }

    [Fact]
    public void The_lowmem_reserve_closes_DMA_except_to_passes_without_watermarks()
    {
        // As on a real 2 GiB machine the throttle's test (723 pages) never fails by ordinary use: DMA alone keeps more.
        var memory = Machine.Dma2GiB();
        Machine.TakeAll(memory, Machine.Request(Gfp.Atomic));
        Assert.True(memory.FreePages > 2031);
        Assert.Equal(2031 + 4, memory.Zones[0].NrFree);

        Machine.TakeAll(memory, Machine.Request(Gfp.Atomic | Gfp.MemAlloc));
        Assert.Equal(0, memory.FreePages);
        memory.AssertInvariants();
    }

    [Fact]
    public void A_request_for_DMA_itself_is_not_held_back_by_the_reserve()
    {
        var memory = Machine.Dma2GiB();
        Machine.TakeAll(memory, Machine.Request(Gfp.Atomic | Gfp.Dma));

        // 3/8 of 10, rounded as the kernel does: 10 − 5 − 1.
        Assert.Equal(4, memory.Zones[0].NrFree);
        Assert.Equal(520_000, memory.Zones[1].NrFree);
    }

    [Fact]
    public void The_first_try_of_every_request_stops_at_the_low_mark()
    {
        var memory = Machine.Flat2GiB();
        Machine.LeaveFree(memory, 1810);
        var call = Machine.Request(Gfp.HighUserMovable);
        Assert.False(memory.KswapdWanted);
        Assert.Equal(AllocOutcome.Granted, memory.Continue(ref call));
        Assert.True(memory.KswapdWanted);

        memory = Machine.Flat2GiB();
        Machine.LeaveFree(memory, 1811);
        call = Machine.Request(Gfp.HighUserMovable);
        Assert.Equal(AllocOutcome.Granted, memory.Continue(ref call));
        Assert.False(memory.KswapdWanted);
    }

    [Theory]
    [InlineData(Gfp.Atomic, 96)]
    [InlineData(SkbDataFirstTry, 128)]
    [InlineData(Gfp.None, 192)]
    public void A_refill_may_undershoot_the_floor_by_a_batch_less_one(Gfp gfp, long floor)
    {
        // Batch 3 on 64 MiB: the test is made for one page, and three are taken.
        var memory = Machine.Small();
        Machine.LeaveFree(memory, floor + 1);
        var call = Machine.Request(gfp);
        Assert.Equal(AllocOutcome.Granted, memory.Continue(ref call));
        Assert.Equal(floor - 2, memory.FreePages);
        Assert.Equal(2, memory.PerCpuPages);

        // What is left on the list is out of reach: the test comes first.
        call = Machine.Request(gfp);
        Assert.Equal(AllocOutcome.Failed, memory.Continue(ref call));
        memory.AssertInvariants();
    }

    [Fact]
    public void A_refill_on_two_GiB_takes_thirty_one_pages()
    {
        var memory = Machine.Flat2GiB();
        Machine.LeaveFree(memory, 544);
        var call = Machine.Request(Gfp.Atomic);
        Assert.Equal(AllocOutcome.Granted, memory.Continue(ref call));
        Assert.Equal(544 - 31, memory.FreePages);
        Assert.Equal(30, memory.PerCpuPages);
    }

    private static void EmptyDma32To(PageAllocator memory, long free)
    {
        while (memory.Zones[1].NrFree > free)
        {
            var order = 10;
            while (1L << order > memory.Zones[1].NrFree - free)
            {
                order--;
            }

            if (order == 0)
            {
                memory.ReserveBoot(1, PageOwner.Kernel);
                continue;
            }

            var call = Machine.Privileged(order);
            Assert.Equal(AllocOutcome.Granted, memory.Continue(ref call));
            Assert.Equal(1, memory.ZoneOf(call.Page));
        }
    }
}
