// All memory of one machine: every table that its kernel keeps about pages, and how these are connected.
using ClusterSwap.Kernel.Block;
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Net;
using ClusterSwap.Kernel.Reclaim;
using ClusterSwap.Kernel.Slab;
using ClusterSwap.Kernel.Swap;
using ClusterSwap.Kernel.Tracing;
using MemoryPack;

namespace ClusterSwap.Kernel;

/// <summary>What a machine's memory is built from.</summary>
public sealed record MachineSpec
{
    /// <summary>Present pages.</summary>
    public required long RamPages { get; init; }

    /// <summary>Zones.</summary>
    public required ZoneLayout Zones { get; init; }

    /// <summary>The administrator's vm.min_free_kbytes, or null for the kernel's own.</summary>
    public long? MinFreeKbytes { get; init; }

    /// <summary>CPUs.</summary>
    public required int Cpus { get; init; }

    /// <summary>NUMA nodes, 1 or 2.</summary>
    public int Nodes { get; init; } = 1;

    /// <summary>Memory policy of the tasks that have one.</summary>
    public Mempolicy Mempolicy { get; init; }

    /// <summary>Slab allocator.</summary>
    public required SlabKind Slab { get; init; }

    /// <summary>The kernel that it runs.</summary>
    public required KernelRules Rules { get; init; }

    /// <summary>Timer ticks per second.</summary>
    public required int Hz { get; init; }

    /// <summary>CPU costs.</summary>
    public required CostModel Costs { get; init; }

    /// <summary>Processes of the workload.</summary>
    public required int Processes { get; init; }

    /// <summary>Readers of streams: they have pages of their own, in address spaces behind those of the
    /// processes.</summary>
    public int Readers { get; init; }

    /// <summary>Tasks with an address space: the processes, then the readers.</summary>
    public int UserTasks => Processes + Readers;

    /// <summary>Pages that each process maps; no reader has more.</summary>
    public required int PagesPerProcess { get; init; }

    /// <summary>Pages of the swap device, its header page included.</summary>
    public required int SwapPages { get; init; }

    /// <summary>Where the swap allocator starts looking: random on a non-rotational device.</summary>
    public required int SwapStart { get; init; }

    /// <summary>Pages that the kernel holds for good.</summary>
    public required int KernelPages { get; init; }

    /// <summary>Clean page cache at the start.</summary>
    public required int PageCachePages { get; init; }

    /// <summary>Objects of every slab cache that booting used on each CPU and gave back.</summary>
    public int WarmObjects { get; init; }
}

/// <summary>
/// The memory of a machine as one tree of plain data; the rules that hold no state hang on it and are made anew after a
/// restore.
/// </summary>
[MemoryPackable]
public sealed partial class MachineMemory
{
    /// <summary>bio_set's pool of bios for swap (BIO_POOL_SIZE, <c>fs/bio.c</c>, 3.6).</summary>
    public const int BioPool = 2;

    /// <summary>Counters.</summary>
    public VmStat Stat = new();

    /// <summary>Zones and free pages.</summary>
    public PageAllocator Pages = null!;

    /// <summary>Slab caches.</summary>
    public SlabCaches Slabs = null!;

    /// <summary>Socket buffers.</summary>
    public SkbAllocator Skbs = null!;

    /// <summary>tcp_mem, which all TCP sockets of the machine share (<c>tcp_memory_allocated</c>).</summary>
    public TcpMemory Tcp = null!;

    /// <summary>LRU lists.</summary>
    public LruLists Lru = null!;

    /// <summary>Reclaim.</summary>
    public Vmscan Vmscan = new();

    /// <summary>By node: kswapd's loop and what others ask of it (<c>pgdat</c>).</summary>
    public KswapdCall[] Kswapds = [];

    /// <summary>Swap slots.</summary>
    public SwapMap Slots = null!;

    /// <summary>Swap cache.</summary>
    public SwapCache SwapCache = null!;

    /// <summary>Page tables.</summary>
    public AddressSpaces Spaces = null!;

    /// <summary>Bios kept back.</summary>
    public Mempool Bios = new(BioPool);

    /// <summary>Fewest free pages ever seen after an allocation.</summary>
    public long MinFreePages = long.MaxValue;

    /// <summary>Free pages over time, noted after each allocation.</summary>
    public FreePagesSeries FreeSeries = null!;

    /// <summary>page_cluster.</summary>
    public int PageCluster;

    [MemoryPackConstructor]
    private MachineMemory()
    {
    }

    /// <summary>A machine that has booted: kernel and page cache in place, pools filled.</summary>
    public MachineMemory(MachineSpec spec)
    {
        Pages = new PageAllocator(
            spec.Zones, spec.RamPages, spec.MinFreeKbytes, spec.Cpus, spec.Rules, spec.Nodes, spec.Mempolicy);
        Kswapds = [.. Enumerable.Range(0, spec.Nodes).Select(node => new KswapdCall { Node = node })];
        Slabs = new SlabCaches(spec.Slab, spec.Cpus, spec.Rules, spec.Nodes);
        Skbs = new SkbAllocator(spec.Cpus);

        // nr_free_buffer_pages at boot: present pages above the high watermarks, as all of RAM is still free.
        Tcp = TcpMemory.ForMachine(spec.RamPages - spec.KernelPages);
        Lru = new LruLists(LruLists.EndsOf(Pages.Zones, spec.Rules));
        Vmscan.Hz = spec.Hz;
        Slots = new SwapMap(spec.SwapPages, spec.SwapStart, spec.Rules, spec.Cpus);
        SwapCache = new SwapCache(spec.SwapPages, ObjectSizes.Of(spec.Rules).TreeSlots);
        Spaces = new AddressSpaces(spec.UserTasks, spec.PagesPerProcess);
        PageCluster = SwapReadahead.DefaultPageCluster(spec.RamPages);
        Attach(spec);
        WarmCaches(spec.Cpus, spec.WarmObjects);
        Pages.ReserveBoot(spec.KernelPages, PageOwner.Kernel);
        FillPageCache(spec.PageCachePages, spec.Cpus);
        Bios.Fill(Slabs.Bio, cpu: 0);
        foreach (var kswapd in Kswapds)
        {
            Vmscan.BeginKswapd(kswapd);
        }

        MinFreePages = Pages.FreePages;
        FreeSeries = new FreePagesSeries(MinFreePages);
    }

