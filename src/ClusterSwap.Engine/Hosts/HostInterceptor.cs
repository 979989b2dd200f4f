// Who decides what becomes of the messages of one host: for tests that drop, delay, change or answer them.
using Akka.Actor;

namespace ClusterSwap.Engine;

/// <summary>What an interceptor decides about a message.</summary>
public enum InterceptionKind
{
    /// <summary>The actor gets it, or the message that stands in its place.</summary>
    Deliver,

    /// <summary>Nobody gets it, as if it had never been sent.</summary>
    Drop,

    /// <summary>It comes again later, and is decided about again then.</summary>
    Delay,

    /// <summary>The interceptor handles it in the actor's name.</summary>
    TakeOver,
}

/// <summary>A decision about one message.</summary>
/// <param name="Kind">What becomes of it.</param>
/// <param name="Message">What is delivered or taken over in its place; null leaves it as it is.</param>
/// <param name="DelayNs">How much later it comes, 1 or more.</param>
public readonly record struct Interception(InterceptionKind Kind, SimMessage? Message = null, long DelayNs = 0)
{
    /// <summary>As if nobody had looked.</summary>
    public static Interception Deliver => default;

    /// <summary>The message vanishes.</summary>
    public static Interception Drop => new(InterceptionKind.Drop);

    /// <summary>The interceptor handles it.</summary>
    public static Interception TakeOver => new(InterceptionKind.TakeOver);

    /// <summary>Another message is delivered in its place.</summary>
    public static Interception Change(SimMessage message) => new(InterceptionKind.Deliver, message);

    /// <summary>
    /// The message comes so many nanoseconds later. Only what is immutable may wait: a request that its sender uses
    /// again within the instant is another one by then.
    /// </summary>
    public static Interception Delay(long delayNs) => new(InterceptionKind.Delay, null, delayNs);
}

/// <summary>A message that is about to be delivered.</summary>
/// <param name="TimeNs">Virtual time.</param>
/// <param name="Actor">Index of the receiver.</param>
/// <param name="Message">The message.</param>
/// <param name="SenderHost">The host that it comes from.</param>
/// <param name="Sender">Index of the actor there that sent it; -1 for what was posted from outside.</param>
public readonly record struct Arrival(long TimeNs, int Actor, SimMessage Message, int SenderHost, int Sender);

/// <summary>
/// Decides about every message of one host before it is delivered. What it drops or delays is in no fingerprint; what
/// it takes over is delivered, but to the interceptor, which may send as the actor meanwhile. It is called on the
/// thread that runs the host and is no state of it: who wants to repeat a run intercepts the same again. What it
/// throws faults the run. Nobody intercepting costs a branch.
/// </summary>
public abstract class HostInterceptor
{
    /// <summary>What becomes of a message.</summary>
    public virtual Interception Decide(HostContext host, in Arrival arrival) => Interception.Deliver;

    /// <summary>Handles a message in the actor's place; <see cref="HostContext.Send"/> and the like send as the
    /// actor.</summary>
    public virtual void TakeOver(HostContext host, in Arrival arrival)
    {
    }

    /// <summary>A message has been handled, by the actor or in its place; its turn is not over yet.</summary>
    public virtual void Handled(HostContext host, in Arrival arrival)
    {
    }

    /// <summary>
    /// The running actor told something to an actor of this host by its reference, rather than by
    /// <see cref="HostContext.Send"/>. Called before it is accepted.
    /// </summary>
    public virtual void ToldByReference(HostContext host, int actor, object message, IActorRef sender)
    {
    }
}
