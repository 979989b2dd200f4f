// A blade reduced to what reclaim sees: frames, zones with settable free pages, and a swap side of arrays.
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Reclaim;
using MemoryPack;

namespace ClusterSwap.Kernel.Tests.Reclaim;

public sealed record ZoneSize(int Frames, long Present, long Min, long Low, long High);

/// <summary>Zones whose free pages a test sets; freed pages are counted and remembered.</summary>
public sealed class FakeZones(PageFrame[] frames, ZoneSize[] sizes) : IZoneView
{
    public long[] FreePages = new long[sizes.Length];
    public List<int> Freed = [];
    public LruLists Lru = null!;

    /// <summary>Freed pages count as free at once, as if the per-CPU lists had no room.</summary>
    public bool FreesCount = true;

    public int ZoneCount => sizes.Length;
    public PageFrame[] Frames => frames;
    public long Present(int zone) => sizes[zone].Present;
    public long Free(int zone) => FreePages[zone];
    public long Min(int zone) => sizes[zone].Min;
    public long Low(int zone) => sizes[zone].Low;
    public long High(int zone) => sizes[zone].High;

    // Higher orders: a quarter of the free pages is taken to be in blocks that are large enough.
    public bool WatermarkOk(int zone, int order, long mark, int classzone) =>
        (order == 0 ? FreePages[zone] : FreePages[zone] / 4) > mark;

    public int ZoneOf(int page) => Lru.ZoneOf(page);

    public void FreePage(int page, int cpu)
    {
        Freed.Add(page);
        frames[page].Owner = PageOwner.Free;
        if (FreesCount)
        {
            FreePages[Lru.ZoneOf(page)]++;
            Lru.Zones[Lru.ZoneOf(page)].PagesFreed();
        }
    }
}

/// <summary>Swap and page tables: a slot is held by a page table entry or not; entries are young or not.</summary>
public sealed class FakeSwap(PageFrame[] frames) : ISwapSide
{
    public bool[] Young = new bool[frames.Length];
    public HashSet<int> HeldByEntry = [];
    public int NextSlot = 1;
    public int SlotStep = 1;
    public bool Refuses;

    public long FreeSlots { get; set; } = 1_000_000;
    public bool SwapIsFull { get; set; }

    public int TestAndClearReferenced(int page)
    {
        Assert.NotEqual(PageFrame.None, frames[page].Mapping);
        var young = Young[page];
        Young[page] = false;
        return young ? 1 : 0;
    }

    public bool AddToSwap(int page, TaskFlags task, AllocContext context, int cpu)
    {
        Assert.True((task & TaskFlags.MemAlloc) != 0);
        if (Refuses || FreeSlots == 0)
        {
            return false;
        }

        FreeSlots--;
        frames[page].Private = NextSlot;
        NextSlot += SlotStep;
        frames[page].Set(PageFlags.SwapCache | PageFlags.Dirty);
        return true;
    }

    public void Unmap(int page)
    {
        Assert.True(frames[page].Has(PageFlags.SwapCache));
        HeldByEntry.Add(frames[page].Private);
        frames[page].Mapping = PageFrame.None;
    }

    public bool SlotIsUnneeded(int page) => !HeldByEntry.Contains(frames[page].Private);

    public void RemoveFromSwapCache(int page)
    {
        const PageFlags Asked = PageFlags.SwapCache | PageFlags.Dirty | PageFlags.Writeback;
        Assert.Equal(PageFlags.SwapCache, frames[page].Flags & Asked);
        frames[page].Clear(PageFlags.SwapCache);
        FreeSlots += HeldByEntry.Contains(frames[page].Private) ? 0 : 1;
    }

    public FakeSwap CopyFor(PageFrame[] other) => new(other)
    {
        Young = (bool[])Young.Clone(),
        HeldByEntry = [.. HeldByEntry],
        NextSlot = NextSlot,
        SlotStep = SlotStep,
        Refuses = Refuses,
        FreeSlots = FreeSlots,
        SwapIsFull = SwapIsFull,
    };
}

/// <summary>Everything attached to each other.</summary>
public sealed class FakeBlade
{
    public static readonly ZoneSize[] Flat2GiB = [new(4096, 524288, 1448, 1810, 2172)];
    public static readonly ZoneSize[] Dma2GiB = [new(16, 3976, 10, 12, 15), new(4096, 520000, 1436, 1795, 2154)];

    private readonly ZoneSize[] _sizes;
    private readonly KernelRules _rules;
    private int _nextPage;

    public FakeBlade(ZoneSize[]? sizes = null, KernelRules? patches = null)
    {
        _sizes = sizes ?? Flat2GiB;
        _rules = patches ?? PatchSet.All;
        var ends = new int[_sizes.Length];
        var count = 0;
        for (var zone = 0; zone < ends.Length; zone++)
        {
            ends[zone] = count += _sizes[zone].Frames;
        }

        Frames = new PageFrame[count];
        for (var page = 0; page < count; page++)
        {
            Frames[page].Mapping = Frames[page].Next = Frames[page].Prev = PageFrame.None;
        }

        Lru = new LruLists(_rules.Has(KernelChange.NodeReclaim) ? [ends[^1]] : ends);
        Swap = new FakeSwap(Frames);
        Zones = new FakeZones(Frames, _sizes);
        Attach();
        for (var zone = 0; zone < ends.Length; zone++)
        {
            Zones.FreePages[zone] = _sizes[zone].High + 1;
        }

        Vm.BeginKswapd(K);
    }

