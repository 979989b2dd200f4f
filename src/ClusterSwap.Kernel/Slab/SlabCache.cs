// SLAB: an array of free objects per CPU, one that the CPUs of a node share, and a node's full, partial and free slabs.
using ClusterSwap.Kernel.Memory;
using MemoryPack;

namespace ClusterSwap.Kernel.Slab;

/// <summary>
/// A cache of the SLAB allocator (<c>mm/slab.c</c>, 3.5 and 3.6). Objects of flagged slabs
/// carry a tag in the arrays and go to entitled requests only; a refused request makes the cache grow, and fails when
/// it cannot, although free objects exist.
/// </summary>
[MemoryPackable]
public sealed partial class SlabCache : ISlabCache
{
    private const byte Start = 0;
    private const byte Growing = 1;
    private const byte ForcedGrowing = 2;
    private const int NoEntry = -1;
    private const int Tag = 1;

    [MemoryPackInclude] private int _order;
    [MemoryPackInclude] private int _batch;

    /// <summary>3.13 to 4.10: management takes no room, and free slabs above the limit go back from the list's
    /// tail.</summary>
    [MemoryPackInclude] private bool _compact;

    /// <summary>
    /// SLAB_RECLAIM_ACCOUNT: pages come from reclaimable blocks and are not counted as unreclaimable.
    /// </summary>
    [MemoryPackInclude] private bool _reclaimable;
    [MemoryPackInclude] private ArrayCache[] _arrays = [];
    [MemoryPackInclude] private SlabNode[] _nodes = [];
    [MemoryPackInclude] private long _objectsInUse;
    [MemoryPackIgnore] private IPageSource _pages = null!;
    [MemoryPackIgnore] private VmStat _stat = null!;
    [MemoryPackIgnore] private SlabReserve _reserve = null!;

    /// <summary>
    /// A cache without pages. <paramref name="index"/> marks its pages (<see cref="PageFrame.Mapping"/>).
    /// </summary>
    public SlabCache(
        string name, int objectSize, int index, int cpus, bool reclaimable = false, int nodes = 1, KernelRules rules = default)
    {
        Name = name;
        ObjectSize = objectSize;
        Index = index;
        _compact = rules.Has(KernelChange.SlabLayout);
        _order = SlabGeometry.Order(objectSize, _compact, reclaimable);
        ObjectsPerSlab = SlabGeometry.Objects(_order, objectSize, _compact);
        _batch = SlabGeometry.Batch(objectSize);
        _reclaimable = reclaimable;
        _arrays = new ArrayCache[cpus];
        for (var cpu = 0; cpu < cpus; cpu++)
        {
            _arrays[cpu] = new ArrayCache(SlabGeometry.Limit(objectSize));
        }

        _nodes = new SlabNode[nodes];
        for (var node = 0; node < nodes; node++)
        {
            _nodes[node] = new SlabNode
            {
                FreeLimit = SlabGeometry.FreeLimit(objectSize, NodeLayout.CpusOf(node, cpus, nodes), ObjectsPerSlab),
                Shared = new ArrayCache(SlabGeometry.SharedLimit(objectSize, cpus)),
                Alien = nodes == 1 ? [] : [.. Enumerable.Range(0, nodes).Select(
                    other => new ArrayCache(other == node ? 0 : SlabNode.AlienLimit))],

                // The kernel spreads the caches' turns by their addresses; here they are spread by their numbers.
                NextReapNs = SlabGeometry.NodeReapPeriodNs + index * (SlabGeometry.NodeReapPeriodNs / 16),
            };
        }
    }

    [MemoryPackConstructor]
    private SlabCache()
    {
    }

    /// <inheritdoc/>
    [MemoryPackInclude]
    public string Name { get; private set; } = "";

    /// <inheritdoc/>
    [MemoryPackInclude]
    public int ObjectSize { get; private set; }

    /// <summary>The cache's number on its blade.</summary>
    [MemoryPackInclude]
    public int Index { get; private set; }

