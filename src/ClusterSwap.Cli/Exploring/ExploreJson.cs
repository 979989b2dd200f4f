// The report of an exploration as JSON, schema 1 (docs/explore.md).
using System.Text.Encodings.Web;
using System.Text.Json;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Exploration.Counterexamples;
using ClusterSwap.Exploration.Exploring;
using ClusterSwap.Exploration.Shrinking;

namespace ClusterSwap.Cli.Exploring;

/// <summary>Writes a report.</summary>
internal static class ExploreJson
{
    private const int Schema = 1;

    /// <summary>The document, UTF-8, with a line end behind it.</summary>
    public static byte[] Write(
        ExplorationPlan plan, ExplorationResult result, Counterexample? failure, ShrinkResult? shrunk, string? saved,
        TimeSpan wall)
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
            json.WriteString("scenario", plan.Scenario.Name);
            json.WriteString("variant", plan.Scenario.Variant);
            json.WriteNumber("seed", plan.Scenario.Seed);
            json.WriteString("strategy", plan.Strategy.Word);
            json.WriteNumber("schedules", result.Schedules);
            json.WriteBoolean("interrupted", result.Interrupted);
            json.WriteStartObject("verdicts");
            foreach (var (verdict, count) in result.Verdicts)
            {
                json.WriteNumber(VerdictWords.Word(verdict), count);
            }

            json.WriteEndObject();
            json.WriteNumber("different_ends", result.EndStates);
            json.WriteNumber("from_ns", result.Pressure.From.TimeNs);
            json.WriteNumber("decisions", result.Pressure.Decisions);
            json.WriteNumber("wall_seconds", decimal.Round(wall.Ticks / (decimal)TimeSpan.TicksPerSecond, 3));
            WriteFailure(json, result, failure, shrunk, saved);
            json.WriteEndObject();
        }

        stream.WriteByte((byte)'\n');
        return stream.ToArray();
    }

    private static void WriteFailure(
        Utf8JsonWriter json, ExplorationResult result, Counterexample? failure, ShrinkResult? shrunk, string? saved)
    {
        if (failure is null)
        {
            json.WriteNull("first_failure");
            return;
        }

        json.WriteStartObject("first_failure");
        json.WriteNumber("schedule", result.FirstFailures[0].Number);
        json.WriteString("verdict", VerdictWords.Word(failure.Verdict));
        json.WriteNumber("at_ns", failure.AtNs);
        json.WriteString("fingerprint", failure.Fingerprint);
        json.WriteString("strategy", failure.Strategy);
        json.WriteString("critical", failure.Critical);
        json.WriteString("saved", saved);
        Strings(json, "shrunk_by", shrunk?.Steps.Select(step => step.What) ?? []);
        Strings(json, "steps", failure.Steps);
        Strings(json, "story", failure.Story);
        json.WriteEndObject();
    }

    private static void Strings(Utf8JsonWriter json, string name, IEnumerable<string> values)
    {
        json.WriteStartArray(name);
        foreach (var value in values)
        {
            json.WriteStringValue(value);
        }

        json.WriteEndArray();
    }
}
