// The catalogue as JSON, schema 1 (docs/patches.md). Fields may be added to a schema; none changes or goes.
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Kernel;

namespace ClusterSwap.Cli;

/// <summary>Writes patches and changes as one JSON document.</summary>
internal static class PatchesJson
{
    private const int Schema = 1;

    /// <summary>The document with a line end behind it.</summary>
    public static string Write(IReadOnlyList<PatchInfo> patches, IReadOnlyList<KernelChangeInfo> changes)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions
        {
            Indented = true,
            NewLine = "\n",
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        }))
        {
            json.WriteStartObject();
            json.WriteNumber("schema", Schema);
            json.WriteStartArray("patches");
            foreach (var info in patches)
            {
                Patch(json, info);
            }

            json.WriteEndArray();
            json.WriteStartArray("changes");
            foreach (var info in changes)
            {
                Change(json, info);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.ToArray()) + "\n";
    }

    private static void Patch(Utf8JsonWriter json, PatchInfo info)
    {
        json.WriteStartObject();
        json.WriteNumber("number", info.Number);
        json.WriteString("name", info.Name);
        json.WriteString("title", info.Title);
        json.WriteString("commit", info.Commit.Length == 0 ? null : info.Commit);
        json.WriteBoolean("commit_verified", info.CommitSeen);
        json.WriteStartArray("needs");
        foreach (var need in info.Needs)
        {
            json.WriteNumberValue(need);
        }

        json.WriteEndArray();
        json.WriteString("rule", info.Rule);
        json.WriteString("without", info.Without);
        json.WriteString("prediction", info.Prediction);
        json.WriteStartArray("commands");
        foreach (var command in PatchesCommand.CommandsFor(info))
        {
            json.WriteStringValue(command);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Change(Utf8JsonWriter json, KernelChangeInfo info)
    {
        json.WriteStartObject();
        json.WriteString("name", info.Name);
        json.WriteString("version", info.Version);
        json.WriteString("since_era", info.Since is { } since ? EraWords.Word(since) : null);
        json.WriteStartArray("needs");
        foreach (var need in info.Needs)
        {
            json.WriteStringValue(need.Info().Name);
        }

        json.WriteEndArray();
        json.WriteString("meaning", info.Meaning);
        json.WriteEndObject();
    }
}
