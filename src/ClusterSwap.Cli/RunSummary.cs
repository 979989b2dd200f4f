// Everything that a finished run tells: to the table, to JSON, to the exit status.
using ClusterSwap.Blades.Runs;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Cli.Advising;

namespace ClusterSwap.Cli;

/// <summary>A run's report with what only the program knows: its id, its wall-clock time, how its assertions
/// fared.</summary>
public sealed record RunSummary
{
    private RunSummary()
    {
    }

    /// <summary>Name of the run's folder.</summary>
    public required string RunId { get; init; }

    /// <summary>Name of the scenario.</summary>
    public required string Scenario { get; init; }

    /// <summary>Name of the variant.</summary>
    public required string Variant { get; init; }

    /// <summary>Seed.</summary>
    public required ulong Seed { get; init; }

    /// <summary>Wall-clock time.</summary>
    public required TimeSpan Wall { get; init; }

    /// <summary>The command that repeats the run.</summary>
    public required string Command { get; init; }

    /// <summary>What the runner found.</summary>
    public required RunReport Report { get; init; }

    /// <summary>Where the journal is; null without one.</summary>
    public string? Journal { get; init; }

    /// <summary>Assertions after the run; empty when they were not judged.</summary>
    public required IReadOnlyList<AssertionOutcome> Assertions { get; init; }

    /// <summary>What was tried after a hang.</summary>
    public IReadOnlyList<Advice> Advice { get; init; } = [];

    /// <summary>The runner's verdict, or that an assertion failed although all work was done.</summary>
    public required Verdict Verdict { get; init; }

    /// <summary>
    /// Exit status: that of the verdict; 1 when an assertion failed, unless an invariant broke, which says that the
    /// run itself cannot be trusted.
    /// </summary>
    public int ExitStatus => Verdict != Verdict.Safety && Assertions.Any(assertion => !assertion.Holds)
        ? Cli.ExitStatus.AssertionFailed
        : VerdictWords.ExitStatus(Verdict);

    /// <summary>
    /// Judges a report. A run that the user cut short, by Ctrl-C or <c>--until</c>, is not held to its assertions.
    /// </summary>
    public static RunSummary Of(
        RunFolder folder, RunRequest request, RunReport report, TimeSpan wall, string command)
    {
        var cut = report.Verdict == Verdict.Interrupted
            || (report.Verdict == Verdict.Unknown && request.UntilNs is { } until && report.VirtualNs >= until);
        var outcomes = cut
            ? []
            : request.Scenario.Assertions.Select(assertion => assertion.Judge(report)).ToArray();
        return new RunSummary
        {
            RunId = folder.RunId,
            Scenario = request.Scenario.Name,
            Variant = request.Variant,
            Seed = request.Seed,
            Wall = wall,
            Command = command,
            Report = report,
            Assertions = outcomes,
            Verdict = report.Verdict == Verdict.Completed && outcomes.Any(outcome => !outcome.Holds)
                ? Verdict.AssertionFailed
                : report.Verdict,
        };
    }
}
