// Which runs make a column, what stands above it, and what must be said about it.
using System.Globalization;
using ClusterSwap.Blades.Scenarios;

namespace ClusterSwap.Cli.Comparing;

/// <summary>Makes comparisons.</summary>
internal static class ComparisonOf
{
    /// <summary>A column for each variant.</summary>
    public static Comparison Variants(
        IReadOnlyList<Scenario> variants, IReadOnlyList<ulong> seeds, IReadOnlyList<VariantRun> runs)
    {
        var columns = variants.Select(variant => new ComparisonColumn
        {
            Title = variant.Variant,
            Wanted = seeds.Count,
            Runs = runs.Where(run => run.Scenario.Variant == variant.Variant && run.Figures is { Interrupted: false })
                .Select(run => run.Figures!).ToArray(),
        }).ToArray();
        var title = $"{variants[0].Name}: {Count(columns.Length, "variant")}, "
            + $"{(seeds.Count == 1 ? "seed" : "seeds")} {SeedList.Words(seeds)}";
        return new Comparison(title, columns, NotesOn(columns).ToArray());
    }

    /// <summary>A column for each run.</summary>
    public static Comparison Runs(IReadOnlyList<RunFigures> runs)
    {
        var titles = TitlesOf(runs);
        var columns = runs.Select((run, i) => new ComparisonColumn
        {
            Title = titles[i],
            Wanted = 1,
            Runs = run.Interrupted ? [] : [run],
        }).ToArray();
        var notes = runs.Select((run, i) => string.Create(CultureInfo.InvariantCulture,
            $"{titles[i]} is {run.RunId} ({run.Scenario}, variant {run.Variant}, seed {run.Seed})")).ToList();
        var scenarios = runs.Select(run => run.Scenario).Distinct().ToArray();
        if (scenarios.Length > 1)
        {
            notes.Add($"the runs are of different scenarios: {string.Join(", ", scenarios)}");
        }

        if (runs.Select(run => run.BladeCount).Distinct().Count() > 1)
        {
            notes.Add("the runs have different numbers of blades");
        }

        return new Comparison($"{runs.Count} runs", columns, [.. notes, .. NotesOn(columns)]);
    }

    // The shortest name that tells the runs apart.
    private static string[] TitlesOf(IReadOnlyList<RunFigures> runs)
    {
        Func<RunFigures, string>[] names =
        [
            run => run.Variant,
            run => run.Scenario,
            run => $"{run.Scenario} {run.Variant}",
            run => string.Create(CultureInfo.InvariantCulture, $"{run.Variant} seed {run.Seed}"),
            run => run.RunId,
        ];
        return names.Select(name => runs.Select(name).ToArray())
            .FirstOrDefault(titles => titles.Distinct().Count() == titles.Length)
            ?? runs.Select((run, i) => string.Create(CultureInfo.InvariantCulture, $"{run.RunId} ({i + 1})")).ToArray();
    }

    private static IEnumerable<string> NotesOn(IReadOnlyList<ComparisonColumn> columns)
    {
        if (columns.Any(column => column.Basis.Count > 1))
        {
            yield return "mean ±95 % confidence interval (Student t) over the seeds";
        }

        if (columns.Count > 1)
        {
            yield return columns.All(column => column.Finishes == columns[0].Finishes)
                ? "in brackets the difference to the first column"
                : "in brackets the difference to the first column, but not between runs that completed and runs that "
                    + "did not";
        }

        foreach (var column in columns.Where(column => column.Runs.Count > 0))
        {
            var finished = column.Runs.Count(run => run.Finished);
            if (finished == 0)
            {
                yield return $"{column.Title}: no run completed; its counters are those at the verdict";
            }
            else if (finished < column.Runs.Count)
            {
                yield return $"{column.Title}: times and counters are those of the {Count(finished, "run")} that completed";
            }
        }

        var blades = columns.SelectMany(column => column.Runs).Select(run => run.BladeCount).DefaultIfEmpty().Max();
        if (blades > 1)
        {
            yield return "CPU times and counters are sums over the blades of a run; elapsed is that of the slowest blade, "
                + "min_free_pages that of the blade with the fewest";
        }
    }

    private static string Count(int count, string noun) =>
        string.Create(CultureInfo.InvariantCulture, $"{count} {noun}{(count == 1 ? "" : "s")}");
}
