// A run that was left in a folder, read back.
using System.Text.Json;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Cli.Plots;
using ClusterSwap.Kernel;

namespace ClusterSwap.Cli.Comparing;

/// <summary>Reads <c>summary.json</c> and <c>samples.csv</c> of a run's folder.</summary>
public static class RecordedRun
{
    private const int Schema = 1;

    /// <summary>Reads the run at <paramref name="path"/>: its folder, or the name of one in
    /// <paramref name="runsDir"/>.</summary>
    /// <exception cref="UsageException">There is no such run, it has not ended, or a file is damaged.</exception>
    public static RunFigures Read(string path, string runsDir)
    {
        var folder = Find(path, runsDir);
        var file = Path.Combine(folder, "summary.json");
        if (!File.Exists(file))
        {
            throw new UsageException(File.Exists(Path.Combine(folder, "scenario.toml"))
                ? $"the run \"{path}\" has not ended or was broken off: it has no summary.json"
                : $"\"{path}\" is no folder of a run: it has no summary.json");
        }

        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(file));
            return Read(document.RootElement, folder);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException
            or FormatException or IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"the run \"{path}\" cannot be read: {e.Message.TrimEnd('.')}");
        }
    }

    private static string Find(string path, string runsDir)
    {
        string[] places = [path, Path.Combine(runsDir, path)];
        if (places.FirstOrDefault(Directory.Exists) is { } folder)
        {
            // The link runs/latest is told by the run it stands for.
            return Directory.ResolveLinkTarget(folder, returnFinalTarget: true)?.FullName ?? folder;
        }

        var known = Directory.Exists(runsDir)
            ? Directory.EnumerateDirectories(runsDir).Select(run => Path.GetFileName(run))
                .Where(name => !name.StartsWith('.')).Order(StringComparer.Ordinal).ToArray()
            : [];
        var meant = Nearest.Name(Path.GetFileName(path.TrimEnd('/')), known);
        throw new UsageException($"there is no run \"{path}\"."
            + (meant is null ? "" : $" Did you mean {Path.Combine(runsDir, meant)}?"));
    }

    private static RunFigures Read(JsonElement root, string folder)
    {
        var schema = root.GetProperty("schema").GetInt32();
        if (schema != Schema)
        {
            throw new FormatException($"its summary.json has schema {schema}, this program reads {Schema}");
        }

        var hang = root.GetProperty("hang");
        var hangs = hang.ValueKind == JsonValueKind.Object && hang.TryGetProperty("since_seconds", out _);
        var blades = root.GetProperty("blades").EnumerateArray().ToArray();
        return new RunFigures
        {
            RunId = root.GetProperty("run_id").GetString()!,
            Scenario = root.GetProperty("scenario").GetString()!,
            Variant = root.GetProperty("variant").GetString()!,
            Seed = root.GetProperty("seed").GetUInt64(),
            Verdict = root.GetProperty("verdict").GetString()!,
            Fingerprint = root.GetProperty("fingerprint").GetString()!,
            BladeCount = blades.Length,
            UserSeconds = Sum(blades, "user_seconds"),
            SystemSeconds = Sum(blades, "system_seconds"),
            ElapsedSeconds = blades.Select(blade => blade.GetProperty("elapsed_seconds").GetDouble())
                .DefaultIfEmpty().Max(),
            MinFreePages = blades.Select(blade => blade.GetProperty("min_free_pages").GetInt64())
                .DefaultIfEmpty().Min(),
            HangSeconds = hangs ? hang.GetProperty("since_seconds").GetDouble() : null,
            VmStat = Counters(blades, "vmstat"),
            NetStat = Counters(blades, "netstat"),
            Tracks = Tracks(blades, folder, hangs ? hang : null),
        };
    }

    // Decimals, so that the sum is the same as that of whole nanoseconds.
    private static double Sum(JsonElement[] blades, string name) =>
        (double)blades.Sum(blade => blade.GetProperty(name).GetDecimal());

    private static IReadOnlyList<KeyValuePair<string, long>> Counters(JsonElement[] blades, string name) =>
        RunFigures.Sum(blades.Select(blade => blade.GetProperty(name).EnumerateObject()
            .Select(counter => KeyValuePair.Create(counter.Name, counter.Value.GetInt64())).ToArray()));

    private static FreePagesTrack[] Tracks(JsonElement[] blades, string folder, JsonElement? hang)
    {
        var file = Path.Combine(folder, FreePagesTrack.FileName);
        var samples = File.Exists(file)
            ? FreePagesTrack.ReadCsv(File.ReadAllLines(file))
            : new Dictionary<string, IReadOnlyList<FreePagesSample>>();
        return blades.Where(blade => samples.ContainsKey(blade.GetProperty("name").GetString()!)).Select(blade =>
        {
            var name = blade.GetProperty("name").GetString()!;
            var marks = blade.GetProperty("watermarks");
            return new FreePagesTrack
            {
                Blade = name,
                Min = marks.GetProperty("min").GetInt64(),
                Low = marks.GetProperty("low").GetInt64(),
                High = marks.GetProperty("high").GetInt64(),
                HangSeconds = hang?.GetProperty("blade").GetString() == name
                    ? hang?.GetProperty("since_seconds").GetDouble()
                    : null,
                Samples = samples[name],
            };
        }).ToArray();
    }
}
