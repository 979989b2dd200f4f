// What the stage of cable faults costs a run: not there, there and idle, and at work.
using System.Globalization;
using ClusterSwap.Blades.Scenarios;

namespace ClusterSwap.Benchmarks;

/// <summary>
/// Six passes of the quick experiment, patched, with the same work and different faults, in turns. A scenario without faults has no stage
/// on its cables: its cost is that of a build that knows none. The noise of the machine is shown by running it twice.
/// </summary>
public static class FaultCost
{
    private static readonly (string Name, string[] Faults)[] s_ways =
    [
        ("no fault", []),
        ("no fault, again", []),
        ("a fault that never begins", ["faults.x.kind=loss", "faults.x.per_million=10000", "faults.x.at=50 min"]),
        ("a draw for each frame", ["faults.x.kind=loss", "faults.x.per_million=0"]),
        ("each frame held for 1 us", ["faults.x.kind=delay", "faults.x.delay=1 us"]),
    ];

    /// <summary>Prints a line for each.</summary>
    public static int Run(int rounds)
    {
        ScenarioFile file = ScenarioFile.Load(Path.Combine(Scenarios.Folder, "quick.toml"));
        Scenario[] scenarios = [.. s_ways.Select(way => file.Resolve("swapnbd", ["blade.passes=6", .. way.Faults]))];
        var cpu = new double[scenarios.Length];
        var pages = new long[scenarios.Length];
        Array.Fill(cpu, double.MaxValue);
        for (int round = 0; round <= rounds; round++)
        {
            for (int i = 0; i < scenarios.Length; i++)
            {
                RunCost cost = RunCost.Of(scenarios[i]);
                pages[i] = cost.Count("pswpin") + cost.Count("pswpout");
                // The first round is the compiler's.
                cpu[i] = round == 0 ? cpu[i] : Math.Min(cpu[i], cost.Cost.CpuNs);
            }
        }

        for (int i = 0; i < scenarios.Length; i++)
        {
            double perPage = cpu[i] / pages[i];
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{s_ways[i].Name,-26} {cpu[i] / 1e6,7:0} ms of CPU, {perPage,6:0} ns a page in or out, {perPage / (cpu[0] / pages[0]),5:0.00} of no fault"));
        }

        return 0;
    }
}
