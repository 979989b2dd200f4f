// The list of the changes: name, release, meaning.
namespace ClusterSwap.Kernel;

/// <summary>What there is to say about a change.</summary>
/// <param name="Change">The change.</param>
/// <param name="Name">Its name in scenarios.</param>
/// <param name="Since">The first <see cref="Era"/> that has it; null = no release, a repair that a scenario may ask
/// for.</param>
/// <param name="Version">The release that brought it, as text, with its commit where known.</param>
/// <param name="Meaning">What it does, in a sentence or two.</param>
public sealed record KernelChangeInfo(
    KernelChange Change, string Name, Era? Since, string Version, string Meaning)
{
    /// <summary>Changes without which it would have nothing to change: a set with it alone is refused.</summary>
    public IReadOnlyList<KernelChange> Needs { get; init; } = [];
}

/// <summary>All changes, in the order of <see cref="KernelChange"/>.</summary>
public static class KernelChanges
{
    /// <summary>The list.</summary>
    public static IReadOnlyList<KernelChangeInfo> All { get; } =
    [
        new(KernelChange.WatermarkScaleFactor, "watermark-scale-factor", Era.Linux61, "4.6",
            "The low and high marks lie at least watermark_scale_factor ten-thousandths of the zone above each other."),
        new(KernelChange.MinFreeLimit, "min-free-limit", Era.Linux61, "5.8",
            "The kernel's own min_free_kbytes is at most 262,144 instead of 65,536."),
        new(KernelChange.HighOrderMark, "high-order-mark", Era.Linux61, "4.4",
            "A request of high order needs one free block that is large enough; smaller blocks no longer raise the mark."),
        new(KernelChange.MinReserve, "min-reserve", Era.Linux61, "6.3, 6.1 stable",
            "A request that cannot wait gets its extra quarter only with __GFP_HIGH; real-time tasks count as __GFP_HIGH."),
        new(KernelChange.OomReserve, "oom-reserve", Era.Linux61, "4.14",
            "A victim of the OOM killer may use half of the reserve instead of all of it."),
        new(KernelChange.HighAtomic, "highatomic", Era.Linux61, "4.4",
            "An atomic request of high order that succeeds sets its page block aside for such requests."),
        new(KernelChange.PerCpuHigh, "pcp-high", Era.Linux61, "5.14",
            "Per-CPU lists hold up to the zone's low mark divided by the CPUs, and four batches while kswapd works."),
        new(KernelChange.ReclaimRetries, "reclaim-retries", Era.Linux61, "4.7",
            "Reclaim reports what it freed; 16 rounds without a page lead to the OOM killer, never without __GFP_FS; "
            + "every retry wakes kswapd."),
        new(KernelChange.VmaReadahead, "vma-readahead", Era.Linux61, "3.8, 4.14",
            "Swap readahead reads the neighbours in virtual memory, as many as recent hits justify."),
        new(KernelChange.NodeReclaim, "node-reclaim", Era.Linux61, "4.8",
            "LRU lists and kswapd's balance belong to the node: it is balanced when one zone meets its high mark."),
        new(KernelChange.KswapdFailures, "kswapd-failures", Era.Linux61, "4.12",
            "After 16 rounds without a page kswapd sleeps until a direct reclaimer has freed one, and nobody is throttled."),
        new(KernelChange.ReclaimThrottle, "reclaim-throttle", Era.Linux61, "5.16",
            "reclaim_throttle with its reasons replaces congestion_wait and wait_iff_congested."),
        new(KernelChange.IsolatedLimit, "isolated-limit", Era.Linux61, "3.8",
            "Reclaimers with IO and FS stop when an eighth of the inactive pages is isolated: others get past them."),
        new(KernelChange.WritebackActivates, "writeback-activates", Era.Linux61, "4.11",
            "A page found under writeback goes to the active list; when its write ends, to the tail of the inactive one."),
        new(KernelChange.ScannedOnce, "scanned-once", Era.Linux61, "4.16",
            "A page that is mapped or in the swap cache counts once in the number of scanned pages, not twice."),
        new(KernelChange.ScanBalance, "scan-balance", Era.Linux61, "3.11 to 5.9",
            "What is scanned of which list follows the cost of its reclaim, and is decided once for a visit to the node."),
        new(KernelChange.AnonInactive, "anon-inactive", Era.Linux61, "5.9, b518154e59aa",
            "A new anonymous page enters the inactive list, and is activated when it was found referenced twice."),
        new(KernelChange.AnonRefault, "anon-refault", Era.Linux61, "5.9, aae466b0052e",
            "A swap slot remembers when its page was evicted; a page that returns within the active list's size is active."),
        new(KernelChange.BlkMq, "blk-mq", Era.Linux61, "4.11 for nbd",
            "128 tags for reads and writes together, requests preallocated, no congestion marks; whoever finishes a plug sends, "
            + "what is inserted is sent by a block worker."),
        new(KernelChange.WorkerRetrySleep, "worker-retry-sleep", Era.Linux61, "4.6",
            "A worker of a work queue sleeps a tick between two rounds of an allocation; others yield."),
        new(KernelChange.PlugLastRequest, "plug-last-request", Era.Linux61, "5.16",
            "A bio is merged only with the request plugged last; a plug holds 32 requests and is flushed at 128 KiB."),
        new(KernelChange.NbdReceiveWorker, "nbd-receive-worker", Era.Linux61, "4.11",
            "Replies are read by a kernel worker of high priority, not by the nbd-client process."),
        new(KernelChange.TcpAlwaysSg, "tcp-always-sg", Era.Linux61, "4.17",
            "TCP data lies in page fragments, up to 64 KiB a buffer, whatever the NIC can do; for a NIC that cannot gather the "
            + "stack cuts and copies it below TCP."),
        new(KernelChange.TxFragmentOrder3, "tx-fragment-order3", Era.Linux61, "3.7",
            "Send fragments are cut from a block of eight pages if one can be had without reclaim, else from a page."),
        new(KernelChange.RxFragmentOrder3, "rx-fragment-order3", Era.Linux61, "3.7",
            "Receive fragments are cut from a block of eight pages if one can be had without the reserve, else from a page."),
        new(KernelChange.RxFragmentTag, "rx-fragment-tag", Era.Linux61, "4.1, 79930f5892e",
            "A receive fragment from a reserve page tags its packet, so that it is dropped for ordinary sockets."),
        new(KernelChange.RxFragmentDiscard, "rx-fragment-discard", Era.Linux61, "5.10",
            "A receive page that came from the reserve is given back when it is used up, and not cut anew.")
        {
            Needs = [KernelChange.RxFragmentTag],
        },
        new(KernelChange.RmemForced, "rmem-forced", Era.Linux61, "before 6.1",
            "Data for a socket whose receive queue is empty is charged whatever the quota says."),
        new(KernelChange.RxHeadReserve, "rx-head-reserve", Since: null, "a repair of the measured kernels",
            "The sk_buff header of a received packet may use the reserve as its data may."),
        new(KernelChange.RxInSoftirq, "rx-in-softirq", Since: null, "a repair of the measured kernels",
            "User-Mode Linux takes frames in softirq, not in hard interrupt."),
        new(KernelChange.NoReserveDrop, "no-reserve-drop", Since: null, "an ablation of the measured kernels",
            "Packets that came from the reserve are not dropped for ordinary sockets: patch 9 without its drop rule."),
        new(KernelChange.FatalSignalIfThrottled, "fatal-signal-if-throttled", Era.Linux61, "3.7, 50694c28f1e1",
            "Direct reclaim pretends progress because of a fatal signal only for a task that the throttle held; a task that comes with "
            + "such a signal is not throttled at all. Before, a killed task that never waited looped in the allocator."),
        new(KernelChange.KswapdSleepsWithWaiters, "kswapd-sleeps-with-waiters", Era.Linux61, "about 3.19, 9e5e36617940",
            "kswapd wakes the tasks in the throttle and then may sleep. Before, it did not sleep while one waited, and spun when that one "
            + "could not run."),
        new(KernelChange.ThrottleSkipsUnreclaimable, "throttle-skips-unreclaimable", Era.Linux61, "2015, f012a84aff9f",
            "Zones without reclaimable pages do not count in the throttle's test, neither their reserve nor their free pages. Before, "
            + "free pages of ZONE_DMA that nobody may take kept the throttle open."),
        new(KernelChange.ZoneWithoutLruCountsFree, "zone-without-lru-counts-free", Era.Linux61, "6.1.124",
            "A zone without pages on its LRU lists counts its free pages as reclaimable, so ZONE_DMA is in the throttle's test again.")
        {
            Needs = [KernelChange.ThrottleSkipsUnreclaimable],
        },
        new(KernelChange.RmemQuotaBypass, "rmem-quota-bypass", Era.Linux36, "3.6, c76562b6709f",
            "A tagged buffer is admitted to its TCP socket although tcp_mem is used up; the socket's own limit holds. It came with swap "
            + "over NFS."),
        new(KernelChange.ReserveNodemask, "reserve-nodemask", Era.Linux61, "about 4.19",
            "With patch 6 a request that may use the reserve is not held to the nodes of a bind policy; the order of nodes stays that of "
            + "the policy. Before, patch 6 went to the own node's zonelist, but under the mask of the policy."),
        new(KernelChange.SlubMinPartial, "slub-min-partial", Era.Linux61, "3.16, 8a5b20aebaa3",
            "SLUB gives an empty slab back when the node's list has min_partial slabs; before, when it had one more."),
        new(KernelChange.SlubFirstTry, "slub-first-try", Era.Linux61, "4.3",
            "SLUB's first try for a slab above the least order neither reclaims nor wakes kswapd nor takes of the reserve, when its "
            + "caller may reclaim."),
        new(KernelChange.SlubPartialSlabs, "slub-partial-slabs", Era.Linux61, "5.16, b47291ef02b0",
            "SLUB's partial list of a CPU is bounded in slabs, for four times as many objects as before. Without SMP there is none."),
        new(KernelChange.SlabBypass, "slab-bypass", Era.Linux61, "4.6, f68f8dddb5e9",
            "SLAB's objects of reserve slabs go back to their slab and are taken from there by who is entitled; arrays hold no tags. A "
            + "flag is dropped when the node has free objects to spare."),
        new(KernelChange.SlabLayout, "slab-layout", Era.Linux61, "3.13 to 4.10",
            "SLAB's list of free objects lies in one of them, slabs that count as reclaimable are single pages, and surplus free slabs "
            + "are given back from the list's tail."),
        new(KernelChange.ObjectSizes, "object-sizes", Era.Linux61, "6.1",
            "A pair of socket buffer heads has 448 bytes instead of 512, a tree node of 64 slots 576 instead of 560."),
        new(KernelChange.SmallTreeNodes, "small-tree-nodes", Era.Linux61, "CONFIG_BASE_SMALL of the measured kernels",
            "Nodes of the swap cache's tree have 16 slots and 192 bytes."),
        new(KernelChange.ManagedPages, "managed-pages", Era.Linux61, "3.9",
            "Watermarks, the reserve for lower zones and the sizes of per-CPU lists follow the pages that the allocator was given, "
            + "without the kernel's own."),
        new(KernelChange.SwapClusters, "swap-clusters", Era.Linux61, "3.12, ebc2a1a69111",
            "On a swap device without seeks each CPU takes slots from a cluster of 256 of its own; free clusters are used in columns of "
            + "64."),
        new(KernelChange.SwapSlotCache, "swap-slot-cache", Era.Linux61, "4.11, 67afa38e012e",
            "A CPU takes 64 swap slots at a time and gives back 64 at a time, while enough are free.")
        {
            Needs = [KernelChange.SwapClusters],
        },
    ];

    /// <summary>What there is to say about <paramref name="change"/>.</summary>
    public static KernelChangeInfo Info(this KernelChange change) => All[(int)change];

    /// <summary>The change of a name, or null.</summary>
    public static KernelChangeInfo? Find(string name) => All.FirstOrDefault(info => info.Name == name);
}
