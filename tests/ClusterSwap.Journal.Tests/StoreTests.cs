// Where a journal cannot be written, and how Akka's own query reads it.
using Akka.Actor;
using Akka.Persistence.Query;
using Akka.Persistence.Sql.Query;
using Akka.Streams;
using Akka.Streams.Dsl;
using ClusterSwap.Journal;
using Microsoft.Data.Sqlite;

namespace ClusterSwap.Journal.Tests;

public sealed class StoreTests
{
    [Fact]
    public async Task Persistence_query_reads_the_rows_as_blocks()
    {
        using var folder = new TemporaryFolder();
        var store = JournalStore.Sqlite(folder.Journal);
        Recordings.Record(store, JournalLevel.All, untilNs: Recordings.Length / 4);
        using ActorSystem system = RecorderSystem.Create(store, "reader");
        using ActorMaterializer materializer = system.Materializer();
        var query = PersistenceQuery.Get(system).ReadJournalFor<SqlReadJournal>("akka.persistence.query.journal.sql");
        var envelopes = await query.CurrentEventsByPersistenceId("trial/0/1", 0, long.MaxValue)
            .RunWith(Sink.Seq<EventEnvelope>(), materializer);
        Assert.True(envelopes.Count > 3, $"{envelopes.Count} rows");
        Assert.All(envelopes, (envelope, i) =>
        {
            BlockHead head = BlockHead.Open(((JournalBlock)envelope.Event).Bytes);
            Assert.Equal((i + 1L, envelope.SequenceNr), (head.Sequence, head.Sequence));
        });
        await system.Terminate();
    }

    [Fact]
    public void A_folder_that_is_not_there_is_told_before_the_run()
    {
        using var folder = new TemporaryFolder();
        var store = JournalStore.Sqlite(Path.Combine(folder.Path, "none", "journal.db"));
        var error = Assert.Throws<JournalException>(
            () => new RunRecorder(store, Recordings.Options(JournalLevel.Decisions)));
        Assert.Contains("it cannot be opened. Look whether its folder exists", error.Message);
    }

    [Fact]
    public void A_table_of_another_schema_is_left_alone()
    {
        using var folder = new TemporaryFolder();
        using (var connection = new SqliteConnection($"Data Source={folder.Journal};Pooling=False"))
        {
            connection.Open();
            using SqliteCommand command = connection.CreateCommand();
            command.CommandText = "CREATE TABLE journal (ordering INTEGER, payload BLOB)";
            command.ExecuteNonQuery();
        }

        var store = JournalStore.Sqlite(folder.Journal);
        var error = Assert.Throws<JournalException>(store.Prepare);
        Assert.Contains("it lacks deleted, persistence_id, sequence_number", error.Message);
    }

