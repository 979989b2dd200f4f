// What travels between actors of a simulation.
using MemoryPack;

namespace ClusterSwap.Engine;

/// <summary>
/// A message between actors of the simulation. Immutable once it is in flight across time; request and response objects
/// that live inside one instant only may be reused by their owner. A class, not an interface: each delivery asks for
/// the kind and folds the fields.
/// </summary>
public abstract class SimMessage
{
    /// <summary>A message of a kind, which is the same for all messages of the type.</summary>
    protected SimMessage(ushort kind) => Kind = kind;

    /// <summary>The message's number: what it is called in fingerprints, checkpoints and journals.</summary>
    [MemoryPackIgnore]
    public ushort Kind { get; }

    /// <summary>Adds the message's fields to the fingerprint: at most four 64-bit words.</summary>
    public abstract void Fold(ref Fingerprint fingerprint);
}
