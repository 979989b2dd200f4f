// Probes in the places of actors, and what they say.
using Akka.Actor;
using Akka.TestKit;
using ClusterSwap.Engine;

namespace ClusterSwap.Testing;

public abstract partial class SimulationTestKit
{
    private readonly Dictionary<(int Host, int Actor), Seat> _seats = [];
    private HostContext? _turn;

    /// <summary>
    /// From now on a probe gets what an actor would have got. The actor itself stays as it was, so others that look at
    /// its state still can. A probe may stand in for several actors.
    /// </summary>
    /// <param name="host">The host's id.</param>
    /// <param name="actor">The actor's index.</param>
    /// <param name="probe">A probe of this kit.</param>
    protected void StandIn(int host, int actor, TestProbe probe) => _seats[(host, actor)] = new Seat(probe, _registry);

    /// <summary>The actor gets its messages again.</summary>
    protected void StandDown(int host, int actor) => _seats.Remove((host, actor));

    /// <summary>
    /// Answers for a probe while the simulation runs, within the turn in which a message arrives: what it tells
    /// <c>sender</c> is sent in the name of the actor that the probe stands for, at the present virtual time. It sees
    /// the
    /// very message, the probe's queue keeps a copy. What it throws fails the run. Returning another pilot changes it
    /// for
    /// the messages to come, as everywhere in Akka.TestKit.
    /// </summary>
    /// <exception cref="InvalidOperationException">The probe stands in for nobody.</exception>
    protected void AutoPilot(TestProbe probe, AutoPilot pilot)
    {
        Seat[] seats = [.. _seats.Values.Where(seat => ReferenceEquals(seat.Probe, probe))];
        if (seats.Length == 0)
        {
            throw new InvalidOperationException("the probe stands in for no actor: StandIn or AddProbe comes first");
        }

        foreach (Seat seat in seats)
        {
            seat.Pilot = pilot;
        }
    }

    /// <summary>The same, from a function of the sender and the message.</summary>
    protected void AutoPilot(TestProbe probe, Action<IActorRef, object> answer) =>
        AutoPilot(probe, new FunctionPilot(answer));

    /// <summary>Virtual time within a turn: for pilots.</summary>
    protected long TurnNs => _turn?.NowNs ?? NowNs;

    /// <summary>
    /// Schedules a message in the name of the actor whose probe is answering: it arrives at an actor of the same host
    /// at
    /// this virtual time.
    /// </summary>
    /// <exception cref="InvalidOperationException">No pilot is answering.</exception>
    protected void SendAt(long atNs, int actor, SimMessage message) => (_turn
        ?? throw new InvalidOperationException("only a pilot has a turn; outside a run, Post"))
        .Schedule(atNs, actor, message);

    /// <summary>A probe stands in for an actor of this host.</summary>
    protected bool HasSeatOn(int host) => _seats.Keys.Any(seat => seat.Host == host);

    internal Seat? SeatAt(int host, int actor) => _seats.Count == 0 ? null : _seats.GetValueOrDefault((host, actor));

    internal void HandToSeat(HostContext host, in Arrival arrival)
    {
        _turn = host;
        try
        {
            var sender = new AddressRef(this, arrival.SenderHost, arrival.Sender, arrival.TimeNs);
            _seats[(host.HostId, arrival.Actor)].Hand(arrival.Message, sender);
        }
        finally
        {
            _turn = null;
        }
    }

    internal void Tell(AddressRef target, object message, IActorRef sender)
    {
        if (message is not SimMessage simulated)
        {
            throw new ArgumentException(
                $"{message.GetType().Name} is told to {target.Path}: only simulation messages live in virtual time");
        }

        if (target.Actor == AddressRef.Outside)
        {
            throw new InvalidOperationException(
                $"{message.GetType().Name} cannot be told to {target.Path}: the test itself posted what it answers");
        }

        if (_turn is { } turn)
        {
            SendWithin(turn, target, simulated);
        }
        else if (_seats.FirstOrDefault(seat => seat.Value.Probe.Ref.Equals(sender)) is { Value: not null } seat)
        {
            Simulation.PostAs(seat.Key.Host, seat.Key.Actor, target.Host, NowNs, target.Actor, simulated);
        }
        else
        {
            Post(target.Host, target.Actor, simulated);
        }
    }

    private static void SendWithin(HostContext turn, AddressRef target, SimMessage message)
    {
        if (target.Host == turn.HostId)
        {
            turn.Send(target.Actor, message);
            return;
        }

        long latencyNs = turn.LatencyTo(target.Host);
        if (latencyNs < 0)
        {
            throw new InvalidOperationException(
                $"{turn.Name} has no edge to {target.Path} to send {message.GetType().Name} over");
        }

        turn.Transmit(target.Host, target.Actor, turn.NowNs + latencyNs, message);
    }
}
