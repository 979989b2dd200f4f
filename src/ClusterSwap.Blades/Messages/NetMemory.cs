// What the network path of a blade asks of its memory.
using ClusterSwap.Engine;
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Net;
using MemoryPack;

namespace ClusterSwap.Blades.Messages;

/// <summary>
/// A socket to the blade: <c>sk_set_memalloc</c> counted it for the static key "a memalloc socket exists", which opens
/// the reserve to receive buffers (patch 9) and turns the slab checks on (patch 13). It never goes down again.
/// </summary>
[MemoryPackable]
public sealed partial class MemallocSocketRaised() : SimMessage((ushort)MessageKind.MemallocSocketRaised)
{
    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add(1);
}

/// <summary>
/// The driver takes frames out of its ring: the buffer of each, or, where the ring's own memory stays in it, a new
/// buffer for a copy. Refills whenever a batch is empty.
/// </summary>
[MemoryPackable]
public sealed partial class RxTake() : SimMessage((ushort)MessageKind.RxTake)
{
    /// <summary>The ring, owned by the softirq.</summary>
    public RxRing? Ring;

    /// <summary>Payload of each frame, bytes.</summary>
    public int[] Payloads = [];

    /// <summary>How many of them count.</summary>
    public int Count;

    /// <summary>The CPU of the softirq.</summary>
    public int Cpu;

    /// <summary>The actor to answer.</summary>
    public int ReplyTo;

    /// <summary>The answer.</summary>
    [MemoryPackIgnore]
    public RxBuffers Answer { get; } = new();

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add((ulong)Count);
}

/// <summary>The blade's answer to <see cref="RxTake"/>.</summary>
[MemoryPackable]
public sealed partial class RxBuffers() : SimMessage((ushort)MessageKind.RxBuffers)
{
    /// <summary>By frame: its buffer, or <see cref="SkBuff.None"/> when none could be had.</summary>
    public SkBuff[] Buffers = [];

    /// <summary>How many of them count.</summary>
    public int Count;

    /// <summary>CPU time, ns.</summary>
    public long CostNs;

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) =>
        fingerprint.Add((ulong)Count, Count == 0 ? 0 : (ulong)Buffers[Count - 1].Head);
}

/// <summary>
/// The end of a poll: the driver fills empty descriptors, one atomic allocation each, until one fails. The CPU time of
/// the whole poll is charged with it.
/// </summary>
[MemoryPackable]
public sealed partial class RxRefill() : SimMessage((ushort)MessageKind.RxRefill)
{
    /// <summary>The ring, owned by the softirq.</summary>
    public RxRing? Ring;

    /// <summary>The CPU of the softirq.</summary>
    public int Cpu;

    /// <summary>CPU time of the poll so far, ns.</summary>
    public long PollNs;

    /// <summary>The actor to answer.</summary>
    public int ReplyTo;

    /// <summary>The answer.</summary>
    [MemoryPackIgnore]
    public RxRefilled Answer { get; } = new();

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add((ulong)Ring!.Filled.Count, (ulong)PollNs);
}

/// <summary>The blade's answer to <see cref="RxRefill"/>.</summary>
[MemoryPackable]
public sealed partial class RxRefilled() : SimMessage((ushort)MessageKind.RxRefilled)
{
    /// <summary>Descriptors filled.</summary>
    public int Filled;

    /// <summary>CPU time, ns.</summary>
    public long CostNs;

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add((ulong)Filled);
}

/// <summary>A socket asks for the memory of a pure ACK.</summary>
[MemoryPackable]
public sealed partial class AckRequest() : SimMessage((ushort)MessageKind.AckRequest)
{
    /// <summary>The socket's allocation mode (<c>sk_allocation</c>).</summary>
    public Gfp SocketAllocation;

    /// <summary>Flags of the task in whose context the ACK is built.</summary>
    public TaskFlags Task;

    /// <summary>Context.</summary>
    public AllocContext Context;

    /// <summary>The CPU.</summary>
    public int Cpu;

    /// <summary>Softirq time of building and sending the ACK, ns: charged when there is memory for it.</summary>
    public long CostNs;

    /// <summary>The CPU that spends it.</summary>
    public int SoftirqCpu;

    /// <summary>The actor to answer.</summary>
    public int ReplyTo;

    /// <summary>The answer.</summary>
    [MemoryPackIgnore]
    public AckMemory Answer { get; } = new();

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add((ulong)SocketAllocation | (ulong)Context << 40, (ulong)Task);
}

