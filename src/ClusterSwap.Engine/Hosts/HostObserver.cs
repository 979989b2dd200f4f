// Who looks at what a host is delivered, message by message.
namespace ClusterSwap.Engine;

/// <summary>
/// Sees every message that is delivered on one host, before its actor handles it. It is called on the thread that runs
/// the host, hosts of different partitions at the same time; it may keep nothing of the message, which may be reused,
/// and must not touch the simulation. What it throws faults the run.
/// </summary>
public abstract class HostObserver
{
    /// <summary>A message is about to be handled.</summary>
    public abstract void Delivered(in Delivery delivery);
}

/// <summary>One delivered message: what happened, where, and because of what.</summary>
/// <param name="TimeNs">Virtual time.</param>
/// <param name="Number">
/// Which delivery of the host this is, from 1: <see cref="HostContext.Messages"/> while it is handled.
/// </param>
/// <param name="Actor">Index of the receiver.</param>
/// <param name="Message">The message; its kind is in it.</param>
/// <param name="CauseHost">The host on which it was sent; the receiver's own for what was posted from outside.</param>
/// <param name="Cause">Number of the delivery there during which it was sent; 0 when it was posted from
/// outside.</param>
/// <param name="Digest">
/// Half of the host's fingerprint with this message folded in: equal ones mean that all up to here was equal.
/// </param>
public readonly record struct Delivery(
    long TimeNs, long Number, int Actor, SimMessage Message, int CauseHost, long Cause, ulong Digest);
