// What reclaim and the swap path ask of each other.
using ClusterSwap.Kernel.Memory;

namespace ClusterSwap.Kernel.Reclaim;

/// <summary>The LRU lists of a zone, in the order of <c>enum lru_list</c> (without the unevictable one).</summary>
public enum LruList : byte
{
    InactiveAnon,
    ActiveAnon,
    InactiveFile,
    ActiveFile,
}

/// <summary>The LRU lists of a blade: per zone, linked through the page frames.</summary>
public interface ILruLists
{
    /// <summary>
    /// Puts a page at the head of the list that it belongs to; sets Lru and, for active lists, Active.
    /// </summary>
    void Add(int page, LruList list);

    /// <summary>Takes a page off its list (it must have the Lru flag).</summary>
    void Delete(int page);

    /// <summary>
    /// <c>activate_page</c>: from inactive to the head of active; nothing when it is not on an inactive list.
    /// </summary>
    void Activate(int page);

    /// <summary>
    /// <c>rotate_reclaimable_page</c>: to the tail of the inactive list when it is on it and not locked, dirty or
    /// active.
    /// </summary>
    void RotateReclaimable(int page);

    /// <summary>
    /// <c>workingset_refault</c>, 5.9: a page comes back that was evicted as the <paramref name="evictedAt"/>-th.
    /// True: it would have stayed in memory if it had been active, and is to start active.
    /// </summary>
    bool Refault(int page, uint evictedAt) => false;

    /// <summary>Pages on a list of a zone.</summary>
    long Size(int zone, LruList list);
}

/// <summary>What <c>shrink_page_list</c> needs from page tables and swap.</summary>
public interface ISwapSide
{
    /// <summary>
    /// Swap slots that are free (get_nr_swap_pages): 0 means that anonymous pages cannot be reclaimed.
    /// </summary>
    long FreeSlots { get; }

    /// <summary>
    /// <c>page_referenced</c>: how many page table entries had the young bit (0 or 1), which is cleared.
    /// </summary>
    int TestAndClearReferenced(int page);

    /// <summary>
    /// <c>add_to_swap</c>: takes a slot and a swap-cache tree node (GFP HIGH|NOMEMALLOC|NOWARN, so never from the
    /// reserve), marks the page SwapCache and Dirty, stores the slot in Private. False when either cannot be had.
    /// </summary>
    bool AddToSwap(int page, TaskFlags task, AllocContext context, int cpu);

    /// <summary>
    /// <c>try_to_unmap</c>: replaces the page table entry by the slot; a dirty entry makes the page Dirty.
    /// </summary>
    void Unmap(int page);

    /// <summary>
    /// Nobody but the swap cache needs the slot: it can be dropped instead of written (<c>try_to_free_swap</c>).
    /// </summary>
    bool SlotIsUnneeded(int page);

    /// <summary>
    /// <c>__remove_mapping</c> of a clean page: out of the swap cache; the slot survives if a page table entry holds
    /// it.
    /// </summary>
    void RemoveFromSwapCache(int page);

    /// <summary>
    /// <c>workingset_eviction</c>, 5.9: the page is about to leave the swap cache as the node's
    /// <paramref name="age"/>-th that was evicted. What has no place for that forgets it.
    /// </summary>
    void RememberEviction(int page, uint age)
    {
    }

    /// <summary><c>vm_swap_full</c>: less than half of the slots are free.</summary>
    bool SwapIsFull { get; }
}

/// <summary>The zones of a blade as reclaim sees them: sizes, watermarks, and where freed pages go.</summary>
public interface IZoneView
{
    /// <summary>
    /// Number of zones, node by node and from DMA upwards, those without pages included. Every one counts as "up to
    /// NORMAL".
    /// </summary>
    int ZoneCount { get; }

    /// <summary>NUMA nodes; zone i belongs to node i / (zones / nodes).</summary>
    int NodeCount => 1;

    /// <summary>
    /// Zones with pages in the order in which a request of a node tries them; with one node from the highest down.
    /// </summary>
    int[] Zonelist(int node) => [.. Enumerable.Range(0, ZoneCount).Reverse()];

    /// <summary>All page frames of the blade, by page frame number.</summary>
    PageFrame[] Frames { get; }

    /// <summary>Pages present in a zone.</summary>
    long Present(int zone);

    /// <summary>NR_FREE_PAGES of a zone.</summary>
    long Free(int zone);

    /// <summary>min watermark, pages.</summary>
    long Min(int zone);

    /// <summary>low watermark, pages.</summary>
    long Low(int zone);

    /// <summary>high watermark, pages.</summary>
    long High(int zone);

    /// <summary>
    /// <c>zone_watermark_ok</c> without allocation flags: strictly more free than the mark and the reserve of the
    /// class, which is the type of a zone: its place among those of its node.
    /// </summary>
    bool WatermarkOk(int zone, int order, long mark, int classzone);

    /// <summary>The zone of a page.</summary>
    int ZoneOf(int page);

    /// <summary>ZONE_RECLAIM_ACTIVE of the zones of a node (5.14): its kswapd is at work.</summary>
    void SetReclaimActive(int node, bool active)
    {
    }

    /// <summary>
    /// Gives an order-0 page to the free list of <paramref name="cpu"/>. Whoever implements this calls
    /// <see cref="ZoneReclaimState.PagesFreed"/> when pages reach the buddy lists, not here.
    /// </summary>
    void FreePage(int page, int cpu);
}
