// The page allocator of a blade: its state, its counts, boot, and giving pages back.
using ClusterSwap.Kernel.Tracing;
using MemoryPack;

namespace ClusterSwap.Kernel.Memory;

/// <summary>
/// The one place from which anybody on a blade gets a page (<c>mm/page_alloc.c</c>, Linux 3.6). The reserve
/// is guarded here and nowhere else. Not thread-safe: a blade is run by one thread at a time.
/// </summary>
[MemoryPackable]
public sealed partial class PageAllocator : IPageSource
{
    /// <summary>Most CPUs of a blade: <see cref="AllocCall.Cpu"/> is a byte.</summary>
    public const int MaxCpus = 256;

    // free_pages_check: a page in one of these states is still known to somebody.
    private const PageFlags BadAtFree =
        PageFlags.Locked | PageFlags.Writeback | PageFlags.Lru | PageFlags.SwapCache | PageFlags.Buddy;

    [MemoryPackInclude]
    [PageFrameColumns]
    private PageFrame[] _frames = [];

    [MemoryPackInclude]
    private Zone[] _zones = [];

    // Lists of CPU c and zone z: entry c × zones + z.
    [MemoryPackInclude]
    private PerCpuPages[] _perCpu = [];

    // Pages by owner; the entries of Free and PerCpu are not kept, the zones and lists know.
    [MemoryPackInclude]
    private long[] _owned = new long[(int)PageOwner.Kernel + 1];

    [MemoryPackInclude]
    private KernelRules _rules;

    [MemoryPackInclude]
    private int _cpus;

    // vm.min_free_kbytes as the administrator set it.
    [MemoryPackInclude]
    private long? _minFreeKbytes;

    private VmStat _vm = new();

    /// <summary>For deserialization; <see cref="Attach"/> must follow.</summary>
    [MemoryPackConstructor]
    private PageAllocator()
    {
    }

    /// <summary>A blade just powered on: every present page is free, in ascending order of page numbers.</summary>
    /// <param name="layout">Which zones there are.</param>
    /// <param name="ramPages">RAM in pages, holes included; see <see cref="ZoneSpan.Of"/>.</param>
    /// <param name="minFreeKbytes">min_free_kbytes as the administrator sets it, or null for the kernel's own.</param>
    /// <param name="cpus">CPUs of the blade, 1 to 256: each has its own lists.</param>
    /// <param name="rules">The kernel's rules.</param>
    /// <param name="nodes">NUMA nodes, 1 or 2; 1 is a kernel built without NUMA.</param>
    /// <param name="policy">The policy of tasks that have PF_MEMPOLICY.</param>
    public PageAllocator(
        ZoneLayout layout,
        long ramPages,
        long? minFreeKbytes,
        int cpus,
        KernelRules rules,
        int nodes = 1,
        Mempolicy policy = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(cpus, nodes);
        ArgumentOutOfRangeException.ThrowIfLessThan(cpus, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(cpus, MaxCpus);
        if (minFreeKbytes is { } kbytes)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(kbytes, nameof(minFreeKbytes));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(kbytes, ramPages * 4, nameof(minFreeKbytes));
        }

        _rules = rules;
        _cpus = cpus;
        _minFreeKbytes = minFreeKbytes;
        _nodes = nodes;
        Policy = policy;
        var spans = NodeLayout.Grid(layout, ramPages, nodes);
        _zones = new Zone[spans.Length];
        for (var i = 0; i < spans.Length; i++)
        {
            _zones[i] = new Zone(i, spans[i], spans.Length / nodes);
        }

        ZoneWatermarks.SetUp(_zones, minFreeKbytes, rules);
        CreateFrames();
        CreatePerCpuLists();
        BuildZonelists();
    }

    /// <inheritdoc/>
    [MemoryPackIgnore]
    public PageFrame[] Frames => _frames;

    /// <summary>The zones, node by node, from low to high; a zone's index is its place here.</summary>
    [MemoryPackIgnore]
    public Zone[] Zones => _zones;

    /// <summary>CPUs that have lists.</summary>
    [MemoryPackIgnore]
    public int Cpus => _cpus;

    /// <summary>
    /// The counters that this allocator moves; until <see cref="Attach"/> they are its own and are not saved.
    /// </summary>
    [MemoryPackIgnore]
    public VmStat VmStat => _vm;

