// How many schedules a core explores in a second, from the moment at which memory becomes short.
using System.Globalization;
using ClusterSwap.Exploration.Exploring;

namespace ClusterSwap.Benchmarks;

/// <summary>The blade of config/tiny.toml, of whose pages 64 are free when it has booted.</summary>
public static class ExploreSpeed
{
    private const int Schedules = 2_000;

    /// <summary>Prints schedules per second of CPU time: of the first round, which compiles, and of those after it.</summary>
    public static int Run()
    {
        foreach (var variant in (string[])["base", "no14"])
        {
            for (var round = 1; round <= 4; round++)
            {
                var plan = new ExplorationPlan { Scenario = Scenarios.Of("tiny.toml", variant), Schedules = Schedules };
                var cost = Cpu.Of(() => Explorer.Run(plan));
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{variant}, round {round}: {Schedules / (cost.CpuNs / 1e9):N0} schedules per second of CPU time (asked 1,000)"));
            }
        }

        return 0;
    }
}
