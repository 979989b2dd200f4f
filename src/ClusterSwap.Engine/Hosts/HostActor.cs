// The base of all actors of a simulation: real Akka actors that are run by their host.
using System.Buffers;
using System.Runtime.CompilerServices;
using Akka.Actor;
using MemoryPack;

namespace ClusterSwap.Engine;

/// <summary>
/// An actor of a simulated host. Its host's root actor creates it with an explicit name; it lives as long as the
/// simulation. An exception in <see cref="Receive(SimMessage)"/> never reaches Akka's supervision: it faults the run.
/// </summary>
public abstract class HostActor : ActorBase
{
    /// <summary>Takes the host and the actor's index on it, as the factory got them.</summary>
    protected HostActor(HostContext host, int index)
    {
        Host = host;
        Index = index;
    }

    /// <summary>The host this actor lives on.</summary>
    protected HostContext Host { get; }

    /// <summary>The actor's index on its host: its address.</summary>
    protected int Index { get; }

    /// <summary>Writes the actor's state.</summary>
    public abstract void SaveState(IBufferWriter<byte> writer);

    /// <summary>Takes over a state that <see cref="SaveState"/> wrote, in place of the present one.</summary>
    public abstract void LoadState(ReadOnlySpan<byte> data);

    /// <summary>
    /// Writes of the state what can make a difference to what happens later; statistics may be left out. For telling
    /// whether two states are the same (<see cref="Simulation.StateHash"/>).
    /// </summary>
    public virtual void SaveForHash(IBufferWriter<byte> writer) => SaveState(writer);

    /// <summary>Throws when the state contradicts itself. Called at barriers; may visit all of the state.</summary>
    public virtual void AssertInvariants()
    {
    }

    /// <summary>Handles one message.</summary>
    protected abstract void Receive(SimMessage message);

    /// <inheritdoc/>
    protected sealed override bool Receive(object message)
    {
        Receive((SimMessage)message);
        return true;
    }

    /// <inheritdoc/>
    protected sealed override bool AroundReceive(Receive receive, object message)
    {
        try
        {
            // The ring holds nothing else, so its type need not be looked at again.
            Receive(Unsafe.As<SimMessage>(message));
        }
        catch (Exception e)
        {
            Host.SetFault($"{e.GetType().Name}: {e.Message}", e);
        }

        return true;
    }
}

/// <summary>An actor whose whole state is one MemoryPack object.</summary>
/// <typeparam name="TState">The state: plain data, <c>[MemoryPackable]</c>.</typeparam>
public abstract class HostActor<TState> : HostActor
    where TState : class
{
    private TState _state;

    /// <summary>For actors that set <see cref="State"/> in their own constructor.</summary>
    protected HostActor(HostContext host, int index)
        : base(host, index) => _state = null!;

    /// <summary>Takes the first state as well.</summary>
    protected HostActor(HostContext host, int index, TState state)
        : base(host, index) => _state = state;

    /// <summary>The state, for barriers and tests. Not to be changed from outside.</summary>
    public TState Inspect => _state;

    /// <summary>All that the actor remembers.</summary>
    protected internal TState State
    {
        get => _state;
        protected set => _state = value;
    }

    /// <inheritdoc/>
    public override void SaveState(IBufferWriter<byte> writer) => MemoryPackSerializer.Serialize(writer, _state);

    /// <inheritdoc/>
    public override void LoadState(ReadOnlySpan<byte> data)
    {
        TState? state = _state;
        MemoryPackSerializer.Deserialize(data, ref state);
        _state = state ?? throw new InvalidDataException($"{data.Length} bytes hold no {typeof(TState).Name}");
        Attach();
    }

    /// <summary>Called after the state was loaded: references between its objects are made anew here.</summary>
    protected virtual void Attach()
    {
    }
}
