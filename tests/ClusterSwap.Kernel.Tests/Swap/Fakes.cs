// Stand-ins for what the swap side gets from others: LRU lists and a slab cache.
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Reclaim;
using ClusterSwap.Kernel.Slab;
using ClusterSwap.Kernel.Swap;

namespace ClusterSwap.Kernel.Tests.Swap;

/// <summary>LRU lists as plain lists; the head is the end of the list.</summary>
internal sealed class FakeLru(PageFrame[] frames) : ILruLists
{
    public List<int>[] Lists { get; } = [[], [], [], []];

    public List<int> Inactive => Lists[(int)LruList.InactiveAnon];

    public List<int> Active => Lists[(int)LruList.ActiveAnon];

    public void Add(int page, LruList list)
    {
        Assert.False(frames[page].Has(PageFlags.Lru));
        Lists[(int)list].Add(page);
        frames[page].Set(PageFlags.Lru);
        frames[page].Clear(PageFlags.Active);
        if (list == LruList.ActiveAnon)
        {
            frames[page].Set(PageFlags.Active);
        }
    }

    public void Delete(int page)
    {
        Assert.True(frames[page].Has(PageFlags.Lru));
        Assert.True(Inactive.Remove(page) || Active.Remove(page));
        frames[page].Clear(PageFlags.Lru | PageFlags.Active);
    }

    public void Activate(int page)
    {
        if (Inactive.Contains(page))
        {
            Delete(page);
            Add(page, LruList.ActiveAnon);
        }
    }

    public void RotateReclaimable(int page)
    {
        if (Inactive.Remove(page))
        {
            Inactive.Insert(0, page);
        }
    }

    public long Size(int zone, LruList list) => Lists[(int)list].Count;
}

/// <summary>A slab cache that gives what the test tells it to give.</summary>
internal sealed class FakeNodes : ISlabCache
{
    public Queue<AllocOutcome> Script { get; } = new();

    public List<Gfp> Asked { get; } = [];

    public int LastFreeCpu { get; private set; } = -1;

    public string Name => "radix_tree_node";

    public int ObjectSize => 560;

    public long ObjectsInUse { get; private set; }

    public long PagesHeld => ObjectsInUse;

    public AllocOutcome Alloc(ref SlabCall call)
    {
        Asked.Add(call.Gfp);
        var outcome = Script.Count > 0 ? Script.Dequeue() : AllocOutcome.Granted;
        if (outcome == AllocOutcome.Granted)
        {
            call.Slab = (int)++ObjectsInUse;
        }

        return outcome;
    }

    public bool HasObjectFor(in SlabCall call) => Script.Count == 0 || Script.Peek() == AllocOutcome.Granted;

    public void Free(int slab, int cpu)
    {
        Assert.True(slab > 0);
        ObjectsInUse--;
        LastFreeCpu = cpu;
    }
}

/// <summary>Nobody gives up a slot.</summary>
internal sealed class NothingToReclaim : ICacheOnlySlots
{
    public static readonly NothingToReclaim Instance = new();

    public bool TryReclaim(int slot) => false;
}
