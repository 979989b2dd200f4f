// Where the next slot is looked for: clusters of 256 on a device without seeks.
namespace ClusterSwap.Kernel.Swap;

/// <summary>Who can give up a slot that nobody but the swap cache needs (<c>__try_to_reclaim_swap</c>, 3.6).</summary>
public interface ICacheOnlySlots
{
    /// <summary>Drops the slot's page from the swap cache if it is not busy; true when the slot is free now.</summary>
    bool TryReclaim(int slot);
}

/// <summary>Wants to know that a slot is free (<c>swap_range_free</c>, 6.1).</summary>
public interface ISlotFreed
{
    /// <summary>Nobody needs the slot any more.</summary>
    void SlotFreed(int slot);
}

public sealed partial class SwapMap
{
    private const int BlockSlots = 64;

    private static ReadOnlySpan<byte> EmptyBlocks => [0, 0, 0];

    /// <summary>How many slots of each block are used; slots behind the end count as used.</summary>
    private static byte[] CountBlocks(byte[] slots)
    {
        var blocks = new byte[(slots.Length + BlockSlots - 1) / BlockSlots];
        for (var slot = 0; slot < blocks.Length * BlockSlots; slot++)
        {
            if (slot >= slots.Length || slots[slot] != 0)
            {
                blocks[slot / BlockSlots]++;
            }
        }

        return blocks;
    }

    /// <summary>
    /// The first run of 256 free slots from the current position on, else from the start up to the position; no such
    /// run leaves the position. Fewer than 256 free slots: not even looked for.
    /// </summary>
    private void StartCluster()
    {
        ClusterLeft = ClusterSlots - 1;
        if (FreeSlots < ClusterSlots || !_mayHaveRun)
        {
            return;
        }

        var run = FirstRun(ClusterNext, _slots.Length);
        if (run == NoSlot)
        {
            run = FirstRun(1, Math.Min(ClusterNext, _slots.Length));
        }

        if (run != NoSlot)
        {
            ClusterNext = run;
            return;
        }

        // A run across the position itself counts for neither search, and may count for a later one.
        var position = Math.Min(ClusterNext, _slots.Length - 1);
        _mayHaveRun = _slots[position] == 0 && _slots[position - 1] == 0;
    }

    /// <summary>
    /// A slot has become free: does that make a run of 256? Looked at closely only beside a wholly free block.
    /// </summary>
    private void NoteFreed(int slot)
    {
        var block = slot / BlockSlots;
        _blocks[block]--;
        var isNearEmptyBlock = _blocks[block] == 0 || _blocks[Math.Max(block - 1, 0)] == 0
            || _blocks[Math.Min(block + 1, _blocks.Length - 1)] == 0;
        if (!_mayHaveRun && isNearEmptyBlock)
        {
            _mayHaveRun = RunAround(slot) >= ClusterSlots;
        }
    }

    /// <summary>Free slots in a row around a free slot; counts at most 255 to each side.</summary>
    private int RunAround(int slot)
    {
        var start = Math.Max(slot - ClusterSlots + 1, 0);
        var left = _slots.AsSpan(start, slot - start);
        var right = _slots.AsSpan(slot, Math.Min(ClusterSlots, _slots.Length - slot));
        var usedRight = right.IndexOfAnyExcept((byte)0);
        return left.Length - 1 - left.LastIndexOfAnyExcept((byte)0) + (usedRight < 0 ? right.Length : usedRight);
    }

    /// <summary>
    /// Start of the first 256 free slots that lie wholly in [from, end). Such a run covers three whole blocks, so a
    /// search for three empty ones says where the next can start; a window is then looked at from its end, to jump past
    /// its last used slot.
    /// </summary>
    private int FirstRun(int from, int end)
    {
        while (from + ClusterSlots <= end)
        {
            var block = (from + BlockSlots - 1) / BlockSlots;
            var empty = _blocks.AsSpan(block, end / BlockSlots - block).IndexOf(EmptyBlocks);
            if (empty < 0)
            {
                return NoSlot;
            }

            // A run whose first whole block is this one starts at most 63 slots before it.
            from = Math.Max(from, (block + empty - 1) * BlockSlots + 1);
            if (from + ClusterSlots > end)
            {
                return NoSlot;
            }

            var used = _slots.AsSpan(from, ClusterSlots).LastIndexOfAnyExcept((byte)0);
            if (used < 0)
            {
                return from;
            }

            from += used + 1;
        }

        return NoSlot;
    }

    /// <summary>
    /// The first slot from <paramref name="position"/> on that is free or can be freed, wrapping once.
    /// </summary>
    private int FirstTakeable(int position, ICacheOnlySlots cacheOnly)
    {
        if (position >= _slots.Length)
        {
            position = 1;
        }

        var slot = FirstTakeable(position, _slots.Length, cacheOnly);
        if (slot == NoSlot)
        {
            slot = FirstTakeable(1, position, cacheOnly);
        }

        return slot != NoSlot
            ? slot
            : throw new InvalidOperationException($"no swap slot is found although {FreeSlots + 1} are free");
    }

    private int FirstTakeable(int from, int end, ICacheOnlySlots cacheOnly)
    {
        while (from < end)
        {
            var slots = _slots.AsSpan(from, end - from);
            var index = IsFull
                ? slots.IndexOfAny((byte)0, HasCache, (byte)(HasCache | Unread))
                : slots.IndexOf((byte)0);
            if (index < 0)
            {
                return NoSlot;
            }

            from += index;
            if (_slots[from] == 0 || (cacheOnly.TryReclaim(from) && _slots[from] == 0))
            {
                return from;
            }

            from++;
        }

        return NoSlot;
    }
}
