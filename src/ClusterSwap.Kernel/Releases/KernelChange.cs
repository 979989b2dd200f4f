// What changed outside the sixteen patches, each with the release that brought it.
namespace ClusterSwap.Kernel;

/// <summary>
/// A change to Linux outside the sixteen patches. Like a patch it is one rule, and only the place that holds the rule
/// asks for it. <see cref="KernelChanges"/> says which release brought it and what it does.
/// </summary>
public enum KernelChange : byte
{
    /// <summary>Zone marks lie at least a thousandth of the zone apart.</summary>
    WatermarkScaleFactor,

    /// <summary>min_free_kbytes goes up to 256 MiB.</summary>
    MinFreeLimit,

    /// <summary>A block needs a free block of its order or above, and nothing else.</summary>
    HighOrderMark,

    /// <summary>Only requests with __GFP_HIGH go below min; real-time tasks are among them.</summary>
    MinReserve,

    /// <summary>A victim of the OOM killer gets half of the reserve.</summary>
    OomReserve,

    /// <summary>Page blocks set aside for atomic requests of high order.</summary>
    HighAtomic,

    /// <summary>Per-CPU lists as high as the low mark allows, short while kswapd works.</summary>
    PerCpuHigh,

    /// <summary>Sixteen fruitless rounds end in the OOM killer; each retry wakes kswapd.</summary>
    ReclaimRetries,

    /// <summary>Swap readahead follows virtual addresses.</summary>
    VmaReadahead,

    /// <summary>One set of LRU lists and one balance loop for the node.</summary>
    NodeReclaim,

    /// <summary>kswapd gives up after sixteen fruitless rounds.</summary>
    KswapdFailures,

    /// <summary>Reclaimers wait for what they lack instead of for a congested device.</summary>
    ReclaimThrottle,

    /// <summary>Ordinary reclaimers may isolate an eighth of the inactive list.</summary>
    IsolatedLimit,

    /// <summary>A page under writeback moves to the active list until its write ends.</summary>
    WritebackActivates,

    /// <summary>A page counts once as scanned, mapped or not.</summary>
    ScannedOnce,

    /// <summary>Lists are balanced by the cost of their reclaim, once per visit.</summary>
    ScanBalance,

    /// <summary>New anonymous pages start inactive; a first reference keeps, a second activates.</summary>
    AnonInactive,

    /// <summary>A page that comes back from swap soon enough starts active.</summary>
    AnonRefault,

    /// <summary>The swap device is a blk-mq device.</summary>
    BlkMq,

    /// <summary>A worker that retries an allocation sleeps a tick.</summary>
    WorkerRetrySleep,

    /// <summary>A plug merges with its last request only.</summary>
    PlugLastRequest,

    /// <summary>A worker reads the NBD replies.</summary>
    NbdReceiveWorker,

    /// <summary>TCP always builds buffers of fragments.</summary>
    TcpAlwaysSg,

    /// <summary>Send fragments are cut from blocks of eight pages first.</summary>
    TxFragmentOrder3,

    /// <summary>Receive fragments are cut from blocks of eight pages first.</summary>
    RxFragmentOrder3,

    /// <summary>Receive fragments from the reserve tag their buffer.</summary>
    RxFragmentTag,

    /// <summary>A receive page from the reserve is not cut anew.</summary>
    RxFragmentDiscard,

    /// <summary>A socket with an empty receive queue takes data whatever the quota says.</summary>
    RmemForced,

    /// <summary>Repair: the header of a received packet may use the reserve.</summary>
    RxHeadReserve,

    /// <summary>Repair: User-Mode Linux receives in softirq.</summary>
    RxInSoftirq,

    /// <summary>Ablation: reserve packets are not dropped.</summary>
    NoReserveDrop,

    /// <summary>A fatal signal ends reclaim only for a task that was throttled; one that has it already is not
    /// throttled.</summary>
    FatalSignalIfThrottled,

    /// <summary>kswapd may sleep although tasks wait in the throttle: it wakes them first.</summary>
    KswapdSleepsWithWaiters,

    /// <summary>Zones without reclaimable pages do not count in the throttle's test.</summary>
    ThrottleSkipsUnreclaimable,

    /// <summary>A zone without pages on LRU lists counts its free pages as reclaimable.</summary>
    ZoneWithoutLruCountsFree,

    /// <summary>A tagged buffer is admitted although the protocol's quota is full.</summary>
    RmemQuotaBypass,

    /// <summary>Who may use the reserve is not held to the nodes of a bind policy.</summary>
    ReserveNodemask,

    /// <summary>SLUB gives an empty slab back as soon as the node list has min_partial slabs.</summary>
    SlubMinPartial,

    /// <summary>SLUB's first try, at a high order, neither reclaims nor wakes kswapd.</summary>
    SlubFirstTry,

    /// <summary>SLUB's per-CPU partial list is bounded in slabs, and longer.</summary>
    SlubPartialSlabs,

    /// <summary>SLAB keeps objects of reserve slabs out of its arrays.</summary>
    SlabBypass,

    /// <summary>SLAB's management takes no room in a slab, and surplus free slabs go back from the tail.</summary>
    SlabLayout,

    /// <summary>Object sizes of 6.1.</summary>
    ObjectSizes,

    /// <summary>Tree nodes of 16 slots: a choice of the measured kernels' configuration.</summary>
    SmallTreeNodes,

    /// <summary>Marks and batches follow the pages that the allocator got, without those that booting kept.</summary>
    ManagedPages,

    /// <summary>Swap slots come from clusters that belong to a CPU.</summary>
    SwapClusters,

    /// <summary>A CPU takes and gives back swap slots 64 at a time.</summary>
    SwapSlotCache,
}
