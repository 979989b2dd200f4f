// Allocation of a buffer for sending as data: it can stop where the page allocator has to reclaim or wait.
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Slab;
using MemoryPack;

namespace ClusterSwap.Kernel.Net;

/// <summary>Where a suspended buffer allocation goes on.</summary>
public enum SkbStage : byte
{
    /// <summary>The fclone pair.</summary>
    Head,

    /// <summary>First try of kmalloc_reserve, or the only one without patch 9.</summary>
    Data,

    /// <summary>Second try of kmalloc_reserve: with the reserve, tagged.</summary>
    DataFromReserve,

    /// <summary>The call has ended.</summary>
    Ended,
}

/// <summary>
/// <c>sk_stream_alloc_skb</c> under way. On NeedsReclaim, NeedsWait and OutOfMemory the caller acts as for the page
/// allocation in <c>Inner.Pages</c> (sets its Reclaimed) and continues with <see cref="SkbAllocator.AllocTx"/>.
/// </summary>
[MemoryPackable]
public partial struct SkbCall
{
    /// <summary>The slab allocation inside this call.</summary>
    public SlabCall Inner;

    /// <summary>The buffer; complete when the outcome was Granted.</summary>
    public SkBuff Result;

    /// <summary>Request flags: the socket's allocation mode.</summary>
    public Gfp Gfp;

    /// <summary>Flags of the calling task at this moment; the caller keeps them current.</summary>
    public TaskFlags Task;

    /// <summary>Bytes of the data buffer without skb_shared_info.</summary>
    public int DataBytes;

    /// <summary>Context of the call.</summary>
    public AllocContext Context;

    /// <summary>The CPU on which the call runs; the caller keeps it current.</summary>
    public byte Cpu;

    /// <summary>Where to go on.</summary>
    public SkbStage Stage;

    /// <summary>The stage has been started: Inner belongs to it.</summary>
    public bool Started;

    /// <summary>A new request for a buffer with so much payload in its linear part.</summary>
    public static SkbCall For(
        Gfp gfp, TaskFlags task, AllocContext context, int cpu, int linearPayload, TcpParameters tcp) => new()
        {
            Gfp = gfp,
            Task = task,
            Context = context,
            Cpu = (byte)cpu,
            DataBytes = linearPayload + tcp.MaxTcpHeader,
            Result = SkBuff.None,
        };
}
