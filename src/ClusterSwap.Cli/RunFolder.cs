// The folder of one run.
using System.Globalization;
using System.Text;
using ClusterSwap.Cli.Plots;

namespace ClusterSwap.Cli;

/// <summary>
/// <c>runs/&lt;run id&gt;/</c> with the resolved scenario, <c>run.json</c>, the program's log and, at the end,
/// <c>samples.csv</c> and <c>summary.json</c>; <c>runs/latest</c> points to the newest. The folder appears with the
/// scenario and what was asked for in it, never empty.
/// </summary>
public sealed class RunFolder
{
    /// <summary>Name of the journal's file in the folder.</summary>
    public const string JournalFile = "journal.db";

    private RunFolder(string path, string runId)
    {
        FolderPath = path;
        RunId = runId;
    }

    /// <summary>Name of the folder.</summary>
    public string RunId { get; }

    /// <summary>Its path, as the user named the folder above it.</summary>
    public string FolderPath { get; }

    /// <summary>The program's log.</summary>
    public string LogPath => Path.Combine(FolderPath, "clusterswap.log");

    /// <summary>The journal, when it is a file.</summary>
    public string JournalPath => Path.Combine(FolderPath, JournalFile);

    /// <summary>The summary.</summary>
    public string SummaryPath => Path.Combine(FolderPath, "summary.json");

    /// <summary>Free pages over time.</summary>
    public string SamplesPath => Path.Combine(FolderPath, FreePagesTrack.FileName);

    /// <summary>Leaves the result of the run: its samples, then its summary, which says that all is there.</summary>
    /// <returns>The summary as JSON.</returns>
    public byte[] Keep(RunSummary summary)
    {
        using (var samples = new AtomicFile(SamplesPath, "the samples"))
        {
            samples.Commit(FreePagesTrack.ToCsv(summary.Report));
        }

        var document = SummaryJson.Write(summary);
        using var file = new AtomicFile(SummaryPath, "the summary");
        file.Commit(document);
        return document;
    }

    /// <summary>Makes a folder named <paramref name="name"/> and the time, with a number if that is taken.</summary>
    /// <exception cref="UsageException">It cannot be made.</exception>
    public static RunFolder Create(
        string runsDir, string name, DateTimeOffset now, string scenarioToml, RunManifest manifest)
    {
        var stem = string.Create(CultureInfo.InvariantCulture, $"{name}-{now.UtcDateTime:yyyyMMdd-HHmmss}");
        var fresh = Path.Combine(runsDir, $".new-{stem}-{Environment.ProcessId}");
        try
        {
            Directory.CreateDirectory(fresh);
            File.WriteAllText(Path.Combine(fresh, "scenario.toml"), scenarioToml, new UTF8Encoding(false));
            File.WriteAllBytes(Path.Combine(fresh, RunManifest.FileName), manifest.ToJson());
            for (var i = 1; ; i++)
            {
                var id = i == 1 ? stem : $"{stem}-{i}";
                var path = Path.Combine(runsDir, id);
                if (!Directory.Exists(path) && TryMove(fresh, path))
                {
                    PointLatest(runsDir, id);
                    return new RunFolder(path, id);
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (Directory.Exists(fresh))
            {
                Directory.Delete(fresh, recursive: true);
            }

            throw new UsageException(
                $"the runs folder \"{runsDir}\" cannot be written: {Reason(runsDir, e)}. "
                + "Choose another with --runs-dir.");
        }
    }

    /// <summary>The folder of a run that goes on; made anew when its journal came here without it.</summary>
    /// <exception cref="UsageException">It cannot be made.</exception>
    public static RunFolder Open(string runsDir, string? folder, string runId, string scenarioToml)
    {
        if (folder is not null)
        {
            return new RunFolder(folder, runId);
        }

        var path = Path.Combine(runsDir, runId);
        try
        {
            Directory.CreateDirectory(path);
            File.WriteAllText(Path.Combine(path, "scenario.toml"), scenarioToml, new UTF8Encoding(false));
            return new RunFolder(path, runId);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"the run's folder \"{path}\" cannot be written: {Reason(runsDir, e)}");
        }
    }

    // .NET tells of a missing part where a file stands in the way of a folder.
    private static string Reason(string runsDir, Exception error)
    {
        for (var at = Path.GetFullPath(runsDir); at is not null; at = Path.GetDirectoryName(at))
        {
            if (File.Exists(at))
            {
                return $"{at} is a file";
            }
        }

        return error.Message.TrimEnd('.');
    }

    // Another process may take the name between the look and the move.
    private static bool TryMove(string from, string to)
    {
        try
        {
            Directory.Move(from, to);
            return true;
        }
        catch (IOException) when (Directory.Exists(to) && Directory.Exists(from))
        {
            return false;
        }
    }

    // A link cannot be replaced in one step here. When two runs start at once, either may be the latest.
    private static void PointLatest(string runsDir, string id)
    {
        var latest = Path.Combine(runsDir, "latest");
        try
        {
            File.Delete(latest);
            File.CreateSymbolicLink(latest, id);
        }
        catch (IOException) when (new FileInfo(latest).LinkTarget is not null)
        {
        }
    }
}
