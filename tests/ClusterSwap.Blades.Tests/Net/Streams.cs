// Small clusters with TCP streams to ordinary sockets, and what tests look at in them.
using ClusterSwap.Blades.Actors;
using ClusterSwap.Blades.Monitors;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Blades.Tests.Scenarios;
using ClusterSwap.Engine;

namespace ClusterSwap.Blades.Tests.Net;

/// <summary>A cluster of one blade that gets streams.</summary>
internal sealed class Streams : IDisposable
{
    /// <summary>Prefix of the keys.</summary>
    public const string Key = "blade.background.";

    /// <summary>A mapping that fits into memory: nothing is ever swapped out.</summary>
    public static readonly string[] NoPressure =
    [
        "blade.mapping=16 MiB", "blade.processes_per_cpu=1", "blade.passes=1", "time_limit=2 s", "hang_after=1 s",
    ];

    public Streams(Scenario scenario, ulong seed = 1) => Cluster = ClusterBuilder.Build(scenario, seed);

    public Cluster Cluster { get; }

    public StreamSourceState Source =>
        Cluster.Simulation.Actor<StreamSource>(Cluster.Blades[0].StreamHost, ServerActors.Server).Inspect;

    public BladeState Blade => Cluster.Simulation.Actor<Blade>(Cluster.Blades[0].Host, BladeActors.Blade).Inspect;

    /// <summary>The quick scenario with streams.</summary>
    public static Scenario Quick(string variant, params string[] sets) => File("quick.toml", variant, sets);

    /// <summary>The trouble of the which-patch study, with streams instead of datagrams.</summary>
    public static Scenario Trouble(params string[] sets) => File(
        Path.Combine("studies", "which-patch.toml"), "base",
        [
            $"{Key}bystanders=0", $"{Key}stalled_readers=0", $"{Key}packets_per_second=0", "barrier_interval=10 ms",
            .. Count(16, 2_000), .. sets,
        ]);

    /// <summary>So many streams with so many messages a second.</summary>
    public static string[] Count(int streams, int perSecond) =>
        [$"{Key}tcp_streams={streams}", $"{Key}tcp_messages_per_second={perSecond}"];

    public TcpReaderState Reader(int stream) => Cluster.Simulation.Actor<TcpReader>(
        Cluster.Blades[0].Host, BladeActors.Process(Cluster.Blades[0].Spec.Processes + stream)).Inspect;

    public IEnumerable<TcpReaderState> Readers => Enumerable.Range(0, Cluster.Blades[0].Spec.Readers).Select(Reader);

    /// <summary>Runs with everything checked at every barrier.</summary>
    public Streams RunTo(long ns, Action? atBarrier = null, int threads = 1)
    {
        Cluster.Simulation.Run(new RunOptions
        {
            UntilNs = ns,
            Threads = threads,
            InvariantInterval = 1,
            OnBarrier = _ =>
            {
                Conservation.Check(Cluster);
                atBarrier?.Invoke();
                return true;
            },
        });
        return this;
    }

    public void Dispose() => Cluster.Dispose();

    private static Scenario File(string file, string variant, string[] sets) => ScenarioFile.Load(
        Path.Combine(ScenarioFolder.Repository, "config", file)).Resolve(variant, sets);
}
