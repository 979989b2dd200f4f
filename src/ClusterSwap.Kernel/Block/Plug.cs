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

    /// <summary>The same of 5.16 and later.</summary>
    public const int MaxRequestsLater = 32;

    /// <summary>BLK_PLUG_FLUSH_SIZE, 128 KiB, in pages: a last request of this size has the plug flushed.</summary>
    public const int FlushPages = 32;

    /// <summary>Tags of the plugged requests, oldest first; <see cref="Count"/> of them. Its length is what
    /// fits.</summary>
    public int[] Tags = new int[MaxRequests];

    /// <summary>5.16 and later: only the request plugged last is tried for a merge.</summary>
    public bool MergesLastOnly;

    /// <summary>Plugged requests.</summary>
    public int Count;

    /// <summary>The plug has to be flushed before <see cref="Insert"/>.</summary>
    [MemoryPackIgnore]
    public bool IsFull => Count == Tags.Length;

    /// <summary>As <see cref="IsFull"/>, with the limit on the size of the last request where there is one.</summary>
    public bool MustFlush(RequestQueue queue) =>
        IsFull || MergesLastOnly && Count > 0 && queue[Tags[Count - 1]].Count >= FlushPages;

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

            if (MergesLastOnly)
            {
                break;
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
    /// to <paramref name="tags"/> (room for all) and returns how many; the plug is empty then.
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

    /// <summary>
    /// Takes the request plugged last: direct issue goes from the last to the first (<c>rq_list_pop</c>, 5.16 and
    /// later; from memory of the source).
    /// </summary>
    public int TakeLast(RequestQueue queue)
    {
        if (Count == 1)
        {
            queue.Unplugs++;
        }

        return Tags[--Count];
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
