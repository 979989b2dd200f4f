// Faults of the scenario: they begin, they end, and what they keep back comes late.
using ClusterSwap.Engine;
using MemoryPack;

namespace ClusterSwap.Blades.Messages;

/// <summary>A fault begins at this actor.</summary>
[MemoryPackable]
public sealed partial class FaultBegins(int fault, int round) : SimMessage((ushort)MessageKind.FaultBegins)
{
    /// <summary>Its number in the scenario.</summary>
    public int Fault { get; } = fault;

    /// <summary>How often it has come before; −1 when another actor has drawn its time.</summary>
    public int Round { get; } = round;

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add((ulong)Fault, (ulong)Round);
}

/// <summary>A fault ends at this actor.</summary>
[MemoryPackable]
public sealed partial class FaultEnds(int fault) : SimMessage((ushort)MessageKind.FaultEnds)
{
    /// <summary>Its number in the scenario.</summary>
    public int Fault { get; } = fault;

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add((ulong)Fault);
}

/// <summary>A frame that a fault kept back comes to its switch port.</summary>
[MemoryPackable]
public sealed partial class LateFrame(Frame frame) : SimMessage((ushort)MessageKind.LateFrame)
{
    /// <summary>The frame.</summary>
    public Frame Frame { get; } = frame;

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) => Frame.Fold(ref fingerprint);
}
