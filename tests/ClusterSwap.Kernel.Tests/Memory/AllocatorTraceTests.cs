// What the allocator tells a trace: marks that are crossed, refusals, the reserve.
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Tracing;

namespace ClusterSwap.Kernel.Tests.Memory;

public class AllocatorTraceTests
{
    private readonly PageAllocator _memory = Machine.Small();
    private readonly TraceLog _log = new(ulong.MaxValue & ~(1UL << (int)TraceEvent.mm_page_alloc));

    private TraceRecord[] Records => _log.Pending.ToArray();

    [Fact]
    public void Marks_are_told_once_each_time_that_free_pages_cross_them_and_a_refusal_with_what_was_free()
    {
        // Marks are 256, 320 and 384; GFP_ATOMIC is refused at 3/8 of min.
        Machine.LeaveFree(_memory, 400);
        _memory.Trace = _log;
        var call = Machine.Request(Gfp.Atomic);
        while (_memory.Continue(ref call) == AllocOutcome.Granted)
        {
            call = Machine.Request(Gfp.Atomic);
        }

        var crossed = Records.Where(record => record.Event == TraceEvent.watermark_crossed).ToArray();
        Assert.Equal([(3L, 2L), (2L, 1L), (1L, 0L)], crossed.Select(record => (record.B, record.C)));
        Assert.All(crossed.Zip([384, 320, 256]), pair => Assert.InRange(pair.First.D, pair.Second - 3, pair.Second));
        var refused = Assert.Single(Records, record => record.Event == TraceEvent.page_refused);
        Assert.Equal((long)Gfp.Atomic, refused.B);
        Assert.InRange(refused.C, 94, 96);
    }

    [Fact]
    public void The_reserve_is_entered_with_its_first_page_and_left_with_its_last()
    {
        _memory.ReserveBoot((int)_memory.FreePages - 200, PageOwner.Kernel);
        _memory.Trace = _log;
        var given = new List<int>();
        for (var i = 0; i < 3; i++)
        {
            var call = Machine.Privileged();
            Assert.Equal(AllocOutcome.Granted, _memory.Continue(ref call));
            given.Add(call.Page);
        }

        given.ForEach(page => _memory.Free(page, 0, 0));
        var told = Records.Where(record =>
            record.Event is TraceEvent.reserve_entered or TraceEvent.reserve_left).Select(record => record.Event);
        Assert.Equal([TraceEvent.reserve_entered, TraceEvent.reserve_left], told);
    }

    [Fact]
    public void Attached_later_it_tells_the_same_from_then_on()
    {
        // A restored run is traced from its checkpoint: what it tells must be what the first run told from there.
        Machine.LeaveFree(_memory, 330);
        _memory.Trace = new TraceLog(ulong.MaxValue);
        Take(20);
        _memory.Trace = _log;
        Take(60);
        var crossed = Assert.Single(Records, record => record.Event == TraceEvent.watermark_crossed);
        Assert.Equal((1L, 0L), (crossed.B, crossed.C));
    }

    private void Take(int pages)
    {
        for (var i = 0; i < pages; i++)
        {
            var call = Machine.Request(Gfp.Atomic);
            Assert.Equal(AllocOutcome.Granted, _memory.Continue(ref call));
        }
    }
}
