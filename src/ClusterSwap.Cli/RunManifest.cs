// What was asked of a run, kept in its folder from before it starts.
using System.Text.Json;
using System.Text.Json.Serialization;
using ClusterSwap.Engine;
using ClusterSwap.Journal;

namespace ClusterSwap.Cli;

/// <summary>
/// <c>run.json</c>, schema 1: what a run needs to begin again when nothing of it is in its journal. Fields may be added
/// to a schema; none changes or goes.
/// </summary>
public sealed record RunManifest
{
    /// <summary>Name of the file in the run's folder.</summary>
    public const string FileName = "run.json";

    /// <summary>Version of the form.</summary>
    public int Schema { get; init; } = 1;

    /// <summary>The command that repeats the run.</summary>
    public string Command { get; init; } = "";

    /// <summary>Version of the program.</summary>
    public string Program { get; init; } = "";

    /// <summary>What is recorded: the word of <c>--journal</c>.</summary>
    public string Journal { get; init; } = "decisions";

    /// <summary><see cref="Journal"/> as a level.</summary>
    /// <exception cref="UsageException">There is no such level.</exception>
    public JournalLevel Level => RunOptions.Level(Journal);

    /// <summary>The database of the journal as messages call it, without a secret; null for the file in the
    /// folder.</summary>
    public string? Database { get; init; }

    /// <summary>Virtual time to stop at, ns; null for the end of the run.</summary>
    public long? UntilNs { get; init; }

    /// <summary>CPU time between two checkpoints, ns.</summary>
    public long CheckpointEveryNs { get; init; } = CheckpointOptions.DefaultSpacingNs;

    /// <summary>What these options ask for.</summary>
    public static RunManifest Of(RunOptions options, string command, JournalStore? database) => new()
    {
        Command = command,
        Program = Invocation.Version,
        Journal = options.Journal.ToString().ToLowerInvariant(),
        Database = options.Journal == JournalLevel.Off ? null : database?.Describe(),
        UntilNs = options.UntilNs,
        CheckpointEveryNs = options.CheckpointEveryNs ?? CheckpointOptions.DefaultSpacingNs,
    };

    /// <summary>As it stands in a folder; null for runs of before there were any, and without a folder.</summary>
    /// <exception cref="UsageException">It cannot be read.</exception>
    public static RunManifest? Read(string? folder)
    {
        if (folder is null || !File.Exists(Path.Combine(folder, FileName)))
        {
            return null;
        }

        var path = Path.Combine(folder, FileName);
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(path), RunManifestJson.Default.RunManifest)
                ?? throw new JsonException("it is empty");
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new UsageException(
                $"\"{path}\", which says how the run was started, cannot be read: {e.Message.TrimEnd('.')}. Without that file "
                + "a run that has nothing in its journal begins anew at --journal decisions, into its folder.");
        }
    }

    /// <summary>The document, UTF-8, with a line end behind it.</summary>
    public byte[] ToJson() => [.. JsonSerializer.SerializeToUtf8Bytes(this, RunManifestJson.Default.RunManifest), (byte)'\n'];
}

/// <summary>Names as in all JSON of the program.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true, IgnoreReadOnlyProperties = true)]
[JsonSerializable(typeof(RunManifest))]
internal sealed partial class RunManifestJson : JsonSerializerContext;
