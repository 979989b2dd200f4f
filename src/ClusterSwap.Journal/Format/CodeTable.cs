// Small numbers for what occurs again and again in a block.
using System.Runtime.CompilerServices;

namespace ClusterSwap.Journal;

/// <summary>
/// Codes for (host, actor, kind), given in order of first appearance, so that the frequent ones are short. Open
/// addressing; emptied with each block by counting up a stamp.
/// </summary>
internal sealed class CodeTable
{
    private struct Entry
    {
        public ulong Key;
        public int Stamp;
        public int Code;
    }

    private Entry[] _entries = new Entry[1024];
    private int _stamp = 1;
    private int _count;

    public void Clear()
    {
        _stamp++;
        _count = 0;
    }

    /// <summary>The code of a key; a new one when <paramref name="isNew"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int CodeOf(ulong key, out bool isNew)
    {
        Entry[] entries = _entries;
        uint mask = (uint)entries.Length - 1;
        uint at = (uint)((key * 0x9E37_79B9_7F4A_7C15) >> 40) & mask;
        while (true)
        {
            ref Entry entry = ref entries[at];
            if (entry.Stamp != _stamp)
            {
                isNew = true;
                return Add(ref entry, key);
            }

            if (entry.Key == key)
            {
                isNew = false;
                return entry.Code;
            }

            at = (at + 1) & mask;
        }
    }

    private int Add(ref Entry entry, ulong key)
    {
        entry = new Entry { Key = key, Stamp = _stamp, Code = _count };
        int code = _count++;
        if (_count * 2 > _entries.Length)
        {
            Grow();
        }

        return code;
    }

    private void Grow()
    {
        Entry[] old = _entries;
        _entries = new Entry[old.Length * 2];
        uint mask = (uint)_entries.Length - 1;
        foreach (ref readonly Entry entry in old.AsSpan())
        {
            if (entry.Stamp != _stamp)
            {
                continue;
            }

            uint at = (uint)((entry.Key * 0x9E37_79B9_7F4A_7C15) >> 40) & mask;
            while (_entries[at].Stamp == _stamp)
            {
                at = (at + 1) & mask;
            }

            _entries[at] = entry;
        }
    }
}