/// <summary>The blade's answer to <see cref="AckRequest"/>.</summary>
[MemoryPackable]
public sealed partial class AckMemory() : SimMessage((ushort)MessageKind.AckMemory)
{
    /// <summary>There is memory.</summary>
    public bool Granted;

    /// <summary>The buffer.</summary>
    public SkBuff Skb;

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add(Granted ? 1UL : 0, (ulong)Skb.Head);
}

/// <summary>A socket to the blade: copy the nearly empty buffers of this receive queue into fuller ones.</summary>
[MemoryPackable]
public sealed partial class CollapseQueue() : SimMessage((ushort)MessageKind.CollapseQueue)
{
    /// <summary>The queue, owned by the socket; the message never outlives its instant.</summary>
    [MemoryPackIgnore]
    public ReceiveQueue? Queue;

    /// <summary>The CPU of the softirq.</summary>
    public int Cpu;

    /// <summary>The actor to answer.</summary>
    public int ReplyTo;

    /// <summary>The answer.</summary>
    [MemoryPackIgnore]
    public QueueCollapsed Answer { get; } = new();

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add((ulong)ReplyTo);
}

/// <summary>The blade's answer to <see cref="CollapseQueue"/>.</summary>
[MemoryPackable]
public sealed partial class QueueCollapsed() : SimMessage((ushort)MessageKind.QueueCollapsed)
{
    /// <summary>Buffers freed.</summary>
    public int Collapsed;

    /// <summary>Truesize by which the queue is smaller, bytes.</summary>
    public int TrueSize;

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add((ulong)Collapsed, (ulong)TrueSize);
}

/// <summary>tcp_sendmsg asks for an skb and for pages to copy into.</summary>
[MemoryPackable]
public sealed partial class TxMemoryRequest() : SimMessage((ushort)MessageKind.TxMemoryRequest)
{
    /// <summary>The skb allocation, when <see cref="NeedsSkb"/>.</summary>
    public SkbCall Skb;

    /// <summary>A new skb is needed first.</summary>
    public bool NeedsSkb;

    /// <summary>The page allocation under way.</summary>
    public AllocCall Page;

    /// <summary>Pages wanted.</summary>
    public int PagesWanted;

    /// <summary>One fragment at a time, from a block of pages if one can be had.</summary>
    public bool Block;

    /// <summary>The actor to answer.</summary>
    public int ReplyTo;

    /// <summary>The answer.</summary>
    [MemoryPackIgnore]
    public TxMemory Answer { get; } = new();

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add(
        (ulong)(uint)PagesWanted | (NeedsSkb ? 1UL << 32 : 0), (ulong)(uint)Page.Gfp << 32 | (ulong)(uint)Page.Task);
}

/// <summary>The blade's answer to <see cref="TxMemoryRequest"/>.</summary>
[MemoryPackable]
public sealed partial class TxMemory() : SimMessage((ushort)MessageKind.TxMemory)
{
    /// <summary>The skb was granted.</summary>
    public bool HasSkb;

    /// <summary>The skb.</summary>
    public SkBuff Skb;

    /// <summary>Pages granted, in order.</summary>
    public int[] Pages = new int[32];

    /// <summary>How many.</summary>
    public int Count;

    /// <summary>Granted: all of it. Otherwise why the next one was refused.</summary>
    public AllocOutcome Outcome;

    /// <summary>CPU time, ns.</summary>
    public long CostNs;

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) =>
        fingerprint.Add((ulong)Outcome << 32 | (uint)Count | (HasSkb ? 1UL << 40 : 0), (ulong)CostNs);
}

/// <summary>A socket to the blade: cut this train and copy its segments, then hand it to the NIC.</summary>
[MemoryPackable]
public sealed partial class SegmentTrain() : SimMessage((ushort)MessageKind.SegmentTrain)
{
    /// <summary>The train.</summary>
    public Frame Frame = null!;

    /// <summary>The CPU.</summary>
    public int Cpu;

    /// <summary>Where the train goes when it could be built.</summary>
    public int Output;

    /// <summary>TCP got on since its last frame.</summary>
    public bool Confirmed;

    /// <summary>The actor that hears of a loss: a <see cref="TxCleaned"/> with frames that were dropped.</summary>
    public int ReplyTo;

    /// <summary>Constants of the machine; the message never outlives its instant.</summary>
    [MemoryPackIgnore]
    public TcpParameters? Tcp;

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) =>
        fingerprint.Add((ulong)Frame.Segment.Seq, (ulong)Frame.Segment.Length);
}
