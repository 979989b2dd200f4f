// Runs side by side: columns of like runs, rows of figures.
namespace ClusterSwap.Cli.Comparing;

/// <summary>The runs of one column: a variant over its seeds, or one run.</summary>
public sealed record ComparisonColumn
{
    /// <summary>What stands above the column.</summary>
    public required string Title { get; init; }

    /// <summary>Its runs in order of seed, those that were cut short left out.</summary>
    public required IReadOnlyList<RunFigures> Runs { get; init; }

    /// <summary>How many were wanted.</summary>
    public required int Wanted { get; init; }

    /// <summary>
    /// The runs that the figures come from: those that finished; if none did, all. Figures of runs that finished and of
    /// runs that hung are never mixed.
    /// </summary>
    public IReadOnlyList<RunFigures> Basis
    {
        get
        {
            var finished = Runs.Where(run => run.Finished).ToArray();
            return finished.Length > 0 ? finished : Runs;
        }
    }

    /// <summary>At least one of its runs finished.</summary>
    public bool Finishes => Runs.Any(run => run.Finished);

    /// <summary>Verdicts with their counts, the most frequent first.</summary>
    public IReadOnlyList<KeyValuePair<string, int>> Verdicts => Runs
        .GroupBy(run => run.Verdict)
        .Select(group => KeyValuePair.Create(group.Key, group.Count()))
        .OrderByDescending(verdict => verdict.Value).ThenBy(verdict => verdict.Key, StringComparer.Ordinal)
        .ToArray();
}

/// <summary>What kind of figure a row has.</summary>
public enum RowSection
{
    /// <summary>Seconds.</summary>
    Duration,

    /// <summary>Pages free.</summary>
    Memory,

    /// <summary>A counter of /proc/vmstat.</summary>
    VmStat,

    /// <summary>A counter of /proc/net/netstat.</summary>
    NetStat,
}

/// <summary>One figure of all columns.</summary>
/// <param name="Section">Its kind.</param>
/// <param name="Name">Its name; counters under the kernel's own.</param>
/// <param name="Cells">An estimate per column.</param>
/// <param name="Differences">
/// Percent by which each column differs from the first. Null for the first itself, where <see cref="Estimate"/> knows
/// none, and where one of the two finished and the other did not: the counters of half a run are no measure for those
/// of a whole one.
/// </param>
public sealed record ComparisonRow(
    RowSection Section, string Name, IReadOnlyList<Estimate> Cells, IReadOnlyList<double?> Differences);

/// <summary>All that a comparison tells.</summary>
public sealed class Comparison
{
    /// <summary>Puts columns side by side; the first is what the others are compared with.</summary>
    public Comparison(string title, IReadOnlyList<ComparisonColumn> columns, IReadOnlyList<string> notes)
    {
        Title = title;
        Columns = columns;
        Notes = notes;
        Rows =
        [
            .. Durations(),
            Row(RowSection.Memory, "min_free_pages", column => column.Basis.Select(run => (double)run.MinFreePages)),
            .. Counters(RowSection.VmStat, run => run.VmStat),
            .. Counters(RowSection.NetStat, run => run.NetStat),
        ];
    }

    /// <summary>What is compared, in a line.</summary>
    public string Title { get; }

    /// <summary>The columns.</summary>
    public IReadOnlyList<ComparisonColumn> Columns { get; }

    /// <summary>The rows, by section.</summary>
    public IReadOnlyList<ComparisonRow> Rows { get; }

    /// <summary>Remarks for the reader, a sentence each.</summary>
    public IReadOnlyList<string> Notes { get; }

    // A run that hung has no duration: only how long it took to hang.
    private IEnumerable<ComparisonRow> Durations()
    {
        ComparisonRow Of(string name, Func<RunFigures, double> seconds) =>
            Row(RowSection.Duration, name, column => column.Runs.Where(run => run.Finished).Select(seconds));

        yield return Of("User Time Running Test (seconds)", run => run.UserSeconds);
        yield return Of("Sys Time Running Test (seconds)", run => run.SystemSeconds);
        yield return Of("User+Sys Time Running Test (seconds)", run => run.UserSeconds + run.SystemSeconds);
        yield return Of("Total Elapsed Time (seconds)", run => run.ElapsedSeconds);
        yield return Row(RowSection.Duration, "Time to Hang (seconds)", column =>
            column.Runs.Where(run => run.HangSeconds is not null).Select(run => run.HangSeconds!.Value));
    }

    private IEnumerable<ComparisonRow> Counters(
        RowSection section, Func<RunFigures, IReadOnlyList<KeyValuePair<string, long>>> counters)
    {
        var names = Columns.SelectMany(column => column.Basis).SelectMany(counters).Select(counter => counter.Key);
        foreach (var name in names.Distinct().ToArray())
        {
            yield return Row(section, name, column => column.Basis
                .SelectMany(run => counters(run).Where(counter => counter.Key == name))
                .Select(counter => (double)counter.Value));
        }
    }

    private ComparisonRow Row(RowSection section, string name, Func<ComparisonColumn, IEnumerable<double>> values)
    {
        var cells = Columns.Select(column => Estimate.Of(values(column).ToArray())).ToArray();
        var differences = Columns.Select((column, i) =>
            i > 0 && column.Finishes == Columns[0].Finishes ? cells[i].DifferenceFrom(cells[0]) : null).ToArray();
        return new ComparisonRow(section, name, cells, differences);
    }
}