    [Fact]
    public void A_file_that_is_no_database_is_told()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.Journal, new string('x', 100_000));
        var error = Assert.Throws<JournalException>(JournalStore.Sqlite(folder.Journal).Prepare);
        Assert.Contains("it is no SQLite database", error.Message);
    }

    [Theory]
    [InlineData(13, true, "the disk is full. Make room")]
    [InlineData(8, true, "it is read-only here")]
    [InlineData(5, false, "database is locked")]
    public void Errors_of_SQLite_say_what_to_do(int code, bool isHopeless, string text)
    {
        var store = JournalStore.Sqlite("runs/x/journal.db");
        var error = new AggregateException(new SqliteException("database is locked", code));
        Assert.Equal(isHopeless, store.IsHopeless(error));
        Assert.Contains(text, store.Explain(error));
    }

    [Fact]
    public void A_file_has_one_writer_and_a_lock_that_is_left_is_in_nobodys_way()
    {
        using var folder = new TemporaryFolder();
        var store = JournalStore.Sqlite(folder.Journal);
        using (new RunRecorder(store, Recordings.Options(JournalLevel.Decisions)))
        {
            var error = Assert.Throws<JournalException>(
                () => new RunRecorder(JournalStore.Sqlite(folder.Journal), Recordings.Options(JournalLevel.Decisions)));
            Assert.Contains("another process writes it. Wait until it ends", error.Message);
        }

        Assert.True(File.Exists(folder.Journal + "-lock"));
        new RunRecorder(store, Recordings.Options(JournalLevel.Decisions)).Dispose();
    }

    [Fact]
    public void Partitions_that_had_not_begun_or_not_ended_when_the_run_was_killed_are_no_damage()
    {
        using var folder = new TemporaryFolder();
        var store = JournalStore.Sqlite(folder.Journal);
        Recordings.Record(store, JournalLevel.Decisions, Recordings.Racks(), Recordings.Length / 4, threads: 2);
        void Execute(string text)
        {
            using var connection = new SqliteConnection($"Data Source={folder.Journal};Pooling=False");
            connection.Open();
            using SqliteCommand command = connection.CreateCommand();
            command.CommandText = text;
            command.ExecuteNonQuery();
        }

        JournalDamageException? Damage()
        {
            using IJournalReader journal = JournalReader.Open(store);
            return journal.Check();
        }

        Assert.Null(Damage());
        Execute("""
            DELETE FROM journal WHERE persistence_id LIKE '%/0/%' AND substr(message, 7, 1) = X'04';
            UPDATE sqlite_sequence SET seq = (SELECT max(ordering) FROM journal) WHERE name = 'journal';
            """);
        Assert.Null(Damage());
        Execute("""
            DELETE FROM journal WHERE persistence_id LIKE '%/1/%';
            UPDATE sqlite_sequence SET seq = (SELECT max(ordering) FROM journal) WHERE name = 'journal';
            """);
        Assert.Null(Damage());
    }

    [Fact]
    public void A_second_run_of_the_same_name_ends_with_a_text()
    {
        using var folder = new TemporaryFolder();
        var store = JournalStore.Sqlite(folder.Journal);
        Recordings.Record(store, JournalLevel.Decisions);
        var error = Assert.ThrowsAny<Exception>(() => Recordings.Record(store, JournalLevel.Decisions));
        var told = error as JournalException ?? error.InnerException as JournalException;
        Assert.Contains("has a stream trial/0/1 already", told!.Message);
        using IJournalReader journal = JournalReader.Open(store);
        Assert.Null(journal.Damage);
        Assert.NotNull(journal.End);
    }

    [Fact]
    public void A_resumed_run_is_read_as_one()
    {
        // The first epoch went on to the end; the second took over in its middle.
        using var folder = new TemporaryFolder();
        var store = JournalStore.Sqlite(folder.Journal);
        var state = new MemoryStream();
        using (var recorder = new RunRecorder(store, Recordings.Options(JournalLevel.All)))
        {
            Recordings.Run(Recordings.Small(), recorder);
            recorder.AwaitWritten();
        }

        using IJournalReader whole = JournalReader.Open(store);
        RecordedEvent[] events = [.. whole.Events(new EventFilter())];
        RecordedDigest[] digests = [.. whole.Digests()];
        using var cluster = Blades.ClusterBuilder.Build(Recordings.Small(), 1);
        cluster.Simulation.Run(new Engine.RunOptions { UntilNs = Recordings.Length / 2 });
        using (var recorder = new RunRecorder(store, Recordings.Options(JournalLevel.All, epoch: 2)))
        {
            recorder.Begin(cluster, Recordings.Request(Recordings.Small(), recorder), [[0, 1]]);
            cluster.Simulation.Run(new Engine.RunOptions
            {
                UntilNs = Recordings.Length,
                OnBarrier = barrier =>
                {
                    recorder.OnBarrier(barrier);
                    return true;
                },
            });
        }

        using IJournalReader resumed = JournalReader.Open(store);
        Assert.Equal([1, 2], resumed.Epochs.Select(header => header.Epoch));
        Assert.Equal(Recordings.Length / 2, resumed.Epochs[1].FromNs);
        Assert.Equal(digests, resumed.Digests());
        Assert.Equal(events.Where(one => !one.IsDecision), resumed.Events(new EventFilter { Decisions = false }));
    }
}