    /// <summary>Objects in a slab.</summary>
    [MemoryPackInclude]
    public int ObjectsPerSlab { get; private set; }

    /// <summary>Allocations that failed while the cache had free objects: tagged, or in another CPU's array.</summary>
    [MemoryPackInclude]
    public long FailedWithFreeObjects { get; private set; }

    /// <summary>Slabs that lost their flag because an ordinary request had paid with a new page.</summary>
    [MemoryPackInclude]
    public long Unreserved { get; private set; }

    /// <inheritdoc/>
    [MemoryPackIgnore]
    public long ObjectsInUse => _objectsInUse;

    /// <summary>Connects the cache to its blade; needed after construction and after deserialization.</summary>
    public void Attach(IPageSource pages, VmStat stat, SlabReserve reserve)
    {
        _pages = pages;
        _stat = stat;
        _reserve = reserve;
    }

    /// <inheritdoc/>
    public AllocOutcome Alloc(ref SlabCall call)
    {
        if (HasNodes)
        {
            return call.Stage == Start ? AllocOnNodes(ref call) : ContinueFallback(ref call);
        }

        if (call.Stage != Start)
        {
            return ContinueGrowing(ref call);
        }

        var array = _arrays[call.Cpu];
        if (array.Avail == 0)
        {
            return RefillAndGet(ref call);
        }

        array.Touched = true;
        var entry = Get(array, in call, forced: false);
        return entry == NoEntry ? Grow(ref call, ForcedGrowing) : Grant(entry, ref call);
    }

    /// <inheritdoc/>
    /// <remarks>It does not look where the objects are, nor whether they are tagged.</remarks>
    public bool HasObjectFor(in SlabCall call) => Slabs * ObjectsPerSlab > _objectsInUse;

    /// <inheritdoc/>
    public void Free(int slab, int cpu)
    {
        ref var frame = ref _pages.Frames[slab];
        SlabPages.RequireSlabOf(in frame, slab, Index, Name);
        if (HasNodes && TryFreeAlien(slab, in frame, cpu))
        {
            return;
        }

        var array = _arrays[cpu];
        if (array.Avail == array.Limit)
        {
            FlushArray(NodeOfCpu(cpu), array, cpu);
        }

        _objectsInUse--;
        if (_reserve.Bypasses && frame.Has(PageFlags.SlabPfMemAlloc) && Checks())
        {
            // cache_free_pfmemalloc, 4.6.
            ReturnObject(NodeOfSlab(slab), slab, cpu);
            Trim(NodeOfSlab(slab), cpu);
            return;
        }

        Put(array, slab, in frame);
    }

    private AllocOutcome Grant(int entry, ref SlabCall call)
    {
        _objectsInUse++;
        call.Slab = entry >> 1;
        call.Stage = Start;
        return AllocOutcome.Granted;
    }

    /// <summary>
    /// The call that patch 13 saves while no memalloc socket exists: counted, not charged, as it is a part of what an
    /// object costs on the fast path.
    /// </summary>
    private bool Checks()
    {
        var checks = _reserve.Checks;
        _stat.Count(VmCounter.slab_reserve_checks, checks ? 1 : 0);
        return checks;
    }

    /// <summary><c>ac_put_obj</c>: tags the object when its slab is flagged, and flagged slabs may exist.</summary>
    private void Put(ArrayCache array, int slab, in PageFrame frame)
    {
        var tagged = !_reserve.Bypasses && Checks() && _reserve.PfMemAllocActive && frame.Has(PageFlags.SlabPfMemAlloc);
        array.Push(slab << 1 | (tagged ? Tag : 0));
    }

