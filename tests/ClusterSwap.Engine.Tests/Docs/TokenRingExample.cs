// The example of docs/engine.md, word for word.
using ClusterSwap.Engine;
using MemoryPack;

namespace TokenRing;

/// <summary>What travels. Messages that wait for their time must be MemoryPackable and registered.</summary>
[MemoryPackable]
public sealed partial class Token() : SimMessage(1)
{
    public int Hops { get; set; }

    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add((ulong)Hops);
}

/// <summary>All that a station remembers.</summary>
[MemoryPackable]
public sealed partial class StationState
{
    public int Seen { get; set; }
}

/// <summary>Keeps the token for a random time, then sends it over the edge to the next host.</summary>
public sealed class Station(HostContext host, int index, int hosts)
    : HostActor<StationState>(host, index, new StationState())
{
    protected override void Receive(SimMessage message)
    {
        var token = (Token)message;
        State.Seen++;
        long leavesNs = Host.NowNs + Host.NextRandom(1_000);
        int next = (Host.HostId + 1) % hosts;
        Host.Transmit(next, 0, leavesNs + Example.LatencyNs, new Token { Hops = token.Hops + 1 });
    }
}

public static class Example
{
    public const long LatencyNs = 5_000;

    public static Simulation Build(ulong seed)
    {
        const int Hosts = 4;
        var builder = new SimulationBuilder(seed, new MessageRegistry().Add<Token>(1))
        {
            BarrierIntervalNs = 1_000_000,
        };
        for (int i = 0; i < Hosts; i++)
        {
            HostBuilder host = builder.AddHost($"host-{i}");
            host.AddActor("station", (context, index) => new Station(context, index, Hosts));
            if (i == 0)
            {
                host.Post(atNs: 0, actor: 0, new Token());
            }
        }

        for (int i = 0; i < Hosts; i++)
        {
            builder.AddEdge(i, (i + 1) % Hosts, LatencyNs);
        }

        return builder.Build();
    }

    public static string Run(ulong seed, int threads)
    {
        using Simulation simulation = Build(seed);
        var options = new RunOptions { UntilNs = 10_000_000, Threads = threads };
        SimulationResult result = simulation.Run(options);
        int seen = simulation.Actor<Station>(host: 0, actor: 0).Inspect.Seen;
        return $"{result.Reason} at {result.TimeNs} ns, {result.Events} events, host-0 saw the token {seen} times";
    }
}
