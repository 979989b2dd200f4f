// A journal in a real PostgreSQL: as it should be, stalled, gone and back, and with a wrong password.
using ClusterSwap.Blades;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Journal;
using Npgsql;
using Barrier = ClusterSwap.Engine.Barrier;

namespace ClusterSwap.Journal.Tests;

public sealed class PostgresTests(PrivatePostgres server) : IClassFixture<PrivatePostgres>
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    [Fact]
    public void A_run_comes_back_as_from_a_file()
    {
        using var folder = new TemporaryFolder();
        var file = JournalStore.Sqlite(folder.Journal);
        var database = JournalStore.Postgres(server.ConnectionString());
        RunReport expected = Recordings.Record(file, JournalLevel.All);
        RunReport found = Recordings.Record(database, JournalLevel.All, runId: "plain");
        Assert.Equal(expected.Fingerprint, found.Fingerprint);

        using IJournalReader one = JournalReader.Open(file);
        using IJournalReader other = JournalReader.Open(database, "plain");
        Assert.Equal(one.Events(new EventFilter()), other.Events(new EventFilter()));
        Assert.Equal(one.Digests(), other.Digests());
        Assert.Equal(found.Fingerprint, other.End!.Fingerprint);
    }

    [Theory]
    [InlineData("stalled")]
    [InlineData("gone")]
    public void A_database_that_stalls_or_goes_and_comes_back_loses_nothing(string how)
    {
        var store = JournalStore.Postgres(server.ConnectionString());
        var told = new List<string>();
        using var toldOfIt = new ManualResetEventSlim();
        void Tell(string text)
        {
            told.Add(text);
            toldOfIt.Set();
        }

        long peak;
        RunReport report;
        using (var recorder = new RunRecorder(
            store, Recordings.Options(JournalLevel.All, how) with
            {
                Tell = Tell,
                Patience = new JournalPatience { Silence = TimeSpan.FromMilliseconds(500) },
            }))
        {
            var trouble = new Trouble(recorder, () => Away(how), () => Back(how), toldOfIt);
            report = Recordings.Run(Recordings.Small(), trouble);
            recorder.AwaitWritten();
            trouble.Join();
            peak = recorder.PeakBytes;
        }

        Assert.InRange(peak, 1, 16 * 1024 * 1024);
        using IJournalReader journal = JournalReader.Open(store, how);
        Assert.Null(journal.Damage);
        Assert.Equal(report.Fingerprint, journal.End!.Fingerprint);
        Assert.Equal(report.Messages, journal.Events(new EventFilter { Decisions = false }).LongCount());
        Assert.Contains(told, text => text.StartsWith("The journal waits: "));
        Assert.Contains("The journal goes on.", told);
        Assert.DoesNotContain(told, text => text.Contains(PrivatePostgres.Password));
    }

    [Fact]
    public void A_run_has_one_writer()
    {
        var store = JournalStore.Postgres(server.ConnectionString());
        using (new RunRecorder(store, Recordings.Options(JournalLevel.Decisions, "claimed")))
        {
            var error = Assert.Throws<JournalException>(
                () => new RunRecorder(store, Recordings.Options(JournalLevel.Decisions, "claimed", epoch: 2)));
            Assert.Contains("another process writes run claimed", error.Message);
            new RunRecorder(store, Recordings.Options(JournalLevel.Decisions, "other")).Dispose();
        }

        new RunRecorder(store, Recordings.Options(JournalLevel.Decisions, "claimed", epoch: 2)).Dispose();
    }

    [Theory]
    [InlineData("DELETE FROM journal WHERE persistence_id = '{0}/0/1' AND sequence_number = 5", 5, "its row is missing")]
    [InlineData(
        "UPDATE journal SET message = overlay(message placing '\\xA5'::bytea from 3000) WHERE persistence_id = '{0}/0/1' AND sequence_number = 7",
        7, "its checksum is")]
    [InlineData(
        "UPDATE journal AS a SET message = b.message FROM journal AS b WHERE a.persistence_id = '{0}/0/1' AND b.persistence_id = a.persistence_id "
            + "AND a.sequence_number = 4 AND b.sequence_number = 6",
        4, "rows were exchanged")]
    public void Damage_is_named_as_in_a_file(string change, int sequence, string what)
    {
        var store = JournalStore.Postgres(server.ConnectionString());
        string run = $"damaged-{sequence}";
        RunReport report = Recordings.Record(store, JournalLevel.All, runId: run);
        using (var connection = new NpgsqlConnection(server.ConnectionString()))
        {
            connection.Open();
            Assert.Equal(1, new NpgsqlCommand(string.Format(change, run), connection).ExecuteNonQuery());
        }

        using IJournalReader journal = JournalReader.Open(store, run);
        JournalDamageException damage = journal.Check()!;
        Assert.Equal((run, 0, 1, (long)sequence), (damage.RunId, damage.Partition, damage.Epoch, damage.Sequence));
        Assert.Contains(what, damage.What);
        int read = 0;
        Assert.Throws<JournalDamageException>(() => journal.Events(new EventFilter()).All(_ => ++read > 0));
        Assert.InRange(read, 1_000, report.Messages);
    }

    [Fact]
    public void A_wrong_password_is_told_without_it()
    {
        var store = JournalStore.Postgres(server.ConnectionString("of-somebody-else"));
        var error = Assert.Throws<JournalException>(
            () => new RunRecorder(store, Recordings.Options(JournalLevel.Decisions)));
        Assert.Contains("it refuses the user \"tester\" or the password", error.Message);
        Assert.DoesNotContain("of-somebody-else", error.ToString());
    }

    [Fact]
    public void A_database_that_is_not_there_and_a_table_of_another_schema_are_told()
    {
        string nowhere = server.ConnectionString().Replace("Database=postgres", "Database=nowhere");
        var error = Assert.Throws<JournalException>(() => JournalStore.Postgres(nowhere).Prepare());
        Assert.Contains("there is no such database", error.Message);

        using (var connection = new NpgsqlConnection(server.ConnectionString()))
        {
            connection.Open();
            new NpgsqlCommand("CREATE DATABASE older", connection).ExecuteNonQuery();
        }

        string older = server.ConnectionString().Replace("Database=postgres", "Database=older");
        using (var connection = new NpgsqlConnection(older))
        {
            connection.Open();
            new NpgsqlCommand("CREATE TABLE journal (ordering bigint, payload bytea)", connection).ExecuteNonQuery();
        }

        error = Assert.Throws<JournalException>(() => JournalStore.Postgres(older).Prepare());
        Assert.Contains("has a table \"journal\" of another schema", error.Message);
    }

    [Fact]
    public void A_string_that_is_none_is_told_without_it()
    {
        var error = Assert.Throws<JournalException>(() => JournalStore.Postgres("Host=db;Pasword=s3cret"));
        Assert.DoesNotContain("s3cret", error.ToString());
    }

    private void Away(string how)
    {
        if (how == "stalled")
        {
            server.Signal("STOP");
        }
        else
        {
            server.Stop();
        }
    }

    private void Back(string how)
    {
        if (how == "stalled")
        {
            server.Signal("CONT");
        }
        else
        {
            server.Start();
        }
    }

    /// <summary>Takes the database away at the third barrier, until the run has told that it waits.</summary>
    private sealed class Trouble(RunRecorder recorder, Action away, Action back, ManualResetEventSlim told) : IRunRecorder
    {
        private Thread? _rescue;
        private int _barriers;

        public void Begin(Cluster cluster, RunRequest request, IReadOnlyList<int[]> partitions)
            => recorder.Begin(cluster, request, partitions);

        public void OnBarrier(Barrier barrier)
        {
            recorder.OnBarrier(barrier);
            if (++_barriers == 3)
            {
                away();
                _rescue = new Thread(() =>
                {
                    told.Wait(s_patience);
                    back();
                });
                _rescue.Start();
            }
        }

        public void Join() => _rescue!.Join();

        public void AppendCheckpoint(long barrierNs, ReadOnlyMemory<byte> state)
        {
        }

        public void End(RunReport report) => recorder.End(report);
    }
}
