// Why a run was stopped: where, when and by what.
namespace ClusterSwap.Engine;

/// <summary>An error that ended a run, with all that is needed to see it again.</summary>
/// <param name="Seed">Seed of the run.</param>
/// <param name="TimeNs">Virtual time.</param>
/// <param name="HostId">The host; -1 when it is none of the run's.</param>
/// <param name="Host">The host's name.</param>
/// <param name="Actor">Path of the actor that was running; empty outside actors.</param>
/// <param name="Message">Type of the message that it was handling; empty outside actors.</param>
/// <param name="Text">What went wrong.</param>
public sealed record SimulationFault(
    ulong Seed, long TimeNs, int HostId, string Host, string Actor, string Message, string Text)
{
    /// <summary>One line that names everything.</summary>
    public override string ToString()
    {
        string where = Actor.Length == 0 ? Host : $"{Host}/{Actor}";
        string what = Message.Length == 0 ? string.Empty : $" on {Message}";
        return $"{where} at {TimeNs} ns{what} (seed {Seed}): {Text}";
    }
}

/// <summary>
/// Thrown when a run cannot go on: an exception in an actor, a livelock, a broken rule of the engine.
/// </summary>
public sealed class SimulationFaultException : Exception
{
    /// <summary>Wraps a fault and the exception that caused it, if one did.</summary>
    public SimulationFaultException(SimulationFault fault, Exception? cause)
        : base(fault.ToString(), cause) => Fault = fault;

    /// <summary>What happened, and where.</summary>
    public SimulationFault Fault { get; }
}

/// <summary>
/// Thrown when a host of another simulation of the same run had a fault, which its own simulation tells about.
/// </summary>
public sealed class FaultElsewhereException(long timeNs)
    : Exception($"the run is at its end: a host that lives elsewhere had a fault at {timeNs} ns")
{
    /// <summary>Virtual time of the fault.</summary>
    public long TimeNs { get; } = timeNs;
}

/// <summary>
/// Thrown when messages reached a host from outside its turn: what happened then is no function of the seed.
/// </summary>
public sealed class SimulationEscapeException : Exception
{
    /// <summary>Names the escaped messages.</summary>
    public SimulationEscapeException(IReadOnlyList<string> escapes)
        : base($"the run is void, {escapes.Count} message(s) escaped virtual time: " +
            string.Join("; ", escapes.Take(8)))
        => Escapes = escapes;

    /// <summary>Receiver and message type of each escape.</summary>
    public IReadOnlyList<string> Escapes { get; }
}

/// <summary>A message that reached a host from outside its turn.</summary>
/// <param name="Host">Name of the host.</param>
/// <param name="Actor">The receiver there.</param>
/// <param name="Message">What it was told, or what an actor wanted to send, schedule or transmit.</param>
/// <param name="Sender">Who Akka says told it; null for what came by the host's own methods.</param>
public readonly record struct EscapedMessage(string Host, string Actor, object Message, Akka.Actor.IActorRef? Sender);
