// A run in a list: what its folder and its journal say of it.
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using ClusterSwap.Blades.Replaying;
using ClusterSwap.Journal;

namespace ClusterSwap.Cli.Runs;

/// <summary>One run.</summary>
internal sealed record RunEntry
{
    /// <summary>The word for a run without a verdict.</summary>
    public const string Unfinished = "unfinished";

    /// <summary>Its id.</summary>
    public required string RunId { get; init; }

    /// <summary>Its folder; null when it has none here.</summary>
    public string? Folder { get; init; }

    /// <summary>Name of the scenario; empty when nothing can be read.</summary>
    public string Scenario { get; init; } = "";

    /// <summary>Name of the variant.</summary>
    public string Variant { get; init; } = "";

    /// <summary>Seed.</summary>
    public ulong Seed { get; init; }

    /// <summary>How it ended.</summary>
    public string Verdict { get; init; } = Unfinished;

    /// <summary>Fingerprint; empty when it did not end.</summary>
    public string Fingerprint { get; init; } = "";

    /// <summary>When it began.</summary>
    public DateTimeOffset? Began { get; init; }

    /// <summary>Virtual time that it came to, ns.</summary>
    public long VirtualNs { get; init; }

    /// <summary>What the journal records; empty without one.</summary>
    public string Level { get; init; } = "";

    /// <summary>Where the journal is; empty without one.</summary>
    public string Journal { get; init; } = "";

    /// <summary>Checkpoints in the journal.</summary>
    public int Checkpoints { get; init; }

    /// <summary>Times that the run was resumed.</summary>
    public int Resumed { get; init; }

    /// <summary>The command that repeats the run.</summary>
    public string Command { get; init; } = "";

    /// <summary>What is wrong with the journal; null when nothing shows.</summary>
    public string? Damage { get; init; }

    /// <summary>Whether the summary in a run's folder says that it ended of its own.</summary>
    public static bool HasEnded(string? folder) =>
        FromSummary(new RunEntry { RunId = "", Folder = folder }).Verdict is not (Unfinished or "interrupted");

    /// <summary>Reads a run; what cannot be read is told by <see cref="Damage"/>.</summary>
    /// <param name="catalogue">Where runs are.</param>
    /// <param name="runId">The run.</param>
    /// <param name="name">What the user calls it.</param>
    /// <param name="whole">All of its journal is looked at, and not only the heads of its blocks.</param>
    public static RunEntry Read(RunCatalogue catalogue, string runId, string? name = null, bool whole = false)
    {
        var folder = catalogue.FolderOf(runId) ?? (name is not null && Directory.Exists(name) ? name : null);
        var entry = new RunEntry { RunId = runId, Folder = folder };
        entry = FromSummary(entry);
        try
        {
            var (_, _, store) = catalogue.Find(name ?? runId);
            using var reader = JournalReader.Open(store, runId, HasEnded(folder));
            if (whole)
            {
                reader.Check();
            }

            return FromJournal(entry, reader) with { Journal = store.Describe() };
        }
        catch (Exception e) when (e is UsageException or JournalException { HoldsNothing: true })
        {
            return entry;
        }
        catch (Exception e) when (e is JournalException or JournalDamageException)
        {
            return entry with { Damage = e.Message };
        }
    }

    /// <summary>Many in a table.</summary>
    public static MomentTable Table(IEnumerable<RunEntry> runs)
    {
        var table = new MomentTable("runs", "run", "began", "scenario", "variant", "seed", "verdict", "virtual", "journal");
        foreach (var run in runs)
        {
            table.Add(
                run.RunId, Text(run.Began), run.Scenario, run.Variant, run.Seed.ToString(CultureInfo.InvariantCulture), run.Verdict,
                Moments.Seconds(run.VirtualNs), run.Damage is not null ? "damaged" : run.Level.Length > 0 ? run.Level : "none");
        }

        return table;
    }

