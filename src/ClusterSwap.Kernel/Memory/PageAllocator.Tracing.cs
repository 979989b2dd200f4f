// What the allocator tells a trace: grants, refusals, the reserve, and free pages that cross a watermark.
using ClusterSwap.Kernel.Tracing;
using MemoryPack;

namespace ClusterSwap.Kernel.Memory;

public sealed partial class PageAllocator
{
    private TraceLog? _trace;

    // By zone: how many of its marks the free pages were above when last looked at. Kept while traced only, and what it
    // holds follows from the zones, so it is no state.
    private int[] _above = [];

    /// <summary>Where events are recorded; null = nowhere.</summary>
    [MemoryPackIgnore]
    public TraceLog? Trace
    {
        get => _trace;
        set
        {
            _trace = value;
            _above = [.. _zones.Select(MarksBelow)];
        }
    }

    private static int MarksBelow(Zone zone)
        => (zone.NrFree > zone.Min ? 1 : 0) + (zone.NrFree > zone.Low ? 1 : 0) + (zone.NrFree > zone.High ? 1 : 0);

    private void TraceGrant(TraceLog trace, in AllocCall call, int zone)
    {
        trace.Add(
            TraceEvent.mm_page_alloc, call.Cpu, call.Page, call.Order, (long)PageBlock.TypeOf(call.Gfp), (long)call.Gfp,
            softirq: call.Context == AllocContext.Softirq);
        TraceMarks(trace, call.Cpu, zone);
    }

    private void TraceRefusal(TraceLog trace, in AllocCall call) => trace.Add(
        TraceEvent.page_refused, call.Cpu, call.Order, (long)call.Gfp, FreePages,
        softirq: call.Context == AllocContext.Softirq);

    // The reserve comes into use, or nobody has a page of it any more.
    private void TraceReserve(TraceEvent which, int cpu) => _trace?.Add(which, cpu, FreePages);

    private void TraceMarksOf(int zone, int cpu)
    {
        if (_trace is not null)
        {
            TraceMarks(_trace, cpu, zone);
        }
    }

    // How many of min, low and high the free pages of a zone are above has changed.
    private void TraceMarks(TraceLog trace, int cpu, int zone)
    {
        var above = MarksBelow(_zones[zone]);
        var before = _above[zone];
        if (above != before)
        {
            _above[zone] = above;
            trace.Add(TraceEvent.watermark_crossed, cpu, zone, before, above, _zones[zone].NrFree);
        }
    }
}
