// A journal in a SQLite file.
using System.Data.Common;
using Akka.Configuration;
using LinqToDB;
using Microsoft.Data.Sqlite;

namespace ClusterSwap.Journal;

/// <summary>One file, written by one process.</summary>
internal sealed class SqliteStore : JournalStore
{
    // Result codes (sqlite3.h) after which nothing gets better by waiting.
    private const int Error = 1;
    private const int Permission = 3;
    private const int ReadOnly = 8;
    private const int IoError = 10;
    private const int Corrupt = 11;
    private const int Full = 13;
    private const int CannotOpen = 14;
    private const int NotADatabase = 26;

    // "CSWJ" in the file's header: what is not as this version writes it, in a file with both numbers, is damage.
    private const int ApplicationId = 0x4353574A;
    private const int SchemaVersion = 1;

    private readonly string _path;

    public SqliteStore(string path) => _path = path;

    internal override Config Hocon
        => ConfigurationFactory.FromResource("journal-sqlite.conf", typeof(SqliteStore).Assembly);

    // What was acknowledged is with the operating system, and survives the process, however it ends. A power cut may take
    // the last rows, no more: the log is synchronized before it moves into the file.
    internal override DataOptions Options => new DataOptions()
        .UseConnectionString(ProviderName.SQLiteMS, ConnectionString(SqliteOpenMode.ReadWrite))
        .UseAfterConnectionOpened(connection => Execute((SqliteConnection)connection, "PRAGMA synchronous = NORMAL"));

    /// <inheritdoc/>
    public override string Describe() => $"the journal file \"{_path}\"";

    /// <inheritdoc/>
    public override void Prepare()
    {
        try
        {
            string text = ConnectionString(SqliteOpenMode.ReadWriteCreate, pooling: false);
            using var connection = new SqliteConnection(text);
            connection.Open();

            // Rows of 64 KiB go better onto large pages; both settings stay with the file.
            Execute(connection, "PRAGMA page_size = 32768");
            Execute(connection, "PRAGMA journal_mode = WAL");
            CheckColumns(Columns(connection));
            Execute(connection, $"PRAGMA application_id = {ApplicationId}");
            Execute(connection, $"PRAGMA user_version = {SchemaVersion}");
        }
        catch (SqliteException e)
        {
            throw new JournalException(Explain(e), e);
        }
    }

    /// <inheritdoc/>
    public override IDisposable Claim(string runId) => new FileClaim(_path + "-lock", Describe());

    internal override DbConnection Open() => Open(SqliteOpenMode.ReadOnly);

    internal override DbConnection OpenForWriting() => Open(SqliteOpenMode.ReadWrite);