    private FakeBlade(FakeBlade from)
    {
        _sizes = from._sizes;
        _rules = from._rules;
        _nextPage = from._nextPage;
        Frames = Copy(from.Frames);
        Lru = Copy(from.Lru);
        Swap = from.Swap.CopyFor(Frames);
        Vm = Copy(from.Vm);
        Stat = Copy(from.Stat);
        K = Copy(from.K);
        Call = Copy(from.Call);
        Zones = new FakeZones(Frames, _sizes)
        {
            FreePages = (long[])from.Zones.FreePages.Clone(),
            Freed = [.. from.Zones.Freed],
            FreesCount = from.Zones.FreesCount,
        };
        Attach();
    }

    public PageFrame[] Frames { get; }
    public LruLists Lru { get; }
    public FakeSwap Swap { get; }
    public FakeZones Zones { get; }
    public VmStat Stat { get; } = new();
    public CostModel Cost { get; } = new();
    public Vmscan Vm { get; } = new();
    public KswapdCall K { get; } = new();
    public ReclaimCall Call { get; } = new();

    /// <summary>The same state, written and read back.</summary>
    public FakeBlade Restored() => new(this);

    /// <summary>All state as bytes: equal bytes, equal state.</summary>
    public byte[] Bytes() =>
    [
        .. MemoryPackSerializer.Serialize(Frames), .. MemoryPackSerializer.Serialize(Lru),
        .. MemoryPackSerializer.Serialize(Vm), .. MemoryPackSerializer.Serialize(Stat),
        .. MemoryPackSerializer.Serialize(K), .. MemoryPackSerializer.Serialize(Call),
        .. MemoryPackSerializer.Serialize(Zones.Freed), .. MemoryPackSerializer.Serialize(Zones.FreePages),
    ];

    /// <summary>A mapped anonymous page on a list, not young.</summary>
    public int Anon(LruList list = LruList.InactiveAnon, bool young = false)
    {
        var page = NewPage(PageOwner.Anon, list);
        Frames[page].Mapping = 1000 + page;
        Swap.Young[page] = young;
        return page;
    }

    /// <summary>An unmapped page of the swap cache whose slot a page table entry holds.</summary>
    public int Cached(int slot, bool dirty = false, bool held = true)
    {
        var page = NewPage(PageOwner.Anon, LruList.InactiveAnon);
        Frames[page].Private = slot;
        Frames[page].Set(PageFlags.SwapCache | (dirty ? PageFlags.Dirty : 0));
        if (held)
        {
            Swap.HeldByEntry.Add(slot);
        }

        return page;
    }

    public int File(LruList list = LruList.InactiveFile) => NewPage(PageOwner.File, list);

    /// <summary>A page of the swap cache under writeback.</summary>
    public int UnderWriteback(int slot)
    {
        var page = Cached(slot);
        Frames[page].Set(PageFlags.Writeback);
        Stat.Move(VmGauge.nr_writeback, 1);
        return page;
    }

    /// <summary>Begins direct reclaim.</summary>
    public void Begin(Gfp gfp = Gfp.HighUserMovable, TaskFlags task = TaskFlags.None) =>
        Vm.BeginDirect(Call, gfp, 0, task, 0);

    /// <summary>Runs direct reclaim to its end; writes stay under way. Returns the runs, by page.</summary>
    public List<int[]> Reclaim(Gfp gfp = Gfp.HighUserMovable, TaskFlags task = TaskFlags.None)
    {
        Begin(gfp, task);
        var runs = new List<int[]>();
        for (var steps = 0; steps < 100_000; steps++)
        {
            switch (Vm.Step(Call))
            {
                case ReclaimStepKind.Done:
                    AssertInvariants();
                    return runs;
                case ReclaimStepKind.WriteOut:
                    runs.Add(Call.Run[..Call.RunCount]);
                    break;
                case ReclaimStepKind.Continue:
                    break;
                default:
                    Assert.Fail("unexpected wait");
                    break;
            }
        }

        throw new InvalidOperationException("reclaim does not end");
    }

    /// <summary>Runs kswapd until it wants anything else than CPU; writes end at once.</summary>
    public ReclaimStepKind RunKswapd(int limit = 100_000)
    {
        while (limit-- > 0)
        {
            var kind = Vm.StepKswapd(K);
            if (kind == ReclaimStepKind.WriteOut)
            {
                EndWrites(K.Scan);
            }
            else if (kind != ReclaimStepKind.Continue)
            {
                return kind;
            }
        }

        return ReclaimStepKind.Continue;
    }

    public void EndWrites(ReclaimCall call)
    {
        for (var i = 0; i < call.RunCount; i++)
        {
            Vm.EndWriteback(call.Run[i]);
        }
    }

    public void AssertInvariants()
    {
        Lru.AssertInvariants();
        Vm.AssertInvariants();
        Call.AssertInvariants(Frames);
        K.Scan.AssertInvariants(Frames);
    }

    private int NewPage(PageOwner owner, LruList list, int zone = -1)
    {
        var first = _sizes.Length == 1 || zone == 0 ? 0 : _sizes[0].Frames;
        var page = first + _nextPage++;
        Frames[page].Owner = owner;
        Frames[page].Count = 1;
        Lru.Add(page, list);
        return page;
    }

    private static T Copy<T>(T value) => MemoryPackSerializer.Deserialize<T>(MemoryPackSerializer.Serialize(value))!;

    private void Attach()
    {
        Zones.Lru = Lru;
        Lru.Attach(Frames, Stat);
        Vm.Attach(Zones, Lru, Swap, Stat, Cost, _rules, K);
    }
}
