// The summary as JSON, schema 1 (docs/run.md). Fields may be added to a schema; none changes or goes.
using System.Text.Encodings.Web;
using System.Text.Json;
using ClusterSwap.Blades.Runs;

namespace ClusterSwap.Cli;

/// <summary>Writes a summary as one JSON document.</summary>
public static class SummaryJson
{
    private const int Schema = 1;

    /// <summary>The document, UTF-8, with a line end behind it.</summary>
    public static byte[] Write(RunSummary summary)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions
        {
            Indented = true,
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        }))
        {
            json.WriteStartObject();
            Head(json, summary);
            json.WriteStartArray("blades");
            foreach (var blade in summary.Report.Blades)
            {
                Blade(json, blade);
            }

            json.WriteEndArray();
            Tail(json, summary);
            json.WriteEndObject();
        }

        stream.WriteByte((byte)'\n');
        return stream.ToArray();
    }

    private static void Head(Utf8JsonWriter json, RunSummary summary)
    {
        var report = summary.Report;
        json.WriteNumber("schema", Schema);
        json.WriteString("run_id", summary.RunId);
        json.WriteString("scenario", summary.Scenario);
        json.WriteString("variant", summary.Variant);
        json.WriteNumber("seed", summary.Seed);
        json.WriteString("verdict", VerdictWords.Word(summary.Verdict));
        json.WriteString("fingerprint", report.Fingerprint);
        json.WriteNumber("virtual_seconds", Seconds(report.VirtualNs));
        json.WriteNumber("wall_seconds", decimal.Round(summary.Wall.Ticks / (decimal)TimeSpan.TicksPerSecond, 3));
        json.WriteNumber("messages", report.Messages);
        json.WriteNumber("events", report.Events);
        json.WriteNumber("lookahead_ns", report.LookaheadNs);
        json.WriteString("lookahead_link", report.LookaheadLink);
        json.WriteString("journal", summary.Journal);
    }

    private static void Blade(Utf8JsonWriter json, BladeReport blade)
    {
        json.WriteStartObject();
        json.WriteString("name", blade.Name);
        json.WriteNumber("user_seconds", Seconds(blade.UserNs));
        json.WriteNumber("system_seconds", Seconds(blade.SystemNs));
        json.WriteNumber("elapsed_seconds", Seconds(blade.ElapsedNs));
        json.WriteNumber("last_progress_seconds", Seconds(blade.LastProgressNs));
        json.WriteNumber("min_free_pages", blade.MinFreePages);
        json.WriteStartObject("watermarks");
        json.WriteNumber("min", blade.WatermarkMin);
        json.WriteNumber("low", blade.WatermarkLow);
        json.WriteNumber("high", blade.WatermarkHigh);
        json.WriteEndObject();
        Counters(json, "vmstat", blade.VmStat);
        Counters(json, "netstat", blade.NetStat);
        json.WriteEndObject();
    }

    private static void Tail(Utf8JsonWriter json, RunSummary summary)
    {
        json.WriteStartArray("assertions");
        foreach (var outcome in summary.Assertions)
        {
            json.WriteStartObject();
            json.WriteString("assertion", outcome.Text);
            json.WriteBoolean("holds", outcome.Holds);
            json.WriteString("found", outcome.Found);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        if (summary.Report.Hang is { } hang)
        {
            json.WriteStartObject("hang");
            json.WriteString("banner", hang.Banner);
            json.WriteString("blade", hang.Blade);
            json.WriteNumber("since_seconds", Seconds(hang.SinceNs));
            Texts(json, "cycle", hang.Cycle);
            Texts(json, "events", hang.Events);
            json.WriteEndObject();
        }
        else
        {
            json.WriteNull("hang");
        }

        AdviceOf(json, summary);
        Texts(json, "notes", summary.Report.Notes);
        Counters(json, "statistics", summary.Report.Statistics);
        json.WriteString("command", summary.Command);
    }

    private static void AdviceOf(Utf8JsonWriter json, RunSummary summary)
    {
        json.WriteStartArray("advice");
        foreach (var one in summary.Advice)
        {
            json.WriteStartObject();
            Texts(json, "set", one.Set);
            json.WriteString("what", one.What);
            json.WriteString("verdict", one.Verdict is { } verdict ? VerdictWords.Word(verdict) : null);
            json.WriteNumber("virtual_seconds", Seconds(one.VirtualNs));
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void Counters(Utf8JsonWriter json, string name, IReadOnlyList<KeyValuePair<string, long>> counters)
    {
        json.WriteStartObject(name);
        foreach (var (counter, value) in counters)
        {
            json.WriteNumber(counter, value);
        }

        json.WriteEndObject();
    }

    private static void Texts(Utf8JsonWriter json, string name, IReadOnlyList<string> texts)
    {
        json.WriteStartArray(name);
        foreach (var text in texts)
        {
            json.WriteStringValue(text);
        }

        json.WriteEndArray();
    }

    // Exact: a decimal holds every number of nanoseconds.
    private static decimal Seconds(long ns) => ns / 1_000_000_000m;
}
