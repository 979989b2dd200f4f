// The pending events of one host: a 4-ary heap of 24-byte entries over a table of messages.
using System.Runtime.CompilerServices;

namespace ClusterSwap.Engine;

/// <summary>An event with all that orders it: (time, draw, source, sequence).</summary>
internal readonly record struct PendingEvent(
    long AtNs, ulong Draw, ulong Source, ulong Sequence, int Actor, SimMessage Message, long Cause);

/// <summary>
/// Events in their total order. Messages stay in a table while 24-byte entries move; source and sequence are looked
/// at only when time and draw are equal, which means one source at one time.
/// </summary>
internal sealed class EventHeap
{
    private struct Entry
    {
        public long AtNs;
        public ulong Draw;
        public int Slot;
        public int Actor;
    }

    private struct Slot
    {
        public SimMessage? Message;
        public ulong Source;
        public ulong Sequence;
        public long Cause;
    }

    private Entry[] _entries = new Entry[16];
    private Slot[] _slots = new Slot[16];
    private int[] _free = new int[16];
    private int _freeCount;
    private int _slotsUsed;
    private int _count;

    /// <summary>Number of pending events.</summary>
    public int Count => _count;

    /// <summary>Time of the first event; <see cref="long.MaxValue"/> when there is none.</summary>
    public long NextNs
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => _count == 0 ? long.MaxValue : _entries[0].AtNs;
    }

    /// <summary>Adds an event; the cause is a number of a delivery on the source's host, 0 for none.</summary>
    public void Push(
        long atNs, ulong draw, ulong source, ulong sequence, int actor, SimMessage message, long cause)
    {
        int slot = TakeSlot();
        _slots[slot] = new Slot { Message = message, Source = source, Sequence = sequence, Cause = cause };
        if (_count == _entries.Length)
        {
            Array.Resize(ref _entries, _count * 2);
        }

        var entry = new Entry { AtNs = atNs, Draw = draw, Slot = slot, Actor = actor };
        Entry[] entries = _entries;
        int at = _count++;
        while (at > 0)
        {
            int parent = (at - 1) >> 2;
            if (!Before(in entry, in entries[parent]))
            {
                break;
            }

            entries[at] = entries[parent];
            at = parent;
        }

        entries[at] = entry;
    }

    /// <summary>Removes the first event. The heap must not be empty.</summary>
    public SimMessage Pop(out int actor, out ulong source, out long cause)
    {
        Entry first = _entries[0];
        ref Slot slot = ref _slots[first.Slot];
        SimMessage message = slot.Message!;
        actor = first.Actor;
        source = slot.Source;
        cause = slot.Cause;
        RemoveFirst();
        slot.Message = null;
        _free[_freeCount++] = first.Slot;
        return message;
    }

    /// <summary>Removes the first event, with all that orders it. The heap must not be empty.</summary>
    public PendingEvent PopPending()
    {
        Entry first = _entries[0];
        ulong sequence = _slots[first.Slot].Sequence;
        SimMessage message = Pop(out int actor, out ulong source, out long cause);
        return new PendingEvent(first.AtNs, first.Draw, source, sequence, actor, message, cause);
    }

    /// <summary>Puts back what <see cref="PopPending"/> gave.</summary>
    public void Push(in PendingEvent pending) => Push(
        pending.AtNs, pending.Draw, pending.Source, pending.Sequence, pending.Actor, pending.Message, pending.Cause);

    /// <summary>Removes all events.</summary>
    public void Clear()
    {
        Array.Clear(_slots, 0, _slotsUsed);
        _count = 0;
        _freeCount = 0;
        _slotsUsed = 0;
    }

    /// <summary>All events in their order: a copy, for checkpoints and analysis.</summary>
    public PendingEvent[] InOrder()
    {
        var events = new PendingEvent[_count];
        for (int i = 0; i < _count; i++)
        {
            Entry entry = _entries[i];
            Slot slot = _slots[entry.Slot];
            events[i] = new PendingEvent(
                entry.AtNs, entry.Draw, slot.Source, slot.Sequence, entry.Actor, slot.Message!, slot.Cause);
        }

        Array.Sort(events, static (a, b) => Compare(in a, in b));
        return events;
    }

    private static int Compare(in PendingEvent a, in PendingEvent b)
    {
        int order = a.AtNs.CompareTo(b.AtNs);
        order = order != 0 ? order : a.Draw.CompareTo(b.Draw);
        order = order != 0 ? order : a.Source.CompareTo(b.Source);
        return order != 0 ? order : a.Sequence.CompareTo(b.Sequence);
    }

    private void RemoveFirst()
    {
        Entry[] entries = _entries;
        int count = --_count;
        if (count == 0)
        {
            return;
        }

        Entry last = entries[count];
        int at = 0;
        while (true)
        {
            int child = (at << 2) + 1;
            if (child >= count)
            {
                break;
            }

            int end = Math.Min(child + 4, count);
            int best = child;
            for (int i = child + 1; i < end; i++)
            {
                if (Before(in entries[i], in entries[best]))
                {
                    best = i;
                }
            }

            if (!Before(in entries[best], in last))
            {
                break;
            }

            entries[at] = entries[best];
            at = best;
        }

        entries[at] = last;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool Before(in Entry a, in Entry b)
    {
        if (a.AtNs != b.AtNs)
        {
            return a.AtNs < b.AtNs;
        }

        return a.Draw != b.Draw ? a.Draw < b.Draw : BeforeBySlot(a.Slot, b.Slot);
    }

    private bool BeforeBySlot(int a, int b)
    {
        ref readonly Slot x = ref _slots[a];
        ref readonly Slot y = ref _slots[b];
        return x.Source != y.Source ? x.Source < y.Source : x.Sequence < y.Sequence;
    }

    private int TakeSlot()
    {
        if (_freeCount > 0)
        {
            return _free[--_freeCount];
        }

        if (_slotsUsed == _slots.Length)
        {
            Array.Resize(ref _slots, _slotsUsed * 2);
            Array.Resize(ref _free, _slotsUsed * 2);
        }

        return _slotsUsed++;
    }
}
