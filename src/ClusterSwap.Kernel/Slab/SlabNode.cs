// What SLAB keeps on a node: slabs, free objects that its CPUs share, and those of other nodes on their way home.
using MemoryPack;

namespace ClusterSwap.Kernel.Slab;

/// <summary>A node of a SLAB cache (<c>struct kmem_list3</c>, 3.6). Plain data.</summary>
[MemoryPackable]
public sealed partial class SlabNode
{
    /// <summary>
    /// Limit of an alien array: a dozen objects of another node gather before they go home (<c>alloc_alien_cache</c>).
    /// </summary>
    public const int AlienLimit = 12;

    /// <summary>Slabs without a free object.</summary>
    public SlabList Full = SlabList.Empty;

    /// <summary>Slabs with some.</summary>
    public SlabList Partial = SlabList.Empty;

    /// <summary>Slabs of which no object is outside.</summary>
    public SlabList Free = SlabList.Empty;

    /// <summary>Free objects inside slabs; those in arrays do not count.</summary>
    public long FreeObjects;

    /// <summary>Free objects in slabs above which an empty slab goes back.</summary>
    public int FreeLimit;

    /// <summary>A refill has looked for a free slab since the worker came by.</summary>
    public bool FreeTouched;

    /// <summary>When the worker may reap the node again, ns.</summary>
    public long NextReapNs;

    /// <summary>Slabs that carry the reserve flag.</summary>
    public int FlaggedSlabs;

    /// <summary>The array that the CPUs share; limit 0 without SMP.</summary>
    public ArrayCache Shared = null!;

    /// <summary>By node: its objects that were freed here. The place of the own node has limit 0.</summary>
    public ArrayCache[] Alien = [];

    /// <summary>Slabs on all lists.</summary>
    [MemoryPackIgnore]
    public long Slabs => Full.Count + Partial.Count + Free.Count;

    /// <summary>Objects in the shared array and in alien ones.</summary>
    [MemoryPackIgnore]
    public int ObjectsInArrays
    {
        get
        {
            var sum = Shared.Avail;
            foreach (var alien in Alien)
            {
                sum += alien.Avail;
            }

            return sum;
        }
    }
}
