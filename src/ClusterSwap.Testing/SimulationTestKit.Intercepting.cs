// Messages and frames that never arrive, arrive late, or arrive changed.
using ClusterSwap.Engine;

namespace ClusterSwap.Testing;

public abstract partial class SimulationTestKit
{
    private readonly List<InterceptionRule> _rules = [];

    /// <summary>
    /// Decides about every message of a type, on any host, until the rule is removed. The rule that was added first and
    /// does not let the message pass has its way.
    /// </summary>
    protected InterceptionRule Intercept<T>(Func<Delivering<T>, Interception> decide)
        where T : SimMessage
    {
        var rule = new InterceptionRule(
            (host, arrival) => arrival.Message is T message
                ? decide(new Delivering<T>(
                    message, arrival.TimeNs, host, arrival.Actor, arrival.SenderHost, arrival.Sender))
                : Interception.Deliver,
            rule => _rules.Remove(rule));
        _rules.Add(rule);
        return rule;
    }

    /// <summary>Messages of a type are lost: all, or those for which the function is true.</summary>
    protected InterceptionRule Drop<T>(Func<Delivering<T>, bool>? when = null)
        where T : SimMessage =>
        Intercept<T>(d => when is null || when(d) ? Interception.Drop : Interception.Deliver);

    /// <summary>
    /// Messages of a type come later, once each. For messages that take time, such as frames and timers: a request
    /// within
    /// the instant belongs to its sender, who uses it again.
    /// </summary>
    protected InterceptionRule Delay<T>(long delayNs, Func<Delivering<T>, bool>? when = null)
        where T : SimMessage
    {
        var delayed = new HashSet<SimMessage>(ReferenceEqualityComparer.Instance);
        return Intercept<T>(d =>
            (when is null || when(d)) && !delayed.Remove(d.Message) && delayed.Add(d.Message)
                ? Interception.Delay(delayNs)
                : Interception.Deliver);
    }

    /// <summary>Messages of a type arrive as others: what the function gives in their place.</summary>
    protected InterceptionRule Change<T>(Func<Delivering<T>, T> change)
        where T : SimMessage => Intercept<T>(d => Interception.Change(change(d)));

    internal Interception DecideByRules(int host, in Arrival arrival)
    {
        for (int i = 0; i < _rules.Count; i++)
        {
            Interception decision = _rules[i].Decide(host, in arrival);
            if (decision.Kind != InterceptionKind.Deliver || decision.Message is not null)
            {
                return decision;
            }
        }

        return Interception.Deliver;
    }
}
