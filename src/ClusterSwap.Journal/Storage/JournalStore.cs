// Where a journal is kept.
using System.Data.Common;
using Akka.Configuration;
using LinqToDB;

namespace ClusterSwap.Journal;

/// <summary>
/// A database with the tables of Akka.Persistence.Sql. It can be prepared, read directly, and given to the plugin; and
/// it turns its driver's errors into texts that say what to do, without connection strings.
/// </summary>
public abstract class JournalStore
{
    /// <summary>The plugin's table, as in its configuration.</summary>
    internal const string Table = "journal";

    private static readonly string[] s_columns =
        ["ordering", "deleted", "persistence_id", "sequence_number", "created", "message", "identifier", "manifest"];

    /// <summary>A file.</summary>
    public static JournalStore Sqlite(string path) => new SqliteStore(path);

    /// <summary>A database, by connection string.</summary>
    /// <exception cref="JournalException">It is not one.</exception>
    public static JournalStore Postgres(string connectionString) => new PostgresStore(connectionString);

    /// <summary>What the store is called in messages: never with a secret in it.</summary>
    public abstract string Describe();

    /// <summary>
    /// Makes sure, before a run starts, that the journal can be written: it is reachable, and its tables, if there are
    /// any, are those of this version.
    /// </summary>
    /// <exception cref="JournalException">It cannot; the text says what to do.</exception>
    public abstract void Prepare();

    /// <summary>The streams that are here, of all runs or of one, in no order.</summary>
    /// <exception cref="JournalException">The store cannot be read.</exception>
    /// <exception cref="JournalDamageException">The store is damaged.</exception>
    public IReadOnlyList<StreamName> Streams(string? runId = null)
    {
        try
        {
            using DbConnection connection = Open();
            return [.. Streams(connection).Where(stream => runId is null || stream.RunId == runId)];
        }
        catch (DbException e) when (IsDamage(e))
        {
            throw Damage(runId, e);
        }
        catch (DbException e)
        {
            throw new JournalException(Explain(e), e);
        }
    }

    /// <summary>All streams, from an open connection.</summary>
    internal IReadOnlyList<StreamName> Streams(DbConnection connection)
    {
        var streams = new List<StreamName>();
        try
        {
            foreach (string id in PersistenceIds(connection))
            {
                if (StreamName.TryParse(id, out StreamName name) && !streams.Contains(name))
                {
                    streams.Add(name);
                }
            }
        }
        catch (DbException e) when (IsMissingTable(e))
        {
            // Its first writer was killed before the plugin made the table.
        }

        return streams;
    }

    /// <summary>Deletes all streams of a run. Nothing else in the program deletes anything.</summary>
    /// <exception cref="JournalException">It cannot.</exception>
    public void Delete(string runId)
    {
        try
        {
            using DbConnection connection = OpenForWriting();
            foreach (StreamName stream in Streams(runId))
            {
                using DbCommand command = connection.CreateCommand();
                command.CommandText = $"DELETE FROM {Table} WHERE persistence_id = @id";
                AddParameter(command, "@id", stream.PersistenceId);
                command.ExecuteNonQuery();
            }
        }
        catch (DbException e)
        {
            throw new JournalException(Explain(e));
        }
    }

    /// <summary>The plugin's settings besides the connection.</summary>
    internal abstract Config Hocon { get; }

    /// <summary>The plugin's connection.</summary>
    internal abstract DataOptions Options { get; }

    /// <summary>
    /// A connection for reading. Throws <see cref="JournalException"/>, or the driver's own error for a damaged store.
    /// </summary>
    internal abstract DbConnection Open();

    /// <summary>The persistence ids, each at least once; of a damaged store, those that can be read.</summary>
    private protected abstract IEnumerable<string> PersistenceIds(DbConnection connection);

    /// <summary>The heads of a stream's blocks, in the order in which they were written.</summary>
    internal abstract IEnumerable<HeadRow> Heads(DbConnection connection, string persistenceId);

    /// <summary>What is wrong with the store as a whole; null when nothing shows.</summary>
    internal virtual string? Wrong() => null;

    /// <summary>
    /// Whether rows were taken away behind the last one that is there; false where the database cannot tell.
    /// </summary>
    internal virtual bool LacksLastRow(DbConnection connection) => false;

    /// <summary>
    /// A row whose persistence id is none of the run's, though its block is the run's; null without, and where many runs
    /// share a table.
    /// </summary>
    internal virtual JournalDamageException? Stray(DbConnection connection, string runId) => null;

    /// <summary>A whole block; empty when the row holds something else.</summary>
    internal byte[] ReadBlock(DbConnection connection, long ordering)
    {
        using DbCommand command = connection.CreateCommand();
        command.CommandText = $"SELECT message FROM {Table} WHERE ordering = @ordering";
        AddParameter(command, "@ordering", ordering);
        return command.ExecuteScalar() as byte[] ?? [];
    }

    /// <summary>
    /// Takes a run for writing, until the result is disposed of or the process ends, however it ends.
    /// </summary>
    /// <exception cref="JournalException">Another process writes it.</exception>
    public abstract IDisposable Claim(string runId);

    /// <summary>What is told of a store that is damaged as a whole, so that nothing in it can be read.</summary>
    internal JournalDamageException Damage(string? runId, DbException error)
        => new(runId ?? "unknown", 0, 1, 1, Explain(error), error);

    /// <summary>Whether a driver's error means that the journal itself is damaged.</summary>
    internal virtual bool IsDamage(DbException error) => false;

    private protected static void AddParameter(DbCommand command, string name, object value)
    {
        DbParameter parameter = command.CreateParameter();
        parameter.ParameterName = name;
        parameter.Value = value;
        command.Parameters.Add(parameter);
    }

    /// <summary>A connection that may delete. Throws <see cref="JournalException"/>.</summary>
    internal virtual DbConnection OpenForWriting() => Open();

    /// <summary>Called when the last writer of this process has ended.</summary>
    internal virtual void Close()
    {
    }

    /// <summary>Whether the error says that the plugin's table is not there yet.</summary>
    internal abstract bool IsMissingTable(DbException error);

    /// <summary>Whether trying again is of no use.</summary>
    internal abstract bool IsHopeless(Exception error);

    /// <summary>What is wrong and what helps, as sentences.</summary>
    internal abstract string Explain(Exception error);

    /// <summary>Takes secrets out of a text.</summary>
    internal virtual string Redact(string text) => text;

    /// <summary>Throws unless a table has the columns of the plugin's present version; no table is fine.</summary>
    private protected void CheckColumns(IReadOnlyCollection<string> found)
    {
        IReadOnlyList<string> missing = MissingColumns(found);
        if (found.Count > 0 && missing.Count > 0)
        {
            throw new JournalException(
                $"{Describe()} has a table \"{Table}\" of another schema: it lacks {string.Join(", ", missing)}. "
                + "Use another database, or move that table out of the way; nothing was changed.");
        }
    }

    /// <summary>Columns of the plugin's present version that are not among these.</summary>
    private protected static IReadOnlyList<string> MissingColumns(IReadOnlyCollection<string> found)
        => [.. s_columns.Where(column => !found.Contains(column))];

    private protected static TError? Find<TError>(Exception error)
        where TError : Exception
    {
        if (error is AggregateException several)
        {
            return several.Flatten().InnerExceptions.Select(Find<TError>).FirstOrDefault(one => one is not null);
        }

        for (Exception? at = error; at is not null; at = at.InnerException)
        {
            if (at is TError found)
            {
                return found;
            }
        }

        return null;
    }
}
