// Slots by CPU: each takes from a cluster of its own, and 64 at a time.
using MemoryPack;

namespace ClusterSwap.Kernel.Swap;

public sealed partial class SwapMap
{
    /// <summary>Slots that a CPU takes or gives back at a time (SWAP_BATCH).</summary>
    public const int SlotBatch = 64;

    // Nobody's, but at a CPU's hand: taken in advance, or not given back yet. The kernel says SWAP_HAS_CACHE for both.
    private const byte AtHand = 8;

    // Free slots in units of a batch and a CPU, above which slots are kept at hand and below which no more.
    private const int ActivateBatches = 5;
    private const int DeactivateBatches = 2;

    [MemoryPackInclude]
    private SwapClusters? _clusters;

    /// <summary>
    /// <c>folio_alloc_swap</c>, 4.11: a slot that the CPU has at hand, or one of the next 64 that it takes; one alone
    /// while few are free.
    /// </summary>
    private int TakeForCpu(SwapClusters clusters, int number, ICacheOnlySlots cacheOnly)
    {
        var cpu = clusters.Cpus[number];
        var keeps = KeepsSlots(clusters);
        if (cpu.At == cpu.Kept.Length)
        {
            var batch = new List<int>();
            TakeSlots(clusters, cpu, Math.Min(keeps ? SlotBatch : 1, FreeSlots), batch, cacheOnly);
            if (batch.Count == 0)
            {
                return NoSlot;
            }

            cpu.Kept = [.. batch];
            cpu.At = 0;
        }

        var slot = cpu.Kept[cpu.At++];
        _slots[slot] = HasCache;
        return slot;
    }

    // check_cache_active: with few slots left nothing is kept at hand.
    private bool KeepsSlots(SwapClusters clusters)
    {
        if (!clusters.KeepsSlots)
        {
            return false;
        }

        var unit = SlotBatch * clusters.Cpus.Length;
        if (!clusters.Active)
        {
            clusters.Active = FreeSlots > ActivateBatches * unit;
        }
        else if (FreeSlots < DeactivateBatches * unit)
        {
            clusters.Active = false;
            foreach (var cpu in clusters.Cpus)
            {
                GiveBack(clusters, cpu.Kept.AsSpan(cpu.At));
                GiveBack(clusters, cpu.Returned.ToArray());
                cpu.Kept = [];
                cpu.At = 0;
                cpu.Returned.Clear();
            }
        }

        return clusters.Active;
    }

    /// <summary>
    /// <c>scan_swap_map_slots</c>, 6.1, on a device without seeks: free slots of the CPU's cluster in ascending order,
    /// then of the next free cluster. Without one the area is searched from where the CPU's last search ended.
    /// </summary>
    private void TakeSlots(SwapClusters clusters, SwapCpu cpu, int wanted, List<int> slots, ICacheOnlySlots cacheOnly)
    {
        while (slots.Count < wanted)
        {
            var slot = InCluster(clusters, cpu);
            if (slot == NoSlot)
            {
                if (slots.Count > 0 && !IsFreeNear(cpu.Position, out slot))
                {
                    break;
                }

                slot = slots.Count > 0 ? slot : FirstTakeable(cpu.Position, cacheOnly);
            }

            _slots[slot] = AtHand;
            _blocks[slot / BlockSlots]++;
            FreeSlots--;
            clusters.Use(slot);
            slots.Add(slot);
            cpu.Position = slot + 1 < _slots.Length ? slot + 1 : 1;
        }
    }

    // scan_swap_map_try_ssd_cluster.
    private int InCluster(SwapClusters clusters, SwapCpu cpu)
    {
        while (true)
        {
            if (cpu.Cluster < 0)
            {
                if (clusters.Head < 0)
                {
                    return NoSlot;
                }

                cpu.Cluster = clusters.Head;
                cpu.Next = cpu.Cluster * SwapClusters.Slots;
            }

            var end = Math.Min(_slots.Length, (cpu.Cluster + 1) * SwapClusters.Slots);
            var free = cpu.Next < end ? _slots.AsSpan(cpu.Next, end - cpu.Next).IndexOf((byte)0) : -1;

            // A cluster that has become wholly free meanwhile waits for its turn on the list.
            if (free >= 0 && (!clusters.IsFree(cpu.Cluster) || cpu.Cluster == clusters.Head))
            {
                cpu.Next += free + 1;
                return cpu.Next - 1;
            }

            cpu.Cluster = -1;
        }
    }

    // A batch that is not full yet looks a little further, and no more.
    private bool IsFreeNear(int position, out int slot)
    {
        var free = _slots.AsSpan(position, Math.Min(SwapClusters.Slots, _slots.Length - position)).IndexOf((byte)0);
        slot = free < 0 ? NoSlot : position + free;
        return free >= 0;
    }

    /// <summary>
    /// <c>free_swap_slot</c>, 4.11: a slot that nobody needs stays at the CPU's hand until 64 have gathered, then all
    /// go back.
    /// </summary>
    private void PutForCpu(SwapClusters clusters, int slot)
    {
        if (!clusters.KeepsSlots || !clusters.Active)
        {
            GiveBack(clusters, [slot]);
            return;
        }

        var cpu = clusters.Cpus[Cpu];
        if (cpu.Returned.Count == SlotBatch)
        {
            GiveBack(clusters, cpu.Returned.ToArray());
            cpu.Returned.Clear();
        }

        _slots[slot] = AtHand;
        cpu.Returned.Add(slot);
    }

    private void GiveBack(SwapClusters clusters, ReadOnlySpan<int> slots)
    {
        foreach (var slot in slots)
        {
            _slots[slot] = 0;
            FreeSlots++;
            NoteFreed(slot);
            clusters.Unuse(slot);
        }
    }

    private void RequireClusters(SwapClusters clusters)
    {
        var atHand = clusters.Cpus.Sum(cpu => cpu.Kept.Length - cpu.At + cpu.Returned.Count);
        Require(atHand, atHand == _slots.Count(state => state == AtHand), "is the number of slots at a CPU's hand");
        for (var cluster = 0; cluster < clusters.Count; cluster++)
        {
            var end = Math.Min(_slots.Length, (cluster + 1) * SwapClusters.Slots);
            var from = cluster * SwapClusters.Slots;
            var used = SwapClusters.Slots - _slots.AsSpan(from, end - from).Count((byte)0);
            Require(from, used == clusters.UsedOf(cluster), "begins a cluster whose count is wrong");
        }
    }
}
