// A page source for slab tests: the test says how each request ends.
using ClusterSwap.Kernel.Memory;

namespace ClusterSwap.Kernel.Tests.Slab;

/// <summary>
/// Grants naturally aligned blocks from a bump pointer and free lists by order. Entitlement is by
/// <see cref="Gfp.MemAlloc"/> or PF_MEMALLOC; <see cref="Low"/> makes ordinary requests fail and entitled ones come
/// from the reserve.
/// </summary>
internal sealed class FakePages(int pages = 1 << 16) : IPageSource
{
    private readonly Stack<int>[] _free = [new(), new(), new(), new()];
    private readonly List<AllocCall> _seen = [];
    private int _next;

    public PageFrame[] Frames { get; set; } = new PageFrame[pages];

    /// <summary>Watermarks are undercut.</summary>
    public bool Low { get; set; }

    /// <summary>Not even the reserve has pages.</summary>
    public bool Empty { get; set; }

    /// <summary>Blocks of a higher order are refused.</summary>
    public int HighestOrder { get; set; } = 10;

    /// <summary>Outcomes to give first, before any page.</summary>
    public Queue<AllocOutcome> First { get; } = new();

    public IReadOnlyList<AllocCall> Seen => _seen;

    public int PagesOut { get; private set; }

    public AllocOutcome Continue(ref AllocCall call)
    {
        _seen.Add(call);
        if (First.TryDequeue(out var outcome) && outcome != AllocOutcome.Granted)
        {
            return outcome;
        }

        var entitled = PfMemAllocAllowed(call.Gfp, call.Task, call.Context);
        if (Empty || call.Order > HighestOrder || Low && !entitled)
        {
            return AllocOutcome.Failed;
        }

        call.Page = Take(call.Order);
        call.PfMemAlloc = Low;
        PagesOut += 1 << call.Order;
        return AllocOutcome.Granted;
    }

    public void Free(int page, int order, int cpu)
    {
        Assert.Equal(PageFrame.None, Frames[page].Mapping);
        Assert.False(Frames[page].Has(PageFlags.SlabPfMemAlloc));
        for (var i = page; i < page + (1 << order); i++)
        {
            Assert.Equal(PageOwner.Slab, Frames[i].Owner);
            Frames[i].Owner = PageOwner.Free;
        }

        PagesOut -= 1 << order;
        _free[order].Push(page);
    }

    public bool PfMemAllocAllowed(Gfp gfp, TaskFlags task, AllocContext context) =>
        (gfp & Gfp.NoMemAlloc) == 0
        && ((gfp & Gfp.MemAlloc) != 0 || context == AllocContext.Task && (task & TaskFlags.MemAlloc) != 0);

    private int Take(int order)
    {
        if (_free[order].TryPop(out var page))
        {
            return page;
        }

        page = (_next + (1 << order) - 1) >> order << order;
        _next = page + (1 << order);
        return page;
    }
}
