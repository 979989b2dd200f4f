// A packet tap looks at frames between ring and protocol.
using ClusterSwap.Engine;
using ClusterSwap.Kernel.Net;
using MemoryPack;

namespace ClusterSwap.Blades.Messages;

/// <summary>
/// The softirq shows a batch of frames to the tap, which has the blade clone them: the buffers are marked as shared
/// where that worked.
/// </summary>
[MemoryPackable]
public sealed partial class TapFrames() : SimMessage((ushort)MessageKind.TapFrames)
{
    /// <summary>By frame: its buffer, owned by the softirq; those without a head hold no frame.</summary>
    public SkBuff[] Buffers = [];

    /// <summary>How many of them count.</summary>
    public int Count;

    /// <summary>The tap whose socket takes the clones; set by its actor.</summary>
    [MemoryPackIgnore]
    public PacketTap? Tap;

    /// <summary>The CPU of the softirq.</summary>
    public int Cpu;

    /// <summary>The actor to answer.</summary>
    public int ReplyTo;

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add((ulong)Count);
}

/// <summary>The tap has seen a batch: first from the blade to the tap's actor, then from there to the
/// softirq.</summary>
[MemoryPackable]
public sealed partial class FramesTapped() : SimMessage((ushort)MessageKind.FramesTapped)
{
    /// <summary>Frames that the tap took.</summary>
    public int Taken;

    /// <summary>CPU time, ns.</summary>
    public long CostNs;

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add((ulong)Taken);
}
