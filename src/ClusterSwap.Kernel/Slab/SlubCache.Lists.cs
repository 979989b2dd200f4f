// SLUB's lists: how slabs move between a CPU, its partial list, the node's partial list and the page allocator.
using ClusterSwap.Kernel.Memory;
using MemoryPack;

namespace ClusterSwap.Kernel.Slab;

/// <summary>Where a SLUB slab is; kept in <see cref="PageFrame.Private"/>.</summary>
internal enum SlubPlace
{
    /// <summary>On no list: every object is taken (SLUB does not keep full slabs), or it is just being moved.</summary>
    None,

    /// <summary>On the node's partial list.</summary>
    NodePartial,

    /// <summary>A CPU's slab: frozen.</summary>
    CpuSlab,

    /// <summary>On a CPU's partial list: frozen.</summary>
    CpuPartial,
}

/// <summary>What SLUB keeps for each CPU (<c>struct kmem_cache_cpu</c>).</summary>
[MemoryPackable]
public partial struct SlubCpu
{
    /// <summary>The slab that this CPU allocates from, or −1.</summary>
    public int Slab;

    /// <summary>Objects on the CPU's own free list; others of the slab may have been freed by other CPUs.</summary>
    public int Free;

    /// <summary>Objects that the slab has in all.</summary>
    public int Objects;

    /// <summary>First of the CPU's partial slabs, or −1; linked by Next.</summary>
    public int Partial;
}

public sealed partial class SlubCache
{
    private const int InUseMask = 0xffff;
    private const int PlaceShift = 16;
    private const int PlaceMask = 3 << PlaceShift;
    private const int GatheredShift = 18;

    // By node.
    [MemoryPackInclude] private SlabList[] _partial = [];

    /// <summary>Objects in all slabs.</summary>
    [MemoryPackInclude] private long _objects;

    /// <inheritdoc/>
    [MemoryPackInclude]
    public long PagesHeld { get; private set; }

    /// <summary>Slabs on the partial lists of all nodes.</summary>
    [MemoryPackIgnore]
    public int NodePartialSlabs
    {
        get
        {
            var slabs = 0;
            foreach (ref readonly var list in _partial.AsSpan())
            {
                slabs += list.Count;
            }

            return slabs;
        }
    }

    /// <summary>Slabs on the partial list of a node.</summary>
    public int PartialSlabsOf(int node) => _partial[node].Count;

    // The list of the node that the slab's pages lie on.
    private ref SlabList PartialsOf(int slab) => ref _partial[_partial.Length == 1 ? 0 : _pages.NodeOf(slab)];

    /// <summary>Objects of a slab, which has one of two orders.</summary>
    private int Objects(int order) => order == _order ? _objectsPreferred : _objectsMinimum;

    /// <summary>page->inuse: objects handed out, or on the free list of the CPU whose slab it is.</summary>
    private static int InUse(in PageFrame frame) => frame.Private & InUseMask;

    private bool HasEnoughPartial(int slab) =>
        PartialsOf(slab).Count > MinPartial || (_minPartialIsEnough && PartialsOf(slab).Count == MinPartial);

    private static SlubPlace Place(in PageFrame frame) => (SlubPlace)((frame.Private & PlaceMask) >> PlaceShift);

    /// <summary>
    /// page->pobjects (slab->slabs since 5.16): what is on a CPU's partial list from this slab on, counted when it was
    /// pushed.
    /// </summary>
    private static int Gathered(in PageFrame frame) => frame.Private >> GatheredShift;

    private static void SetPlace(ref PageFrame frame, SlubPlace place, int gathered = 0) =>
        frame.Private = frame.Private & InUseMask | (int)place << PlaceShift | gathered << GatheredShift;

    private void SetInUse(ref PageFrame frame, int inUse)
    {
        if (inUse < 0 || inUse > Objects(frame.Order))
        {
            throw new InvalidOperationException(
                $"{Name}: a slab of {Objects(frame.Order)} objects would have {inUse} in use: freed twice?");
        }

        frame.Private = frame.Private & ~InUseMask | inUse;
    }

    private void AccountPages(int order, int sign)
    {
        var pages = sign << order;
        PagesHeld += pages;
        _objects += sign * Objects(order);
        if (!_reclaimable)
        {
            _stat.Move(VmGauge.nr_slab_unreclaimable, pages);
        }
    }

