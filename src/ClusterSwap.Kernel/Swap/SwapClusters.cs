// Clusters of a swap area on a device without seeks (3.12), and the slots that each CPU keeps at hand (4.11).
using MemoryPack;

namespace ClusterSwap.Kernel.Swap;

/// <summary>What one CPU has of a swap area (<c>struct percpu_cluster</c>, <c>struct swap_slots_cache</c>).</summary>
[MemoryPackable]
public sealed partial class SwapCpu
{
    /// <summary>The cluster it takes slots from, or −1.</summary>
    public int Cluster = -1;

    /// <summary>Where in that cluster it looks next.</summary>
    public int Next;

    /// <summary>Where a search starts when no cluster is free (<c>cluster_next_cpu</c>).</summary>
    public int Position;

    /// <summary>Slots taken in advance; the next one is at <see cref="At"/>.</summary>
    public int[] Kept = [];

    /// <summary>Index of the next slot in <see cref="Kept"/>.</summary>
    public int At;

    /// <summary>Slots that are free but not given back yet.</summary>
    public List<int> Returned = [];
}

/// <summary>
/// The clusters of 256 slots: how many slots of each are in use, and the wholly free ones in the order in which they
/// will be used (<c>swap_cluster_info</c>, <c>free_clusters</c>). A plain list: the free clusters are linked by number.
/// </summary>
[MemoryPackable]
public sealed partial class SwapClusters
{
    /// <summary>Slots of a cluster (SWAPFILE_CLUSTER).</summary>
    public const int Slots = 256;

    /// <summary>
    /// SWAP_CLUSTER_COLS: clusters that follow each other in use are so many apart, so that CPUs do not share a cache
    /// line or an address space of 64 MiB.
    /// </summary>
    public const int Columns = 64;

    private const int None = -1;

    [MemoryPackInclude] private int[] _used = [];
    [MemoryPackInclude] private int[] _next = [];
    [MemoryPackInclude] private int _tail = None;

    /// <summary>The free cluster that is used next, or −1.</summary>
    [MemoryPackInclude]
    public int Head { get; private set; } = None;

    /// <summary>State of each CPU.</summary>
    [MemoryPackInclude]
    public SwapCpu[] Cpus { get; private set; } = [];

    /// <summary>4.11: slots are taken and given back <see cref="SwapMap.SlotBatch"/> at a time.</summary>
    [MemoryPackInclude]
    public bool KeepsSlots { get; private set; }

    /// <summary>The slots at hand are in use: enough of the area is free (<c>swap_slot_cache_active</c>).</summary>
    public bool Active { get; set; }

    [MemoryPackConstructor]
    private SwapClusters()
    {
    }

    /// <summary>Clusters of an empty area of <paramref name="pages"/> pages; the first column is that of the
    /// position.</summary>
    public SwapClusters(int pages, int position, int cpus, bool keepsSlots)
    {
        KeepsSlots = keepsSlots;
        var count = (pages + Slots - 1) / Slots;
        _used = new int[count];
        _next = new int[count];
        Array.Fill(_next, None);

        // The header, and what the last cluster has not.
        _used[0]++;
        _used[^1] += count * Slots - pages;
        Cpus = new SwapCpu[cpus];
        for (var cpu = 0; cpu < cpus; cpu++)
        {
            Cpus[cpu] = new SwapCpu { Position = position };
        }

        for (var column = 0; column < Columns; column++)
        {
            for (var i = (column + position / Slots) % Columns; i < count; i += Columns)
            {
                if (_used[i] == 0)
                {
                    Append(i);
                }
            }
        }
    }

    /// <summary>Indicates that no slot of the cluster is in use.</summary>
    public bool IsFree(int cluster) => _used[cluster] == 0;

    /// <summary>A slot is taken: its cluster leaves the free list, where it is the first, or was the CPU's
    /// before.</summary>
    public void Use(int slot)
    {
        var cluster = slot / Slots;
        if (_used[cluster]++ == 0)
        {
            Remove(cluster);
        }
    }

    /// <summary>A slot is free again; a wholly free cluster goes to the end of the list.</summary>
    public void Unuse(int slot)
    {
        if (--_used[slot / Slots] == 0)
        {
            Append(slot / Slots);
        }
    }

    /// <summary>Slots in use, the header and the missing ones of the last cluster included.</summary>
    public int UsedOf(int cluster) => _used[cluster];

    /// <summary>How many clusters there are.</summary>
    [MemoryPackIgnore]
    public int Count => _used.Length;

    private void Append(int cluster)
    {
        if (Head == None)
        {
            Head = cluster;
        }
        else
        {
            _next[_tail] = cluster;
        }

        _next[cluster] = None;
        _tail = cluster;
    }

    // Nearly always the head.
    private void Remove(int cluster)
    {
        if (Head == cluster)
        {
            Head = _next[cluster];
            _tail = Head == None ? None : _tail;
            return;
        }

        var before = Head;
        while (_next[before] != cluster)
        {
            before = _next[before];
        }

        _next[before] = _next[cluster];
        _tail = _tail == cluster ? before : _tail;
    }
}