    /// <summary>Pages given by passes without watermarks and not freed since. No rule reads it.</summary>
    public long ReserveInUse { get; private set; }

    /// <summary>NR_FREE_PAGES of all zones: what the throttle of direct reclaim looks at.</summary>
    [MemoryPackIgnore]
    public long FreePages
    {
        get
        {
            var free = 0L;
            foreach (var zone in _zones)
            {
                free += zone.NrFree;
            }

            return free;
        }
    }

    /// <summary>Pages on per-CPU lists: neither free for the watermarks nor owned.</summary>
    [MemoryPackIgnore]
    public long PerCpuPages
    {
        get
        {
            var pages = 0L;
            foreach (ref var list in _perCpu.AsSpan())
            {
                pages += list.Count;
            }

            return pages;
        }
    }

    /// <summary>Names the blade's counters; once after creation and once after deserialization.</summary>
    public void Attach(VmStat vm)
    {
        _vm = vm;
        BuildZonelists();
    }

    /// <summary>The lists of a CPU for a zone, by their indices.</summary>
    public ref readonly PerCpuPages PerCpuOf(int cpu, int zone) => ref ListsOf(cpu, zone);

    /// <summary>Pages that an owner has now.</summary>
    public long CountOwned(PageOwner owner) => owner switch
    {
        PageOwner.Free => FreePages,
        PageOwner.PerCpu => PerCpuPages,
        _ => _owned[(int)owner],
    };

    /// <summary>Index of the zone in which the page lies; throws for a page number in a hole.</summary>
    public int ZoneOf(int page)
    {
        // Starts ascend, those of zones without pages too.
        var zones = _zones;
        var i = zones.Length - 1;
        while (i > 0 && page < zones[i].StartPfn)
        {
            i--;
        }

        if (!zones[i].Has(page))
        {
            throw new InvalidOperationException(
                $"page {page} is not present: zone {zones[i].Name} ends at {zones[i].EndPfn}");
        }

        return i;
    }

    /// <summary>Gives a single page or a block to another owner, which keeps the counts right.</summary>
    public void ChangeOwner(int page, PageOwner owner)
    {
        ref var frame = ref _frames[page];
        if (!IsOwned(frame.Owner) || !IsOwned(owner))
        {
            throw new InvalidOperationException($"page {page} cannot go from {frame.Owner} to {owner}");
        }

        _owned[(int)frame.Owner] -= 1L << frame.Order;
        _owned[(int)owner] += 1L << frame.Order;
        frame.Owner = owner;
    }

    /// <inheritdoc/>
    public void Free(int page, int order, int cpu) => Free(page, order, cpu, cold: false);

    /// <summary>
    /// Gives a block back (<c>free_hot_cold_page</c>, <c>__free_pages_ok</c>). A single page goes on the CPU's list,
    /// a cold one (freed by reclaim) to its end; a block goes to its zone.
    /// </summary>
    public void Free(int page, int order, int cpu, bool cold)
    {
        ref var frame = ref _frames[page];
        var owner = frame.Owner;
        if (!IsOwned(owner) || owner == PageOwner.Kernel || frame.Order != order || (frame.Flags & BadAtFree) != 0)
        {
            throw BadFree(page, order);
        }

        var pages = 1L << order;
        _owned[(int)owner] -= pages;
        _vm.Count(VmCounter.pgfree, pages);
        if ((frame.Flags & PageFlags.FromReserve) != 0)
        {
            ReserveInUse -= pages;
            _vm.Move(VmGauge.nr_reserve_in_use, -pages);
            if (ReserveInUse == 0)
            {
                TraceReserve(TraceEvent.reserve_left, cpu);
            }
        }

        var index = ZoneOf(page);
        var zone = _zones[index];
        if (order == 0)
        {
            Blank(ref frame);
            ListsOf(cpu, index).Give(zone, _frames, page, zone.BlockType(page), cold);
            TraceMarksOf(index, cpu);
            return;
        }

        // Whatever the owner kept in the other frames of the block ends with it.
        foreach (ref var each in _frames.AsSpan(page, 1 << order))
        {
            Blank(ref each);
        }

        zone.GiveBlock(_frames, page, order, zone.BlockType(page));
        TraceMarksOf(index, cpu);
    }

