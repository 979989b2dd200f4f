// The messages of one host at one instant, in the order in which they were sent.
using System.Runtime.CompilerServices;

namespace ClusterSwap.Engine;

/// <summary>A message that waits in the ring. A negative sender is another host, or nobody.</summary>
internal struct RingEntry
{
    public SimMessage Message;
    public int Actor;
    public int Sender;

    /// <summary>Which of the events that came due at this instant it descends from, from 0.</summary>
    public int Root;

    /// <summary>Number of the delivery on the sender's host during which it was sent; 0 for none.</summary>
    public long Cause;
}

/// <summary>A growing ring. It is empty whenever virtual time moves.</summary>
internal sealed class InstantRing
{
    private RingEntry[] _entries = new RingEntry[64];
    private int _head;
    private int _count;

    /// <summary>Messages that wait.</summary>
    public int Count => _count;

    /// <summary>The entry at a distance from the head.</summary>
    public ref RingEntry this[int offset] => ref _entries[(_head + offset) & (_entries.Length - 1)];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Push(SimMessage message, int actor, int sender, long cause, int root)
    {
        if (_count == _entries.Length)
        {
            Grow();
        }

        ref RingEntry entry = ref _entries[(_head + _count) & (_entries.Length - 1)];
        entry.Message = message;
        entry.Actor = actor;
        entry.Sender = sender;
        entry.Cause = cause;
        entry.Root = root;
        _count++;
    }

    /// <summary>Removes the head. The ring must not be empty.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public SimMessage Pop(out int actor, out int sender, out long cause, out int root)
    {
        ref RingEntry entry = ref _entries[_head];
        SimMessage message = entry.Message;
        actor = entry.Actor;
        sender = entry.Sender;
        cause = entry.Cause;
        root = entry.Root;
        entry.Message = null!;
        _head = (_head + 1) & (_entries.Length - 1);
        _count--;
        return message;
    }

    /// <summary>Moves the entry at a distance to the head; those before it keep their order.</summary>
    public void BringToHead(int offset)
    {
        RingEntry chosen = this[offset];
        for (int i = offset; i > 0; i--)
        {
            this[i] = this[i - 1];
        }

        this[0] = chosen;
    }

    /// <summary>Throws all messages away: after a fault.</summary>
    public void Clear()
    {
        Array.Clear(_entries);
        _head = 0;
        _count = 0;
    }

    private void Grow()
    {
        var larger = new RingEntry[_entries.Length * 2];
        for (int i = 0; i < _count; i++)
        {
            larger[i] = this[i];
        }

        _entries = larger;
        _head = 0;
    }
}
