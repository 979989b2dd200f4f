// The swap device's slots: who needs each one, and which one is given out next.
using MemoryPack;

namespace ClusterSwap.Kernel.Swap;

/// <summary>
/// The slots of the one swap device of a blade, a byte each (<c>swap_info_struct</c> and <c>scan_swap_map</c>,
/// <c>mm/swapfile.c</c>, 3.6). Without fork a slot has at most one page table entry, so a bit replaces the count.
/// </summary>
[MemoryPackable]
public sealed partial class SwapMap
{
    /// <summary>Slots that are handed out in a row before a new cluster is looked for (SWAPFILE_CLUSTER).</summary>
    public const int ClusterSlots = 256;

    /// <summary>Slot 0 holds the header of the swap area and is never handed out, so it also means "no slot".</summary>
    public const int NoSlot = 0;

    private const byte UsedByPte = 1;
    private const byte HasCache = 2;
    private const byte Unread = 4;
    private const byte Header = 0x3f;

    [MemoryPackInclude]
    private readonly byte[] _slots;

    // Used slots of each 64: an index over _slots that makes the search for a free cluster fast.
    [MemoryPackIgnore]
    private readonly byte[] _blocks;

    // False: the last search for a free cluster failed, and no slot was freed since that would make one. Saves time
    // only.
    [MemoryPackIgnore]
    private bool _mayHaveRun = true;

