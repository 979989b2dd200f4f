// A page source and slab caches that do what a test tells them.
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Net;
using ClusterSwap.Kernel.Slab;

namespace ClusterSwap.Kernel.Tests.Net;

/// <summary>
/// Pages above <see cref="Floor"/> for everybody; below it only for MEMALLOC, PF_MEMALLOC outside of others.
/// </summary>
internal sealed class FakePages : IPageSource
{
    private readonly Stack<int> _free = new();

    public FakePages(int pages)
    {
        Frames = new PageFrame[pages];
        for (var i = pages - 1; i >= 0; i--)
        {
            _free.Push(i);
        }
    }

    public PageFrame[] Frames { get; }

    public int Floor { get; set; }

    public int FreePages => _free.Count;

    public List<Gfp> Requests { get; } = [];

    public AllocOutcome Continue(ref AllocCall call)
    {
        Requests.Add(call.Gfp);
        var entitled = PfMemAllocAllowed(call.Gfp, call.Task, call.Context);
        if (_free.Count == 0 || (_free.Count <= Floor && !entitled))
        {
            return AllocOutcome.Failed;
        }

        call.PfMemAlloc = _free.Count <= Floor;
        call.Page = _free.Pop();
        Frames[call.Page].Owner = call.Owner;
        return AllocOutcome.Granted;
    }

    public void Free(int page, int order, int cpu)
    {
        Assert.Equal(0, Frames[page].Count);
        Frames[page].Owner = PageOwner.Free;
        _free.Push(page);
    }

    public bool PfMemAllocAllowed(Gfp gfp, TaskFlags task, AllocContext context) =>
        (gfp & Gfp.NoMemAlloc) == 0
        && ((gfp & Gfp.MemAlloc) != 0
            || ((task & TaskFlags.MemAlloc) != 0 && context == AllocContext.Task));
}

/// <summary>A cache that may be short: then only entitled requests are served.</summary>
internal sealed class FakeCache(string name, int size) : ISlabCache
{
    public string Name => name;

    public int ObjectSize => size;

    public bool Short { get; set; }

    public bool Empty { get; set; }

    /// <summary>Outcomes that the next calls return before anything else.</summary>
    public Queue<AllocOutcome> Script { get; } = new();

    public List<(Gfp Gfp, TaskFlags Task)> Requests { get; } = [];

    public long ObjectsInUse { get; private set; }

    public long PagesHeld => 0;

    public AllocOutcome Alloc(ref SlabCall call)
    {
        Requests.Add((call.Gfp, call.Task));
        if (Script.TryDequeue(out var scripted) && scripted != AllocOutcome.Granted)
        {
            return scripted;
        }

        if (!HasObjectFor(in call))
        {
            return AllocOutcome.Failed;
        }

        ObjectsInUse++;
        call.Slab = 7;
        return AllocOutcome.Granted;
    }

    public bool HasObjectFor(in SlabCall call)
    {
        var entitled = (call.Gfp & Gfp.NoMemAlloc) == 0
            && ((call.Gfp & Gfp.MemAlloc) != 0 || (call.Task & TaskFlags.MemAlloc) != 0);
        return !Empty && (!Short || entitled);
    }

    public void Free(int slab, int cpu)
    {
        Assert.Equal(7, slab);
        ObjectsInUse--;
    }
}

/// <summary>An allocator over fakes.</summary>
internal sealed class FakeMachine
{
    public static readonly SkbCaches Index = new(0, 1, 2, 3, 4, 5);

    public FakeMachine(KernelRules patches, int pages = 1024, bool key = false)
    {
        Pages = new FakePages(pages);
        Caches =
        [
            new("skbuff_head_cache", 256), new("skbuff_fclone_cache", 512), new("kmalloc-512", 512),
            new("kmalloc-1024", 1024), new("kmalloc-2048", 2048), new("kmalloc-4096", 4096),
        ];
        Skbs = new SkbAllocator(2);
        Attach(Skbs, patches);
        if (key && SocketRules.BuffersKnowReserve(patches))
        {
            Skbs.RaiseMemallocKey();
        }
    }

    public FakePages Pages { get; }

    public FakeCache[] Caches { get; }

    public SkbAllocator Skbs { get; }

    public FakeCache Head => Caches[0];

    public FakeCache Fclone => Caches[1];

    public FakeCache Kmalloc512 => Caches[2];

    public FakeCache Kmalloc1024 => Caches[3];

    public FakeCache Kmalloc2048 => Caches[4];

    public long ObjectsInUse => Caches.Sum(c => c.ObjectsInUse);

    public void Attach(SkbAllocator skbs, KernelRules patches) => skbs.Attach(Pages, Caches, Index, patches);
}
