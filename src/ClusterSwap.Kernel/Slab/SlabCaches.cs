// The slab caches of one blade, under the allocator that its kernel was built with.
using ClusterSwap.Kernel.Memory;
using MemoryPack;

namespace ClusterSwap.Kernel.Slab;

/// <summary>CONFIG_SLUB or CONFIG_SLAB.</summary>
public enum SlabKind
{
    /// <summary>SLUB: short lists, empty slabs go back at once.</summary>
    Slub,

    /// <summary>SLAB: deep arrays of free objects, given back by a worker.</summary>
    Slab,
}

/// <summary>
/// The caches that the swap path and the network use, with the object sizes of x86-64 (<see cref="ObjectSizes"/>).
/// Caches of equal size are not merged: those of 6.1 that would be have different flags or no user here.
/// </summary>
[MemoryPackable]
public sealed partial class SlabCaches
{
    private const int FcloneKind = 1;
    private const int OfTheRelease = 0;

    private static readonly (string Name, int Size, bool Reclaimable)[] Kinds =
    [
        ("skbuff_head_cache", 256, false),
        ("skbuff_fclone_cache", OfTheRelease, false),
        ("kmalloc-512", 512, false),
        ("kmalloc-1024", 1024, false),
        ("kmalloc-2048", 2048, false),
        ("kmalloc-4096", 4096, false),
        ("bio-0", 192, false),
        ("blkdev_requests", 384, false),
        ("radix_tree_node", OfTheRelease, true),
    ];

    [MemoryPackInclude] private SlubCache[] _slub = [];
    [MemoryPackInclude] private SlabCache[] _slab = [];
    [MemoryPackInclude] private SlabReserve _reserve = null!;

    // slab_reap_node, by CPU: whose objects the next reaping sends home.
    [MemoryPackInclude] private int[] _reapNodes = [];
    [MemoryPackInclude] private int _nodes = 1;
    [MemoryPackIgnore] private ISlabCache[] _caches = [];

