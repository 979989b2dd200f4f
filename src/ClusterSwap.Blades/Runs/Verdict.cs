// How a run ended, and the word for it in files and on the screen.
namespace ClusterSwap.Blades.Runs;

/// <summary>How a run ended.</summary>
public enum Verdict
{
    /// <summary>All work is done and every assertion of the scenario holds.</summary>
    Completed,

    /// <summary>Work remains and the wait-for graph has a knot.</summary>
    Deadlock,

    /// <summary>Things change, but nobody gets anywhere.</summary>
    Livelock,

    /// <summary>One process got nothing while others moved.</summary>
    Starvation,

    /// <summary>The OOM killer fired.</summary>
    Oom,

    /// <summary>An invariant broke.</summary>
    Safety,

    /// <summary>No work is left, but processes were killed because pages of theirs could not be read from swap.</summary>
    Killed,

    /// <summary>Memory was never under pressure, or the time limit came first.</summary>
    Unknown,

    /// <summary>The user stopped it.</summary>
    Interrupted,

    /// <summary>All work is done, but an assertion of the scenario failed. Never set by a runner: assertions are
    /// judged on its report.</summary>
    AssertionFailed,
}

/// <summary>The words of verdicts.</summary>
public static class VerdictWords
{
    /// <summary>The verdicts that a run may be expected to have, as a scenario spells them.</summary>
    public static IReadOnlyList<string> Expectable { get; } =
        Enum.GetValues<Verdict>().Where(v => v < Verdict.Interrupted).Select(Word).ToArray();

    /// <summary>The word for a verdict: lower case, words joined by hyphens.</summary>
    public static string Word(Verdict verdict) => verdict == Verdict.AssertionFailed
        ? "assertion-failed"
        : verdict.ToString().ToLowerInvariant();

    /// <summary>Exit status of the program for a verdict (docs/run.md).</summary>
    public static int ExitStatus(Verdict verdict) => verdict switch
    {
        Verdict.Completed => 0,
        Verdict.AssertionFailed => 1,
        Verdict.Unknown => 2,
        Verdict.Deadlock => 11,
        Verdict.Safety => 12,
        Verdict.Livelock or Verdict.Starvation => 13,
        Verdict.Oom => 14,
        Verdict.Killed => 17,
        Verdict.Interrupted => 130,
        _ => throw new ArgumentOutOfRangeException(nameof(verdict), verdict, "no such verdict"),
    };
}
