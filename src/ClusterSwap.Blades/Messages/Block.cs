// Between whoever swaps and the NBD device.
using ClusterSwap.Engine;
using ClusterSwap.Kernel.Memory;
using MemoryPack;

namespace ClusterSwap.Blades.Messages;

/// <summary>Swap I/O of one task, with the bio objects made for it: one for each page, as swap has it.</summary>
[MemoryPackable]
public sealed partial class BioRun
{
    /// <summary>Largest run: one request of 255 sectors. A larger request takes two runs.</summary>
    public const int Capacity = 31;

    /// <summary>To the device, not from it.</summary>
    public bool Write;

    /// <summary>How many pages.</summary>
    public int Count;

    /// <summary>How many of them have a bio: the rest waits for the mempool.</summary>
    public int Bios;

    /// <summary>The mempool had no bio for the next page: the task is to wait for one.</summary>
    public bool Short;

    /// <summary>The pages.</summary>
    public int[] Pages = new int[Capacity];

    /// <summary>Their slots.</summary>
    public int[] Slots = new int[Capacity];

    /// <summary>The bios' slab handles.</summary>
    public int[] BioSlabs = new int[Capacity];

    /// <summary>Content that is written.</summary>
    public uint[] Stamps = new uint[Capacity];

    /// <summary>Takes the first <paramref name="n"/> pages off.</summary>
    public void Advance(int n)
    {
        Array.Copy(Pages, n, Pages, 0, Count - n);
        Array.Copy(Slots, n, Slots, 0, Count - n);
        Array.Copy(BioSlabs, n, BioSlabs, 0, Count - n);
        Array.Copy(Stamps, n, Stamps, 0, Count - n);
        Count -= n;
        Bios -= n;
    }
}

/// <summary>A task submits bios; the device merges them into requests of the task's plug.</summary>
[MemoryPackable]
public sealed partial class SubmitBios() : SimMessage((ushort)MessageKind.SubmitBios)
{
    /// <summary>The task.</summary>
    public int Task;

    /// <summary>The actor to answer.</summary>
    public int ReplyTo;

    /// <summary>What to read or write; only the pages that have bios.</summary>
    public BioRun? Run;

    /// <summary>Unplug afterwards.</summary>
    public bool Flush;

    /// <summary>The answer.</summary>
    [MemoryPackIgnore]
    public BiosSubmitted Answer { get; } = new();

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add(
        (ulong)(uint)Task << 32 | (uint)Run!.Count, (ulong)(uint)Run.Slots[0] | (Run.Write ? 1UL << 40 : 0) | (Flush ? 1UL << 41 : 0));
}

/// <summary>The device's answer to <see cref="SubmitBios"/>.</summary>
[MemoryPackable]
public sealed partial class BiosSubmitted() : SimMessage((ushort)MessageKind.BiosSubmitted)
{
    /// <summary>Bios that found a place in a request, from the first.</summary>
    public int Accepted;

    /// <summary>No request is free for the next one: sleep in get_request, then submit the rest.</summary>
    public bool MustWait;

    /// <summary>The plug is full or to be finished, and the task sends it itself before it goes on.</summary>
    public bool MustIssue;

    /// <summary>CPU time, ns.</summary>
    public long CostNs;

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) =>
        fingerprint.Add((ulong)(uint)Accepted | (MustWait ? 1UL << 32 : 0) | (MustIssue ? 1UL << 33 : 0), (ulong)(uint)CostNs);
}

/// <summary>A task asks for the bios that its run still lacks.</summary>
[MemoryPackable]
public sealed partial class BioRequest() : SimMessage((ushort)MessageKind.BioRequest)
{
    /// <summary>The task: it is woken when an element comes back to an empty mempool.</summary>
    public int Task;

    /// <summary>The CPU it runs on.</summary>
    public int Cpu;

    /// <summary>Flags of the task.</summary>
    public TaskFlags Flags;

    /// <summary>The actor to answer.</summary>
    public int ReplyTo;

    /// <summary>The run; its bios are filled in.</summary>
    public BioRun? Run;

    /// <summary>The answer.</summary>
    [MemoryPackIgnore]
    public BiosMade Answer { get; } = new();

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add((ulong)Task, (ulong)Run!.Count);
}

/// <summary>The blade's answer to <see cref="BioRequest"/>.</summary>
[MemoryPackable]
public sealed partial class BiosMade() : SimMessage((ushort)MessageKind.BiosMade)
{
    /// <summary>Bios that the run has now.</summary>
    public int Bios;

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add((ulong)Bios);
}

/// <summary>A task goes to sleep or ends its reclaim: its plugged requests go to the driver.</summary>
[MemoryPackable]
public sealed partial class Unplug(int task) : SimMessage((ushort)MessageKind.Unplug)
{
    /// <summary>The task.</summary>
    public int Task { get; } = task;

    /// <summary>The CPU of its section. It follows from what was folded before.</summary>
    public int Cpu { get; set; }

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add((ulong)Task);
}

/// <summary>A task finishes its plug on a device that lets it send: the device holds its call until all is
/// sent.</summary>
[MemoryPackable]
public sealed partial class IssuePlug() : SimMessage((ushort)MessageKind.IssuePlug)
{
    /// <summary>The task.</summary>
    public int Task;

    /// <summary>Its flags.</summary>
    public TaskFlags Flags;

    /// <summary>The actor to which the task returns.</summary>
    public int ReplyTo;

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) =>
        fingerprint.Add((ulong)(uint)Task << 32 | (uint)ReplyTo, (ulong)Flags);
}

/// <summary>The device to the blade: a class of requests has left or entered congestion.</summary>
[MemoryPackable]
public sealed partial class CongestionChanged(bool congested) : SimMessage((ushort)MessageKind.CongestionChanged)
{
    /// <summary>Congested now.</summary>
    public bool Congested { get; } = congested;

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add(Congested ? 1UL : 0);
}
