// Whole runs, as the program does them.
using ClusterSwap.Blades.Runs;
using ClusterSwap.Blades.Scenarios;

namespace ClusterSwap.Benchmarks;

/// <summary>A run and what it took.</summary>
/// <param name="Report">What it found.</param>
/// <param name="Cost">What it took, building of the cluster included.</param>
public sealed record RunCost(RunReport Report, Cpu Cost)
{
    /// <summary>Runs a scenario to its end or to a virtual time.</summary>
    public static RunCost Of(Scenario scenario, int threads = 1, long? untilNs = null)
    {
        RunReport? report = null;
        var cost = Cpu.Of(() => report = new BladeRunner().Run(
            new RunRequest
            {
                Scenario = scenario,
                Variant = scenario.Variant,
                Seed = scenario.Seed,
                Threads = threads,
                UntilNs = untilNs,
            },
            CancellationToken.None));
        return new RunCost(report!, cost);
    }

    /// <summary>Sum of a counter over the blades.</summary>
    public long Count(string counter) =>
        Report.Blades.Sum(blade => blade.VmStat.Where(pair => pair.Key == counter).Sum(pair => pair.Value));
}
