// The journal of a run: where it goes, and what becomes of its troubles.
using ClusterSwap.Blades.Runs;
using ClusterSwap.Cli.Replaying;
using ClusterSwap.Engine;
using ClusterSwap.Journal;

namespace ClusterSwap.Cli;

/// <summary>
/// Records a run into its folder, or into a PostgreSQL database when the environment names one. The connection string
/// is never shown.
/// </summary>
internal sealed class RunJournal : IDisposable
{
    /// <summary>Holds a connection string, or <c>@FILE</c>: a file whose first line is one.</summary>
    public const string Variable = "CLUSTERSWAP_JOURNAL";

    private readonly JournalStore _store;
    private readonly string _runId;
    private readonly Func<int, RunRecorder> _open;
    private readonly RunRecorder? _events;
    private readonly CheckpointingRecorder? _checkpoints;

    private RunJournal(
        JournalStore store, Func<int, RunRecorder> open, RunRecorder? recorder, CheckpointOptions checkpoints, string runId,
        string name)
    {
        _store = store;
        _runId = runId;
        _open = open;
        _events = recorder;
        _checkpoints = recorder is null ? null : new CheckpointingRecorder(recorder, checkpoints);
        Name = name;
    }

    /// <summary>What the run tells what happens; null for a run on nodes, whose coordinator opens its epochs.</summary>
    public IRunRecorder? Recorder => _checkpoints;

    /// <summary>Where the journal is, for the summary: a path, or the database without secrets.</summary>
    public string Name { get; }

    /// <summary>Prepares the journal; null when none is wanted.</summary>
    /// <exception cref="UsageException">It cannot be written.</exception>
    public static RunJournal? Begin(
        RunOptions options, RunFolder folder, string command, int epoch, JournalStore? database, Action<string> tell,
        TimeProvider clock, CancellationToken stop)
    {
        if (options.Journal == JournalLevel.Off)
        {
            return null;
        }

        try
        {
            var store = database ?? JournalStore.Sqlite(folder.JournalPath);
            RefuseFileOnMachines(options, database);
            if (options.Cluster is not null)
            {
                // Nodes need not be started to find out that there is no database.
                store.Prepare();
            }

            RunRecorder Open(int which) => new(store, new RecordingOptions
            {
                RunId = folder.RunId,
                Level = options.Journal,
                Epoch = which,
                Command = command,
                Program = Invocation.Version,
                Clock = clock,
                Patience = new JournalPatience { Stop = stop },
                Tell = tell,
            });
            // A busy machine changes most of its pages from one to the next: long chains would only be longer to read.
            var checkpoints = new CheckpointOptions
            {
                CpuNs = CpuTime.OfThreads(options.Threads).UsedNs,
                SpacingNs = options.CheckpointEveryNs ?? CheckpointOptions.DefaultSpacingNs,
                FullEvery = 2,
            };
            return new RunJournal(
                store, Open, options.Cluster is null ? Open(epoch) : null, checkpoints, folder.RunId,
                database is null ? folder.JournalPath : store.Describe());
        }
        catch (JournalException e)
        {
            throw new UsageException(epoch > 1 ? e.Message : $"{e.Message} To run without a journal: --journal off.");
        }
    }

    /// <summary>The journal's failure in what a run threw; null when it was something else.</summary>
    public static JournalException? FailureIn(Exception error)
        => error as JournalException ?? (error as SimulationFaultException)?.InnerException as JournalException;

    /// <summary>Waits until everything is written, and ends the recording.</summary>
    /// <exception cref="JournalException">Something will not be written.</exception>
    public void Finish()
    {
        _events?.AwaitWritten();
        Dispose();
    }

    /// <summary>Reads it back, once it is finished.</summary>
    public IJournalReader Read() => JournalReader.Open(_store, _runId);

    /// <inheritdoc/>
    public void Dispose()
    {
        _checkpoints?.Dispose();
        _events?.Dispose();
    }

    /// <summary>Begins the recording of an epoch of a run on nodes.</summary>
    /// <exception cref="JournalException">It cannot be written.</exception>
    public RunRecorder OpenEpoch(int epoch) => _open(epoch);

    // A file is on one machine, and whoever takes the run over may be on another.
    private static void RefuseFileOnMachines(RunOptions options, JournalStore? database)
    {
        if (options.Cluster is { Join.Count: > 0 } && database is null)
        {
            throw new UsageException(
                $"--join: a run on several machines keeps its journal in PostgreSQL. Name a database in {Variable}, "
                + "or run without a journal: --journal off (a coordinator that is lost takes the run with it then).");
        }
    }

    /// <summary>The database that the variable's value names; null without one.</summary>
    /// <exception cref="UsageException">It does not name one rightly.</exception>
    public static JournalStore? Database(string? value)
    {
        try
        {
            return Connection(value) is { } connection
                ? JournalStore.Postgres(connection)
                : null;
        }
        catch (JournalException e)
        {
            throw new UsageException($"{Variable}: {e.Message}");
        }
    }

    /// <summary>The connection string that the variable's value names; null for the run's folder.</summary>
    internal static string? Connection(string? value)
    {
        if (string.IsNullOrWhiteSpace(value))
        {
            return null;
        }

        if (value[0] != '@')
        {
            return value;
        }

        try
        {
            string line = File.ReadLines(value[1..]).FirstOrDefault("").Trim();
            return line.Length > 0 ? line : throw new UsageException($"{Variable}: the file \"{value[1..]}\" is empty");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"{Variable}: the file cannot be read: {e.Message.TrimEnd('.')}");
        }
    }
}