    /// <summary>
    /// <c>ac_get_obj</c>: the object on top, or one further down that has no tag. Returns <see cref="NoEntry"/> when
    /// the request may have none of them.
    /// </summary>
    private int Get(ArrayCache array, in SlabCall call, bool forced)
    {
        var entry = array.Pop();
        if (_reserve.Bypasses)
        {
            return entry;
        }

        var checks = Checks();
        if ((entry & Tag) == 0 || !checks || _pages.PfMemAllocAllowed(call.Gfp, call.Task, call.Context))
        {
            return entry;
        }

        for (var i = 0; i < array.Avail; i++)
        {
            if ((array.Entries[i] & Tag) == 0)
            {
                (entry, array.Entries[i]) = (array.Entries[i], entry);
                return entry;
            }
        }

        if (forced && NodeOfCpu(call.Cpu).Free.Count > 0)
        {
            // Somebody paid with a new page that took no reserve: this object's slab is reserve no longer.
            Unreserve(entry >> 1, NodeOfCpu(call.Cpu));
            return entry;
        }

        array.Push(entry);
        return NoEntry;
    }

    /// <summary>An empty array: from the node if it has free objects, from a new slab otherwise.</summary>
    private AllocOutcome RefillAndGet(ref SlabCall call)
    {
        var array = _arrays[call.Cpu];
        Refill(_nodes[0], array);
        if (array.Avail == 0)
        {
            return _reserve.Bypasses && TakeFromReserve(_nodes[0], in call) is var slab and not PageFrame.None
                ? Grant(slab << 1, ref call)
                : Grow(ref call, Growing);
        }

        array.Touched = true;
        var entry = Get(array, in call, call.Stage == ForcedGrowing);
        if (entry != NoEntry)
        {
            return Grant(entry, ref call);
        }

        // Only tagged objects were there. The refill is repeated by force once, then the request has to give up.
        return call.Stage == ForcedGrowing ? Fail(ref call) : Grow(ref call, ForcedGrowing);
    }

    private Gfp Account => _reclaimable ? Gfp.Reclaimable : Gfp.None;

    private SlabNode NodeOfCpu(int cpu) => _nodes[HasNodes ? _pages.NodeOfCpu(cpu) : 0];

    private AllocOutcome Grow(ref SlabCall call, byte stage)
    {
        call.Stage = stage;
        call.Pages = SlabPages.Request(in call, Account, Gfp.None, _order);
        return ContinueGrowing(ref call);
    }

    /// <summary>
    /// <c>cache_grow</c> and what follows it: other tasks and interrupts may have filled or emptied the array
    /// meanwhile.
    /// </summary>
    private AllocOutcome ContinueGrowing(ref SlabCall call)
    {
        var outcome = SlabPages.Continue(_pages, ref call);
        if (outcome is not (AllocOutcome.Granted or AllocOutcome.Failed))
        {
            return outcome;
        }

        if (outcome == AllocOutcome.Granted)
        {
            AddSlab(call.Pages.Page, call.Pages.PfMemAlloc);
        }

        var array = _arrays[call.Cpu];
        if (_reserve.Bypasses && outcome == AllocOutcome.Granted && array.Avail == 0)
        {
            // The new slab's objects go into the array for whoever comes next, reserve or not.
            TakeObjects(NodeOfSlab(call.Pages.Page), array, call.Pages.Page, BatchOf(array));
        }

        var forced = call.Stage == ForcedGrowing;
        if (outcome == AllocOutcome.Failed && (forced || array.Avail == 0))
        {
            return Fail(ref call);
        }

        if (array.Avail == 0)
        {
            return RefillAndGet(ref call);
        }

        array.Touched = true;
        var entry = Get(array, in call, forced);
        if (entry != NoEntry)
        {
            return Grant(entry, ref call);
        }

        return forced ? Fail(ref call) : Grow(ref call, ForcedGrowing);
    }

    private AllocOutcome Fail(ref SlabCall call)
    {
        call.Stage = Start;
        call.Slab = PageFrame.None;
        _stat.Count(VmCounter.slab_alloc_failed);
        FailedWithFreeObjects += Slabs * ObjectsPerSlab > _objectsInUse ? 1 : 0;
        return AllocOutcome.Failed;
    }
}
