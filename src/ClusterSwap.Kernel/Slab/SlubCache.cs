// SLUB: a slab per CPU, a short list of partial slabs per CPU, one list of partial slabs for the node.
using ClusterSwap.Kernel.Memory;
using MemoryPack;

namespace ClusterSwap.Kernel.Slab;

/// <summary>
/// A cache of the SLUB allocator (<c>mm/slub.c</c>, 3.5 and 3.6, with later changes), with a list of partial slabs for
/// each node. The fast path takes from the CPU's slab and looks at
/// nothing else; the slow path obeys the rule that slabs of reserve pages serve entitled requests only (patch 1).
/// Guarantees that a request finds a free object only where the kernel looks for one: it may fail although there are
/// some.
/// </summary>
[MemoryPackable]
public sealed partial class SlubCache : ISlabCache
{
    private const byte Start = 0;
    private const byte PreferredOrderTry = 1;
    private const byte MinimumOrderTry = 2;

    /// <summary>Order of a slab when memory is plentiful.</summary>
    [MemoryPackInclude] private int _order;

    /// <summary>Order that a slab falls back to.</summary>
    [MemoryPackInclude] private int _minOrder;
    [MemoryPackInclude] private int _objectsPreferred;
    [MemoryPackInclude] private int _objectsMinimum;

    /// <summary>Patch 1: the reserve flag of slabs is kept and obeyed.</summary>
    [MemoryPackInclude] private bool _keepsReserveApart;

    /// <summary>4.3: the first try, at a high order, neither reclaims nor wakes kswapd.</summary>
    [MemoryPackInclude] private bool _firstTryIsFree;

    /// <summary>3.16: min_partial slabs on the node list are enough, not one more.</summary>
    [MemoryPackInclude] private bool _minPartialIsEnough;

    /// <summary>5.16: <see cref="CpuPartial"/> counts slabs, not free objects.</summary>
    [MemoryPackInclude] private bool _gathersSlabs;

    /// <summary>The fast path looks at the flag too: patch 1 without patch 2.</summary>
    [MemoryPackInclude] private bool _fastPathChecks;

    /// <summary>
    /// SLAB_RECLAIM_ACCOUNT: pages come from reclaimable blocks and are not counted as unreclaimable.
    /// </summary>
    [MemoryPackInclude] private bool _reclaimable;
    [MemoryPackInclude] private SlubCpu[] _cpus = [];
    [MemoryPackInclude] private long _objectsInUse;
    [MemoryPackIgnore] private IPageSource _pages = null!;
    [MemoryPackIgnore] private VmStat _stat = null!;

    /// <summary>
    /// A cache without pages. <paramref name="index"/> marks its pages (<see cref="PageFrame.Mapping"/>).
    /// </summary>
    public SlubCache(
        string name, int objectSize, int index, int cpus, KernelRules rules, bool reclaimable = false, int nodes = 1)
    {
        Name = name;
        ObjectSize = objectSize;
        Index = index;
        _order = SlubGeometry.PreferredOrder(objectSize, cpus);
        _minOrder = SlubGeometry.MinimumOrder(objectSize);
        _objectsPreferred = SlubGeometry.Objects(_order, objectSize);
        _objectsMinimum = SlubGeometry.Objects(_minOrder, objectSize);
        MinPartial = SlubGeometry.MinPartial(objectSize);
        SetUpLater(cpus, rules);
        _keepsReserveApart = SlabReserve.KeepsReserveApart(rules);
        _fastPathChecks = _keepsReserveApart && !rules.Has(2);
        _reclaimable = reclaimable;
        _partial = new SlabList[nodes];
        Array.Fill(_partial, SlabList.Empty);
        _cpus = new SlubCpu[cpus];
        Array.Fill(_cpus, new SlubCpu { Slab = PageFrame.None, Partial = PageFrame.None });
    }

    [MemoryPackConstructor]
    private SlubCache()
    {
    }

