// SLAB's arrays of free objects: a stack of handles with the reserve tag in the low bit.
using MemoryPack;

namespace ClusterSwap.Kernel.Slab;

/// <summary>
/// <c>struct array_cache</c>: free objects of one CPU, or of all CPUs of the node. The last one in is the first one
/// out.
/// </summary>
[MemoryPackable]
public sealed partial class ArrayCache
{
    /// <summary>An array for <paramref name="limit"/> objects.</summary>
    public ArrayCache(int limit)
    {
        Limit = limit;
        Entries = new int[limit];
    }

    [MemoryPackConstructor]
    private ArrayCache()
    {
    }

    /// <summary>
    /// Head page of each object's slab, shifted left by one; bit 0 says that the slab is of reserve pages.
    /// </summary>
    public int[] Entries = [];

    /// <summary>Objects in the array.</summary>
    public int Avail;

    /// <summary>Objects that it may hold.</summary>
    public int Limit;

    /// <summary>Used since the reaping worker last looked.</summary>
    public bool Touched;

    /// <summary>Puts an entry on top; there must be room.</summary>
    public void Push(int entry) => Entries[Avail++] = entry;

    /// <summary>Takes the entry on top; there must be one.</summary>
    public int Pop() => Entries[--Avail];

    /// <summary>
    /// Moves up to <paramref name="most"/> entries from the top of <paramref name="from"/> to the top here, in their
    /// order (<c>transfer_objects</c>). Returns how many.
    /// </summary>
    public int TransferFrom(ArrayCache from, int most)
    {
        var moved = Math.Min(Math.Min(from.Avail, most), Limit - Avail);
        if (moved > 0)
        {
            from.Entries.AsSpan(from.Avail - moved, moved).CopyTo(Entries.AsSpan(Avail));
            from.Avail -= moved;
            Avail += moved;
        }

        return moved;
    }

    /// <summary>Removes the oldest <paramref name="count"/> entries, which the caller has handled.</summary>
    public void DropOldest(int count)
    {
        Entries.AsSpan(count, Avail - count).CopyTo(Entries);
        Avail -= count;
    }
}
