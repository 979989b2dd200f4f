// A page on its way in from swap: added to the cache locked, unlocked when its read ends.
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Reclaim;
using ClusterSwap.Kernel.Slab;
using MemoryPack;

namespace ClusterSwap.Kernel.Swap;

/// <summary>
/// One page being brought into the swap cache for a read; it can stop inside the allocation of its tree node.
/// </summary>
[MemoryPackable]
public partial struct SwapInCall
{
    /// <summary>The slot to read.</summary>
    public int Slot;

    /// <summary>The page to read into: allocated by the caller, owner Anon, on no list.</summary>
    public int Page;

    /// <summary>
    /// Result of a failed call: the slot is no longer needed, or another task reads it already. The caller frees its
    /// page and looks again, as <c>read_swap_cache_async</c> does. False after a failure: there was no memory for the
    /// node.
    /// </summary>
    public bool IsTaken;

    /// <summary>
    /// The allocation of the tree node; keep its Task field current, and handle its Pages between two calls.
    /// </summary>
    public SlabCall Node;

    /// <summary>A new call, made from process context.</summary>
    public static SwapInCall For(int slot, int page, TaskFlags task, int cpu) => new()
    {
        Slot = slot,
        Page = page,
        Node = SlabCall.For(Gfp.Kernel, task, AllocContext.Task, cpu),
    };
}

/// <summary>
/// Read-in of swapped pages (<c>read_swap_cache_async</c>, <c>swap_readpage</c>, <c>end_swap_bio_read</c>, 3.6).
/// Holds no state.
/// </summary>
public sealed class SwapIn(PageFrame[] frames, ILruLists lru, VmStat stat, SwapMap map, SwapCache cache)
{
    // submit_bio counts the sectors of a bio; /proc shows KiB.
    private const int PageKiB = 4;

    /// <summary>
    /// Adds the page to the swap cache, locked, at the head of the inactive list, and counts pswpin: the caller
    /// submits the read. NeedsReclaim, NeedsWait and OutOfMemory belong to the node's allocation (GFP_KERNEL): act,
    /// then call again.
    /// </summary>
    public AllocOutcome AddForRead(ref SwapInCall call)
    {
        call.IsTaken = !map.IsUsedByPte(call.Slot) || map.IsCached(call.Slot);
        if (call.IsTaken)
        {
            return AllocOutcome.Failed;
        }

        cache.Cpu = call.Node.Cpu;
        var outcome = cache.Prepare(call.Slot, ref call.Node);
        if (outcome != AllocOutcome.Granted)
        {
            return outcome;
        }

        ref var frame = ref frames[call.Page];
        if (frame.Owner != PageOwner.Anon || frame.Has(PageFlags.Lru))
        {
            throw new InvalidOperationException(
                $"page {call.Page} of {frame.Owner} with {frame.Flags} cannot take slot {call.Slot}");
        }

        frame.Mapping = PageFrame.None;
        frame.Stamp = 0;
        frame.Flags = (frame.Flags & (PageFlags.PfMemAlloc | PageFlags.FromReserve)) | PageFlags.Locked;
        map.AddCache(call.Slot);
        cache.Insert(call.Page, call.Slot);
        var active = cache.TryTakeShadow(call.Slot, out var evictedAt) && lru.Refault(call.Page, evictedAt);
        lru.Add(call.Page, active ? LruList.ActiveAnon : LruList.InactiveAnon);
        stat.Count(VmCounter.pswpin);
        stat.Count(VmCounter.pgpgin, PageKiB);
        return AllocOutcome.Granted;
    }

    /// <summary>
    /// The read ended well: the page contains <paramref name="stamp"/> and is unlocked. Wake who waits for it.
    /// </summary>
    public void ReadCompleted(int page, uint stamp)
    {
        ref var frame = ref Reading(page);
        frame.Stamp = stamp;
        frame.Set(PageFlags.Uptodate);
        frame.Clear(PageFlags.Locked);
    }

    /// <summary>The read failed: the page is unlocked and not up to date; who touches it gets SIGBUS.</summary>
    public void ReadFailed(int page) => Reading(page).Clear(PageFlags.Locked);

    private ref PageFrame Reading(int page)
    {
        ref var frame = ref frames[page];
        if (!frame.Has(PageFlags.Locked | PageFlags.SwapCache) || frame.Has(PageFlags.Uptodate))
        {
            throw new InvalidOperationException($"a read ended in page {page} with {frame.Flags}: none is under way");
        }

        return ref frame;
    }
}
