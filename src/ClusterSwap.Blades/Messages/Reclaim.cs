// Between a task, its direct reclaimer, kswapd and the blade's memory.
using ClusterSwap.Engine;
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Reclaim;
using MemoryPack;

namespace ClusterSwap.Blades.Messages;

/// <summary>The blade to kswapd: a zone may be short (<c>wakeup_kswapd</c>).</summary>
[MemoryPackable]
public sealed partial class WakeKswapd() : SimMessage((ushort)MessageKind.WakeKswapd)
{
    /// <summary>Order of the request that found too little.</summary>
    public int Order;

    /// <summary>Its highest zone.</summary>
    public int Classzone;

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add((ulong)Order, (ulong)Classzone);
}

/// <summary>A task to its direct reclaimer: free something (<c>__perform_reclaim</c>).</summary>
[MemoryPackable]
public sealed partial class Reclaim() : SimMessage((ushort)MessageKind.Reclaim)
{
    /// <summary>Flags of the allocation that needs it.</summary>
    public Gfp Gfp;

    /// <summary>Its order.</summary>
    public int Order;

    /// <summary>Flags of the task.</summary>
    public TaskFlags Flags;

    /// <summary>Node whose zonelist the allocation went through.</summary>
    public byte ListNode;

    /// <summary>Nodes that it may use, a bit each; 0: all.</summary>
    public byte Nodes;

    /// <summary>The actor to which the task returns.</summary>
    public int ReplyTo;

    /// <summary>Where the allocation looked for pages, reclaim shall free some.</summary>
    public void From(in AllocCall call)
    {
        ListNode = call.ListNode;
        Nodes = call.Nodes;
    }

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add(
        (ulong)Gfp | (ulong)ListNode << 48 | (ulong)Nodes << 56, (ulong)Order << 32 | (ulong)Flags);
}

/// <summary>A direct reclaimer to its task: done.</summary>
[MemoryPackable]
public sealed partial class Reclaimed() : SimMessage((ushort)MessageKind.Reclaimed)
{
    /// <summary>Progress in pages; 1 also when zones are not all unreclaimable.</summary>
    public int Pages;

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add((ulong)Pages);
}

/// <summary>A reclaimer asks the blade for the next section of its scan.</summary>
[MemoryPackable]
public sealed partial class ScanRequest() : SimMessage((ushort)MessageKind.ScanRequest)
{
    /// <summary>The reclaim frame, owned by the reclaimer.</summary>
    public ReclaimCall? Call;

    /// <summary>Where the blade puts the pages to write out; owned by the reclaimer, empty.</summary>
    public BioRun? Run;

    /// <summary>Start a new reclaim with the frame's request, rather than go on with it.</summary>
    public bool Begin;

    /// <summary>The task.</summary>
    public int Task;

    /// <summary>The actor to answer.</summary>
    public int ReplyTo;

    /// <summary>The answer.</summary>
    [MemoryPackIgnore]
    public Scanned Answer { get; } = new();

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add((ulong)(uint)Call!.Priority | (Begin ? 1UL << 32 : 0), (ulong)(uint)Task);
}

/// <summary>What a section of a scan came to.</summary>
[MemoryPackable]
public sealed partial class Scanned() : SimMessage((ushort)MessageKind.Scanned)
{
    /// <summary>What to do next.</summary>
    public ReclaimStepKind Step;

    /// <summary>CPU time, ns.</summary>
    public long CostNs;

    /// <summary>How long to sleep at most, ns.</summary>
    public long SleepNs;

    /// <summary>The sleep goes on with the deadline that it had.</summary>
    public bool KeepDeadline;

    /// <summary>The sleep is kswapd's own short one, not a wait for congestion to end.</summary>
    public bool ShortSleep;

    /// <summary>The scan of a zone has ended, and with it the plug around it (<c>shrink_lruvec</c>).</summary>
    public bool PlugEnds;

    /// <summary>Progress at the end, pages.</summary>
    public int Reclaimed;

    /// <summary>Pages to write out now: the run that came with the request.</summary>
    public BioRun? Run;

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) =>
        fingerprint.Add((ulong)Step << 32 | (uint)Run!.Count, (ulong)CostNs ^ (Run.Count == 0 ? 0 : (ulong)Run.Slots[0] << 32));
}

/// <summary>kswapd asks the blade for the next section of its balance loop.</summary>
[MemoryPackable]
public sealed partial class BalanceRequest() : SimMessage((ushort)MessageKind.BalanceRequest)
{
    /// <summary>The CPU it runs on.</summary>
    public int Cpu;

    /// <summary>The node that it balances.</summary>
    public int Node;

    /// <summary>Where the blade puts the pages to write out; owned by kswapd, empty.</summary>
    public BioRun? Run;

    /// <summary>The task.</summary>
    public int Task;

    /// <summary>The actor to answer; the answer is a <see cref="Scanned"/>.</summary>
    public int ReplyTo;

    /// <summary>The answer.</summary>
    [MemoryPackIgnore]
    public Scanned Answer { get; } = new();

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add((ulong)Task);
}