    /// <summary>Many as one document.</summary>
    public static byte[] ToJson(IEnumerable<RunEntry> runs)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(
            stream, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteNumber("schema", 1);
            json.WriteStartArray("runs");
            foreach (var run in runs)
            {
                json.WriteStartObject();
                json.WriteString("run_id", run.RunId);
                json.WriteString("folder", run.Folder);
                json.WriteString("scenario", run.Scenario);
                json.WriteString("variant", run.Variant);
                json.WriteNumber("seed", run.Seed);
                json.WriteString("began", run.Began is { } began ? began.ToString("O", CultureInfo.InvariantCulture) : null);
                json.WriteString("verdict", run.Verdict);
                json.WriteString("fingerprint", run.Fingerprint);
                json.WriteNumber("virtual_seconds", run.VirtualNs / 1_000_000_000m);
                json.WriteString("journal", run.Level.Length > 0 ? run.Level : null);
                json.WriteString("damage", run.Damage);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        stream.WriteByte((byte)'\n');
        return stream.ToArray();
    }

    /// <summary>All that is known, one thing a line.</summary>
    public IEnumerable<string> Describe()
    {
        (string Name, string Value)[] lines =
        [
            ("run", RunId),
            ("folder", Folder ?? "none here"),
            ("scenario", $"{Scenario}, variant {Variant}, seed {Seed}"),
            ("began", Text(Began) ?? "unknown"),
            ("verdict", Verdict),
            ("virtual time", Moments.Seconds(VirtualNs)),
            ("fingerprint", Fingerprint.Length > 0 ? Fingerprint : "none: it did not end"),
            ("journal", Level.Length > 0 ? $"{Level}, {Journal}" : Damage is null ? "none" : "unreadable"),
            ("checkpoints", Checkpoints.ToString(CultureInfo.InvariantCulture)),
            ("resumed", Resumed == 0 ? "never" : Resumed == 1 ? "once" : $"{Resumed} times"),
            ("again", Command),
        ];
        foreach (var (name, value) in lines)
        {
            yield return $"{name,-14}{value}";
        }

        if (Damage is not null)
        {
            yield return "damage        " + Damage;
        }
    }

    private static string? Text(DateTimeOffset? time) =>
        time?.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);

    private static RunEntry FromSummary(RunEntry entry)
    {
        var path = entry.Folder is null ? null : Path.Combine(entry.Folder, "summary.json");
        if (path is null || !File.Exists(path))
        {
            return entry.Folder is null
                ? entry
                : entry with { Began = File.GetCreationTimeUtc(Path.Combine(entry.Folder, "scenario.toml")) };
        }

        try
        {
            var summary = JsonNode.Parse(File.ReadAllText(path))!;
            return entry with
            {
                Scenario = (string?)summary["scenario"] ?? "",
                Variant = (string?)summary["variant"] ?? "",
                Seed = (ulong?)summary["seed"] ?? 0,
                Verdict = (string?)summary["verdict"] ?? Unfinished,
                Fingerprint = (string?)summary["fingerprint"] ?? "",
                VirtualNs = (long)(((decimal?)summary["virtual_seconds"] ?? 0) * 1_000_000_000m),
                Command = (string?)summary["command"] ?? "",
                Began = File.GetCreationTimeUtc(Path.Combine(entry.Folder!, "scenario.toml")),
            };
        }
        catch (Exception e) when (e is JsonException or IOException or InvalidOperationException)
        {
            return entry;
        }
    }

    private static RunEntry FromJournal(RunEntry entry, IJournalReader reader)
    {
        var header = reader.Header;
        return entry with
        {
            Scenario = header.Scenario,
            Variant = header.Variant,
            Seed = header.Seed,
            Verdict = entry.Verdict != Unfinished ? entry.Verdict : reader.End?.Verdict ?? Unfinished,
            Fingerprint = entry.Fingerprint.Length > 0 ? entry.Fingerprint : reader.End?.Fingerprint ?? "",
            VirtualNs = Math.Max(entry.VirtualNs, reader.End?.VirtualNs
                ?? (reader.Checkpoints.Count > 0 ? reader.Checkpoints[^1].BarrierNs : 0)),
            Level = header.Level,
            Checkpoints = reader.Checkpoints.Count,
            Resumed = reader.LastEpoch - 1,
            Command = entry.Command.Length > 0 ? entry.Command : header.Command,
            Began = DateTimeOffset.TryParse(header.Started, CultureInfo.InvariantCulture, out var began) ? began : entry.Began,
            Damage = reader.Damage?.Message,
        };
    }
}
