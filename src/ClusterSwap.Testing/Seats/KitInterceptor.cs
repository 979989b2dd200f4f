// What the kit does with every message of a host: rules, seats, the log of last events, and the mark of escapes.
using Akka.Actor;
using ClusterSwap.Engine;

namespace ClusterSwap.Testing;

/// <summary>One for each host of a kit's simulation.</summary>
internal sealed class KitInterceptor(SimulationTestKit kit, EscapeDetector escapes, EventLog log) : HostInterceptor
{
    public override Interception Decide(HostContext host, in Arrival arrival)
    {
        Interception decision = kit.DecideByRules(host.HostId, in arrival);
        log.Add(host, in arrival, decision);
        if (decision.Kind != InterceptionKind.Deliver)
        {
            return decision;
        }

        if (kit.SeatAt(host.HostId, arrival.Actor) is not null)
        {
            return decision with { Kind = InterceptionKind.TakeOver };
        }

        escapes.TurnOf(host, arrival.Actor);
        return decision;
    }

    public override void TakeOver(HostContext host, in Arrival arrival) => kit.HandToSeat(host, in arrival);

    public override void Handled(HostContext host, in Arrival arrival) => escapes.TurnEnded(host, arrival.Actor);

    public override void ToldByReference(HostContext host, int actor, object message, IActorRef sender) =>
        escapes.ToldByReference(host, actor, sender);
}