    /// <summary><c>drain_all_pages</c>: the lists of all CPUs go back to their zones.</summary>
    public void DrainPerCpu()
    {
        for (var i = 0; i < _perCpu.Length; i++)
        {
            _perCpu[i].GiveBack(_zones[i % _zones.Length], _frames, _perCpu[i].Count);
            TraceMarksOf(i % _zones.Length, i / _zones.Length);
        }
    }

    /// <summary>
    /// Takes pages for what is never freed, without watermarks and without counting events, the same share on every
    /// node, highest zone first.
    /// </summary>
    public void ReserveBoot(int pages, PageOwner owner)
    {
        if (!IsOwned(owner) || pages < 0 || pages > FreePages)
        {
            throw new InvalidOperationException($"{pages} of {FreePages} free pages cannot be reserved for {owner}");
        }

        _owned[(int)owner] += pages;
        for (var node = _nodes - 1; node >= 0; node--)
        {
            var share = pages / (node + 1);
            pages -= share - TakeAtBoot(node, share, owner);
        }

        if (pages > 0)
        {
            TakeAtBoot(_nodes - 1, pages, owner);
        }

        if (_rules.Has(KernelChange.ManagedPages))
        {
            CountManaged();
        }
    }

    // Since 3.9 marks and batches do not count what booting kept.
    private void CountManaged()
    {
        foreach (var zone in _zones)
        {
            zone.Managed = zone.Present - zone.KeptAtBoot;
        }

        ZoneWatermarks.SetUp(_zones, _minFreeKbytes, _rules);
        for (var i = 0; i < _perCpu.Length; i++)
        {
            _perCpu[i].SetSizes(_zones[i % _zones.Length], _cpus);
        }
    }

    // Returns how many pages the node lacked.
    private int TakeAtBoot(int node, int pages, PageOwner owner)
    {
        var types = ZoneTypes;
        for (var i = (node + 1) * types - 1; i >= node * types && pages > 0; i--)
        {
            var before = pages;
            for (; pages > 0 && _zones[i].NrFree > 0; pages--)
            {
                ref var frame = ref _frames[_zones[i].TakeBlock(_frames, 0, MigrateType.Unmovable)];
                frame.Owner = owner;
            }

            _zones[i].KeptAtBoot += before - pages;
        }

        return pages;
    }

    private static bool IsOwned(PageOwner owner) => owner >= PageOwner.Anon;

    private static void Blank(ref PageFrame frame)
    {
        frame.Next = PageFrame.None;
        frame.Prev = PageFrame.None;
        frame.Mapping = PageFrame.None;
        frame.Private = 0;
        frame.Stamp = 0;
        frame.Flags = PageFlags.None;
        frame.SetOwnerAndOrder(PageOwner.Free, 0);
        frame.Count = 0;
    }

    private ref PerCpuPages ListsOf(int cpu, int zone) => ref _perCpu[cpu * _zones.Length + zone];

    private InvalidOperationException BadFree(int page, int order)
    {
        ref var frame = ref _frames[page];
        return new($"page {page} cannot be freed as order {order}: owner {frame.Owner}, order {frame.Order}, "
            + $"flags {frame.Flags}");
    }

    private void CreateFrames()
    {
        _frames = new PageFrame[_zones[^1].EndPfn];
        foreach (ref var frame in _frames.AsSpan())
        {
            Blank(ref frame);

            // Holes stay the kernel's for ever: not present, on no list, not counted.
            frame.Owner = PageOwner.Kernel;
        }

        foreach (var zone in _zones)
        {
            foreach (ref var frame in _frames.AsSpan(zone.StartPfn, zone.EndPfn - zone.StartPfn))
            {
                frame.Owner = PageOwner.Free;
            }

            zone.FreeAtBoot(_frames);
        }
    }

    private void CreatePerCpuLists()
    {
        _perCpu = new PerCpuPages[_cpus * _zones.Length];
        for (var i = 0; i < _perCpu.Length; i++)
        {
            _perCpu[i] = Memory.PerCpuPages.For(_zones[i % _zones.Length], _cpus, _rules);
        }
    }
}
