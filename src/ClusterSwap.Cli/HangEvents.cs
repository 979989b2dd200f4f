// What happened on a blade last, before it stopped moving: out of the run's journal.
using ClusterSwap.Blades.Runs;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Blades.Tracing;
using ClusterSwap.Journal;

namespace ClusterSwap.Cli;

/// <summary>
/// The last decisions before a hang, as lines of ftrace. What a blade that hangs goes on doing, the same failing
/// attempts again and again, is not among them: they end with the last progress.
/// </summary>
internal static class HangEvents
{
    /// <summary>How many are kept with the run.</summary>
    public const int Kept = 100;

    // First stretch of virtual time that is looked through, ns; ten times more each time that it held too few.
    private const long FirstStretchNs = 100_000_000;

    /// <summary>At most <see cref="Kept"/> lines, oldest first.</summary>
    public static IReadOnlyList<string> Before(HangReport hang, Scenario scenario, IJournalReader journal)
    {
        var host = Array.Find(journal.Header.Hosts, one => one.Name == hang.Blade);
        var group = scenario.Blades.FirstOrDefault(
            one => Enumerable.Range(0, one.Count).Any(index => one.BladeName(index) == hang.Blade));
        if (host is null || group is null)
        {
            return [];
        }

        var text = TraceText.For(group, scenario.Faults);
        return [.. Last(journal, host.Id, hang.SinceNs).Select(decision => text.Line(decision.Record))];
    }

    private static IEnumerable<RecordedDecision> Last(IJournalReader journal, int host, long toNs)
    {
        for (var stretch = FirstStretchNs; ; stretch *= 10)
        {
            var fromNs = Math.Max(0, toNs - stretch);
            var filter = new EventFilter
            {
                FromNs = fromNs,
                ToNs = toNs,
                Hosts = new HashSet<int> { host },
                Messages = false,
            };
            RecordedDecision[] last = [.. journal.Events(filter).Select(one => one.Decision).TakeLast(Kept)];
            if (last.Length == Kept || fromNs == 0)
            {
                return last;
            }
        }
    }
}
