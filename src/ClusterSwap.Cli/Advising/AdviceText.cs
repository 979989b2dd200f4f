// What was tried after a hang, in lines.
using System.Globalization;
using ClusterSwap.Blades.Runs;

namespace ClusterSwap.Cli.Advising;

/// <summary>Tells advice: what completes first, then the rest, each in the order in which it was tried.</summary>
internal static class AdviceText
{
    /// <summary>The lines, none for no advice.</summary>
    public static IEnumerable<string> Lines(IReadOnlyList<Advice> advice)
    {
        if (advice.Count == 0)
        {
            yield break;
        }

        yield return "The same run with one change:";
        var ordered = advice.OrderBy(one => one.Verdict == Verdict.Completed ? 0 : 1).ToArray();
        var width = ordered.Max(one => How(one).Length);
        foreach (var one in ordered)
        {
            var set = string.Join(' ', one.Set.Select(text => "--set " + RunOptions.Quote(text)));
            yield return $"  {How(one).PadRight(width)}  {set}  ({one.What})";
        }
    }

    private static string How(Advice one) => one.Verdict switch
    {
        null => string.Create(
            CultureInfo.InvariantCulture, $"not known after {AdviceRuns.Limit.TotalSeconds:N0} s of wall time"),
        Verdict.Completed => $"completes in {Seconds(one.VirtualNs)} s",
        Verdict.Deadlock => $"deadlock at {Seconds(one.VirtualNs)} s",
        { } verdict => $"{VerdictWords.Word(verdict)} at {Seconds(one.VirtualNs)} s",
    };

    private static string Seconds(long ns) =>
        (ns / 1_000_000_000m).ToString("N2", CultureInfo.InvariantCulture);
}
