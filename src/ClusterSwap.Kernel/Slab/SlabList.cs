// A list of slabs, linked through the page frames of their head pages.
using ClusterSwap.Kernel.Memory;
using MemoryPack;

namespace ClusterSwap.Kernel.Slab;

/// <summary>A doubly linked list of slabs: both ends and a length here, the links in <see cref="PageFrame"/>.</summary>
[MemoryPackable]
public partial struct SlabList
{
    /// <summary>First slab, or −1.</summary>
    public int Head;

    /// <summary>Last slab, or −1.</summary>
    public int Tail;

    /// <summary>Slabs on the list.</summary>
    public int Count;

    /// <summary>A list without slabs.</summary>
    public static SlabList Empty => new() { Head = PageFrame.None, Tail = PageFrame.None };

    /// <summary>Puts a slab, which must be on no list, before all others.</summary>
    public void AddHead(PageFrame[] frames, int slab)
    {
        ref var frame = ref frames[slab];
        frame.Prev = PageFrame.None;
        frame.Next = Head;
        if (Head == PageFrame.None)
        {
            Tail = slab;
        }
        else
        {
            frames[Head].Prev = slab;
        }

        Head = slab;
        Count++;
    }

    /// <summary>Puts a slab, which must be on no list, behind all others.</summary>
    public void AddTail(PageFrame[] frames, int slab)
    {
        ref var frame = ref frames[slab];
        frame.Next = PageFrame.None;
        frame.Prev = Tail;
        if (Tail == PageFrame.None)
        {
            Head = slab;
        }
        else
        {
            frames[Tail].Next = slab;
        }

        Tail = slab;
        Count++;
    }

    /// <summary>Takes a slab of this list off it.</summary>
    public void Remove(PageFrame[] frames, int slab)
    {
        ref var frame = ref frames[slab];
        if (frame.Prev == PageFrame.None)
        {
            Require(Head == slab, slab);
            Head = frame.Next;
        }
        else
        {
            frames[frame.Prev].Next = frame.Next;
        }

        if (frame.Next == PageFrame.None)
        {
            Require(Tail == slab, slab);
            Tail = frame.Prev;
        }
        else
        {
            frames[frame.Next].Prev = frame.Prev;
        }

        frame.Next = PageFrame.None;
        frame.Prev = PageFrame.None;
        Count--;
    }

    private readonly void Require(bool holds, int slab)
    {
        if (!holds)
        {
            throw new InvalidOperationException(
                $"slab {slab} is not on this list: head {Head}, tail {Tail}, {Count} slabs");
        }
    }
}
