// Requests to the blade's memory and its answers. A task has one request of a kind under way at most, so request and
// answer objects belong to the task and are used again; they never outlive the instant.
using System.Numerics;
using ClusterSwap.Engine;
using ClusterSwap.Kernel.Block;
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Net;
using ClusterSwap.Kernel.Swap;
using MemoryPack;

namespace ClusterSwap.Blades.Messages;

/// <summary>A task asks for a page; the allocator answers with <see cref="PageGranted"/> or
/// <see cref="PageRefused"/>.</summary>
[MemoryPackable]
public sealed partial class PageRequest() : SimMessage((ushort)MessageKind.PageRequest)
{
    /// <summary>The request, and where its call stands.</summary>
    public AllocCall Call;

    /// <summary>Where a granted page goes: a virtual page of the blade whose page table or content it becomes, or
    /// −1.</summary>
    public int VirtualPage = PageFrame.None;

    /// <summary>The actor to answer.</summary>
    public int ReplyTo;

    /// <summary>The answer when a page is granted.</summary>
    [MemoryPackIgnore]
    public PageGranted Granted { get; } = new();

    /// <summary>The answer when none is.</summary>
    [MemoryPackIgnore]
    public PageRefused Refused { get; } = new();

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add(
        (ulong)Call.Gfp | (ulong)Call.Step << 32 | (ulong)Call.Order << 40, (ulong)Call.Task | (ulong)VirtualPage << 32);
}

/// <summary>The blade grants a page.</summary>
[MemoryPackable]
public sealed partial class PageGranted() : SimMessage((ushort)MessageKind.PageGranted)
{
    /// <summary>The page.</summary>
    public int Page;

    /// <summary>It came from a pass without watermarks.</summary>
    public bool FromReserve;

    /// <summary>CPU time, ns.</summary>
    public long CostNs;

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add((ulong)Page, (ulong)CostNs);
}

/// <summary>The blade refuses a page for now, or for good.</summary>
[MemoryPackable]
public sealed partial class PageRefused() : SimMessage((ushort)MessageKind.PageRefused)
{
    /// <summary>What the caller has to do.</summary>
    public AllocOutcome Outcome;

    /// <summary>CPU time, ns.</summary>
    public long CostNs;

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add((ulong)Outcome, (ulong)CostNs);
}

/// <summary>A process works through its pages until it faults or its slice ends.</summary>
[MemoryPackable]
public sealed partial class TouchRequest() : SimMessage((ushort)MessageKind.TouchRequest)
{
    /// <summary>Where it is, what it may spend; filled with where and why it stopped.</summary>
    public TouchCall Call;

    /// <summary>The page whose read it waited for: to be mapped first (the end of its major fault), or −1.</summary>
    public int MapPage = PageFrame.None;

    /// <summary>The task.</summary>
    public int Task;

    /// <summary>The actor to answer.</summary>
    public int ReplyTo;

    /// <summary>The answer.</summary>
    [MemoryPackIgnore]
    public Touched Answer { get; } = new();

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) =>
        fingerprint.Add((ulong)Call.Process << 32 | (uint)Call.Offset, (ulong)Call.BudgetNs);
}

/// <summary>The blade's answer to <see cref="TouchRequest"/>; the results are in the request's call.</summary>
[MemoryPackable]
public sealed partial class Touched() : SimMessage((ushort)MessageKind.Touched)
{
    /// <summary>The call with its results.</summary>
    public TouchCall Call;

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) =>
        fingerprint.Add((ulong)Call.Stop << 32 | (uint)Call.Offset, (ulong)(Call.UserNs + Call.SystemNs * 3));
}

/// <summary>A process reads a swapped-out page in, with its readahead block.</summary>
[MemoryPackable]
public sealed partial class SwapInRequest() : SimMessage((ushort)MessageKind.SwapInRequest)
{
    /// <summary>The read under way, owned by the process.</summary>
    public SwapReadCall? Call;

    /// <summary>Where the blade puts what is ready to be read; owned by the process, empty.</summary>
    public BioRun? Run;

    /// <summary>Start with the block around the call's target, rather than go on.</summary>
    public bool Begin;

    /// <summary>The task: it will wait for the target's lock.</summary>
    public int Task;

    /// <summary>The actor to answer.</summary>
    public int ReplyTo;

    /// <summary>The answer.</summary>
    [MemoryPackIgnore]
    public SwapInAnswer Answer { get; } = new();

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add((ulong)Call!.TargetSlot << 32 | (uint)Call.Next, (ulong)Task);
}

/// <summary>How far the blade got with a <see cref="SwapInRequest"/>; the call says which pages to read.</summary>
[MemoryPackable]
public sealed partial class SwapInAnswer() : SimMessage((ushort)MessageKind.SwapInAnswer)
{
    /// <summary>Granted: all pages are there. Otherwise what the caller has to do first.</summary>
    public AllocOutcome Outcome;

    /// <summary>CPU time, ns.</summary>
    public long CostNs;

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add((ulong)Outcome, (ulong)CostNs);
}

/// <summary>A process that has done its work gives its memory back, a stretch of its address space at a time.</summary>
[MemoryPackable]
public sealed partial class ExitRequest() : SimMessage((ushort)MessageKind.ExitRequest)
{
    /// <summary>The process.</summary>
    public int Process;

