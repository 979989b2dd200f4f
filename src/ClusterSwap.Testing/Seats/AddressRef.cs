// An actor of a simulation as a reference: by host and index, with the time of what it sent.
using Akka.Actor;

namespace ClusterSwap.Testing;

/// <summary>
/// The address of an actor in a simulation. A probe that answers <c>Sender</c> answers this: the message is sent in the
/// name of the actor that the probe stands for, at the present virtual time.
/// </summary>
public sealed class AddressRef : MinimalActorRef
{
    /// <summary>The actor is not known: the message came from outside the simulation.</summary>
    public const int Outside = -1;

    private readonly SimulationTestKit _kit;

    internal AddressRef(SimulationTestKit kit, int host, int actor, long sentNs)
    {
        _kit = kit;
        Host = host;
        Actor = actor;
        AtNs = sentNs;
        string name = actor == Outside ? "outside" : kit.Simulation.ActorName(host, actor);
        Path = new RootActorPath(Address.AllSystems) / "simulation" / kit.Simulation.Host(host).Name / name;
    }

    /// <summary>The host's id.</summary>
    public int Host { get; }

    /// <summary>Index of the actor on its host, or <see cref="Outside"/>.</summary>
    public int Actor { get; }

    /// <summary>
    /// Virtual time at which the message that carries this sender arrived; that of its making for others.
    /// </summary>
    public long AtNs { get; }

    /// <inheritdoc/>
    public override ActorPath Path { get; }

    /// <inheritdoc/>
    public override IActorRefProvider Provider => ((ExtendedActorSystem)_kit.Sys).Provider;

    /// <inheritdoc/>
    protected override void TellInternal(object message, IActorRef sender) => _kit.Tell(this, message, sender);
}
