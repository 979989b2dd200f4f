// Tests of clusters that swap over the network: the same actors, engine and checks that the program runs.
using Akka.TestKit;
using ClusterSwap.Blades;
using ClusterSwap.Blades.Monitors;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Engine;
using ClusterSwap.Exploration.Generators;
using ClusterSwap.Exploration.Properties;
using Xunit.Abstractions;

namespace ClusterSwap.Testing;

/// <summary>
/// A kit for clusters of blades. A test takes a scenario, from a file, a text or a drawn deployment, runs it to a
/// virtual time or to its verdict, and looks at the blades; probes stand in for a server, for kswapd, or for any other
/// actor of a blade. At barriers safety monitors look on, and what memory has given out is compared with what is held,
/// on every blade none of
/// whose actors is a probe.
/// </summary>
public abstract class BladeTestKit : SimulationTestKit
{
    private Scenario? _scenario;
    private Deployment? _deployment;
    private Cluster? _cluster;
    private ClusterWatch? _watch;
    private int _barriers;

    /// <summary>A kit with a seed, which the environment may replace.</summary>
    protected BladeTestKit(ITestOutputHelper? output = null, ulong seed = 1)
        : base(output, seed)
    {
    }

    /// <summary>The cluster.</summary>
    /// <exception cref="InvalidOperationException">The test has not taken a scenario yet.</exception>
    public Cluster Cluster => _cluster
        ?? throw new InvalidOperationException("there is no cluster yet: Use(scenario) builds one");

    /// <summary>The story of the hang that <see cref="RunToVerdict"/> came to; null without one.</summary>
    public HangReport? Hang => _watch?.Hang;

    /// <summary>A scenario of a file, with a variant and overrides of the form <c>path=value</c>.</summary>
    /// <exception cref="ScenarioException">It cannot be; the message names file, line, key and what is
    /// allowed.</exception>
    protected static Scenario Load(string path, string? variant = null, params string[] overrides) =>
        ScenarioFile.Load(path).Resolve(variant, overrides);

    /// <summary>A scenario of a text. What it extends is looked for in the present folder.</summary>
    /// <exception cref="ScenarioException">As for <see cref="Load"/>.</exception>
    protected static Scenario Parse(string toml, string? variant = null, params string[] overrides) =>
        ScenarioFile.Parse(toml, "test.toml").Resolve(variant, overrides);

    /// <summary>Builds the cluster of a scenario, at virtual time 0, with this kit's seed and schedule.</summary>
    protected Cluster Use(Scenario scenario)
    {
        NewSimulation(Blades.Messages.BladeMessages.Registry());
        Cluster cluster = ClusterBuilder.Build(scenario, Seed, Schedule, builder => Prepare(builder));
        _scenario = scenario;
        _deployment = null;
        _cluster = cluster;
        _watch = null;
        _barriers = 0;
        Begin(cluster.Simulation);
        return cluster;
    }

    /// <summary>Builds the cluster of a drawn deployment, which the story of a failure names.</summary>
    protected Cluster Use(Deployment deployment)
    {
        Seed = deployment.Seed;
        Cluster cluster = Use(deployment.ToScenario());
        _deployment = deployment;
        return cluster;
    }

    /// <summary>The states of a blade: memory, CPUs, device, processes, and its connection at the server.</summary>
    protected BladeStates Blade(int blade = 0) => new(Simulation, Cluster.Blades[blade]);

    /// <summary>A probe stands in for an actor of a blade, by its index there (<see cref="BladeActors"/>).</summary>
    protected void StandInOnBlade(int actor, TestProbe probe, int blade = 0) =>
        StandIn(Cluster.Blades[blade].Host, actor, probe);

    /// <summary>
    /// A probe stands in for the NBD server of a blade: it gets the frames that the server would get, and answers none
    /// unless its pilot does.
    /// </summary>
    protected void StandInForServer(TestProbe probe, int blade = 0) =>
        StandIn(Cluster.Blades[blade].Server, ServerActors.Server, probe);

    /// <summary>A probe stands in for kswapd of a blade's first node.</summary>
    protected void StandInForKswapd(TestProbe probe, int blade = 0) => StandInOnBlade(BladeActors.Kswapd, probe, blade);

    /// <summary>A probe stands in for a blade's memory and CPUs.</summary>
    protected void StandInForMemory(TestProbe probe, int blade = 0) => StandInOnBlade(BladeActors.Blade, probe, blade);

    /// <summary>
    /// Runs until the run is judged as the program would judge it, at the latest at a virtual time; unknown then.
    /// </summary>
    /// <exception cref="SimulationTestException">An actor failed, or an invariant broke.</exception>
    protected Verdict RunToVerdict(long? limitNs = null)
    {
        var watch = new ClusterWatch(Cluster, new RunRequest
        {
            Scenario = _scenario!,
            Variant = _scenario!.Variant,
            Seed = Seed,
        });
        _watch = watch;
        DriveUntil(limitNs ?? _scenario!.TimeLimitNs, barrier => !watch.OnBarrier(barrier));
        return watch.Verdict ?? Verdict.Unknown;
    }

    /// <inheritdoc/>
    protected override void OnBarrier(long timeNs)
    {
        if (_cluster is null || _barriers++ % BarriersBetweenInvariants != 0)
        {
            return;
        }

        foreach (BladePlace place in Cluster.Blades)
        {
            if (!HasSeatOn(place.Host))
            {
                Conservation.Check(Simulation, place);
                if (SafetyMonitor.FirstBroken(Simulation, new BladeStates(Simulation, place)) is { } broken)
                {
                    throw new InvalidOperationException(broken);
                }
            }
        }
    }

    /// <inheritdoc/>
    protected override IEnumerable<string> MoreStory()
    {
        if (_scenario is { } scenario)
        {
            yield return $"scenario {scenario.Name}, variant {scenario.Variant}"
                + (_deployment is null ? string.Empty : $", drawn: {_deployment}");
        }

        foreach (string line in Hang is { } hang ? hang.Cycle.Prepend(hang.Banner) : [])
        {
            yield return "  " + line;
        }
    }
}
