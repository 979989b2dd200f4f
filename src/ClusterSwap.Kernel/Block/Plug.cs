// A task's plug: requests that it holds back so that adjacent bios can still join them.
using MemoryPack;

namespace ClusterSwap.Kernel.Block;

/// <summary>
/// <c>struct blk_plug</c> of one task and one device (<c>block/blk-core.c</c>: attempt_plug_merge, blk_queue_bio, 3.6).
/// It names requests by tag; they belong to the queue. It must be flushed before its task sleeps: a plugged request
/// that nobody sends would never complete.
/// </summary>
[MemoryPackable]
public sealed partial class Plug
{
    /// <summary>BLK_MAX_REQUEST_COUNT: with so many requests the plug is flushed before another is put in.</summary>
    public const int MaxRequests = 16;

    /// <summary>Tags of the plugged requests, oldest first; <see cref="Count"/> of them.</summary>
    public int[] Tags = new int[MaxRequests];

    /// <summary>Plugged requests, 0 to 16.</summary>
    public int Count;

    /// <summary>The plug has to be flushed before <see cref="Insert"/>.</summary>
    [MemoryPackIgnore]
    public bool IsFull => Count == MaxRequests;

    /// <summary>
    /// Merges the bio into a plugged request, the youngest first, behind or before it. False: it needs a new request,
    /// which the task gets with <see cref="RequestQueue.TryGetRequest"/> and plugs with <see cref="Insert"/>.
    /// </summary>
    public bool Add(RequestQueue queue, in Bio bio)
    {
        for (var i = Count - 1; i >= 0; i--)
        {
            var request = queue[Tags[i]];
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

    /// <summary>Plugs a request that was just got, with its first bio. The plug must not be full.</summary>
    public void Insert(RequestQueue queue, BlockRequest request, in Bio bio)
    {
        if (IsFull)
        {
            throw new InvalidOperationException(
                $"request {request.Tag} was put into a plug that holds {Count}: flush first");
        }

        request.Begin(in bio);
        queue.Disk.Begin(bio.Write, request.QueuedNs);
        if (Count == 0)
        {
            queue.Plugs++;
        }

        Tags[Count++] = request.Tag;
    }

    /// <summary>
    /// Hands the requests over in the order in which they were got: 3.6 sorts a plug by device alone. Writes their tags
    /// to <paramref name="tags"/> (room for 16) and returns how many; the plug is empty then.
    /// </summary>
    public int Flush(RequestQueue queue, Span<int> tags)
    {
        var count = Count;
        if (count > 0)
        {
            Tags.AsSpan(0, count).CopyTo(tags);
            queue.Unplugs++;
            Count = 0;
        }

        return count;
    }

    /// <summary>Checks that every plugged request is in flight, has pages, and is plugged once.</summary>
    public void AssertInvariants(RequestQueue queue)
    {
        for (var i = 0; i < Count; i++)
        {
            var request = queue[Tags[i]];
            if (!request.InFlight || request.Count == 0 || Tags.AsSpan(i + 1, Count - i - 1).Contains(Tags[i]))
            {
                throw new InvalidOperationException(
                    $"plug of {Count}: request {Tags[i]} at {i}: {request.Count} pages, in flight {request.InFlight}");
            }
        }
    }
}
