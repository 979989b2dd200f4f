// The order in which mq-deadline dispatches what was inserted.
using ClusterSwap.Kernel.Net;
using MemoryPack;

namespace ClusterSwap.Kernel.Block;

/// <summary>What the scheduler dispatched last.</summary>
[MemoryPackable]
public partial struct DeadlineState
{
    /// <summary>Requests of the present batch.</summary>
    public int Batched;

    /// <summary>The batch is of writes.</summary>
    public bool Writes;

    /// <summary>Batches of reads since writes had their turn.</summary>
    public int Starved;
}

/// <summary>
/// <c>block/mq-deadline.c</c>: batches of up to 16 requests of one direction; reads first, but writes after two batches
/// of reads. Within a direction in order of insertion: deadlines of half a second and five seconds, the order by
/// sector, and merges of whole requests are left out.
/// </summary>
public static class MqDeadline
{
    /// <summary>fifo_batch.</summary>
    public const int FifoBatch = 16;

    /// <summary>writes_starved.</summary>
    public const int WritesStarved = 2;

    /// <summary>Takes the tag of the next request out of <paramref name="waiting"/>, which must not be empty.</summary>
    public static int Take(RequestQueue queue, Fifo<int> waiting, ref DeadlineState state)
    {
        var read = Find(queue, waiting, write: false);
        var write = Find(queue, waiting, write: true);
        var same = state.Writes ? write : read;
        if (same < 0 || state.Batched == 0 || state.Batched >= FifoBatch)
        {
            var writes = read < 0 || write >= 0 && state.Starved >= WritesStarved;
            state.Starved = writes ? 0 : state.Starved + (write >= 0 ? 1 : 0);
            state.Writes = writes;
            state.Batched = 0;
            same = writes ? write : read;
        }

        state.Batched++;
        var tag = waiting[same];
        waiting.RemoveAt(same);
        return tag;
    }

    /// <summary>
    /// Merges a bio that fits no plugged request into one that waits, whoever inserted that, the youngest first
    /// (<c>dd_bio_merge</c>).
    /// </summary>
    public static bool TryMerge(RequestQueue queue, Fifo<int> waiting, in Bio bio)
    {
        for (var i = waiting.Count - 1; i >= 0; i--)
        {
            var request = queue[waiting[i]];
            if (request.TryBackMerge(in bio))
            {
                queue.BackMerges++;
                queue.Disk.Merge(bio.Write);
                return true;
            }

            if (request.TryFrontMerge(in bio))
            {
                queue.FrontMerges++;
                queue.Disk.Merge(bio.Write);
                return true;
            }
        }

        return false;
    }

    private static int Find(RequestQueue queue, Fifo<int> waiting, bool write)
    {
        for (var i = 0; i < waiting.Count; i++)
        {
            if (queue[waiting[i]].Write == write)
            {
                return i;
            }
        }

        return -1;
    }
}