    /// <summary><c>get_freelist</c>: takes over what other CPUs have freed into this CPU's slab.</summary>
    private bool TakeOverFreed(ref SlubCpu cpu)
    {
        ref var frame = ref _pages.Frames[cpu.Slab];
        cpu.Free = cpu.Objects - InUse(in frame);
        SetInUse(ref frame, cpu.Objects);
        return cpu.Free > 0;
    }

    private void ForgetFullSlab(ref SlubCpu cpu)
    {
        SetPlace(ref _pages.Frames[cpu.Slab], SlubPlace.None);
        cpu.Slab = PageFrame.None;
    }

    /// <summary>Freezes a slab for a CPU that has none; its free objects are still to be taken over.</summary>
    private void MakeCpuSlab(ref SlubCpu cpu, int slab)
    {
        ref var frame = ref _pages.Frames[slab];
        SetPlace(ref frame, SlubPlace.CpuSlab);
        cpu.Slab = slab;
        cpu.Free = 0;
        cpu.Objects = Objects(frame.Order);
    }

    private bool PopCpuPartial(ref SlubCpu cpu)
    {
        if (cpu.Partial == PageFrame.None)
        {
            return false;
        }

        var slab = cpu.Partial;
        ref var frame = ref _pages.Frames[slab];
        cpu.Partial = frame.Next;
        frame.Next = PageFrame.None;
        MakeCpuSlab(ref cpu, slab);
        return true;
    }

    /// <summary>
    /// <c>put_cpu_partial</c>: returns the objects (slabs since 5.16) gathered on the list. With
    /// <paramref name="drain"/> a list that has more than <see cref="CpuPartial"/> goes to the node first.
    /// </summary>
    private int PushCpuPartial(int slab, ref SlubCpu cpu, int number, bool drain)
    {
        var gathered = cpu.Partial == PageFrame.None ? 0 : Gathered(in _pages.Frames[cpu.Partial]);
        if (drain && (_gathersSlabs ? gathered >= CpuPartial : gathered > CpuPartial))
        {
            UnfreezePartials(ref cpu, number);
            gathered = 0;
        }

        ref var frame = ref _pages.Frames[slab];
        gathered += _gathersSlabs ? 1 : Objects(frame.Order) - InUse(in frame);
        SetPlace(ref frame, SlubPlace.CpuPartial, gathered);
        frame.Next = cpu.Partial;
        frame.Prev = PageFrame.None;
        cpu.Partial = slab;
        return gathered;
    }

    /// <summary>
    /// <c>unfreeze_partials</c>: the CPU's partial slabs go to the tail of the node list, surplus empty ones away.
    /// </summary>
    private void UnfreezePartials(ref SlubCpu cpu, int number)
    {
        var slab = cpu.Partial;
        cpu.Partial = PageFrame.None;
        while (slab != PageFrame.None)
        {
            ref var frame = ref _pages.Frames[slab];
            var next = frame.Next;
            frame.Next = PageFrame.None;
            SetPlace(ref frame, SlubPlace.None);
            KeepOrDiscard(slab, number, atTail: true);
            slab = next;
        }
    }

    /// <summary>
    /// <c>deactivate_slab</c>: the CPU gives up its slab together with the free objects it had taken over.
    /// </summary>
    private void Deactivate(ref SlubCpu cpu, int number)
    {
        var slab = cpu.Slab;
        ref var frame = ref _pages.Frames[slab];
        // A slab into which other CPUs free goes to the tail, where it may fill with free objects and become empty.
        var freedByOthers = InUse(in frame) < Objects(frame.Order);
        SetInUse(ref frame, InUse(in frame) - cpu.Free);
        SetPlace(ref frame, SlubPlace.None);
        cpu.Slab = PageFrame.None;
        cpu.Free = 0;
        KeepOrDiscard(slab, number, freedByOthers);
    }

    private void KeepOrDiscard(int slab, int cpu, bool atTail)
    {
        ref var frame = ref _pages.Frames[slab];
        if (InUse(in frame) == 0 && HasEnoughPartial(slab))
        {
            Discard(slab, cpu);
        }
        else if (InUse(in frame) < Objects(frame.Order))
        {
            ref var partial = ref PartialsOf(slab);
            SetPlace(ref frame, SlubPlace.NodePartial);
            if (atTail)
            {
                partial.AddTail(_pages.Frames, slab);
            }
            else
            {
                partial.AddHead(_pages.Frames, slab);
            }
        }
    }

    private void RemovePartial(int slab)
    {
        PartialsOf(slab).Remove(_pages.Frames, slab);
        SetPlace(ref _pages.Frames[slab], SlubPlace.None);
    }

