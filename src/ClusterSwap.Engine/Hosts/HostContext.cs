// What an actor of a simulated host can do: send, schedule, transmit, draw. One per host, shared by its actors.
using System.Runtime.CompilerServices;
using Akka.Actor;

namespace ClusterSwap.Engine;

/// <summary>
/// One simulated host: its virtual clock, its pending events, its random streams. Actors use it while they handle a
/// message; a call from anywhere else is an escape and voids the run.
/// </summary>
public sealed partial class HostContext
{
    /// <summary>How many waiting messages a schedule strategy chooses among at most.</summary>
    public const int ChoiceReach = 64;

    [ThreadStatic]
    private static HostContext? t_running;

    private readonly Simulation _simulation;
    private readonly MessageRegistry _registry;
    private readonly EdgeTable _edges;
    private readonly ulong _seed;
    private readonly long _stepNs;
    private readonly RandomStream[] _streams;
    private readonly ulong[] _sequences;

    internal HostContext(Simulation simulation, int id, string name, ActorSpec[] actors, EdgeTable edges)
    {
        _simulation = simulation;
        _registry = simulation.Registry;
        _seed = simulation.Seed;
        _stepNs = simulation.TimeStepNs;
        _edges = edges;
        HostId = id;
        Name = name;
        Specs = actors;
        Actors = new HostActor[actors.Length];
        _cells = new ActorCell[actors.Length];
        _refs = new IActorRef[actors.Length];
        _sequences = new ulong[actors.Length + 1];
        _streams = new RandomStream[actors.Length + 1];
        for (int i = 0; i < _streams.Length; i++)
        {
            _streams[i] = new RandomStream(Mixing.Of(_seed ^ 0x52414E444F4D5353, (ulong)id, (ulong)i));
        }

        Follow(simulation.Strategy);
    }

    /// <summary>The host's number, from 0 in the order of building.</summary>
    public int HostId { get; }

    /// <summary>The host's name.</summary>
    public string Name { get; }

    /// <summary>Whether its actors live in this simulation; else it is only known here.</summary>
    public bool IsLocal { get; internal init; } = true;

    /// <summary>Virtual time in nanoseconds: that of the running event, or of the barrier between runs.</summary>
    public long NowNs { get; private set; }

    /// <summary>Virtual times at which something happens are whole multiples of this, in nanoseconds; mostly 1.</summary>
    public long TimeStepNs => _stepNs;

    /// <summary>Index of the actor that is handling a message; -1 when none is.</summary>
    public int CurrentActor { get; private set; } = -1;

    /// <summary>Number of actors of this host.</summary>
    public int ActorCount => Actors.Length;

    /// <summary>
    /// Sends within this host and this instant: a Tell between Akka actors. It arrives after all that was sent before
    /// it, unless the strategy decides otherwise between different pairs.
    /// </summary>
    public void Send(int actor, SimMessage message)
    {
        if (!ReferenceEquals(t_running, this))
        {
            _simulation.ReportEscape(Name, ActorName(actor), message);
            return;
        }

        if ((uint)actor >= (uint)_refs.Length)
        {
            Fault($"there is no actor {actor} to send {message.GetType().Name} to, the host has {_refs.Length}");
            return;
        }

        _told = actor;
        _refs[actor].Tell(message, ActorRefs.NoSender);
        if (_told >= 0)
        {
            _told = -1;
            Fault($"{message.GetType().Name} told to {ActorName(actor)} did not arrive in the ring");
        }
    }

    /// <summary>
    /// Delivers a message to an actor of this host at a time, not before now. What is due now takes no time and goes
    /// the way of <see cref="Send"/>. Messages of one actor for one time arrive in the order of scheduling.
    /// </summary>
    public void Schedule(long atNs, int actor, SimMessage message)
    {
        atNs = InSteps(atNs);
        if (atNs == NowNs)
        {
            Send(actor, message);
            return;
        }

        if (!ReferenceEquals(t_running, this))
        {
            _simulation.ReportEscape(Name, ActorName(actor), message);
        }
        else if (atNs < NowNs)
        {
            Fault($"{message.GetType().Name} was scheduled for {atNs} ns, which is past: now is {NowNs} ns");
        }
        else if ((uint)actor >= (uint)_refs.Length)
        {
            Fault($"there is no actor {actor} to schedule {message.GetType().Name} for, the host has {_refs.Length}");
        }
        else if (Registered(message))
        {
            _heap.Push(atNs, Draw(out ulong source, out ulong sequence, atNs), source, sequence, actor, message, Messages);
        }
    }

