// Which block layer a kernel has, and who hands requests to the driver: the single queue of 3.x, blk-mq of later
// kernels.
namespace ClusterSwap.Kernel.Block;

/// <summary>The I/O scheduler of the swap device.</summary>
public enum IoScheduler : byte
{
    /// <summary><c>cfq</c>: what 3.x starts with. The driver drains it at once, so it merges nothing and orders
    /// nothing.</summary>
    Cfq,

    /// <summary><c>none</c>: blk-mq without a scheduler.</summary>
    None,

    /// <summary><c>mq-deadline</c>: blk-mq; requests are inserted, and a worker dispatches them.</summary>
    MqDeadline,
}

/// <summary>Who sends a request, header to last page, with tx_lock held.</summary>
public enum IssuedBy : byte
{
    /// <summary>The driver's own thread (<c>nbd_thread</c>, 3.6): whoever submits only wakes it.</summary>
    DriverThread,

    /// <summary>
    /// The task that finishes its plug (<c>blk_mq_plug_issue_direct</c>, 6.1); what a task leaves in its plug when it
    /// goes to sleep is inserted, and the block worker sends it, because the driver may sleep (BLK_MQ_F_BLOCKING).
    /// </summary>
    Submitter,

    /// <summary>The block worker always (kblockd): with a scheduler nothing is issued directly.</summary>
    Worker,
}

/// <summary>Rules of the block layer. Each method is the one place that asks for its change.</summary>
public static class BlockRules
{
    /// <summary>The swap device is a blk-mq device.</summary>
    public static bool IsMultiQueue(KernelRules rules) => rules.Has(KernelChange.BlkMq);

    /// <summary>What a device starts with (one hardware queue that asks for none, as nbd's does).</summary>
    public static IoScheduler DefaultScheduler(KernelRules rules) =>
        IsMultiQueue(rules) ? IoScheduler.None : IoScheduler.Cfq;

    /// <summary>The kernel knows this scheduler.</summary>
    public static bool Knows(KernelRules rules, IoScheduler scheduler) => IsMultiQueue(rules) == (scheduler != IoScheduler.Cfq);

    /// <summary>Who sends.</summary>
    public static IssuedBy IssuerOf(IoScheduler scheduler) => scheduler switch
    {
        IoScheduler.None => IssuedBy.Submitter,
        IoScheduler.MqDeadline => IssuedBy.Worker,
        _ => IssuedBy.DriverThread,
    };

    /// <summary>
    /// A plug of the kernel. 5.16 and later (<c>blk_attempt_plug_merge</c>, <c>blk_add_rq_to_plug</c>): 32 requests,
    /// flushed when the last has 128 KiB, merged with the last only.
    /// </summary>
    public static Plug NewPlug(KernelRules rules) => rules.Has(KernelChange.PlugLastRequest)
        ? new Plug { Tags = new int[Plug.MaxRequestsLater], MergesLastOnly = true }
        : new Plug();

    /// <summary>
    /// The queue of the device: two classes that are counted apart, or tags for everything; of
    /// <paramref name="requests"/> (/sys/block/nbd0/queue/nr_requests).
    /// </summary>
    public static RequestQueue NewQueue(KernelRules rules, int requests = RequestQueue.NrRequests) => new()
    {
        SharedTags = IsMultiQueue(rules) ? requests : 0,
        SetRequests = requests == RequestQueue.NrRequests ? 0 : requests,
    };

    /// <summary>
    /// Replies are read by a worker of high priority (<c>recv_work</c>, WQ_HIGHPRI and WQ_MEM_RECLAIM) instead of the
    /// nbd-client process.
    /// </summary>
    public static bool ReceiverIsWorker(KernelRules rules) => rules.Has(KernelChange.NbdReceiveWorker);
}
