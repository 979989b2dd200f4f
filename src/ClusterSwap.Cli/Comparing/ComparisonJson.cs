// A comparison as JSON, schema 1 (docs/compare.md). Fields may be added to a schema; none changes or goes.
using System.Text.Encodings.Web;
using System.Text.Json;

namespace ClusterSwap.Cli.Comparing;

/// <summary>Writes a comparison as one JSON document.</summary>
public static class ComparisonJson
{
    private const int Schema = 1;

    // Nanoseconds: what a time has; far more than a mean of counters needs.
    private const int Digits = 9;

    /// <summary>The document, UTF-8, with a line end behind it.</summary>
    public static byte[] Write(Comparison comparison, string command)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions
        {
            Indented = true,
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        }))
        {
            json.WriteStartObject();
            json.WriteNumber("schema", Schema);
            json.WriteString("title", comparison.Title);
            json.WriteStartArray("columns");
            foreach (var column in comparison.Columns)
            {
                Column(json, column);
            }

            json.WriteEndArray();
            json.WriteStartArray("rows");
            foreach (var row in comparison.Rows)
            {
                Row(json, row);
            }

            json.WriteEndArray();
            json.WriteStartArray("notes");
            foreach (var note in comparison.Notes)
            {
                json.WriteStringValue(note);
            }

            json.WriteEndArray();
            json.WriteString("command", command);
            json.WriteEndObject();
        }

        stream.WriteByte((byte)'\n');
        return stream.ToArray();
    }

    private static void Column(Utf8JsonWriter json, ComparisonColumn column)
    {
        json.WriteStartObject();
        json.WriteString("title", column.Title);
        json.WriteNumber("wanted", column.Wanted);
        json.WriteStartObject("verdicts");
        foreach (var (verdict, count) in column.Verdicts)
        {
            json.WriteNumber(verdict, count);
        }

        json.WriteEndObject();
        json.WriteStartArray("runs");
        foreach (var run in column.Runs)
        {
            Run(json, run);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Run(Utf8JsonWriter json, RunFigures run)
    {
        json.WriteStartObject();
        json.WriteString("run_id", run.RunId);
        json.WriteString("scenario", run.Scenario);
        json.WriteString("variant", run.Variant);
        json.WriteNumber("seed", run.Seed);
        json.WriteString("verdict", run.Verdict);
        json.WriteString("fingerprint", run.Fingerprint);
        json.WriteNumber("user_seconds", Rounded(run.UserSeconds));
        json.WriteNumber("system_seconds", Rounded(run.SystemSeconds));
        Optional(json, "elapsed_seconds", run.Finished ? run.ElapsedSeconds : null);
        Optional(json, "hang_seconds", run.HangSeconds);
        json.WriteEndObject();
    }

    private static void Row(Utf8JsonWriter json, ComparisonRow row)
    {
        json.WriteStartObject();
        json.WriteString("section", row.Section.ToString().ToLowerInvariant());
        json.WriteString("name", row.Name);
        json.WriteStartArray("columns");
        for (var column = 0; column < row.Cells.Count; column++)
        {
            var cell = row.Cells[column];
            json.WriteStartObject();
            json.WriteNumber("runs", cell.Count);
            Optional(json, "mean", cell.Count == 0 ? null : cell.Mean);
            Optional(json, "ci95", cell.HalfWidth);
            Optional(json, "difference_percent", row.Differences[column]);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Optional(Utf8JsonWriter json, string name, double? value)
    {
        if (value is { } number)
        {
            json.WriteNumber(name, Rounded(number));
        }
        else
        {
            json.WriteNull(name);
        }
    }

    private static decimal Rounded(double value) => decimal.Round((decimal)value, Digits);
}
