// Where runs are found: the folders of a runs folder, or the streams of a database.
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Journal;

namespace ClusterSwap.Cli.Runs;

/// <summary>Finds runs by folder, id, or the word latest.</summary>
internal sealed class RunCatalogue
{
    /// <summary>File of a run's own journal.</summary>
    public const string JournalFile = "journal.db";

    private readonly JournalStore? _database;

    /// <summary>Runs of a folder, and of a database if one is named.</summary>
    public RunCatalogue(string runsDir, JournalStore? database = null)
    {
        RunsDir = runsDir;
        _database = database;
    }

    /// <summary>The folder.</summary>
    public string RunsDir { get; }

    /// <summary>The database; null without.</summary>
    public JournalStore? Database => _database;

    /// <summary>Ids of all runs: of the folder, and those of the database that have no folder here.</summary>
    public IReadOnlyList<string> Ids()
    {
        var folders = Directory.Exists(RunsDir)
            ? Directory.EnumerateDirectories(RunsDir)
                .Where(path => new DirectoryInfo(path).LinkTarget is null && File.Exists(Path.Combine(path, "scenario.toml")))
                .Select(path => Path.GetFileName(path)!)
                .Where(id => !id.StartsWith('.'))
            : [];
        var streams = _database?.Streams().Select(stream => stream.RunId) ?? [];
        return [.. folders.Concat(streams).Distinct().Order(StringComparer.Ordinal)];
    }

    /// <summary>Folder of a run; null when it has none here.</summary>
    public string? FolderOf(string runId)
    {
        var folder = Path.Combine(RunsDir, runId);
        return File.Exists(Path.Combine(folder, "scenario.toml")) ? folder : null;
    }

    /// <summary>Whether a store has anything of a run.</summary>
    public static bool HasStreams(JournalStore store, string runId)
    {
        try
        {
            return store.Streams(runId).Count > 0;
        }
        catch (JournalException e)
        {
            throw new UsageException(e.Message);
        }
    }

    /// <summary>A store, if it is the database; null for a file.</summary>
    public JournalStore? DatabaseOf(JournalStore? store) => ReferenceEquals(store, _database) ? store : null;

    /// <summary>The id of a run by what the user calls it.</summary>
    /// <exception cref="UsageException">There is no such run.</exception>
    public string IdOf(string name) => IdAndFolder(name).RunId;

    /// <summary>Id, folder and journal of a run.</summary>
    /// <exception cref="UsageException">There is no such run, or it was not recorded.</exception>
    public (string RunId, string? Folder, JournalStore Store) Find(string name)
    {
        var (runId, folder) = IdAndFolder(name);
        return StoreOf(runId, folder) is { } store ? (runId, folder, store) : throw new UsageException(
            $"run {runId} has no journal: {WhyNone(folder)}. "
            + $"The same run again, with a journal: clusterswap run {RunOptions.Quote(Path.Combine(folder ?? runId, "scenario.toml"))}");
    }

    private static bool MayBeIn(JournalStore database, string? folder) =>
        folder is not null && (RunManifest.Read(folder) is not { } manifest || manifest.Database == database.Describe());

    private string WhyNone(string? folder) => RunManifest.Read(folder) switch
    {
        null => "it was made with --journal off, or its journal is in a database that was not named",
        { Level: JournalLevel.Off } => "it was made with --journal off",
        { Database: { } database } =>
            $"it is in {database}, and {RunJournal.Variable} names {_database?.Describe() ?? "none"}",
        _ => $"{JournalFile} is not in its folder",
    };

    /// <summary>Where a run's journal is: in its folder, or in the database; null without one.</summary>
    public JournalStore? StoreOf(string runId, string? folder)
    {
        if (folder is not null && File.Exists(Path.Combine(folder, JournalFile)))
        {
            return JournalStore.Sqlite(Path.Combine(folder, JournalFile));
        }

        // A run that was killed at once has a folder, and nothing in the database yet.
        return _database is not null && (MayBeIn(_database, folder) || HasStreams(_database, runId)) ? _database : null;
    }

    /// <summary>Id and folder of a run by what the user calls it; no folder when it has none here.</summary>
    /// <exception cref="UsageException">There is no such run.</exception>
    public (string RunId, string? Folder) IdAndFolder(string name)
    {
        if (name == "latest")
        {
            var link = new DirectoryInfo(Path.Combine(RunsDir, name)).LinkTarget
                ?? throw new UsageException($"there is no latest run in \"{RunsDir}\". Runs are looked for there unless --runs-dir says otherwise.");
            name = Path.GetFileName(link);
        }

        // A folder stands for itself, wherever it is.
        if (name.Contains(Path.DirectorySeparatorChar, StringComparison.Ordinal) && File.Exists(Path.Combine(name, "scenario.toml")))
        {
            var target = new DirectoryInfo(name).LinkTarget;
            return (Path.GetFileName(target ?? Path.TrimEndingDirectorySeparator(Path.GetFullPath(name))), name);
        }

        var ids = Ids();
        if (ids.Contains(name))
        {
            return (name, FolderOf(name));
        }

        var meant = Nearest.Name(name, ids);
        throw new UsageException(
            $"there is no run \"{name}\" in \"{RunsDir}\"{(_database is null ? "" : $" or {_database.Describe()}")}."
            + (meant is null
                ? ids.Count == 0 ? " There are no runs." : $" The last of {ids.Count}: {ids[^1]}. All: clusterswap runs list."
                : $" Did you mean {meant}?"));
    }
}