    /// <summary>
    /// Sends over an edge to an actor of another host, to arrive at a time that is at least the edge's latency away.
    /// Anything sooner would be an effect before its cause for that host, so it faults.
    /// </summary>
    public void Transmit(int targetHost, int targetActor, long arrivalNs, SimMessage message)
    {
        arrivalNs = InSteps(arrivalNs);
        if (!ReferenceEquals(t_running, this))
        {
            _simulation.ReportEscape(Name, $"host {targetHost} actor {targetActor}", message);
            return;
        }

        long latencyNs = _edges.LatencyTo(targetHost);
        if (latencyNs < 0)
        {
            Fault($"there is no edge to host {targetHost} for {message.GetType().Name}");
            return;
        }

        if (arrivalNs - NowNs < latencyNs)
        {
            Fault($"{message.GetType().Name} would arrive at host {targetHost} at {arrivalNs} ns, " +
                $"but the edge takes {latencyNs} ns from now, {NowNs} ns");
            return;
        }

        HostContext target = _simulation.Hosts[targetHost];
        if ((uint)targetActor >= (uint)target.ActorCount)
        {
            Fault($"host {target.Name} has no actor {targetActor}, only {target.ActorCount}");
        }
        else if (Registered(message))
        {
            ulong draw = Draw(out ulong source, out ulong sequence, arrivalNs);
            var frame = new Frame(arrivalNs, draw, source, sequence, targetHost, targetActor, message, Messages);
            _partition!.Carry(this, target, in frame);
        }
    }

    /// <summary>A time or duration, ns, rounded up to whole steps.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public long InSteps(long ns) => _stepNs == 1 ? ns : RoundedUp(ns);

    private long RoundedUp(long ns) => ns > long.MaxValue - _stepNs ? ns : (ns + _stepNs - 1) / _stepNs * _stepNs;

    /// <summary>The next 64 bits of the running actor's own stream.</summary>
    public ulong NextRandom() => StreamOfCurrent().Next();

    /// <summary>
    /// A number from 0 to <paramref name="below"/> - 1 from the running actor's own stream, each equally likely.
    /// </summary>
    public int NextRandom(int below) => StreamOfCurrent().Next(below);

    /// <summary>Whether a schedule strategy may choose otherwise than the default: worth preparing choices.</summary>
    public bool Chooses => _schedule is not null;

    /// <summary>
    /// Lets the schedule strategy choose among what the simulated machine may do next, the default first. For actors, at
    /// points where what they simulate makes no promise. 0 without a strategy, and when there is no choice.
    /// </summary>
    public int Choose(ReadOnlySpan<ScheduleChoice> choices)
    {
        if (_schedule is null || choices.Length < 2)
        {
            return 0;
        }

        int picked = _schedule.Pick(NowNs, choices);
        return (uint)picked < (uint)choices.Length
            ? picked
            : throw new InvalidOperationException(
                $"{_simulation.Strategy.Describe()} picked {picked} of {choices.Length} choices");
    }

    /// <summary>Ends the run: the first fault in virtual time is the one that is reported.</summary>
    public void Fault(string text) => SetFault(text, null);

    private ref RandomStream StreamOfCurrent()
    {
        if (!ReferenceEquals(t_running, this))
        {
            throw new InvalidOperationException($"host {Name}: a random draw outside the host's turn");
        }

        return ref _streams[CurrentActor + 1];
    }

    /// <summary>
    /// The draw that orders events of different sources at one time without favour, and the same for all events of one
    /// source at one time, so that these keep their sequence.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ulong Draw(out ulong source, out ulong sequence, long atNs)
    {
        int entity = CurrentActor + 1;
        source = SourceOf(HostId, entity);
        sequence = _sequences[entity]++;
        return Mixing.Of(_seed, source, (ulong)atNs);
    }

    private static ulong SourceOf(int host, int entity) => (ulong)host << 32 | (uint)entity;

    private bool Registered(SimMessage message)
    {
        if (_registry.Knows(message.Kind, message.GetType()))
        {
            return true;
        }

        Fault($"{message.GetType().Name} is not registered under its kind {message.Kind}: " +
            "it could not be checkpointed");
        return false;
    }

    /// <summary>Name of an actor of this host, as in its path.</summary>
    public string ActorName(int actor)
        => (uint)actor < (uint)Specs.Length ? Specs[actor].Name : $"actor {actor}";
}
