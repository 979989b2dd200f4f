// An actor that left virtual time, and what it should do instead.
namespace ClusterSwap.Testing;

/// <summary>How an actor left virtual time.</summary>
public enum EscapeKind
{
    /// <summary>Work goes on on another thread: Task.Run, Task.Delay, a timer of .NET, a thread, Parallel.</summary>
    OtherThread,

    /// <summary>An async handler.</summary>
    Async,

    /// <summary>Ask.</summary>
    Ask,

    /// <summary>Akka's scheduler: timers, receive timeouts, ScheduleTellOnce and the like.</summary>
    Scheduler,

    /// <summary>PipeTo.</summary>
    PipeTo,

    /// <summary>The event stream.</summary>
    EventStream,

    /// <summary>A child actor, or another one, on a dispatcher of Akka's.</summary>
    OtherDispatcher,

    /// <summary>A message from outside the simulation.</summary>
    Outside,
}

/// <summary>An escape from virtual time.</summary>
/// <param name="Host">The host.</param>
/// <param name="Actor">The actor on it.</param>
/// <param name="Kind">How.</param>
/// <param name="Detail">What is known of it, for people; may be empty.</param>
public sealed record Escape(string Host, string Actor, EscapeKind Kind, string Detail)
{
    /// <summary>What happened, and what the actor should do instead.</summary>
    public override string ToString()
    {
        string detail = Detail.Length == 0 ? string.Empty : $" ({Detail})";
        return $"{Host}/{Actor} {Does}{detail}. Instead: {Instead}.";
    }

    private string Does => Kind switch
    {
        EscapeKind.OtherThread => "goes on on another thread: Task.Run, Task.Delay, Parallel, a timer or a thread",
        EscapeKind.Async => "has an async handler, whose continuation runs whenever .NET likes",
        EscapeKind.Ask => "uses Ask",
        EscapeKind.Scheduler => "uses Akka's scheduler or timers, which follow the wall clock",
        EscapeKind.PipeTo => "uses PipeTo, which tells when a task happens to end",
        EscapeKind.EventStream => "uses the event stream, whose order of subscribers is random",
        EscapeKind.OtherDispatcher => "works with an actor on a dispatcher of Akka's",
        _ => "got a message from outside its host's turn",
    };

    private string Instead => Kind switch
    {
        EscapeKind.OtherThread =>
            "do the work within Receive, and let a cost in time pass with "
            + "Host.Schedule(Host.NowNs + costNs, Index, message)",
        EscapeKind.Async =>
            "split the handler: send a request, keep in State what it is for, go on when the answer arrives",
        EscapeKind.Ask => "Host.Send(actor, request), and go on when the answer arrives as a message",
        EscapeKind.Scheduler => "Host.Schedule(Host.NowNs + delayNs, Index, message)",
        EscapeKind.PipeTo => "Host.Schedule the message for when the work would be done",
        EscapeKind.EventStream => "Host.Send or Host.Transmit to each subscriber, by host and index",
        EscapeKind.OtherDispatcher => "add the actor with HostBuilder.AddActor, or let a probe stand in for it",
        _ => "Simulation.Post, or Tell to the kit's Ref(host, actor)",
    };
}
