// Request flags, task flags and context of an allocation: the three things the allocator decides by.
namespace ClusterSwap.Kernel.Memory;

/// <summary>Flags of one allocation request, with the bit values of <c>include/linux/gfp.h</c>, Linux 3.6.</summary>
[Flags]
public enum Gfp : uint
{
    None = 0,
    Dma = 0x01,
    Dma32 = 0x04,
    Wait = 0x10,
    High = 0x20,
    Io = 0x40,
    Fs = 0x80,
    Cold = 0x100,
    NoWarn = 0x200,
    Repeat = 0x400,
    NoFail = 0x800,
    NoRetry = 0x1000,
    MemAlloc = 0x2000,
    Comp = 0x4000,
    Zero = 0x8000,
    NoMemAlloc = 0x10000,
    HardWall = 0x20000,
    ThisNode = 0x40000,
    Reclaimable = 0x80000,

    // The request wakes no kswapd (__GFP_NO_KSWAPD; since 4.4 said by the absence of __GFP_KSWAPD_RECLAIM).
    NoKswapd = 0x400000,

    HighMem = 0x02,
    Movable = 0x08,

    Atomic = High,
    NoIo = Wait,
    NoFs = Wait | Io,
    Kernel = Wait | Io | Fs,
    HighUserMovable = Kernel | HardWall | HighMem | Movable,

    /// <summary>
    /// GFP_THISNODE: pages of one node or none. Where there are several nodes such a request does not go beyond its
    /// first pass.
    /// </summary>
    OneNode = ThisNode | NoRetry | NoWarn,
}

/// <summary>Flags of a task that the allocator and reclaim look at (<c>include/linux/sched.h</c>, 3.6).</summary>
[Flags]
public enum TaskFlags : uint
{
    None = 0,

    /// <summary>PF_MEMALLOC: the task frees memory and may use the reserve.</summary>
    MemAlloc = 0x800,

    /// <summary>PF_WQ_WORKER: a worker of a work queue.</summary>
    WqWorker = 0x20,

    /// <summary>PF_KSWAPD.</summary>
    Kswapd = 0x40000,

    /// <summary>PF_KTHREAD: never throttled.</summary>
    KThread = 0x200000,

    /// <summary>PF_SWAPWRITE.</summary>
    SwapWrite = 0x800000,

    /// <summary>PF_MEMPOLICY: the task has the blade's memory policy instead of the default one.</summary>
    MemPolicy = 0x10000000,

    /// <summary>TIF_MEMDIE: chosen by the OOM killer.</summary>
    MemDie = 0x1,

    /// <summary>A real-time task.</summary>
    RealTime = 0x2,
}

/// <summary>In which context an allocation is made.</summary>
public enum AllocContext : byte
{
    /// <summary>Process context, interruptible by softirqs.</summary>
    Task,

    /// <summary>Process context with bottom halves disabled: <c>in_interrupt()</c>, not in_serving_softirq.</summary>
    BottomHalvesDisabled,

    /// <summary>Serving a softirq.</summary>
    Softirq,

    /// <summary>Hard interrupt: no task flag counts.</summary>
    HardIrq,
}