    private void Discard(int slab, int cpu) => AccountPages(SlabPages.End(_pages, slab, cpu), -1);

    /// <summary>
    /// <c>get_partial</c>: from the CPU's node; then, by <c>get_any_partial</c>, from another that has more slabs than
    /// it has to keep.
    /// </summary>
    /// <remarks>
    /// remote_node_defrag_ratio is 1000 of 1024: in one case of 43, by the clock of the CPU, the kernel does not look
    /// at other nodes. Here it always does.
    /// </remarks>
    private bool TakePartial(ref SlubCpu cpu, in SlabCall call)
    {
        if (_partial.Length == 1)
        {
            return TakeFromNode(0, ref cpu, in call);
        }

        var local = _pages.NodeOfCpu(call.Cpu);
        if (TakeFromNode(local, ref cpu, in call))
        {
            return true;
        }

        // The zonelist of the node that the task's policy names; the policy's mask is not asked for.
        var first = _pages.SlabNode(call.Task, call.Context, call.Cpu);
        for (var step = 0; step < _partial.Length; step++)
        {
            var node = (first + step) % _partial.Length;
            if (_partial[node].Count > MinPartial && TakeFromNode(node, ref cpu, in call))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// <c>get_partial_node</c>: the first fitting slab becomes the CPU's, further ones fill its partial list to half.
    /// </summary>
    /// <remarks>
    /// Up to 3.8 the first slab counts as nothing for that half: its objects are already marked as taken when the
    /// kernel counts them.
    /// </remarks>
    private bool TakeFromNode(int node, ref SlubCpu cpu, in SlabCall call)
    {
        var slab = _partial[node].Head;
        while (slab != PageFrame.None)
        {
            var next = _pages.Frames[slab].Next;
            if (Matches(slab, in call))
            {
                RemovePartial(slab);
                if (cpu.Slab == PageFrame.None)
                {
                    MakeCpuSlab(ref cpu, slab);
                    TakeOverFreed(ref cpu);
                    if (CpuPartial == 0)
                    {
                        break;
                    }
                }
                else if (PushCpuPartial(slab, ref cpu, call.Cpu, drain: false) > CpuPartial / 2)
                {
                    break;
                }
            }

            slab = next;
        }

        return cpu.Slab != PageFrame.None;
    }

    /// <summary>
    /// Checks lists against counters: every free object is on a list, and nothing else is. O(partial slabs).
    /// </summary>
    public void AssertInvariants()
    {
        long free = 0;
        for (var number = 0; number < _cpus.Length; number++)
        {
            ref var cpu = ref _cpus[number];
            free += cpu.Free;
            Require(cpu.Slab != PageFrame.None || cpu.Free == 0, $"CPU {number} has free objects and no slab");
            if (cpu.Slab != PageFrame.None)
            {
                free += FreeIn(cpu.Slab, SlubPlace.CpuSlab);
            }

            for (var slab = cpu.Partial; slab != PageFrame.None; slab = _pages.Frames[slab].Next)
            {
                free += FreeIn(slab, SlubPlace.CpuPartial);
            }
        }

        for (var node = 0; node < _partial.Length; node++)
        {
            free += FreeOnNode(node);
        }

        Require(_objects == _objectsInUse + free, $"{_objects} objects, {_objectsInUse} in use, {free} free");
        Require(_objectsInUse >= 0, $"{_objectsInUse} objects in use");
    }

    private int FreeOnNode(int node)
    {
        var free = 0;
        var listed = 0;
        for (var slab = _partial[node].Head; slab != PageFrame.None; slab = _pages.Frames[slab].Next)
        {
            var here = FreeIn(slab, SlubPlace.NodePartial);
            Require(here > 0, $"full slab {slab} on the list of node {node}");
            Require(_partial.Length == 1 || _pages.NodeOf(slab) == node, $"slab {slab} on the list of node {node}");
            free += here;
            listed++;
        }

        Require(listed == _partial[node].Count, $"node list has {listed} slabs, count says {_partial[node].Count}");
        return free;
    }

    private int FreeIn(int slab, SlubPlace place)
    {
        ref var frame = ref _pages.Frames[slab];
        SlabPages.RequireSlabOf(in frame, slab, Index, Name);
        Require(Place(in frame) == place, $"slab {slab} says {Place(in frame)}, found as {place}");
        return Objects(frame.Order) - InUse(in frame);
    }

    private void Require(bool holds, string what)
    {
        if (!holds)
        {
            throw new InvalidOperationException($"{Name}: {what}");
        }
    }
}