    /// <summary>
    /// An empty swap area of <paramref name="pages"/> pages, header included. NBD calls itself non-rotational, and
    /// sys_swapon then starts at a random slot: the caller draws <paramref name="initialPosition"/> from 1 to
    /// pages - 1. Since 3.12 each of the <paramref name="cpus"/> has clusters of its own, since 4.11 slots at hand.
    /// </summary>
    public SwapMap(int pages, int initialPosition, KernelRules rules = default, int cpus = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(pages, 2);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(pages, PageTableEntry.MaxSlot + 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(initialPosition, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(initialPosition, pages);
        _slots = new byte[pages];
        _slots[0] = Header;
        _blocks = CountBlocks(_slots);
        FreeSlots = pages - 1;
        ClusterNext = initialPosition;
        if (rules.Has(KernelChange.SwapClusters))
        {
            _clusters = new SwapClusters(pages, initialPosition, cpus, rules.Has(KernelChange.SwapSlotCache));
        }
    }

    [MemoryPackConstructor]
    private SwapMap(byte[] _slots)
    {
        this._slots = _slots;
        _blocks = CountBlocks(_slots);
    }

    /// <summary>The CPU on which the present turn runs: slots given back are its. A caller sets it; it is no
    /// state.</summary>
    [MemoryPackIgnore]
    public int Cpu { get; set; }

    /// <summary>Told when nobody needs a slot any more; attached.</summary>
    [MemoryPackIgnore]
    public ISlotFreed? Listener { get; set; }

    /// <summary>Slots that nobody needs (<c>nr_swap_pages</c>).</summary>
    [MemoryPackInclude]
    public int FreeSlots { get; private set; }

    /// <summary>Where the next search starts (<c>cluster_next</c>); may be one past the last slot.</summary>
    [MemoryPackInclude]
    public int ClusterNext { get; private set; }

    /// <summary>Slots that may still be handed out before a new cluster is looked for (<c>cluster_nr</c>).</summary>
    [MemoryPackInclude]
    public int ClusterLeft { get; private set; }

    /// <summary>All slots but the header (<c>total_swap_pages</c>).</summary>
    [MemoryPackIgnore]
    public int TotalSlots => _slots.Length - 1;

    /// <summary>The highest slot plus one: the pages of the device.</summary>
    [MemoryPackIgnore]
    public int Pages => _slots.Length;

    /// <summary><c>vm_swap_full</c>, 3.6: less than half of the slots are free.</summary>
    [MemoryPackIgnore]
    public bool IsFull => FreeSlots * 2L < TotalSlots;

    /// <summary>Indicates that nobody needs the slot.</summary>
    public bool IsFree(int slot) => _slots[slot] is 0 or AtHand;

    /// <summary>Indicates that a page table entry names the slot (<c>page_swapcount</c> is 1).</summary>
    public bool IsUsedByPte(int slot) => (_slots[slot] & UsedByPte) != 0;

    /// <summary>Indicates that a page of the swap cache stands for the slot (SWAP_HAS_CACHE).</summary>
    public bool IsCached(int slot) => (_slots[slot] & HasCache) != 0;

    /// <summary>Accounting: the cached page was read ahead and has not been mapped since.</summary>
    public bool IsUnread(int slot) => (_slots[slot] & Unread) != 0;

    /// <summary>
    /// <c>get_swap_page</c>: the next slot by the rules of <c>scan_swap_map</c>, held by the swap cache, or
    /// <see cref="NoSlot"/>. While the area is more than half full, a slot on the way that only the swap cache needs
    /// is offered to <paramref name="cacheOnly"/> and taken when that gives it up.
    /// </summary>
    public int Take(ICacheOnlySlots cacheOnly, int cpu = 0)
    {
        if (_clusters is { } clusters)
        {
            return TakeForCpu(clusters, cpu, cacheOnly);
        }

        if (FreeSlots == 0)
        {
            return NoSlot;
        }

        if (ClusterLeft > 0)
        {
            ClusterLeft--;
        }
        else
        {
            StartCluster();
        }

        FreeSlots--;
        var slot = FirstTakeable(ClusterNext, cacheOnly);
        _slots[slot] = HasCache;
        _blocks[slot / BlockSlots]++;
        ClusterNext = slot + 1;
        return slot;
    }

    /// <summary><c>swap_duplicate</c>: a page table entry now names the slot.</summary>
    public void AddPte(int slot)
    {
        Require(slot, _slots[slot] == HasCache, "gets a page table entry");
        _slots[slot] |= UsedByPte;
    }

    /// <summary><c>swap_free</c>: the page table entry no longer names the slot.</summary>
    public void DropPte(int slot)
    {
        Require(slot, IsUsedByPte(slot), "loses its page table entry");
        Put(slot, UsedByPte);
    }

    /// <summary><c>swapcache_prepare</c> for a read: a page of the swap cache will stand for the slot.</summary>
    public void AddCache(int slot)
    {
        Require(slot, _slots[slot] == UsedByPte, "enters the swap cache by a read");
        _slots[slot] |= HasCache | Unread;
    }

    /// <summary>The page that was read in has been mapped: from now on it is no unread page.</summary>
    public void MarkRead(int slot) => _slots[slot] &= unchecked((byte)~Unread);

    /// <summary><c>swapcache_free</c>: the swap cache no longer needs the slot.</summary>
    public void DropCache(int slot)
    {
        Require(slot, IsCached(slot), "leaves the swap cache");
        Put(slot, HasCache | Unread);
    }

    /// <summary>Counts the free slots anew and compares; checks that no slot has a state that cannot be.</summary>
    public void AssertInvariants()
    {
        var free = 0;
        for (var slot = 1; slot < _slots.Length; slot++)
        {
            var state = _slots[slot];
            free += state == 0 ? 1 : 0;
            Require(slot, state <= AtHand && ((state & Unread) == 0 || (state & HasCache) != 0), "is checked");
        }

        Require(0, _slots[0] == Header, "is the header");
        if (_clusters is { } clusters)
        {
            RequireClusters(clusters);
        }

        Require(0, _blocks.AsSpan().SequenceEqual(CountBlocks(_slots)), "and all others are counted by blocks");
        var isInside = ClusterNext >= 1 && ClusterNext <= _slots.Length && ClusterLeft is >= 0 and < ClusterSlots;
        if (free != FreeSlots || !isInside)
        {
            throw new InvalidOperationException(
                $"swap map: {FreeSlots} slots said to be free, {free} are; position {ClusterNext} of {_slots.Length}, "
                + $"{ClusterLeft} left in the cluster");
        }
    }

    private void Put(int slot, int user)
    {
        _slots[slot] &= (byte)~user;
        if (_slots[slot] != 0)
        {
            return;
        }

        Listener?.SlotFreed(slot);
        if (_clusters is { } clusters)
        {
            PutForCpu(clusters, slot);
            return;
        }

        FreeSlots++;
        NoteFreed(slot);
    }

    private void Require(int slot, bool holds, string what)
    {
        if (!holds)
        {
            throw new InvalidOperationException($"swap slot {slot} {what}, but its state is {_slots[slot]}");
        }
    }
}
