// The swap cache: which page stands for which slot, and the tree nodes that this takes.
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Slab;
using MemoryPack;

namespace ClusterSwap.Kernel.Swap;

/// <summary>
/// Slot to page (<c>swapper_space</c>, <c>mm/swap_state.c</c>, 3.6). Each <see cref="LeafSlots"/> slots share a leaf of
/// the tree: a slab object (<see cref="ObjectSizes"/>), allocated with the first page and freed with the last. The
/// tree's upper levels, the per-CPU preload and the grace period before a node is freed are left out.
/// </summary>
[MemoryPackable]
public sealed partial class SwapCache : ICacheOnlySlots, ISlotFreed
{
    /// <summary>Slots of a leaf (RADIX_TREE_MAP_SIZE).</summary>
    [MemoryPackInclude]
    public int LeafSlots { get; private set; } = 64;

    // The frames say the same the other way round: a checkpoint keeps those, and this is made of them.
    [MemoryPackIgnore]
    private readonly int[] _pages;

    [MemoryPackInclude]
    private readonly int[] _leafNode;

    [MemoryPackInclude]
    private readonly byte[] _leafCount;

    // What a slot remembers of its page's eviction, plus one; 0: nothing. Empty before 5.9.
    [MemoryPackInclude]
    private uint[] _shadows = [];

    [MemoryPackIgnore]
    private PageFrame[] _frames = [];

    [MemoryPackIgnore]
    private SwapMap _map = null!;

    [MemoryPackIgnore]
    private VmStat _stat = null!;

    [MemoryPackIgnore]
    private ISlabCache _nodes = null!;

    /// <summary>
    /// An empty cache for a device of <paramref name="pages"/> pages, header included, in leaves of
    /// <paramref name="leafSlots"/> slots.
    /// </summary>
    public SwapCache(int pages, int leafSlots = 64)
        : this(pages, new int[(pages + leafSlots - 1) / leafSlots], new byte[(pages + leafSlots - 1) / leafSlots])
    {
        LeafSlots = leafSlots;
        Array.Fill(_leafNode, PageFrame.None);
    }

    [MemoryPackConstructor]
    private SwapCache(int slots, int[] _leafNode, byte[] _leafCount)
    {
        this._leafNode = _leafNode;
        this._leafCount = _leafCount;
        _pages = new int[slots];
        Array.Fill(_pages, PageFrame.None);
    }

    /// <summary>Slots of the device, header included.</summary>
    public int Slots => _pages.Length;

    /// <summary>Pages in the cache.</summary>
    [MemoryPackInclude]
    public int Count { get; private set; }

    /// <summary>
    /// The CPU on which the present turn runs: freed tree nodes and slots go to its lists. A caller sets it; it is no
    /// state.
    /// </summary>
    [MemoryPackIgnore]
    public int Cpu
    {
        get => _map.Cpu;
        set => _map.Cpu = value;
    }

    /// <summary>Connects the cache with what others own; the frames tell which pages are in it.</summary>
    public void Attach(PageFrame[] frames, SwapMap map, VmStat stat, ISlabCache nodes)
    {
        _frames = frames;
        _map = map;
        _stat = stat;
        _nodes = nodes;
        map.Listener = this;
        for (var page = 0; page < frames.Length; page++)
        {
            if (frames[page].Has(PageFlags.SwapCache))
            {
                _pages[frames[page].Private] = page;
            }
        }
    }

    /// <summary>The page that stands for the slot, or <see cref="PageFrame.None"/>.</summary>
    public int Lookup(int slot) => _pages[slot];

    /// <summary>
    /// Makes sure that the slot's leaf has its node. Granted at once when it has one; otherwise runs
    /// <paramref name="call"/>, and ends like it. A call that was suspended holds nothing and may be dropped.
    /// </summary>
    public AllocOutcome Prepare(int slot, ref SlabCall call)
    {
        ref var node = ref _leafNode[slot / LeafSlots];
        if (node != PageFrame.None)
        {
            return AllocOutcome.Granted;
        }

        var outcome = _nodes.Alloc(ref call);
        if (outcome == AllocOutcome.Granted)
        {
            node = call.Slab;
        }

        return outcome;
    }

    /// <summary>
    /// <c>__add_to_swap_cache</c>: from now on <paramref name="page"/> stands for the slot. Its leaf must be prepared.
    /// </summary>
    public void Insert(int page, int slot)
    {
        ref var frame = ref _frames[page];
        Require(page, slot, _pages[slot] == PageFrame.None && !frame.Has(PageFlags.SwapCache), "enters the swap cache");
        Require(page, slot, _leafNode[slot / LeafSlots] != PageFrame.None, "enters a leaf without a node");
        _pages[slot] = page;
        _leafCount[slot / LeafSlots] += (byte)(HasShadow(slot) ? 0 : 1);
        frame.Set(PageFlags.SwapCache);
        frame.Private = slot;
        Count++;
        _stat.Move(VmGauge.nr_swapcached, 1);
    }

