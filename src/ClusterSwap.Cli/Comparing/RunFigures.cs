// What a comparison takes from one run, whether it has just ended or lies in a folder.
using ClusterSwap.Blades.Runs;
using ClusterSwap.Cli.Plots;

namespace ClusterSwap.Cli.Comparing;

/// <summary>The figures of one run. CPU times and counters are sums over its blades.</summary>
public sealed record RunFigures
{
    private static readonly string[] s_done =
        [VerdictWords.Word(Blades.Runs.Verdict.Completed), VerdictWords.Word(Blades.Runs.Verdict.AssertionFailed)];

    /// <summary>Name of the run's folder.</summary>
    public required string RunId { get; init; }

    /// <summary>Name of the scenario.</summary>
    public required string Scenario { get; init; }

    /// <summary>Name of the variant.</summary>
    public required string Variant { get; init; }

    /// <summary>Seed.</summary>
    public required ulong Seed { get; init; }

    /// <summary>The word for its verdict.</summary>
    public required string Verdict { get; init; }

    /// <summary>Its fingerprint.</summary>
    public required string Fingerprint { get; init; }

    /// <summary>How many blades it had.</summary>
    public required int BladeCount { get; init; }

    /// <summary>CPU time in user mode, s.</summary>
    public required double UserSeconds { get; init; }

    /// <summary>CPU time in the kernel, s.</summary>
    public required double SystemSeconds { get; init; }

    /// <summary>Virtual time until the slowest blade had done its work, s.</summary>
    public required double ElapsedSeconds { get; init; }

    /// <summary>Fewest free pages that any of its blades ever had.</summary>
    public required long MinFreePages { get; init; }

    /// <summary>Virtual time of the last progress of the blade that hangs, s; null when none does.</summary>
    public required double? HangSeconds { get; init; }

    /// <summary>Counters under the names of /proc/vmstat.</summary>
    public required IReadOnlyList<KeyValuePair<string, long>> VmStat { get; init; }

    /// <summary>Counters under the names of /proc/net/netstat.</summary>
    public required IReadOnlyList<KeyValuePair<string, long>> NetStat { get; init; }

    /// <summary>Free pages over time, a track per blade; empty when the run kept none.</summary>
    public required IReadOnlyList<FreePagesTrack> Tracks { get; init; }

    /// <summary>All work was done, whether or not the scenario's assertions held.</summary>
    public bool Finished => s_done.Contains(Verdict);

    /// <summary>It was cut short and says nothing about how it would have ended.</summary>
    public bool Interrupted => Verdict == VerdictWords.Word(Blades.Runs.Verdict.Interrupted);

    /// <summary>The figures of a run that has just ended.</summary>
    public static RunFigures Of(RunSummary summary)
    {
        var blades = summary.Report.Blades;
        return new RunFigures
        {
            RunId = summary.RunId,
            Scenario = summary.Scenario,
            Variant = summary.Variant,
            Seed = summary.Seed,
            Verdict = VerdictWords.Word(summary.Verdict),
            Fingerprint = summary.Report.Fingerprint,
            BladeCount = blades.Count,
            UserSeconds = Seconds(blades.Sum(blade => blade.UserNs)),
            SystemSeconds = Seconds(blades.Sum(blade => blade.SystemNs)),
            ElapsedSeconds = Seconds(blades.Select(blade => blade.ElapsedNs).DefaultIfEmpty().Max()),
            MinFreePages = blades.Select(blade => blade.MinFreePages).DefaultIfEmpty().Min(),
            HangSeconds = summary.Report.Hang is { } hang ? Seconds(hang.SinceNs) : null,
            VmStat = Sum(blades.Select(blade => blade.VmStat)),
            NetStat = Sum(blades.Select(blade => blade.NetStat)),
            Tracks = FreePagesTrack.Of(summary.Report),
        };
    }

    /// <summary>Adds counters by name, in the order in which they first appear.</summary>
    public static IReadOnlyList<KeyValuePair<string, long>> Sum(
        IEnumerable<IReadOnlyList<KeyValuePair<string, long>>> counters)
    {
        var order = new List<string>();
        var sums = new Dictionary<string, long>();
        foreach (var (name, value) in counters.SelectMany(each => each))
        {
            if (!sums.TryGetValue(name, out var sum))
            {
                order.Add(name);
            }

            sums[name] = sum + value;
        }

        return order.Select(name => KeyValuePair.Create(name, sums[name])).ToArray();
    }

    private static double Seconds(long ns) => ns / 1e9;
}
