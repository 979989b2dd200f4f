// The last decisions before a hang, on the screen and in the summary.
using System.Globalization;
using System.Text.Json;
using ClusterSwap.Blades.Runs;

namespace ClusterSwap.Cli.Tests;

public class HangEventsTests
{
    // Deadlock, or with so short a time to wait livelock or starvation.
    private static readonly int[] s_hung = [11, 13];

    [Fact]
    public void A_hang_with_a_journal_ends_with_what_was_decided_last_up_to_the_last_progress()
    {
        using var session = new Session(new BladeRunner());
        Assert.Equal(11, Hang(session, "decisions", "120 s"));
        var hang = HangOf(session);
        var since = hang.GetProperty("since_seconds").GetDecimal();
        string[] events = [.. hang.GetProperty("events").EnumerateArray().Select(line => line.GetString()!)];
        Assert.Equal(100, events.Length);
        decimal[] times = [.. events.Select(line => decimal.Parse(
            line.Split("....").Last().Split(": ")[0].Split("..s.").Last(), CultureInfo.InvariantCulture))];
        Assert.Equal(times.Order(), times);
        Assert.InRange(times[^1], 0.001m, since);
        var lines = session.Out.Split('\n');
        var title = Array.IndexOf(lines, "What it decided last before that (90 more are in summary.json):");
        Assert.Equal(
            events.TakeLast(10).Select(line => "  " + line.TrimStart()), lines.Skip(title + 1).Take(10));
    }

    [Fact]
    public void A_hang_without_a_journal_has_none()
    {
        using var session = new Session(new BladeRunner());
        Assert.Contains(Hang(session, "off", "1 s"), s_hung);
        Assert.Equal(0, HangOf(session).GetProperty("events").GetArrayLength());
        Assert.DoesNotContain("What it decided last", session.Out);
    }

    private static int Hang(Session session, string journal, string after) => session.Run(
        "--variant", "vanilla", "--no-advise", "--journal", journal, "--set", "blades.node.count=1",
        "--set", $"hang_after={after}");

    private static JsonElement HangOf(Session session)
    {
        using var summary = JsonDocument.Parse(File.ReadAllText(Path.Combine(session.Latest, "summary.json")));
        return summary.RootElement.GetProperty("hang").Clone();
    }
}
