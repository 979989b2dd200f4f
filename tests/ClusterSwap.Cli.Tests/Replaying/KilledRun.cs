// A run in a process of its own that is killed, looked at, resumed, and compared with one that was not killed.
using System.Data.Common;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Journal;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace ClusterSwap.Cli.Tests.Replaying;

/// <summary>Where a killed run went on.</summary>
internal enum ResumedFrom
{
    /// <summary>Nothing of it was in the journal: it began anew.</summary>
    Nothing,

    /// <summary>The journal had begun, and had no checkpoint yet: it began anew, in the next epoch.</summary>
    Header,

    /// <summary>A checkpoint.</summary>
    Checkpoint,

    /// <summary>It was quicker than the kill.</summary>
    Ended,
}

/// <summary>What was seen of one killed run.</summary>
/// <param name="From">Where it went on.</param>
/// <param name="Rows">Rows that another process saw in the journal before the kill.</param>
/// <param name="RowsLost">Rows of these that were not there after it.</param>
/// <param name="Events">Events that the killed run left in the journal.</param>
/// <param name="Wrong">What was not as it must be; empty when all was.</param>
internal sealed record KillOutcome(
    ResumedFrom From, long Rows, long RowsLost, long Events, IReadOnlyList<string> Wrong);

/// <summary>
/// The quick scenario, every message recorded, with a checkpoint every 50 ms of CPU time. Rows that can be seen from
/// outside are those that the database has acknowledged, or will have in a moment.
/// </summary>
internal sealed class KilledRun : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(10);

    // Each look costs the database a little.
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(3);

    private readonly string _folder = Directory.CreateTempSubdirectory("clusterswap-kill-").FullName;
    private readonly string _scenario;
    private readonly string? _connection;
    private readonly string _fingerprint;
    private readonly Dictionary<int, List<int>> _events;

    /// <summary>Records the run that nobody kills.</summary>
    /// <param name="scenario">File of the quick scenario.</param>
    /// <param name="connection">Database of the journals; null for files.</param>
    public KilledRun(string scenario, string? connection)
    {
        _scenario = scenario;
        _connection = connection;
        Call(Arguments("whole"));
        string folder = FolderOf("whole");
        _fingerprint = FingerprintOf(folder);
        using IJournalReader journal = JournalReader.Open(StoreOf(folder), Path.GetFileName(folder));
        _events = EventsOf(journal);
        Rows = CountRows(folder) ?? 0;
    }

    /// <summary>Rows of the whole run.</summary>
    public long Rows { get; }

    /// <summary>Kills a run when so many of its rows are there and some time has passed, and looks at all that must
    /// hold.</summary>
    public KillOutcome Kill(string name, long rows, TimeSpan later)
    {
        var wrong = new List<string>();
        long seen = RunAndKill(name, rows, later, wrong, out bool ended);
        string folder = FolderOf(name);
        long events = 0;
        long left = CountRows(folder) ?? 0;
        long lost = Math.Max(0, seen - left);
        if (lost > 0)
        {
            wrong.Add($"{lost} rows of {seen} are gone");
        }

        if (left > 0)
        {
            using IJournalReader journal = JournalReader.Open(StoreOf(folder), Path.GetFileName(folder));
            events = Compare(journal, whole: false, "after the kill", wrong);
        }

        // The kill may come between the run's summary and the end of its process.
        ended |= FingerprintOf(folder) == _fingerprint;
        string told = Call(["replay", Path.GetFileName(folder), "--resume", "--quiet", "--runs-dir", RunsDirOf(name)]);
        if (told.Length > 0 && !(ended && told.Contains("has ended", StringComparison.Ordinal)))
        {
            wrong.Add("resuming said: " + told);
        }

        if (FingerprintOf(folder) != _fingerprint)
        {
            wrong.Add($"the fingerprint is {FingerprintOf(folder)}, and without the kill {_fingerprint}");
        }

        using IJournalReader whole = JournalReader.Open(StoreOf(folder), Path.GetFileName(folder), mustEnd: true);
        Compare(whole, whole: true, "after it was resumed", wrong);
        ResumedFrom from = ended ? ResumedFrom.Ended
            : whole.LastEpoch == 1 ? ResumedFrom.Nothing
            : whole.Epochs[^1].FromNs == 0 ? ResumedFrom.Header : ResumedFrom.Checkpoint;
        return new KillOutcome(from, seen, lost, events, wrong);
    }

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string[] Arguments(string name) =>
    [
        "run", _scenario, "--quiet", "--set", "blade.passes=1", "--set", "barrier_interval=100 ms", "--journal", "all",
        "--checkpoint-every", "50 ms", "--runs-dir", RunsDirOf(name),
    ];

    private string RunsDirOf(string name) => Path.Combine(_folder, name);

    private string FolderOf(string name)
    {
        string link = Path.Combine(RunsDirOf(name), "latest");
        return Path.Combine(RunsDirOf(name), new DirectoryInfo(link).LinkTarget ?? "latest");
    }

    private static string FingerprintOf(string folder)
    {
        string summary = Path.Combine(folder, "summary.json");
        return File.Exists(summary) ? (string?)JsonNode.Parse(File.ReadAllText(summary))!["fingerprint"] ?? "" : "none";
    }

    private JournalStore StoreOf(string folder) => _connection is null
        ? JournalStore.Sqlite(Path.Combine(folder, "journal.db"))
        : JournalStore.Postgres(_connection);

    /// <summary>The program in this process; what it said on standard error.</summary>
    private string Call(string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var console = new CliConsole(output, error, false, false, 120);
        new CliApplication(new BladeRunner(), console, TimeProvider.System, TextReader.Null, _connection ?? "").Run(args);
        return error.ToString().Trim();
    }

    private long RunAndKill(string name, long rows, TimeSpan later, List<string> wrong, out bool ended)
    {
        using Process process = Start(Arguments(name));
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        var clock = Stopwatch.StartNew();
        long seen = 0;
        TimeSpan? killAt = null;
        while (!process.HasExited && (killAt is null || clock.Elapsed < killAt))
        {
            if (clock.Elapsed > s_patience)
            {
                process.Kill();
                throw new TimeoutException($"{name}: {seen} of {rows} rows after {s_patience}");
            }

            if (Directory.Exists(Path.Combine(RunsDirOf(name), "latest")))
            {
                seen = CountRows(FolderOf(name)) ?? seen;
                killAt ??= seen >= rows ? clock.Elapsed + later : null;
            }

            Thread.Sleep(s_look);
        }

        ended = process.HasExited;
        process.Kill();
        process.WaitForExit();
        Task.WaitAll(output, error);
        if (ended && process.ExitCode != 0)
        {
            wrong.Add($"it ended by itself with {process.ExitCode}: {error.Result}");
        }

        return seen;
    }

    private Process Start(string[] args)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["CLUSTERSWAP_JOURNAL"] = _connection ?? "";
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "clusterswap.dll"));
        Array.ForEach(args, start.ArgumentList.Add);
        return Process.Start(start)!;
    }

    /// <summary>Rows of a run, seen by another reader; null when there is no table yet.</summary>
    private long? CountRows(string folder)
    {
        try
        {
            using DbConnection connection = _connection is null
                ? new SqliteConnection($"Data Source={Path.Combine(folder, "journal.db")};Mode=ReadOnly;Pooling=False")
                : new NpgsqlConnection(_connection);
            connection.Open();
            using DbCommand command = connection.CreateCommand();
            command.CommandText = "SELECT count(*) FROM journal WHERE persistence_id = @id";
            DbParameter id = command.CreateParameter();
            id.ParameterName = "@id";
            id.Value = Path.GetFileName(folder) + "/0/1";
            command.Parameters.Add(id);
            return Convert.ToInt64(command.ExecuteScalar(), CultureInfo.InvariantCulture);
        }
        catch (DbException)
        {
            return null;
        }
    }

    private static Dictionary<int, List<int>> EventsOf(IJournalReader journal) => journal.Events(new EventFilter())
        .GroupBy(one => one.Host)
        .ToDictionary(host => host.Key, host => host.Select(one => one.GetHashCode()).ToList());

    // Each host's events are those of the whole run from its beginning on; how many there are.
    private long Compare(IJournalReader journal, bool whole, string when, List<string> wrong)
    {
        if (journal.Check() is { } damage)
        {
            wrong.Add($"{when}: {damage.Message}");
            return 0;
        }

        Dictionary<int, List<int>> found = EventsOf(journal);
        foreach ((int host, List<int> all) in _events)
        {
            List<int> some = found.GetValueOrDefault(host, []);
            if (!some.SequenceEqual(all.Take(some.Count)) || (whole && some.Count != all.Count))
            {
                wrong.Add($"{when}: {some.Count} events of host {host} are not those of the run, which has {all.Count}");
            }
        }

        return found.Values.Sum(some => (long)some.Count);
    }
}
