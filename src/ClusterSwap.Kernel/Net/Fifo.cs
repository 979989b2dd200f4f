// A growing circular queue of structs: the one container of the network state.
using MemoryPack;

namespace ClusterSwap.Kernel.Net;

/// <summary>First in, first out; no allocation while the count stays below the highest count so far.</summary>
/// <typeparam name="T">A struct; slots that are left are cleared, so equal histories serialize equally.</typeparam>
[MemoryPackable]
public sealed partial class Fifo<T>
    where T : struct
{
    /// <summary>Slots; the length is a power of two.</summary>
    public T[] Slots = new T[8];

    /// <summary>Slot of the oldest element.</summary>
    public int First;

    /// <summary>How many elements are queued.</summary>
    public int Count;

    /// <summary>The element that is <paramref name="index"/> places behind the oldest one.</summary>
    public ref T this[int index]
    {
        get
        {
            if ((uint)index >= (uint)Count)
            {
                throw new InvalidOperationException($"queue: element {index} of {Count} does not exist");
            }

            return ref Slots[(First + index) & (Slots.Length - 1)];
        }
    }

    /// <summary>The youngest element.</summary>
    [MemoryPackIgnore]
    public ref T Last => ref this[Count - 1];

    /// <summary>Adds at the end.</summary>
    public void Add(in T item)
    {
        if (Count == Slots.Length)
        {
            Grow();
        }

        Slots[(First + Count) & (Slots.Length - 1)] = item;
        Count++;
    }

    /// <summary>Takes the oldest element.</summary>
    public T Take()
    {
        ref var slot = ref this[0];
        var item = slot;
        slot = default;
        First = (First + 1) & (Slots.Length - 1);
        Count--;
        return item;
    }

    /// <summary>Puts an element before the one at <paramref name="index"/>; the younger ones move by one.</summary>
    public void Insert(int index, in T item)
    {
        Add(item);
        for (var i = Count - 1; i > index; i--)
        {
            this[i] = this[i - 1];
        }

        this[index] = item;
    }

    /// <summary>Takes out the element at <paramref name="index"/>; the younger ones move by one.</summary>
    public void RemoveAt(int index)
    {
        for (var i = index; i < Count - 1; i++)
        {
            this[i] = this[i + 1];
        }

        Last = default;
        Count--;
    }

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        while (Count > 0)
        {
            Take();
        }
    }

    private void Grow()
    {
        var slots = new T[Slots.Length * 2];
        for (var i = 0; i < Count; i++)
        {
            slots[i] = this[i];
        }

        Slots = slots;
        First = 0;
    }
}
