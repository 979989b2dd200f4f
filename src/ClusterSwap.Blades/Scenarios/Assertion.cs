// What a scenario expects of its run, and whether it came true.
using System.Globalization;
using ClusterSwap.Blades.Runs;

namespace ClusterSwap.Blades.Scenarios;

/// <summary>What an assertion looks at.</summary>
public enum AssertionSubject
{
    /// <summary>The verdict.</summary>
    Verdict,

    /// <summary>Fewest free pages that any blade ever had.</summary>
    MinFreePages,

    /// <summary>Virtual time of the run, ns.</summary>
    ElapsedNs,

    /// <summary>A counter of /proc/vmstat, summed over blades.</summary>
    VmStat,

    /// <summary>A counter of /proc/net/netstat, summed over blades.</summary>
    NetStat,
}

/// <summary>How an assertion compares.</summary>
public enum Comparison
{
    /// <summary><c>=</c></summary>
    Equal,

    /// <summary><c>!=</c></summary>
    NotEqual,

    /// <summary><c>&lt;</c></summary>
    Less,

    /// <summary><c>&lt;=</c></summary>
    AtMost,

    /// <summary><c>&gt;</c></summary>
    More,

    /// <summary><c>&gt;=</c></summary>
    AtLeast,
}

/// <summary>
/// One thing that must hold at the end of a run. <see cref="Value"/> is a <see cref="Verdict"/>, pages, ns or a count.
/// </summary>
public sealed record Assertion(AssertionSubject Subject, string Counter, Comparison Comparison, long Value)
{
    /// <summary>The sign of each comparison, longest first so that a prefix match is exact.</summary>
    internal static readonly (string Sign, Comparison Comparison)[] Signs =
    [
        ("!=", Comparison.NotEqual), ("<=", Comparison.AtMost), (">=", Comparison.AtLeast),
        ("<", Comparison.Less), (">", Comparison.More), ("=", Comparison.Equal),
    ];

    /// <summary>Judges a report. A counter that no blade reports is not found, and then nothing holds.</summary>
    public AssertionOutcome Judge(RunReport report)
    {
        long? found = Subject switch
        {
            AssertionSubject.Verdict => (long)report.Verdict,
            AssertionSubject.MinFreePages => report.Blades.Count == 0 ? null : report.Blades.Min(b => b.MinFreePages),
            AssertionSubject.ElapsedNs => report.VirtualNs,
            AssertionSubject.VmStat => Sum(report.Blades.Select(b => b.VmStat)),
            _ => Sum(report.Blades.Select(b => b.NetStat)),
        };
        return new AssertionOutcome(ToString(), found is { } value && Holds(value), Tell(found));
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Name} {Sign} {Text(Value)}";

    internal string Sign => Signs.First(s => s.Comparison == Comparison).Sign;

    internal string Text(long value) => Subject switch
    {
        AssertionSubject.Verdict => VerdictWords.Word((Verdict)value),
        AssertionSubject.ElapsedNs => Units.Duration(value),
        _ => value.ToString(CultureInfo.InvariantCulture),
    };

    internal string Key => Subject switch
    {
        AssertionSubject.Verdict => "verdict",
        AssertionSubject.MinFreePages => "min_free_pages",
        AssertionSubject.ElapsedNs => "elapsed",
        _ => Counter,
    };

    private string Name => Subject switch
    {
        AssertionSubject.VmStat => "vmstat." + Key,
        AssertionSubject.NetStat => "netstat." + Key,
        _ => Key,
    };

    private string Tell(long? found) => found is { } value ? Text(value) : "no such counter in the report";

    private bool Holds(long found) => Comparison switch
    {
        Comparison.Equal => found == Value,
        Comparison.NotEqual => found != Value,
        Comparison.Less => found < Value,
        Comparison.AtMost => found <= Value,
        Comparison.More => found > Value,
        _ => found >= Value,
    };

    private long? Sum(IEnumerable<IReadOnlyList<KeyValuePair<string, long>>> blades)
    {
        long? sum = null;
        foreach (var counters in blades)
        {
            foreach (var (name, value) in counters)
            {
                sum = name == Counter ? (sum ?? 0) + value : sum;
            }
        }

        return sum;
    }
}

/// <summary>An assertion after the run.</summary>
/// <param name="Text">The assertion in words.</param>
/// <param name="Holds">Whether it came true.</param>
/// <param name="Found">What was found instead, or as wanted.</param>
public sealed record AssertionOutcome(string Text, bool Holds, string Found);
