// Who writes a run in a PostgreSQL database.
using Npgsql;

namespace ClusterSwap.Journal;

/// <summary>
/// An advisory lock in a session of its own: the server gives it back when the session ends, however it ends. A server
/// that is started anew has forgotten it; two writers are then told apart by their epochs, as ever.
/// </summary>
internal sealed class PostgresClaim : IDisposable
{
    // A process that was killed has its session for a moment longer than itself.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(50);

    private readonly NpgsqlConnection _session;

    private PostgresClaim(NpgsqlConnection session) => _session = session;

    /// <summary>Takes a run; null when another session has it. The session is the claim's from then on.</summary>
    public static PostgresClaim? Take(NpgsqlConnection session, string runId)
    {
        using NpgsqlCommand command = session.CreateCommand();
        command.CommandText = "SELECT pg_try_advisory_lock(@run)";
        command.Parameters.AddWithValue("@run", (long)BlockHead.RunWord(runId));
        for (TimeSpan waited = TimeSpan.Zero; waited < s_patience; waited += s_pause)
        {
            if (command.ExecuteScalar() is true)
            {
                return new PostgresClaim(session);
            }

            Thread.Sleep(s_pause);
        }

        return null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        try
        {
            // Closing alone would be seen by the server a moment later.
            using NpgsqlCommand command = _session.CreateCommand();
            command.CommandText = "SELECT pg_advisory_unlock_all()";
            command.CommandTimeout = 5;
            command.ExecuteNonQuery();
        }
        catch (Exception e) when (e is NpgsqlException or InvalidOperationException)
        {
            // The server is gone, and the lock with it.
        }

        _session.Dispose();
    }
}
