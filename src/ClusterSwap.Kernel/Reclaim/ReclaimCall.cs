// The reclaim frame of one task as data: direct reclaim suspended anywhere can go on anywhere.
using ClusterSwap.Kernel.Memory;
using MemoryPack;

namespace ClusterSwap.Kernel.Reclaim;

/// <summary>What a step of reclaim came to, and what its caller does before the next one.</summary>
public enum ReclaimStepKind : byte
{
    /// <summary>
    /// Charge <see cref="ReclaimCall.CostNs"/>, let others run if the time slice is over, call again.
    /// </summary>
    Continue,

    /// <summary>
    /// Submit <see cref="ReclaimCall.Run"/> to the device, sleeping for a request if need be, then call again.
    /// The pages are under writeback and unlocked; the rest of the batch stays isolated meanwhile.
    /// </summary>
    WriteOut,

    /// <summary>
    /// Sleep for <see cref="ReclaimCall.SleepNs"/>, or until a device leaves congestion, then call again.
    /// </summary>
    Sleep,

    /// <summary>
    /// Wait on pfmemalloc_wait for at most <see cref="ReclaimCall.SleepNs"/>, then call again. The call tells whether
    /// the wait may go on.
    /// </summary>
    Throttled,

    /// <summary>The call has ended; <see cref="ReclaimCall.NrReclaimed"/> is its result.</summary>
    Done,

    /// <summary>kswapd sleeps until it is woken.</summary>
    KswapdSleep,
}

/// <summary>Where a suspended direct reclaim goes on (<c>try_to_free_pages</c>, 3.6).</summary>
public enum DirectPhase : byte
{
    /// <summary>At the pfmemalloc throttle, not yet tested.</summary>
    Entry,

    /// <summary>Queued on pfmemalloc_wait.</summary>
    Throttled,

    /// <summary>Past the throttle, allocstall not yet counted.</summary>
    Begin,

    /// <summary>A new priority begins with the highest zone.</summary>
    PriorityStart,

    /// <summary>Going through the zones of one priority.</summary>
    Zones,

    /// <summary>All zones were done at this priority.</summary>
    PriorityEnd,

    /// <summary>The call has ended.</summary>
    Ended,
}

/// <summary>Where a suspended scan of one zone goes on (<c>shrink_zone</c>, 3.6).</summary>
public enum ZonePhase : byte
{
    /// <summary>The zone has not been entered.</summary>
    Start,

    /// <summary>Choosing the next list of which a batch is due.</summary>
    Lists,

    /// <summary>Before the isolation of a batch: here too many isolated pages stop a direct reclaimer.</summary>
    Isolate,

    /// <summary>In the middle of a batch, at <see cref="ReclaimCall.Position"/>.</summary>
    Pages,

    /// <summary>All lists done: age active anonymous pages if the inactive ones are few.</summary>
    Rebalance,

    /// <summary>kswapd slept at the end of its visit, because pages under writeback came round too fast.</summary>
    Stalled,
}

/// <summary>What a reclaimer sleeps for (<c>enum vmscan_throttle_state</c>, 5.16), a bit each.</summary>
[Flags]
public enum ThrottleReason : byte
{
    /// <summary>Nothing, or the congestion wait of before.</summary>
    None = 0,

    /// <summary>Pages under writeback come round too fast: until enough of them are written.</summary>
    Writeback = 1,

    /// <summary>Too many pages are isolated.</summary>
    Isolated = 2,

    /// <summary>Nothing could be freed.</summary>
    NoProgress = 4,
}

/// <summary>What shrink_page_list decided about a page of the batch.</summary>
public enum PageFate : byte
{
    /// <summary>Not looked at yet.</summary>
    Pending,

    /// <summary>Goes back to the head of its inactive list.</summary>
    Keep,

    /// <summary>Goes to the head of the active list.</summary>
    Activate,

    /// <summary>Out of every cache: freed when the batch ends.</summary>
    Free,
}

/// <summary>
/// The reclaim frame of one task (<c>struct scan_control</c> with the locals of the functions below it, 3.6). The task
/// owns it;
/// <see cref="Vmscan.Step"/> changes it. Reusable: <see cref="Vmscan.BeginDirect"/> starts it anew.
/// </summary>
[MemoryPackable]
public sealed partial class ReclaimCall
{
    /// <summary>SWAP_CLUSTER_MAX: pages per batch, and the target of a direct reclaimer.</summary>
    public const int BatchPages = 32;

    /// <summary>Longest run handed out for writing: the pages of one NBD request (3.5 and 3.6).</summary>
    public const int RunPages = 31;

    /// <summary>DEF_PRIORITY: a scan starts with 1/4096 of each list.</summary>
    public const int DefaultPriority = 12;

    // --- the request ---

    /// <summary>Flags of the allocation that reclaims.</summary>
    public Gfp Gfp;

    /// <summary>Order of the allocation.</summary>
    public byte Order;

    /// <summary>Flags of the task, PF_MEMALLOC included while it reclaims.</summary>
    public TaskFlags Task;

    /// <summary>CPU on which the task runs: where freed pages go. The caller keeps it current.</summary>
    public byte Cpu;

    /// <summary>Node whose zonelist direct reclaim goes through; set by the caller before it begins.</summary>
    public byte ListNode;

    /// <summary>Nodes that the allocation may use, a bit each, 0 all; set by the caller before it begins.</summary>
    public byte Nodes;

    /// <summary>A fatal signal is pending. The caller keeps it current.</summary>
    public bool FatalSignal;

    /// <summary>Set by the caller before it calls again: the throttle's second has passed, or a signal came.</summary>
    public bool WaitExpired;

    // --- what the last step asks for ---