    /// <summary>
    /// <c>delete_from_swap_cache</c>: the page leaves the cache; the slot survives when a page table entry holds it.
    /// A mapped page is the only copy from now on and becomes Dirty, so that reclaim will write it anew.
    /// </summary>
    public void Delete(int page)
    {
        ref var frame = ref _frames[page];
        var slot = frame.Private;
        Require(page, slot, frame.Has(PageFlags.SwapCache) && _pages[slot] == page, "leaves the swap cache");
        Require(page, slot, !frame.Has(PageFlags.Writeback), "leaves the swap cache during its write");
        if (_map.IsUnread(slot))
        {
            _stat.Count(VmCounter.pages_freed_unread);
        }

        _pages[slot] = PageFrame.None;
        if (!HasShadow(slot))
        {
            ReleaseLeaf(slot / LeafSlots);
        }

        frame.Clear(PageFlags.SwapCache);
        frame.Private = 0;
        Count--;
        _stat.Move(VmGauge.nr_swapcached, -1);
        _map.DropCache(slot);
        if (_map.IsFree(slot) && frame.Mapping != PageFrame.None)
        {
            frame.Set(PageFlags.Dirty);
        }
    }

    /// <summary>
    /// What <c>try_to_free_swap</c> asks, 3.6: the page is cached, not being written, and no page table entry needs
    /// its slot.
    /// </summary>
    public bool SlotIsUnneeded(int page)
    {
        ref readonly var frame = ref _frames[page];
        return frame.Has(PageFlags.SwapCache) && !frame.Has(PageFlags.Writeback) && !_map.IsUsedByPte(frame.Private);
    }

    /// <summary>
    /// <c>try_to_free_swap</c>: gives the slot up if nobody else needs it. The caller holds the page lock.
    /// </summary>
    public bool TryToFreeSwap(int page)
    {
        var unneeded = SlotIsUnneeded(page);
        if (unneeded)
        {
            Delete(page);
        }

        return unneeded;
    }

    /// <inheritdoc/>
    /// <remarks>
    /// A page that nobody maps any more is left to reclaim: here nobody could free it.
    /// </remarks>
    public bool TryReclaim(int slot)
    {
        var page = _pages[slot];
        return page != PageFrame.None && !_frames[page].Has(PageFlags.Locked) && _frames[page].Mapping != PageFrame.None
            && TryToFreeSwap(page);
    }

    /// <summary>Compares pages, slots, leaves and counts with each other.</summary>
    public void AssertInvariants()
    {
        var total = 0;
        for (var leaf = 0; leaf < _leafNode.Length; leaf++)
        {
            var count = 0;
            var cached = 0;
            var end = Math.Min(_pages.Length, (leaf + 1) * LeafSlots);
            for (var slot = leaf * LeafSlots; slot < end; slot++)
            {
                var page = _pages[slot];
                Require(page, slot, !HasShadow(slot) || !_map.IsFree(slot), "has a shadow on a free slot");
                Require(page, slot, slot == 0 || (page != PageFrame.None) == _map.IsCached(slot),
                    "and the swap map disagree");
                cached += page == PageFrame.None ? 0 : 1;
                count += page == PageFrame.None && !HasShadow(slot) ? 0 : 1;
                Require(page, slot, page == PageFrame.None
                    || (_frames[page].Has(PageFlags.SwapCache) && _frames[page].Private == slot), "is not that page");
            }

            Require(leaf, count, count == _leafCount[leaf], "is a leaf whose count is wrong");
            Require(leaf, count, (count == 0) == (_leafNode[leaf] == PageFrame.None), "is a leaf whose node is wrong");
            total += cached;
        }

        Require(Count, total, total == Count, "is the number of cached pages");
    }

    private void ReleaseLeaf(int leaf)
    {
        if (--_leafCount[leaf] == 0)
        {
            _nodes.Free(_leafNode[leaf], Cpu);
            _leafNode[leaf] = PageFrame.None;
        }
    }

    private void Require(int page, int slot, bool holds, string what)
    {
        if (!holds)
        {
            throw new InvalidOperationException(
                $"swap cache: page {page} {what} (slot {slot}, flags "
                + $"{((uint)page < (uint)_frames.Length ? _frames[page].Flags : PageFlags.None)}, "
                + $"{Count} pages cached)");
        }
    }
}
