// What travels between actors of a simulation.
namespace ClusterSwap.Engine;

/// <summary>
/// A message between actors of the simulation. Immutable once it is in flight across time; request and response objects
/// that live inside one instant only may be reused by their owner.
/// </summary>
public interface ISimMessage
{
    /// <summary>The message's number: what it is called in fingerprints, checkpoints and journals.</summary>
    ushort Kind { get; }

    /// <summary>Adds the message's fields to the fingerprint: at most four 64-bit words.</summary>
    void Fold(ref Fingerprint fingerprint);
}
