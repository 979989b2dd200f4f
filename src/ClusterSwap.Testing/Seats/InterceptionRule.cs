// What a test wants done with some of the messages.
using ClusterSwap.Engine;

namespace ClusterSwap.Testing;

/// <summary>A message on its way to an actor, as a rule of interception sees it.</summary>
/// <typeparam name="T">Its type.</typeparam>
/// <param name="Message">The message. It may be a request that its sender uses again: look, but keep nothing.</param>
/// <param name="TimeNs">Virtual time.</param>
/// <param name="Host">The receiver's host.</param>
/// <param name="Actor">The receiver's index there.</param>
/// <param name="SenderHost">The sender's host.</param>
/// <param name="Sender">The sender's index there; -1 for what was posted from outside.</param>
public readonly record struct Delivering<T>(T Message, long TimeNs, int Host, int Actor, int SenderHost, int Sender)
    where T : SimMessage;

/// <summary>A rule of interception in force, until it is removed.</summary>
public sealed class InterceptionRule
{
    private readonly Func<int, Arrival, Interception> _decide;
    private readonly Action<InterceptionRule> _remove;

    internal InterceptionRule(Func<int, Arrival, Interception> decide, Action<InterceptionRule> remove)
    {
        _decide = decide;
        _remove = remove;
    }

    /// <summary>Messages that it has dropped, delayed or changed.</summary>
    public int Hits { get; private set; }

    /// <summary>Ends it: from now on messages pass.</summary>
    public void Remove() => _remove(this);

    internal Interception Decide(int host, in Arrival arrival)
    {
        Interception decision = _decide(host, arrival);
        if (decision.Kind != InterceptionKind.Deliver || decision.Message is not null)
        {
            Hits++;
        }

        return decision;
    }
}