    /// <summary>
    /// Empty caches for a machine of <paramref name="cpus"/> CPUs (1 to 64) on <paramref name="nodes"/> nodes. Attach
    /// before use.
    /// </summary>
    public SlabCaches(SlabKind kind, int cpus, KernelRules rules, int nodes = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(cpus, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(cpus, 64);
        Kind = kind;
        _reserve = new SlabReserve(rules);
        _nodes = nodes;
        _reapNodes = new int[cpus];
        for (var cpu = 0; cpu < cpus; cpu++)
        {
            _reapNodes[cpu] = (NodeLayout.NodeOfCpu(cpu, cpus, nodes) + 1) % nodes;
        }

        if (kind == SlabKind.Slub)
        {
            _slub = new SlubCache[Kinds.Length];
            for (var i = 0; i < Kinds.Length; i++)
            {
                _slub[i] = new SlubCache(Kinds[i].Name, SizeOf(i, rules), i, cpus, rules, Kinds[i].Reclaimable, nodes);
            }
        }
        else
        {
            _slab = new SlabCache[Kinds.Length];
            for (var i = 0; i < Kinds.Length; i++)
            {
                _slab[i] = new SlabCache(Kinds[i].Name, SizeOf(i, rules), i, cpus, Kinds[i].Reclaimable, nodes, rules);
            }
        }

        CollectCaches();
    }

    private static int SizeOf(int kind, KernelRules rules)
    {
        var sizes = ObjectSizes.Of(rules);
        return Kinds[kind].Size != OfTheRelease ? Kinds[kind].Size : kind == FcloneKind ? sizes.SkbFclone : sizes.TreeNode;
    }

    [MemoryPackConstructor]
    private SlabCaches()
    {
    }

    /// <summary>The allocator.</summary>
    [MemoryPackInclude]
    public SlabKind Kind { get; private set; }

    /// <summary>Heads of socket buffers, 256 bytes.</summary>
    [MemoryPackIgnore]
    public ISlabCache SkbHead => _caches[0];

    /// <summary>Pairs of socket buffer heads for data that TCP may have to send again, 512 or 448 bytes.</summary>
    [MemoryPackIgnore]
    public ISlabCache SkbFclone => _caches[1];

    /// <summary>Data of pure ACKs, 512 bytes.</summary>
    [MemoryPackIgnore]
    public ISlabCache Kmalloc512 => _caches[2];

    /// <summary>General, 1,024 bytes.</summary>
    [MemoryPackIgnore]
    public ISlabCache Kmalloc1024 => _caches[3];

    /// <summary>Linear parts of TCP data and receive buffers, 2,048 bytes.</summary>
    [MemoryPackIgnore]
    public ISlabCache Kmalloc2048 => _caches[4];

    /// <summary>General, 4,096 bytes.</summary>
    [MemoryPackIgnore]
    public ISlabCache Kmalloc4096 => _caches[5];

    /// <summary>Bios with up to four vectors, 192 bytes.</summary>
    [MemoryPackIgnore]
    public ISlabCache Bio => _caches[6];

    /// <summary>Block requests, 384 bytes.</summary>
    [MemoryPackIgnore]
    public ISlabCache Request => _caches[7];

    /// <summary>Pages of the cache count as reclaimable (SLAB_RECLAIM_ACCOUNT).</summary>
    public static bool IsReclaimable(int cache) => Kinds[cache].Reclaimable;

    /// <summary>Nodes of the swap cache's tree, 560 bytes (192 in the measured 6.1); accounted as
    /// reclaimable.</summary>
    [MemoryPackIgnore]
    public ISlabCache RadixNode => _caches[8];

    /// <summary>Number of caches.</summary>
    [MemoryPackIgnore]
    public int Count => _caches.Length;

    /// <summary>A cache by its number, which is <see cref="PageFrame.Mapping"/> of its slabs.</summary>
    public ISlabCache this[int index] => _caches[index];

    /// <summary><c>sk_memalloc_socks()</c>: with patch 13, SLAB (not SLUB) obeys tags only while this is set.</summary>
    [MemoryPackIgnore]
    public bool MemallocSocketExists
    {
        get => _reserve.MemallocSocketExists;
        set => _reserve.MemallocSocketExists = value;
    }

    /// <summary>Pages that all caches hold.</summary>
    [MemoryPackIgnore]
    public long PagesHeld
    {
        get
        {
            long pages = 0;
            foreach (var cache in _caches)
            {
                pages += cache.PagesHeld;
            }

            return pages;
        }
    }

    /// <summary>Connects the caches to their blade; needed after construction and after deserialization.</summary>
    public void Attach(IPageSource pages, VmStat stat)
    {
        foreach (var cache in _slub)
        {
            cache.Attach(pages, stat);
        }

        foreach (var cache in _slab)
        {
            cache.Attach(pages, stat, _reserve);
        }
    }

    /// <summary>
    /// The reaping worker of a CPU, due every <see cref="SlabGeometry.ReapPeriodNs"/>. SLUB has none: nothing happens.
    /// </summary>
    public void Reap(int cpu, long nowNs)
    {
        foreach (var cache in _slab)
        {
            cache.Reap(cpu, nowNs, _reapNodes[cpu]);
        }

        _reapNodes[cpu] = (_reapNodes[cpu] + 1) % _nodes;
    }

    /// <summary>Checks every cache. O(slabs on lists).</summary>
    public void AssertInvariants()
    {
        foreach (var cache in _slub)
        {
            cache.AssertInvariants();
        }

        foreach (var cache in _slab)
        {
            cache.AssertInvariants();
        }
    }

    [MemoryPackOnDeserialized]
    private void CollectCaches() => _caches = Kind == SlabKind.Slub ? [.. _slub] : [.. _slab];
}