    private SqliteConnection Open(SqliteOpenMode mode)
    {
        if (!File.Exists(_path))
        {
            throw new JournalException($"there is no {Describe()[4..]}.");
        }

        SqliteConnection connection = mode == SqliteOpenMode.ReadOnly && SqliteRemains.IsCutShort(_path)
            ? SqliteRemains.Open(_path)
            : new SqliteConnection(ConnectionString(mode, pooling: false));
        try
        {
            connection.Open();
            List<string> columns = ColumnsAfterRecovery(connection);
            if (columns.Count > 0 && MissingColumns(columns).Count > 0 && IsOurs(connection))
            {
                throw new SqliteException(
                    $"the schema of its table is damaged: {string.Join(", ", MissingColumns(columns))} is not there", Corrupt);
            }

            CheckColumns(columns);
            return connection;
        }
        catch (SqliteException e) when (!IsDamage(e))
        {
            connection.Dispose();
            throw new JournalException(Explain(e), e);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    internal override string? Wrong() => SqliteRemains.IsCutShort(_path) ? "the file was cut short" : null;

    // Past the indexes: of a damaged file the table may be readable where they are not.
    private protected override IEnumerable<string> PersistenceIds(DbConnection connection)
    {
        using DbCommand command = connection.CreateCommand();
        command.CommandText = $"SELECT persistence_id FROM {Table} NOT INDEXED ORDER BY ordering";
        using DbDataReader rows = command.ExecuteReader();
        string last = "";
        while (MoveNext(rows))
        {
            string id = rows.IsDBNull(0) ? "" : rows.GetString(0);
            if (id != last)
            {
                last = id;
                yield return id;
            }
        }
    }

    /// <summary>Leaves one file that can be copied and read anywhere: without a write-ahead log beside it.</summary>
    internal override void Close()
    {
        try
        {
            using (var pooled = new SqliteConnection(ConnectionString(SqliteOpenMode.ReadWrite)))
            {
                SqliteConnection.ClearPool(pooled);
            }

            using var connection = new SqliteConnection(ConnectionString(SqliteOpenMode.ReadWrite, pooling: false));
            connection.Open();
            Execute(connection, "PRAGMA journal_mode = DELETE");
        }
        catch (SqliteException)
        {
            // The write-ahead log stays beside the file and is read with it: nothing is lost.
        }
    }

    // Reading heads through blob handles touches the first page of each block only; an expression would load all of it.
    internal override IEnumerable<HeadRow> Heads(DbConnection connection, string persistenceId)
    {
        using DbCommand command = connection.CreateCommand();
        command.CommandText = $"SELECT ordering, sequence_number, length(message) FROM {Table} "
            + "NOT INDEXED WHERE persistence_id = @id ORDER BY ordering";
        AddParameter(command, "@id", persistenceId);
        using DbDataReader rows = command.ExecuteReader();
        byte[] head = new byte[BlockHead.Bytes];
        while (rows.Read())
        {
            long ordering = rows.GetInt64(0);
            using var blob = new SqliteBlob((SqliteConnection)connection, Table, "message", ordering, readOnly: true);
            int got = blob.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
            yield return new HeadRow(ordering, rows.GetInt64(1), got == head.Length ? head : [], rows.GetInt64(2));
        }
    }

    // The plugin's ordering never gives a number twice, and SQLite remembers the last that it gave.
    internal override bool LacksLastRow(DbConnection connection)
    {
        using DbCommand command = connection.CreateCommand();
        command.CommandText =
            $"SELECT (SELECT seq FROM sqlite_sequence WHERE name = '{Table}') > (SELECT max(ordering) FROM {Table})";
        return command.ExecuteScalar() is long lacks && lacks != 0;
    }

    internal override JournalDamageException? Stray(DbConnection connection, string runId)
    {
        ulong run = BlockHead.RunWord(runId);
        foreach (string id in PersistenceIds(connection).Distinct())
        {
            if (StreamName.TryParse(id, out StreamName name) && name.RunId == runId)
            {
                continue;
            }

            foreach (HeadRow row in Heads(connection, id))
            {
                if (IsOf(run, row, out BlockHead head))
                {
                    return new JournalDamageException(
                        runId, head.Partition, head.Epoch, head.Sequence, $"its row says that it is of \"{id}\"");
                }
            }
        }

        return null;
    }

    private static bool IsOf(ulong run, HeadRow row, out BlockHead head)
    {
        head = default;
        try
        {
            head = BlockHead.Peek(row.Head, row.Length);
            return head.Run == run;
        }
        catch (Exception e) when (e is InvalidDataException or JournalException)
        {
            return false;
        }
    }

    // SQLITE_ERROR is what our own statements get only where the file is of no format that there is.
    internal override bool IsDamage(DbException error)
        => error is SqliteException { SqliteErrorCode: Corrupt or NotADatabase or Error } && !IsMissingTable(error);

    // The driver has no code of its own for it: SQLITE_ERROR and a text.
    internal override bool IsMissingTable(DbException error)
        => error is SqliteException { SqliteErrorCode: Error } && error.Message.Contains("no such table", StringComparison.Ordinal);

    internal override bool IsHopeless(Exception error) => Find<SqliteException>(error) is { } found
        && found.SqliteErrorCode is Permission or ReadOnly or IoError or Corrupt or Full or CannotOpen or NotADatabase;

    internal override string Explain(Exception error)
    {
        if (Find<SqliteException>(error) is not { } found)
        {
            return $"{Describe()} could not be written: {error.GetBaseException().Message.TrimEnd('.')}.";
        }

        string what = found.SqliteErrorCode switch
        {
            Full => "the disk is full. Make room, or put runs elsewhere with --runs-dir",
            ReadOnly or Permission =>
                "it is read-only here. Change its permissions, or put runs elsewhere with --runs-dir",
            CannotOpen => "it cannot be opened. Look whether its folder exists and may be written",
            Corrupt when found.Message.StartsWith("the schema", StringComparison.Ordinal) => found.Message,
            Corrupt => "it is malformed or cut short",
            NotADatabase => "it is no SQLite database",
            IoError => $"reading or writing it failed ({found.SqliteExtendedErrorCode}): a full disk or a broken one",
            _ => found.Message.TrimEnd('.'),
        };
        return $"{Describe()}: {what}.";
    }

    /// <summary>
    /// A writer that was killed may leave a transaction half done, and who only reads may not undo it: then the file is opened
    /// once for writing, which does.
    /// </summary>
    private List<string> ColumnsAfterRecovery(SqliteConnection connection)
    {
        try
        {
            return Columns(connection);
        }
        catch (SqliteException e) when (e.SqliteErrorCode == ReadOnly)
        {
            using (var writer = new SqliteConnection(ConnectionString(SqliteOpenMode.ReadWrite, pooling: false)))
            {
                writer.Open();
                Columns(writer);
            }

            return Columns(connection);
        }
    }

    private static bool IsOurs(SqliteConnection connection)
        => Number(connection, "PRAGMA application_id") == ApplicationId && Number(connection, "PRAGMA user_version") == SchemaVersion;

    private static long? Number(SqliteConnection connection, string text)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = text;
        return command.ExecuteScalar() as long?;
    }

    // A row that cannot be reached is the end of what can be listed; reading its stream tells the damage.
    private bool MoveNext(DbDataReader rows)
    {
        try
        {
            return rows.Read();
        }
        catch (SqliteException e) when (IsDamage(e))
        {
            return false;
        }
    }

    private static List<string> Columns(SqliteConnection connection)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = $"SELECT name FROM pragma_table_info('{Table}')";
        using SqliteDataReader rows = command.ExecuteReader();
        var columns = new List<string>();
        while (rows.Read())
        {
            columns.Add(rows.GetString(0));
        }

        return columns;
    }

    private static void Execute(SqliteConnection connection, string text)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = text;
        command.ExecuteNonQuery();
    }

    private string ConnectionString(SqliteOpenMode mode, bool pooling = true) => new SqliteConnectionStringBuilder
    {
        DataSource = _path,
        Mode = mode,
        Pooling = pooling,
        DefaultTimeout = 60,
    }.ToString();
}