    /// <summary>CPU time used since the caller last set it to zero, nanoseconds.</summary>
    public long CostNs;

    /// <summary>Longest sleep, nanoseconds; <see cref="long.MaxValue"/> is without end.</summary>
    public long SleepNs;

    /// <summary>What it sleeps for, since 5.16.</summary>
    public ThrottleReason Throttle;

    /// <summary>The task was woken too early and waits again: its first deadline stays.</summary>
    public bool KeepDeadline;

    /// <summary>kswapd must be woken (the throttle's own wake-up); the caller does it and clears this.</summary>
    public bool WakeKswapd;

    /// <summary>Pages to be written, by ascending or descending slot without a gap.</summary>
    public int[] Run = new int[RunPages];

    /// <summary>How many pages of <see cref="Run"/> there are.</summary>
    public int RunCount;

    /// <summary>+1 or −1 between the slots of the run; 0 while it has a single page.</summary>
    public int RunDirection;

    // --- priorities and zones ---

    /// <summary>Where direct reclaim goes on; unused by kswapd.</summary>
    public DirectPhase Phase = DirectPhase.Ended;

    /// <summary>Value of <see cref="KswapdCall.WakeEpoch"/> when the task was queued on pfmemalloc_wait.</summary>
    public long QueuedEpoch;

    /// <summary>12 down to 0: a scan covers size >> priority.</summary>
    public int Priority;

    /// <summary>Zone being scanned.</summary>
    public int Zone;

    /// <summary>Its place in the zonelist; unused by kswapd.</summary>
    public int Cursor;

    /// <summary>Pages scanned at this priority; a page that is mapped or in the swap cache counts twice.</summary>
    public long NrScanned;

    /// <summary>Pages scanned at all priorities so far.</summary>
    public long TotalScanned;

    /// <summary>Pages reclaimed; after the end the result (at least 1 while a zone is not all_unreclaimable).</summary>
    public long NrReclaimed;

    /// <summary>Enough: 32 for direct reclaim, without limit for kswapd.</summary>
    public long NrToReclaim;

    /// <summary>Dirty pages may be written. True from the start: there is no laptop mode here.</summary>
    public bool MayWritepage;

    // --- one zone ---

    /// <summary>Where the scan of <see cref="Zone"/> goes on.</summary>
    public ZonePhase ZonePhase;

    /// <summary>Pages left to scan, by list.</summary>
    public long[] Target = new long[LruLists.ListsPerZone];

    /// <summary>What <see cref="Target"/> was at the start.</summary>
    public long[] FirstTarget = new long[LruLists.ListsPerZone];

    /// <summary>Bit 0 and 1: active anonymous and file pages may be deactivated in this visit (5.5).</summary>
    public byte MayDeactivate;

    /// <summary>Active pages were left alone at some priority.</summary>
    public bool SkippedDeactivate;

    /// <summary>Second attempt, after one that freed nothing and left active pages alone.</summary>
    public bool ForceDeactivate;

    /// <summary>Pages taken in this visit, and of these under writeback, and met again under writeback.</summary>
    public long VisitTaken;

    /// <summary>Of <see cref="VisitTaken"/> under writeback.</summary>
    public long VisitWriteback;

    /// <summary>Of <see cref="VisitTaken"/> under writeback and marked for reclaim already, seen by kswapd.</summary>
    public long VisitImmediate;

    /// <summary>Next list of the round; 4 at its end.</summary>
    public int ListCursor;

    /// <summary>List of the current batch.</summary>
    public LruList List;

    /// <summary>Pages that the current batch may take.</summary>
    public int BatchTarget;

    /// <summary>Slept at least once because too many pages were isolated: a fatal signal may end that.</summary>
    public bool BrakeSlept;

    /// <summary>Reclaimed in this zone at this priority.</summary>
    public long ZoneReclaimed;

    // --- one batch ---

    /// <summary>The batch, oldest page first.</summary>
    public int[] Isolated = new int[BatchPages];

    /// <summary>Decision for each page of the batch.</summary>
    public PageFate[] Fate = new PageFate[BatchPages];

    /// <summary>Pages in the batch; 0 when nothing is isolated.</summary>
    public int Taken;

    /// <summary>Next page of the batch to look at.</summary>
    public int Position;

    /// <summary>The page at <see cref="Position"/> was looked at before the run had to be submitted.</summary>
    public bool Revisit;

    /// <summary>Reclaimed in this batch.</summary>
    public int BatchReclaimed;

    /// <summary>Pages of this batch that were found under writeback.</summary>
    public int BatchWriteback;

    /// <summary>Pages of the batch that kswapd met under writeback for the second time.</summary>
    public int BatchImmediate;

    /// <summary>Pages of the batch that were spared for a first reference.</summary>
    public int BatchReferenceKept;

    /// <summary>Pages of this batch whose write was started.</summary>
    public int BatchPageouts;

    /// <summary>Throws when the frame contradicts itself or the flags of its pages.</summary>
    public void AssertInvariants(PageFrame[] frames)
    {
        if (Taken is < 0 or > BatchPages || Position < 0 || Position > Taken || RunCount is < 0 or > RunPages)
        {
            throw new InvalidOperationException($"reclaim frame: taken {Taken}, position {Position}, run {RunCount}");
        }

        for (var i = 0; i < Taken; i++)
        {
            ref var frame = ref frames[Isolated[i]];
            if (!frame.Has(PageFlags.Isolated) || frame.Has(PageFlags.Lru)
                || Fate[i] == PageFate.Pending != i >= Position)
            {
                throw new InvalidOperationException(
                    $"page {Isolated[i]} at {i} of {Taken}, position {Position}: fate {Fate[i]}, flags {frame.Flags}");
            }
        }
    }
}