    /// <summary>What shrink_page_list asks of swap.</summary>
    [MemoryPackIgnore]
    public SwapSide SwapSide { get; private set; } = null!;

    /// <summary>Read-in of pages.</summary>
    [MemoryPackIgnore]
    public SwapIn SwapIn { get; private set; } = null!;

    /// <summary>Readahead blocks.</summary>
    [MemoryPackIgnore]
    public SwapReader Reader { get; private set; } = null!;

    /// <summary>Where events are recorded; null = nowhere. No state: it must be set anew after a restore.</summary>
    [MemoryPackIgnore]
    public TraceLog? Trace
    {
        get => Pages.Trace;
        set
        {
            Pages.Trace = value;
            Vmscan.Trace = value;
        }
    }

    /// <summary>Connects the tables with each other; needed after a restore.</summary>
    public void Attach(MachineSpec spec)
    {
        Pages.Attach(Stat);
        Slabs.Attach(Pages, Stat);
        Skbs.Attach(Pages, AllCaches(), CacheIndexes, spec.Rules);
        Lru.Attach(Pages.Frames, Stat);
        for (var zone = 0; zone < Pages.Zones.Length; zone++)
        {
            Pages.Zones[zone].Listener = Lru.StateOf(zone);
        }

        Spaces.Attach(Pages.Frames, Lru, Stat, spec.Costs, Slots, SwapCache, Slabs.RadixNode, spec.Rules);
        SwapSide = new SwapSide(Pages.Frames, Spaces, Slots, SwapCache);
        SwapIn = new SwapIn(Pages.Frames, Lru, Stat, Slots, SwapCache);
        Reader = new SwapReader(Pages, SwapIn, Slots, spec.Costs);
        Vmscan.Attach(new ZoneView(Pages), Lru, SwapSide, Stat, spec.Costs, spec.Rules, Kswapds);
    }

    /// <summary>Notes how low free memory went.</summary>
    /// <param name="nowNs">Virtual time, ns.</param>
    /// <param name="progressNs">Virtual time of the blade's last progress, ns.</param>
    public void NoteFree(long nowNs, long progressNs)
    {
        var free = Pages.FreePages;
        FreeSeries.Note(nowNs, free, progressNs);
        if (free < MinFreePages)
        {
            MinFreePages = free;
        }
    }

    /// <summary>Every page has one owner, every list is whole, every count is the sum of its parts. Visits all of
    /// memory.</summary>
    public void AssertInvariants()
    {
        Pages.AssertInvariants();
        Slabs.AssertInvariants();
        Lru.AssertInvariants();
        Vmscan.AssertInvariants();
        Slots.AssertInvariants();
        SwapCache.AssertInvariants();
        Spaces.AssertInvariants();
    }

    // Positions in SlabCaches.
    private static readonly SkbCaches CacheIndexes = new(0, 1, 2, 3, 4, 5);

    private ISlabCache[] AllCaches()
    {
        var caches = new ISlabCache[Slabs.Count];
        for (var i = 0; i < caches.Length; i++)
        {
            caches[i] = Slabs[i];
        }

        return caches;
    }

    /// <summary>
    /// Uses every cache on every CPU once, as booting did: what the allocator keeps of it afterwards (SLAB's arrays,
    /// SLUB's partial lists) is its start state.
    /// </summary>
    private void WarmCaches(int cpus, int count)
    {
        var objects = new int[count];
        for (var cache = 0; cache < Slabs.Count; cache++)
        {
            for (var cpu = 0; cpu < cpus; cpu++)
            {
                for (var i = 0; i < count; i++)
                {
                    var call = SlabCall.For(Gfp.Kernel, TaskFlags.None, AllocContext.Task, cpu);
                    if (Slabs[cache].Alloc(ref call) != AllocOutcome.Granted)
                    {
                        throw new InvalidOperationException($"{Slabs[cache].Name} does not fit: {Pages.FreePages} pages are free");
                    }

                    objects[i] = call.Slab;
                }

                foreach (var slab in objects)
                {
                    Slabs[cache].Free(slab, cpu);
                }
            }
        }
    }

    // What booting read in, it read on the CPUs of all nodes in turn.
    private void FillPageCache(int count, int cpus)
    {
        for (var i = 0; i < count; i++)
        {
            var cpu = i % Pages.Nodes == 0 ? 0 : cpus - 1;
            var call = AllocCall.For(PageOwner.File, Gfp.HighUserMovable, TaskFlags.None, AllocContext.Task, cpu);
            if (Pages.Continue(ref call) != AllocOutcome.Granted)
            {
                throw new InvalidOperationException($"page cache of {count} pages does not fit: {Pages.FreePages} pages are free");
            }

            Pages.Frames[call.Page].Set(PageFlags.Uptodate);
            Lru.Add(call.Page, LruList.InactiveFile);
            Stat.Move(VmGauge.nr_file_pages, 1);
        }
    }
}