    // What came after 3.6.
    private void SetUpLater(int cpus, KernelRules rules)
    {
        _firstTryIsFree = rules.Has(KernelChange.SlubFirstTry);
        _minPartialIsEnough = rules.Has(KernelChange.SlubMinPartial);
        _gathersSlabs = rules.Has(KernelChange.SlubPartialSlabs);
        CpuPartial = _gathersSlabs
            ? SlubGeometry.CpuPartialSlabs(ObjectSize, cpus, _objectsPreferred)
            : SlubGeometry.CpuPartial(ObjectSize, cpus);
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

    /// <summary>Slabs that the list of a node keeps before empty ones are given back.</summary>
    [MemoryPackInclude]
    public int MinPartial { get; private set; }

    /// <summary>Free objects (since 5.16 slabs) that a CPU's partial list gathers; 0: there is no such list.</summary>
    [MemoryPackInclude]
    public int CpuPartial { get; private set; }

    /// <summary>Allocations that failed while the cache had free objects: kept for others, or on another CPU.</summary>
    [MemoryPackInclude]
    public long FailedWithFreeObjects { get; private set; }

    /// <summary>Preferred order of a slab, and the one after refusal.</summary>
    [MemoryPackIgnore]
    public (int Preferred, int Minimum) Orders => (_order, _minOrder);

    /// <inheritdoc/>
    [MemoryPackIgnore]
    public long ObjectsInUse => _objectsInUse;

    /// <summary>Connects the cache to its blade; needed after construction and after deserialization.</summary>
    public void Attach(IPageSource pages, VmStat stat)
    {
        _pages = pages;
        _stat = stat;
    }

    /// <inheritdoc/>
    public AllocOutcome Alloc(ref SlabCall call)
    {
        ref var cpu = ref _cpus[call.Cpu];
        if (call.Stage == Start && cpu.Free > 0 && (!_fastPathChecks || Matches(cpu.Slab, in call)))
        {
            return Take(ref cpu, ref call);
        }

        return call.Stage == Start ? SlowPath(ref call) : ContinueNewSlab(ref call);
    }

    /// <inheritdoc/>
    public bool HasObjectFor(in SlabCall call)
    {
        ref readonly var cpu = ref _cpus[call.Cpu];
        if (cpu.Slab != PageFrame.None && HasObjectFor(in cpu, in call))
        {
            return true;
        }

        for (var slab = cpu.Partial; slab != PageFrame.None; slab = _pages.Frames[slab].Next)
        {
            if (Matches(slab, in call))
            {
                return true;
            }
        }

        foreach (ref readonly var list in _partial.AsSpan())
        {
            for (var slab = list.Head; slab != PageFrame.None; slab = _pages.Frames[slab].Next)
            {
                if (Matches(slab, in call))
                {
                    return true;
                }
            }
        }

        return false;
    }

    // The fast path takes what is on the CPU's own list; the slow path also what other CPUs freed into its slab.
    private bool HasObjectFor(in SlubCpu cpu, in SlabCall call)
    {
        var matches = Matches(cpu.Slab, in call);
        return (cpu.Free > 0 && (matches || !_fastPathChecks))
            || (matches && InUse(in _pages.Frames[cpu.Slab]) < cpu.Objects);
    }

    /// <summary>
    /// <c>pfmemalloc_match</c>: a slab of reserve pages serves only requests that may use the reserve themselves.
    /// </summary>
    private bool Matches(int slab, in SlabCall call) =>
        !_pages.Frames[slab].Has(PageFlags.SlabPfMemAlloc)
        || _pages.PfMemAllocAllowed(call.Gfp, call.Task, call.Context);

    private AllocOutcome Take(ref SlubCpu cpu, ref SlabCall call)
    {
        cpu.Free--;
        _objectsInUse++;
        call.Slab = cpu.Slab;
        call.Stage = Start;
        return AllocOutcome.Granted;
    }

    /// <summary><c>__slab_alloc</c>: the CPU's slab, its partial slabs, the node's, then a new slab.</summary>
    private AllocOutcome SlowPath(ref SlabCall call)
    {
        ref var cpu = ref _cpus[call.Cpu];
        while (cpu.Slab != PageFrame.None || PopCpuPartial(ref cpu))
        {
            if (!Matches(cpu.Slab, in call))
            {
                Deactivate(ref cpu, call.Cpu);
            }
            else if (cpu.Free > 0 || TakeOverFreed(ref cpu))
            {
                return Take(ref cpu, ref call);
            }
            else
            {
                ForgetFullSlab(ref cpu);
            }
        }

        if (TakePartial(ref cpu, in call))
        {
            return Take(ref cpu, ref call);
        }

        // Even where both orders are the same the kernel tries twice: first without effort, then as the caller asked.
        call.Stage = PreferredOrderTry;
        var noEffort = Gfp.NoRetry | Gfp.NoWarn | Account;
        call.Pages = _firstTryIsFree && _order > _minOrder && (call.Gfp & Gfp.Wait) != 0
            ? SlabPages.Request(in call, noEffort | Gfp.NoMemAlloc | Gfp.NoKswapd, Gfp.NoFail | Gfp.Wait, _order)
            : SlabPages.Request(in call, noEffort, Gfp.NoFail, _order);
        return ContinueNewSlab(ref call);
    }

    private Gfp Account => _reclaimable ? Gfp.Reclaimable : Gfp.None;

    /// <summary>
    /// <c>allocate_slab</c>: the preferred order without effort (but with WAIT until 4.3), then the minimum order.
    /// </summary>
    private AllocOutcome ContinueNewSlab(ref SlabCall call)
    {
        var outcome = SlabPages.Continue(_pages, ref call);
        if (outcome == AllocOutcome.Failed && call.Stage == PreferredOrderTry)
        {
            call.Stage = MinimumOrderTry;
            call.Pages = SlabPages.Request(in call, Account, Gfp.None, _minOrder);
            outcome = SlabPages.Continue(_pages, ref call);
        }

        switch (outcome)
        {
            case AllocOutcome.Granted:
                return Install(ref call);
            case AllocOutcome.Failed:
                call.Stage = Start;
                call.Slab = PageFrame.None;
                _stat.Count(VmCounter.slab_alloc_failed);
                FailedWithFreeObjects += _objects > _objectsInUse ? 1 : 0;
                return AllocOutcome.Failed;
            default:
                return outcome;
        }
    }

    /// <summary>
    /// Makes the new slab the CPU's. Another task may have put one there while this one waited; that goes to the node
    /// list.
    /// </summary>
    private AllocOutcome Install(ref SlabCall call)
    {
        ref var cpu = ref _cpus[call.Cpu];
        if (cpu.Slab != PageFrame.None)
        {
            Deactivate(ref cpu, call.Cpu);
        }

        var slab = call.Pages.Page;
        var order = call.Pages.Order;
        SlabPages.Begin(_pages.Frames, slab, order, Index, _keepsReserveApart && call.Pages.PfMemAlloc);
        AccountPages(order, 1);
        MakeCpuSlab(ref cpu, slab);
        TakeOverFreed(ref cpu);
        var outcome = Take(ref cpu, ref call);
        if (!Matches(slab, in call))
        {
            Deactivate(ref cpu, call.Cpu);
        }

        return outcome;
    }

    /// <inheritdoc/>
    public void Free(int slab, int cpu)
    {
        ref var mine = ref _cpus[cpu];
        _objectsInUse--;
        if (slab == mine.Slab)
        {
            mine.Free++;
            if (mine.Free > mine.Objects)
            {
                throw new InvalidOperationException($"{Name}: slab {slab} got back more objects than it has");
            }

            return;
        }

        FreeSlow(slab, cpu);
    }

    /// <summary><c>__slab_free</c>: the slab is another CPU's, on a list, or full.</summary>
    private void FreeSlow(int slab, int cpu)
    {
        ref var frame = ref _pages.Frames[slab];
        SlabPages.RequireSlabOf(in frame, slab, Index, Name);
        var inUse = InUse(in frame) - 1;
        SetInUse(ref frame, inUse);
        switch (Place(in frame))
        {
            case SlubPlace.CpuSlab or SlubPlace.CpuPartial:
                return;
            case SlubPlace.None when CpuPartial > 0:
                PushCpuPartial(slab, ref _cpus[cpu], cpu, drain: true);
                return;
            case SlubPlace.None:
                KeepOrDiscard(slab, cpu, atTail: true);
                return;
            case SlubPlace.NodePartial when inUse == 0 && HasEnoughPartial(slab):
                RemovePartial(slab);
                Discard(slab, cpu);
                return;
        }
    }
}
