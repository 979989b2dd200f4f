// A journal in a PostgreSQL database.
using System.Data.Common;
using System.Net.Sockets;
using Akka.Configuration;
using LinqToDB;
using Npgsql;

namespace ClusterSwap.Journal;

/// <summary>A database that many runs share. The connection string stays in here.</summary>
internal sealed class PostgresStore : JournalStore
{
    // Longer than a stall that a run must survive, so that a command is not sent twice because of one.
    private const int CommandSeconds = 110;

    private readonly NpgsqlConnectionStringBuilder _connection;

    public PostgresStore(string connectionString)
    {
        try
        {
            _connection = new NpgsqlConnectionStringBuilder(connectionString)
            {
                CommandTimeout = CommandSeconds,
                ApplicationName = "clusterswap",
            };
        }
        catch (ArgumentException)
        {
            // The text of the exception may quote a part of the string, and that may be the password.
            throw new JournalException(
                "the connection string of the journal cannot be read. It looks like "
                + "\"Host=db;Port=5432;Database=clusterswap;Username=me;Password=...\".");
        }

        if (string.IsNullOrEmpty(_connection.Host))
        {
            throw new JournalException("the connection string of the journal names no Host.");
        }
    }

    internal override Config Hocon
        => ConfigurationFactory.FromResource("journal-postgres.conf", typeof(PostgresStore).Assembly);

    internal override DataOptions Options
        => new DataOptions().UseConnectionString(ProviderName.PostgreSQL15, _connection.ConnectionString);

    /// <inheritdoc/>
    public override string Describe()
        => $"the journal's database \"{_connection.Database}\" on {_connection.Host}:{_connection.Port}";

    /// <inheritdoc/>
    public override void Prepare()
    {
        using DbConnection connection = Open();
    }

    /// <inheritdoc/>
    public override IDisposable Claim(string runId)
    {
        // A session of its own: the server gives the lock back when it ends, however it ends.
        string text = new NpgsqlConnectionStringBuilder(_connection.ConnectionString) { Pooling = false }.ConnectionString;
        NpgsqlConnection session = Open(text);
        PostgresClaim? claim = null;
        try
        {
            claim = PostgresClaim.Take(session, runId);
            return claim ?? throw new JournalException(
                $"{Describe()}: another process writes run {runId}. Wait until it ends; if its machine is gone, the "
                + "server frees the run when it ends that session (pg_locks, locktype advisory, has its pid).");
        }
        catch (NpgsqlException e)
        {
            throw new JournalException(Explain(e));
        }
        finally
        {
            if (claim is null)
            {
                session.Dispose();
            }
        }
    }

    internal override DbConnection Open() => Open(_connection.ConnectionString);

    private NpgsqlConnection Open(string text)
    {
        var connection = new NpgsqlConnection(text);
        try
        {
            connection.Open();
            CheckColumns(Columns(connection));
            return connection;
        }
        catch (Exception e) when (e is NpgsqlException or SocketException or TimeoutException)
        {
            connection.Dispose();
            throw new JournalException(Explain(e));
        }
        catch (JournalException)
        {
            connection.Dispose();
            throw;
        }
    }

    internal override void Close()
    {
        using var connection = new NpgsqlConnection(_connection.ConnectionString);
        NpgsqlConnection.ClearPool(connection);
    }

    private protected override IEnumerable<string> PersistenceIds(DbConnection connection)
    {
        using DbCommand command = connection.CreateCommand();
        command.CommandText = $"SELECT DISTINCT persistence_id FROM {Table}";
        using DbDataReader rows = command.ExecuteReader();
        while (rows.Read())
        {
            yield return rows.GetString(0);
        }
    }

    internal override IEnumerable<HeadRow> Heads(DbConnection connection, string persistenceId)
    {
        using DbCommand command = connection.CreateCommand();
        command.CommandText = "SELECT ordering, sequence_number, substring(message from 1 for @bytes), length(message) "
            + $"FROM {Table} WHERE persistence_id = @id ORDER BY sequence_number";
        AddParameter(command, "@id", persistenceId);
        AddParameter(command, "@bytes", BlockHead.Bytes);
        using DbDataReader rows = command.ExecuteReader();
        while (rows.Read())
        {
            yield return new HeadRow(rows.GetInt64(0), rows.GetInt64(1), (byte[])rows[2], rows.GetInt32(3));
        }
    }

    internal override bool IsDamage(DbException error)
        => error is PostgresException { SqlState: PostgresErrorCodes.DataCorrupted or PostgresErrorCodes.IndexCorrupted };

    internal override bool IsMissingTable(DbException error)
        => error is PostgresException { SqlState: PostgresErrorCodes.UndefinedTable };

    internal override bool IsHopeless(Exception error) => Find<PostgresException>(error)?.SqlState is { } state
        && state is PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification
            or PostgresErrorCodes.InvalidCatalogName or PostgresErrorCodes.InsufficientPrivilege
            or PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.UndefinedColumn
            or PostgresErrorCodes.DiskFull;

    internal override string Explain(Exception error)
    {
        string what = Find<PostgresException>(error)?.SqlState switch
        {
            PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification =>
                $"it refuses the user \"{_connection.Username}\" or the password. Look at the connection string",
            PostgresErrorCodes.InvalidCatalogName => "there is no such database. Create it, or name another",
            PostgresErrorCodes.InsufficientPrivilege =>
                $"the user \"{_connection.Username}\" may not write there. Grant it CREATE, SELECT and INSERT",
            PostgresErrorCodes.DiskFull => "its disk is full. Make room there",
            PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.UndefinedColumn =>
                $"its table \"{Table}\" is missing or of another schema",
            { } state => $"{Redact(Find<PostgresException>(error)!.MessageText)} ({state})",
            null when Find<SocketException>(error) is { } socket =>
                $"it cannot be reached ({socket.SocketErrorCode}). Look whether it runs",
            null when Find<TimeoutException>(error) is not null => "it does not answer",
            _ => Redact(error.GetBaseException().Message.TrimEnd('.')),
        };
        return $"{Describe()}: {what}.";
    }

    internal override string Redact(string text)
        => string.IsNullOrEmpty(_connection.Password) ? text : text.Replace(_connection.Password, "***");

    private static List<string> Columns(NpgsqlConnection connection)
    {
        using NpgsqlCommand command = connection.CreateCommand();
        command.CommandText = "SELECT column_name FROM information_schema.columns "
            + $"WHERE table_name = '{Table}' AND table_schema = ANY (current_schemas(false))";
        using NpgsqlDataReader rows = command.ExecuteReader();
        var columns = new List<string>();
        while (rows.Read())
        {
            columns.Add(rows.GetString(0));
        }

        return columns;
    }
}
