// Toy actors that the engine's tests run: a token ring, PHOLD, and small misbehaving ones.
using ClusterSwap.Engine;
using MemoryPack;

namespace ClusterSwap.Engine.Tests;

[MemoryPackable]
public sealed partial class Token() : SimMessage(1)
{
    public int Value { get; set; }

    public int Hops { get; set; }

    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add((ulong)Value, (ulong)Hops);
}

[MemoryPackable]
public sealed partial class Work() : SimMessage(2)
{
    public int Id { get; set; }

    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add((ulong)Id);
}

/// <summary>Not registered: it may live within an instant only.</summary>
public sealed class Fleeting() : SimMessage(3)
{
    public override void Fold(ref Fingerprint fingerprint)
    {
    }
}

[MemoryPackable]
public sealed partial class Tally
{
    public long Received { get; set; }

    public ulong Mix { get; set; }

    public List<int> Seen { get; set; } = [];
}

/// <summary>
/// Passes a token to the next actor in the instant, and from the last actor over the edge to the next host.
/// </summary>
public sealed class RingActor(HostContext host, int index, int hosts, long latencyNs)
    : HostActor<Tally>(host, index, new Tally())
{
    protected override void Receive(SimMessage message)
    {
        var token = (Token)message;
        State.Received++;
        State.Mix = (State.Mix * 31) + (ulong)token.Hops + Host.NextRandom();
        var next = new Token { Value = token.Value, Hops = token.Hops + 1 };
        if (Index + 1 < Host.ActorCount)
        {
            Host.Send(Index + 1, next);
        }
        else
        {
            Host.Transmit((Host.HostId + 1) % hosts, 0, Host.NowNs + latencyNs, next);
        }
    }
}

/// <summary>PHOLD: each event begets one, mostly here after a random delay, sometimes on a random neighbour.</summary>
public sealed class PholdActor(HostContext host, int index, int[] neighbours, long latencyNs, int remotePercent)
    : HostActor<Tally>(host, index, new Tally())
{
    protected override void Receive(SimMessage message)
    {
        var work = (Work)message;
        State.Received++;
        State.Mix = (State.Mix * 31) + (ulong)work.Id;
        var next = new Work { Id = work.Id + 1 };
        if (neighbours.Length > 0 && Host.NextRandom(100) < remotePercent)
        {
            int target = neighbours[Host.NextRandom(neighbours.Length)];
            Host.Transmit(target, Host.NextRandom(2), Host.NowNs + latencyNs + Host.NextRandom(1000), next);
            return;
        }

        // Coarse delays, so that several events often share an instant.
        Host.Schedule(Host.NowNs + (100 * Host.NextRandom(20)), Host.NextRandom(Host.ActorCount), next);
    }
}

/// <summary>Does what the test says; keeps the values of what it sees.</summary>
public sealed class ScriptActor(HostContext host, int index, Action<ScriptActor, SimMessage> script)
    : HostActor<Tally>(host, index, new Tally())
{
    public Akka.Actor.IActorRef Reference { get; } = Context.Self;

    public HostContext Context_ => Host;

    public int Number => Index;

    protected override void Receive(SimMessage message)
    {
        State.Received++;
        switch (message)
        {
            case Token token:
                State.Seen.Add(token.Value);
                break;
            case Work work:
                State.Seen.Add(work.Id);
                break;
        }

        script(this, message);
    }
}

internal static class Toys
{
    public static MessageRegistry Registry() => new MessageRegistry().Add<Token>(1).Add<Work>(2);

    public static Simulation TokenRing(ulong seed, int hosts = 5, int actors = 3, long latencyNs = 1_000)
    {
        var builder = new SimulationBuilder(seed, Registry()) { BarrierIntervalNs = 100_000 };
        for (int i = 0; i < hosts; i++)
        {
            HostBuilder host = builder.AddHost($"h{i}");
            for (int a = 0; a < actors; a++)
            {
                host.AddActor($"a{a}", (context, index) => new RingActor(context, index, hosts, latencyNs));
            }
        }

        for (int i = 0; i < hosts; i++)
        {
            builder.AddEdge(i, (i + 1) % hosts, latencyNs);
        }

        builder.Hosts[0].Post(0, 0, new Token { Value = 7 });
        builder.Hosts[hosts / 2].Post(0, 0, new Token { Value = 8 });
        return builder.Build();
    }

    /// <summary>
    /// Racks of hosts around a first host each, with edges both ways; racks have no link between them.
    /// </summary>
    public static Simulation Phold(
        ulong seed, int racks = 2, int perRack = 5, ScheduleStrategy? strategy = null, int load = 8,
        long latencyNs = 5_000, HostPool? pool = null, Func<int, bool>? isLocal = null)
    {
        var builder = new SimulationBuilder(seed, Registry())
        {
            BarrierIntervalNs = 50_000,
            Strategy = strategy ?? ScheduleStrategy.Fifo,
            Pool = pool,
            IsLocal = isLocal,
        };
        for (int id = 0; id < racks * perRack; id++)
        {
            int first = id / perRack * perRack;
            int[] neighbours = id == first ? [.. Enumerable.Range(first + 1, perRack - 1)] : [first];
            HostBuilder host = builder.AddHost($"h{id}");
            for (int a = 0; a < 3; a++)
            {
                host.AddActor($"a{a}", (context, index) => new PholdActor(context, index, neighbours, latencyNs, 20));
            }

            for (int i = 0; i < load; i++)
            {
                host.Post(100 * (i % 3), i % 3, new Work { Id = i * 1000 });
            }
        }

        for (int id = 0; id < racks * perRack; id++)
        {
            int first = id / perRack * perRack;
            if (id != first)
            {
                builder.AddEdge(id, first, latencyNs);
                builder.AddEdge(first, id, latencyNs);
            }
        }

        return builder.Build();
    }

    /// <summary>One host whose actors all follow the script.</summary>
    public static Simulation Script(
        Action<ScriptActor, SimMessage> script, int actors = 2, ulong seed = 1, ScheduleStrategy? strategy = null,
        Action<SimulationBuilder>? more = null)
    {
        var builder = new SimulationBuilder(seed, Registry()) { Strategy = strategy ?? ScheduleStrategy.Fifo };
        HostBuilder host = builder.AddHost("solo");
        for (int a = 0; a < actors; a++)
        {
            host.AddActor($"a{a}", (context, index) => new ScriptActor(context, index, script));
        }

        more?.Invoke(builder);
        return builder.Build();
    }

    public static UInt128 FingerprintAt(
        Func<Simulation> build, long untilNs, int threads = 1, int[][]? partitions = null)
    {
        using Simulation simulation = build();
        var options = new RunOptions { UntilNs = untilNs, Threads = threads, Partitions = partitions };
        return simulation.Run(options).Fingerprint;
    }
}
