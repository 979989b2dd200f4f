// The summary on the screen.
using System.Globalization;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Cli.Advising;
using Spectre.Console;

namespace ClusterSwap.Cli;

/// <summary>Prints a summary: the verdict, the story of a hang, a table of blades, the command that repeats
/// the run.</summary>
public static class SummaryTable
{
    private const int MostBlades = 32;
    private const int MostEvents = 10;
    private const int WideFrom = 110;

    // A terminal of 80 columns gets those that tell how near the blade came to the edge.
    private static readonly (string Title, bool WideOnly, Func<BladeReport, string> Cell)[] Columns =
    [
        ("blade", false, blade => blade.Name),
        ("user s", true, blade => Seconds(blade.UserNs)),
        ("system s", false, blade => Seconds(blade.SystemNs)),
        ("elapsed s", false, blade => Seconds(blade.ElapsedNs)),
        ("min free", false, blade => Invariant($"{blade.MinFreePages:N0}")),
        ("min/low/high", true, blade =>
            Invariant($"{blade.WatermarkMin}/{blade.WatermarkLow}/{blade.WatermarkHigh}")),
        ("pages in", false, blade => Counter(blade, "pswpin")),
        ("pages out", false, blade => Counter(blade, "pswpout")),
        ("allocstall", true, blade => Counter(blade, "allocstall")),
        ("throttled", false, blade => Counter(blade, "pgscan_direct_throttle")),
    ];

    /// <summary>Prints everything.</summary>
    public static void Write(CliConsole console, RunSummary summary, RunFolder folder)
    {
        var report = summary.Report;
        console.Out.WriteLine(
            $"{summary.Scenario}, variant {summary.Variant}, seed {summary.Seed}: "
            + VerdictWords.Word(summary.Verdict));
        if (report.Hang is { } hang)
        {
            console.Out.WriteLine();
            console.Out.WriteLine(hang.Banner);
            foreach (var line in hang.Cycle)
            {
                console.Out.WriteLine("  " + line);
            }

            LastEvents(console, hang);
            console.Out.WriteLine();
        }

        Blades(console, report);
        foreach (var outcome in summary.Assertions)
        {
            console.Out.WriteLine(outcome.Holds
                ? $"holds: {outcome.Text}"
                : $"FAILED: {outcome.Text} (found {outcome.Found})");
        }

        foreach (var note in report.Notes)
        {
            console.Out.WriteLine("note: " + note);
        }

        foreach (var line in AdviceText.Lines(summary.Advice))
        {
            console.Out.WriteLine(line);
        }

        Figures(console, summary, folder);
    }

    /// <summary>The one line of a quiet run.</summary>
    public static void WriteQuiet(CliConsole console, RunSummary summary) =>
        console.Out.WriteLine(
            $"{VerdictWords.Word(summary.Verdict)} {summary.Report.Fingerprint} {summary.RunId}");

    private static void LastEvents(CliConsole console, HangReport hang)
    {
        if (hang.Events.Count == 0)
        {
            return;
        }

        var more = hang.Events.Count - MostEvents;
        console.Out.WriteLine();
        console.Out.WriteLine("What it decided last before that" + (more > 0 ? $" ({more} more are in summary.json):" : ":"));
        foreach (var line in hang.Events.TakeLast(MostEvents))
        {
            console.Out.WriteLine("  " + line.TrimStart());
        }
    }

    private static void Figures(CliConsole console, RunSummary summary, RunFolder folder)
    {
        var report = summary.Report;
        var wallTicks = Math.Max(1, summary.Wall.Ticks);
        var perSecond = (Int128)report.Messages * TimeSpan.TicksPerSecond / wallTicks;
        var lookahead = report.LookaheadNs == 0
            ? "none: one partition"
            : $"{Units.Duration(report.LookaheadNs)} by {report.LookaheadLink}";
        (string Name, string Value)[] lines =
        [
            ("fingerprint", report.Fingerprint),
            ("virtual time", Seconds(report.VirtualNs) + " s"),
            ("wall time", Invariant($"{summary.Wall.Ticks / (decimal)TimeSpan.TicksPerSecond:N2} s")),
            ("messages", Invariant($"{report.Messages:N0}, {perSecond:N0} per second")),
            ("events", Invariant($"{report.Events:N0}")),
            ("lookahead", lookahead),
            .. report.Statistics.Select(figure => (figure.Key, Invariant($"{figure.Value:N0}"))),
            ("folder", folder.FolderPath),
            ("again", summary.Command),
        ];
        var width = lines.Max(line => line.Name.Length) + 2;
        foreach (var (name, value) in lines)
        {
            console.Out.WriteLine(name.PadRight(width) + value);
        }
    }

    private static void Blades(CliConsole console, RunReport report)
    {
        if (report.Blades.Count == 0)
        {
            return;
        }

        var table = new Table { Border = console.OutIsTerminal ? TableBorder.Simple : TableBorder.Ascii2 };
        var columns = Columns.Where(column => !column.WideOnly || console.Width >= WideFrom).ToArray();
        foreach (var column in columns)
        {
            var text = new TableColumn(column.Title) { NoWrap = true };
            table.AddColumn(column.Title == "blade" ? text : text.RightAligned());
        }

        foreach (var blade in report.Blades.Take(MostBlades))
        {
            table.AddRow(columns.Select(column => Markup.Escape(column.Cell(blade))).ToArray());
        }

        console.Tables().Write(table);
        if (report.Blades.Count > MostBlades)
        {
            console.Out.WriteLine($"and {report.Blades.Count - MostBlades} more: all are in summary.json");
        }
    }

    private static string Counter(BladeReport blade, string name)
    {
        foreach (var (counter, value) in blade.VmStat)
        {
            if (counter == name)
            {
                return Invariant($"{value:N0}");
            }
        }

        return "-";
    }

    private static string Seconds(long ns) => Invariant($"{ns / 1_000_000_000m:N2}");

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
