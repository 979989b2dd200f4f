// After a hang: the same run again with one change at a time.
using ClusterSwap.Blades.Runs;
using ClusterSwap.Blades.Scenarios;

namespace ClusterSwap.Cli.Advising;

/// <summary>A change that was tried.</summary>
/// <param name="Set">The overrides, as <c>--set</c> takes them.</param>
/// <param name="What">The change in words.</param>
/// <param name="Verdict">How the run ended with it; null = not within <see cref="AdviceRuns.Limit"/>.</param>
/// <param name="VirtualNs">Virtual time of the end of all work, or at which the run was ended.</param>
public sealed record Advice(IReadOnlyList<string> Set, string What, Verdict? Verdict, long VirtualNs);

/// <summary>
/// Runs a scenario that hung once for each of <see cref="Remedies"/>, with the same seed, several at a time. The runs
/// know nothing of each other, so the result does not depend on how many run at once.
/// </summary>
internal sealed class AdviceRuns(IRunner runner, TimeProvider clock, CancellationToken stop)
{
    /// <summary>Wall-clock time after which what still runs is given up.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>Touches of pages up to which a hang is followed by advice unasked: a few seconds of work.</summary>
    public const long MostTouchesUnasked = 500_000;

    /// <summary>Indicates that <paramref name="scenario"/> is small enough for advice that nobody asked for.</summary>
    public static bool IsSmall(Scenario scenario) =>
        scenario.Blades.Sum(group => (decimal)group.Count * group.MappingPages * group.Passes) <= MostTouchesUnasked;

    /// <summary>
    /// Tries every change on the group of the blade that hung. What cannot be resolved, because other values do not go
    /// with it, is left out.
    /// </summary>
    /// <param name="resolve">Resolves the scenario with further overrides.</param>
    /// <param name="scenario">The scenario that hung.</param>
    /// <param name="blade">Name of the blade that hung.</param>
    public Advice[] Try(Func<IReadOnlyList<string>, Scenario> resolve, Scenario scenario, string blade)
    {
        var group = scenario.Blades.FirstOrDefault(
            g => Enumerable.Range(0, g.Count).Any(i => g.BladeName(i) == blade));
        if (group is null)
        {
            return [];
        }

        var tries = new List<(Remedy Remedy, IReadOnlyList<string> Set, Scenario Scenario)>();
        foreach (var remedy in Remedies.For(group))
        {
            if (Resolved(resolve, scenario, group, remedy) is var (set, changed))
            {
                tries.Add((remedy, set, changed));
            }
        }

        var began = clock.GetTimestamp();
        var results = new Advice[tries.Count];
        Parallel.For(0, tries.Count, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, i =>
        {
            var (verdict, ns) = RunOne(tries[i].Scenario, began);
            results[i] = new Advice(tries[i].Set, tries[i].Remedy.What, verdict, ns);
        });
        return results;
    }

    // The common table reads best; a group that has a value of its own needs it in its own table.
    private static (IReadOnlyList<string> Set, Scenario Scenario)? Resolved(
        Func<IReadOnlyList<string>, Scenario> resolve, Scenario scenario, BladeGroup group, Remedy remedy)
    {
        foreach (var table in new[] { "blade", "blades." + group.Name })
        {
            string[] set = [.. remedy.Keys.Select(key => $"{table}.{key.Key}={key.Value}")];
            try
            {
                var changed = resolve(set) with { Seed = scenario.Seed };
                if (changed.Blades.First(g => g.Name == group.Name) != group)
                {
                    return (set, changed);
                }
            }
            catch (ScenarioException)
            {
                return null;
            }
        }

        return null;
    }

    private (Verdict? Verdict, long Ns) RunOne(Scenario scenario, long began)
    {
        bool Goes() => !stop.IsCancellationRequested && clock.GetElapsedTime(began) < Limit;
        if (!Goes())
        {
            return (null, 0);
        }

        try
        {
            var report = runner.Run(
                new RunRequest
                {
                    Scenario = scenario,
                    Variant = scenario.Variant,
                    Seed = scenario.Seed,
                    OnProgress = _ => Goes(),
                },
                stop);
            return report.Verdict == Verdict.Interrupted
                ? (null, report.VirtualNs)
                : (report.Verdict, EndOf(report));
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return (null, 0);
        }
    }

    // Of a hang, when it began; of the others, when the slowest blade had done its work.
    private static long EndOf(RunReport report) =>
        report.Hang?.SinceNs ?? report.Blades.Select(blade => blade.ElapsedNs).DefaultIfEmpty(report.VirtualNs).Max();
}
