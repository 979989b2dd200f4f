// Actors that do nothing but pass a message on: what is left is the engine.
using ClusterSwap.Engine;
using MemoryPack;

namespace ClusterSwap.Benchmarks;

/// <summary>Goes round a ring of actors within one instant until its hops are used up.</summary>
[MemoryPackable]
public sealed partial class Hop() : SimMessage(1)
{
    /// <summary>Hops left.</summary>
    public int Left { get; set; }

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add((ulong)Left);
}

/// <summary>Comes back to its actor after a random time, for ever.</summary>
[MemoryPackable]
public sealed partial class Pulse() : SimMessage(2)
{
    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint)
    {
    }
}

/// <summary>No state worth the name.</summary>
[MemoryPackable]
public sealed partial class Nothing;

/// <summary>Passes hops on, and reschedules pulses.</summary>
public sealed class EmptyActor(HostContext host, int index) : HostActor<Nothing>(host, index, new Nothing())
{
    /// <summary>Hops of a round, which is started anew every nanosecond of virtual time.</summary>
    public const int Round = 10_000;

    /// <inheritdoc/>
    protected override void Receive(SimMessage message)
    {
        if (message is Pulse)
        {
            Host.Schedule(Host.NowNs + 1 + Host.NextRandom(1_000), Index, message);
            return;
        }

        var hop = (Hop)message;
        if (--hop.Left > 0)
        {
            Host.Send((Index + 1) % Host.ActorCount, hop);
        }
        else
        {
            hop.Left = Round;
            Host.Schedule(Host.NowNs + 1, Index, hop);
        }
    }

    /// <summary>One host with a ring of eight actors and a message that goes round it.</summary>
    public static Simulation Ring()
    {
        var builder = Builder(8);
        builder.Host.Post(0, 0, new Hop { Left = Round });
        return builder.Simulation.Build();
    }

    /// <summary>One host on which so many events are pending at any time.</summary>
    public static Simulation Pending(int events)
    {
        var builder = Builder(8);
        for (var i = 0; i < events; i++)
        {
            builder.Host.Post(1 + i % 1_000, i % 8, new Pulse());
        }

        return builder.Simulation.Build();
    }

    private static (SimulationBuilder Simulation, HostBuilder Host) Builder(int actors)
    {
        var builder = new SimulationBuilder(1, new MessageRegistry().Add<Hop>(1).Add<Pulse>(2));
        var host = builder.AddHost("empty");
        for (var i = 0; i < actors; i++)
        {
            host.AddActor($"a{i}", (context, index) => new EmptyActor(context, index));
        }

        return (builder, host);
    }
}
