// CPU time of kernel steps, by machine preset.
using MemoryPack;

namespace ClusterSwap.Kernel;

/// <summary>
/// CPU time of the steps that the model charges, in nanoseconds. The default is <c>hw2012</c>: one Xeon-class core of
/// 2012 at 2.4 to 3 GHz. Where each figure comes from is in <c>docs/model.md</c>.
/// </summary>
[MemoryPackable]
public sealed partial record CostModel
{
    /// <summary>Slab object allocated and freed, fast path.</summary>
    public int SlabPairNs { get; init; } = 20;

    /// <summary>Order-0 page allocated and freed.</summary>
    public int PagePairNs { get; init; } = 120;

    /// <summary>Clearing or copying 4 KiB.</summary>
    public int CopyPageNs { get; init; } = 400;

    /// <summary>Minor fault without the zeroing of its page.</summary>
    public int MinorFaultNs { get; init; } = 600;

    /// <summary>Swap fault without I/O.</summary>
    public int SwapFaultNs { get; init; } = 1_200;

    /// <summary>
    /// A user's own work on one page, cache and TLB misses included: calibrated on the user time of the published runs,
    /// 9 s for 5 x 2,097,152 touches.
    /// </summary>
    public int TouchNs { get; init; } = 850;

    /// <summary>LRU isolation of a page.</summary>
    public int IsolateNs { get; init; } = 50;

    /// <summary>Putting a page back on its LRU.</summary>
    public int PutbackNs { get; init; } = 50;

    /// <summary>Scan of a page with its reverse-mapping reference check.</summary>
    public int ScanNs { get; init; } = 300;

    /// <summary>
    /// One priority of a direct reclaim beside its pages: the walk over the zones and the call of every shrinker
    /// (<c>shrink_slab</c>).
    /// </summary>
    public int ReclaimPriorityNs { get; init; } = 1_000;

    /// <summary>Unmapping one page table entry, with its share of the TLB flush.</summary>
    public int UnmapNs { get; init; } = 500;

    /// <summary>Adding a page to the swap cache, slot included.</summary>
    public int AddToSwapNs { get; init; } = 250;

    /// <summary>One bio with its merge into a plugged request.</summary>
    public int BioNs { get; init; } = 300;

    /// <summary>Set-up and completion of one request.</summary>
    public int RequestNs { get; init; } = 1_500;

    /// <summary>tcp_sendmsg for 4 KiB, copy included.</summary>
    public int SendPageNs { get; init; } = 1_200;

    /// <summary>A transmitted skb of up to 64 KiB with segmentation offload.</summary>
    public int SendSkbTsoNs { get; init; } = 2_000;

    /// <summary>A transmitted segment without segmentation offload.</summary>
    public int SendSegmentNs { get; init; } = 1_000;

    /// <summary>Receiving a frame in softirq that GRO merged.</summary>
    public int ReceiveMergedNs { get; init; } = 400;

    /// <summary>Receiving a frame in softirq on its own.</summary>
    public int ReceiveFrameNs { get; init; } = 1_500;

    /// <summary>Building and sending a pure ACK, or receiving one.</summary>
    public int AckNs { get; init; } = 1_000;

    /// <summary>Interrupt and NAPI entry.</summary>
    public int InterruptNs { get; init; } = 2_000;

    /// <summary>Receiver's copy of 4 KiB.</summary>
    public int ReceiveCopyNs { get; init; } = 500;

    /// <summary>System call entry and exit.</summary>
    public int SyscallNs { get; init; } = 100;

    /// <summary>Waking a task.</summary>
    public int WakeupNs { get; init; } = 1_000;

    /// <summary>Context switch.</summary>
    public int SwitchNs { get; init; } = 2_000;

    /// <summary>A Xeon-class machine of 2012; sources in <c>docs/model.md</c>.</summary>
    public static CostModel Hw2012 => new();

    /// <summary>
    /// User-Mode Linux on one CPU. The factor is calibrated on the elapsed time of a write pass and a read pass over
    /// 256 MiB with 64 MiB of RAM (25 to 31 s measured; <c>docs/model.md</c>).
    /// </summary>
    public static CostModel Uml => new CostModel().Scaled(18);

    /// <summary>
    /// An emulated x86-64 of two CPUs. The factor is calibrated on the elapsed time of a write pass and a read pass
    /// over 512 MiB with 128 MiB of RAM (13 to 35 s measured on a shared machine; <c>docs/model.md</c>).
    /// </summary>
    public static CostModel QemuTcg => new CostModel().Scaled(5);

    /// <summary>Every cost times <paramref name="factor"/>: a slower machine with the same proportions.</summary>
    public CostModel Scaled(int factor) => new()
    {
        SlabPairNs = SlabPairNs * factor,
        PagePairNs = PagePairNs * factor,
        CopyPageNs = CopyPageNs * factor,
        MinorFaultNs = MinorFaultNs * factor,
        SwapFaultNs = SwapFaultNs * factor,
        TouchNs = TouchNs * factor,
        IsolateNs = IsolateNs * factor,
        PutbackNs = PutbackNs * factor,
        ScanNs = ScanNs * factor,
        ReclaimPriorityNs = ReclaimPriorityNs * factor,
        UnmapNs = UnmapNs * factor,
        AddToSwapNs = AddToSwapNs * factor,
        BioNs = BioNs * factor,
        RequestNs = RequestNs * factor,
        SendPageNs = SendPageNs * factor,
        SendSkbTsoNs = SendSkbTsoNs * factor,
        SendSegmentNs = SendSegmentNs * factor,
        ReceiveMergedNs = ReceiveMergedNs * factor,
        ReceiveFrameNs = ReceiveFrameNs * factor,
        AckNs = AckNs * factor,
        InterruptNs = InterruptNs * factor,
        ReceiveCopyNs = ReceiveCopyNs * factor,
        SyscallNs = SyscallNs * factor,
        WakeupNs = WakeupNs * factor,
        SwitchNs = SwitchNs * factor,
    };
}