    /// <summary>First page of its address space that is not given back yet.</summary>
    public int Offset;

    /// <summary>The CPU it runs on.</summary>
    public int Cpu;

    /// <summary>The actor to answer.</summary>
    public int ReplyTo;

    /// <summary>The answer.</summary>
    [MemoryPackIgnore]
    public Exited Answer { get; } = new();

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add((ulong)Process, (ulong)Offset);
}

/// <summary>The blade's answer to <see cref="ExitRequest"/>.</summary>
[MemoryPackable]
public sealed partial class Exited() : SimMessage((ushort)MessageKind.Exited)
{
    /// <summary>Where to go on.</summary>
    public int Offset;

    /// <summary>Everything is given back.</summary>
    public bool Complete;

    /// <summary>CPU time, ns.</summary>
    public long CostNs;

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add((ulong)(uint)Offset | (Complete ? 1UL << 40 : 0), (ulong)(uint)CostNs);
}

/// <summary>Socket buffers whose last user is gone: their slab objects and fragment pages go back.</summary>
[MemoryPackable]
public sealed partial class FreeSkbs() : SimMessage((ushort)MessageKind.FreeSkbs)
{
    /// <summary>The buffers.</summary>
    public SkBuff[] Skbs = [];

    /// <summary>How many of them count.</summary>
    public int Count;

    /// <summary>Fragment pages of the send queue that are fully acknowledged.</summary>
    public int[] Pages = [];

    /// <summary>How many of them count.</summary>
    public int PageCount;

    /// <summary>The CPU that frees.</summary>
    public int Cpu;

    /// <summary>Where the message goes when its receiver is done with it, to be used again; null: nowhere.</summary>
    [MemoryPackIgnore]
    public Stack<FreeSkbs>? Spares { get; init; }

    /// <summary>Takes a copy of these.</summary>
    public void Fill(List<SkBuff> skbs, List<int> pages)
    {
        Count = skbs.Count;
        PageCount = pages.Count;
        Skbs = Skbs.Length < Count ? new SkBuff[BitOperations.RoundUpToPowerOf2((uint)Count)] : Skbs;
        Pages = Pages.Length < PageCount ? new int[BitOperations.RoundUpToPowerOf2((uint)PageCount)] : Pages;
        skbs.CopyTo(Skbs);
        pages.CopyTo(Pages);
    }

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add(
        (ulong)Count << 32 | (uint)PageCount, Count > 0 ? (ulong)Skbs[0].Head : PageCount > 0 ? (ulong)Pages[0] : 0);
}

/// <summary>Pages of a request whose I/O has ended: reads are up to date now, writes may be freed.</summary>
[MemoryPackable]
public sealed partial class IoCompleted() : SimMessage((ushort)MessageKind.IoCompleted)
{
    /// <summary>Swapped out, not in.</summary>
    public bool Write;

    /// <summary>The pages.</summary>
    public int[] Pages = [];

    /// <summary>The bios' slab handles, to be freed.</summary>
    public int[] Bios = [];

    /// <summary>Content read, by page.</summary>
    public uint[] Stamps = [];

    /// <summary>The request failed: what was read means nothing, what was to be written is not.</summary>
    public bool Failed;

    /// <summary>How many pages.</summary>
    public int Count;

    /// <summary>The request object's slab handle, or −1 when it came from the mempool's own.</summary>
    public int Request;

    /// <summary>The CPU that completes.</summary>
    public int Cpu;

    /// <summary>Where the message goes when its receiver is done with it, to be used again; null: nowhere.</summary>
    [MemoryPackIgnore]
    public Stack<IoCompleted>? Spares { get; init; }

    /// <summary>Takes a copy of what a request holds.</summary>
    public void Fill(BlockRequest request)
    {
        Write = request.Write;
        Count = request.Count;
        if (Pages.Length < Count)
        {
            Pages = new int[BlockRequest.Capacity];
            Bios = new int[BlockRequest.Capacity];
        }

        request.Pages.AsSpan(0, Count).CopyTo(Pages);
        request.Bios.AsSpan(0, Count).CopyTo(Bios);
    }

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) =>
        fingerprint.Add(
            (ulong)(uint)Count | (Write ? 1UL << 32 : 0) | (Failed ? 1UL << 33 : 0), (ulong)Pages[0] << 32 | (uint)Pages[Count - 1]);
}

/// <summary>The OOM killer would be called by this task.</summary>
[MemoryPackable]
public sealed partial class OutOfMemory(int task) : SimMessage((ushort)MessageKind.OutOfMemory)
{
    /// <summary>The task whose allocation failed.</summary>
    public int Task { get; } = task;

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add((ulong)Task);
}

/// <summary>SLAB's worker, every two seconds and CPU: gives back what lies untouched.</summary>
[MemoryPackable]
public sealed partial class SlabReap(int cpu) : SimMessage((ushort)MessageKind.SlabReap)
{
    /// <summary>The CPU whose arrays are looked at.</summary>
    public int Cpu { get; } = cpu;

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add((ulong)Cpu);
}
