// One call of the page allocator as data, so that a task can be suspended inside it and continued anywhere.
using MemoryPack;

namespace ClusterSwap.Kernel.Memory;

/// <summary>
/// Where a suspended allocation goes on; the letters are the steps of <c>__alloc_pages_slowpath</c>, 3.6.
/// </summary>
public enum AllocStep : byte
{
    /// <summary>A: the fast pass at the low watermark.</summary>
    FastPass,

    /// <summary>
    /// B to H: wake kswapd, pass with the caller's flags, pass without watermarks, refuse who may not wait.
    /// </summary>
    SlowPath,

    /// <summary>J: direct reclaim has ended; <see cref="AllocCall.Reclaimed"/> says with how much.</summary>
    AfterReclaim,

    /// <summary>C: as B, but kswapd is not woken again (after the short wait of step L).</summary>
    Rebalance,

    /// <summary>The call has ended.</summary>
    Ended,
}

/// <summary>What a step of an allocation came to.</summary>
public enum AllocOutcome : byte
{
    /// <summary><see cref="AllocCall.Page"/> is the first page of the block.</summary>
    Granted,

    /// <summary>The request failed.</summary>
    Failed,

    /// <summary>The caller must reclaim directly, set <see cref="AllocCall.Reclaimed"/>, and continue.</summary>
    NeedsReclaim,

    /// <summary>wait_iff_congested(HZ/50) of step L: sleep or yield, then continue.</summary>
    NeedsWait,

    /// <summary>Step K: the OOM killer would be called; then continue or end.</summary>
    OutOfMemory,
}

/// <summary>
/// An allocation under way. The caller fills the request and calls <see cref="IPageSource.Continue"/> until the
/// outcome is
/// <see cref="AllocOutcome.Granted"/> or <see cref="AllocOutcome.Failed"/>.
/// </summary>
[MemoryPackable]
public partial struct AllocCall
{
    /// <summary>Request flags.</summary>
    public Gfp Gfp;

    /// <summary>Flags of the calling task at this moment; the caller keeps them current.</summary>
    public TaskFlags Task;

    /// <summary>Context of the call.</summary>
    public AllocContext Context;

    /// <summary>Block order, 0 to 10.</summary>
    public byte Order;

    /// <summary>The CPU on which the call runs: chooses the per-CPU list.</summary>
    public byte Cpu;

    /// <summary>Who the page will belong to.</summary>
    public PageOwner Owner;

    /// <summary>Where to go on.</summary>
    public AllocStep Step;

    /// <summary>What the last <see cref="IPageSource.Continue"/> came to; means nothing before the first.</summary>
    public AllocOutcome Outcome;

    /// <summary>Pages that direct reclaim reported for this round; set by the caller before continuing.</summary>
    public int Reclaimed;

    /// <summary>Sum over the rounds of this call (<c>pages_reclaimed</c>).</summary>
    public int ReclaimedTotal;

    /// <summary>Rounds through direct reclaim so far: diagnosis only.</summary>
    public int Rounds;

    /// <summary>Rounds in a row that freed nothing (<c>no_progress_loops</c>, 4.7).</summary>
    public int FruitlessRounds;

    /// <summary>
    /// Only this node and then its neighbours, whatever the task's policy (<c>alloc_pages_exact_node</c>): the node and
    /// one more; 0: as the policy says.
    /// </summary>
    public byte OnNode;

    /// <summary>
    /// Place of the page in its mapping and one more, for a policy that spreads a mapping over nodes; 0: the task's
    /// turn decides.
    /// </summary>
    public int SpreadBy;

    /// <summary>Node whose zonelist the request goes through; set by the first pass.</summary>
    public byte ListNode;

    /// <summary>
    /// The zone that it would like best, the first of that list that it may use; with one node not set.
    /// </summary>
    public byte Preferred;

    /// <summary>Nodes that it may use, a bit each; 0: all.</summary>
    public byte Nodes;

    /// <summary>The node was chosen by interleaving.</summary>
    public bool Interleaved;

    /// <summary>The granted block's first page, or −1.</summary>
    public int Page;

    /// <summary>page->pfmemalloc of the granted page: it came from a pass without watermarks.</summary>
    public bool PfMemAlloc;

    /// <summary>A new request. <paramref name="task"/> are the flags at the time of the call.</summary>
    public static AllocCall For(
        PageOwner owner, Gfp gfp, TaskFlags task, AllocContext context, int cpu, int order = 0) => new()
        {
            Owner = owner,
            Gfp = gfp,
            Task = task,
            Context = context,
            Cpu = (byte)cpu,
            Order = (byte)order,
            Step = AllocStep.FastPass,
            Page = PageFrame.None,
        };

    /// <summary>Makes a call that has ended the same request anew.</summary>
    public void Restart()
    {
        Step = AllocStep.FastPass;
        Reclaimed = 0;
        ReclaimedTotal = 0;
        Rounds = 0;
        FruitlessRounds = 0;
        Page = PageFrame.None;
        PfMemAlloc = false;
    }
}

/// <summary>Where slab caches and socket buffers get their pages: the one page allocator of a blade.</summary>
public interface IPageSource
{
    /// <summary>All page frames of the blade, by page frame number.</summary>
    PageFrame[] Frames { get; }

    /// <summary>Runs the call up to its end or to the next point where the caller has to do something.</summary>
    AllocOutcome Continue(ref AllocCall call);

    /// <summary>Gives a block back; order 0 goes to the CPU's list.</summary>
    void Free(int page, int order, int cpu);

    /// <summary><c>gfp_pfmemalloc_allowed</c>: would this request be served without watermarks?</summary>
    bool PfMemAllocAllowed(Gfp gfp, TaskFlags task, AllocContext context);

    /// <summary>NUMA nodes.</summary>
    int Nodes => 1;

    /// <summary>The node of a CPU (<c>numa_node_id</c> there).</summary>
    int NodeOfCpu(int cpu) => 0;

    /// <summary>The node of a page (<c>page_to_nid</c>).</summary>
    int NodeOf(int page) => 0;

    /// <summary><c>slab_node</c>, 3.6: where the task's policy wants slab objects from.</summary>
    int SlabNode(TaskFlags task, AllocContext context, int cpu) => 0;
}
