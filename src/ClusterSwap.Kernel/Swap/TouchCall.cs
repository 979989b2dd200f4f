// One stretch of a process's work on its pages, as data.
using ClusterSwap.Kernel.Memory;
using MemoryPack;

namespace ClusterSwap.Kernel.Swap;

/// <summary>Why <see cref="AddressSpaces.Touch"/> came back.</summary>
public enum TouchStop : byte
{
    /// <summary>The CPU slice is used up.</summary>
    SliceOver,

    /// <summary>The last page of the process has been touched.</summary>
    PassEnd,

    /// <summary>
    /// A page table page is missing: allocate one (owner PageTable), <see cref="AddressSpaces.AddPageTable"/>.
    /// </summary>
    NeedsPageTable,

    /// <summary>
    /// First write of an anonymous page: allocate a zeroed page, <see cref="AddressSpaces.MapNewAnon"/>.
    /// </summary>
    AnonFault,

    /// <summary>The page is in <see cref="TouchCall.Slot"/> and not in the swap cache: it must be read.</summary>
    SwapFault,

    /// <summary>
    /// The page is locked, by its read or by a reclaimer: wait until <see cref="TouchCall.Page"/> is unlocked and
    /// touch again.
    /// </summary>
    PageLocked,

    /// <summary>The page does not contain what was last written to it: the model lost or mixed up a page.</summary>
    BadStamp,

    /// <summary>The page's read failed; the kernel kills the process (SIGBUS).</summary>
    ReadError,
}

/// <summary>
/// A process touches its pages at page stride from <see cref="Offset"/> on. The caller fills the request and reads the
/// results; after it did what <see cref="Stop"/> asks for, it calls again with the same <see cref="Offset"/>.
/// </summary>
[MemoryPackable]
public partial struct TouchCall
{
    /// <summary>The process.</summary>
    public int Process;

    /// <summary>Next page to touch, counted inside the process; moved on by the call.</summary>
    public int Offset;

    /// <summary>Behind the last page to touch, where the pass ends; 0: all pages of the process.</summary>
    public int End;

    /// <summary>True to write a word per page, false to read one.</summary>
    public bool Write;

    /// <summary>CPU on which the process runs.</summary>
    public byte Cpu;

    /// <summary>Version to write (<see cref="Stamps"/>) when <see cref="Write"/>.</summary>
    public uint Stamp;

    /// <summary>
    /// Version that every page must have before it is touched. A write also accepts <see cref="Stamp"/>: its own.
    /// </summary>
    public uint Expected;

    /// <summary>CPU time that is left of the slice, nanoseconds. The last page may overdraw it.</summary>
    public long BudgetNs;

    /// <summary>Result: why the call came back.</summary>
    public TouchStop Stop;

    /// <summary>Result: the page of PageLocked, ReadError and BadStamp, else <see cref="PageFrame.None"/>.</summary>
    public int Page;

    /// <summary>Result: the slot of SwapFault, PageLocked and ReadError, else <see cref="SwapMap.NoSlot"/>.</summary>
    public int Slot;

    /// <summary>Result: user time used by this call, nanoseconds.</summary>
    public long UserNs;

    /// <summary>Result: system time used by this call (faults without I/O), nanoseconds.</summary>
    public long SystemNs;

    /// <summary>Result: pages touched by this call.</summary>
    public int Touched;
}
