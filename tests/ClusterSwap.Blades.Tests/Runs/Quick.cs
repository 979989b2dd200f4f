// Runs of the quick scenario inside the test process.
using ClusterSwap.Blades.Runs;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Blades.Tests.Scenarios;
using ClusterSwap.Engine;

namespace ClusterSwap.Blades.Tests.Runs;

/// <summary>The experiment at one thirty-second of its size.</summary>
internal static class Quick
{
    /// <summary>A variant with overrides.</summary>
    public static Scenario Of(string variant, params string[] overrides) =>
        ScenarioFile.Load(Path.Combine(ScenarioFolder.Repository, "config", "quick.toml")).Resolve(variant, overrides);

    /// <summary>A run to its end, all invariants checked at every barrier.</summary>
    public static RunReport Run(Scenario scenario, ulong seed = 1, int threads = 1) =>
        new BladeRunner { InvariantInterval = 1 }.Run(
            new RunRequest { Scenario = scenario, Variant = scenario.Variant, Seed = seed, Threads = threads },
            CancellationToken.None);

    /// <summary>
    /// Runs with a look at every barrier until <paramref name="look"/> says false; returns the virtual time.
    /// </summary>
    public static long Watch(Scenario scenario, ulong seed, Func<long, Simulation, BladeStates, bool> look)
    {
        using var cluster = ClusterBuilder.Build(scenario, seed);
        var states = new BladeStates(cluster.Simulation, cluster.Blades[0]);
        return cluster.Simulation.Run(new ClusterSwap.Engine.RunOptions
        {
            UntilNs = scenario.TimeLimitNs,
            OnBarrier = barrier => look(barrier.TimeNs, barrier.Simulation, states),
        }).TimeNs;
    }
}
