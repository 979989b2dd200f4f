// A journal that was tampered with: found, named, and read up to there.
using ClusterSwap.Blades.Runs;
using ClusterSwap.Journal;
using Microsoft.Data.Sqlite;

namespace ClusterSwap.Journal.Tests;

/// <summary>One recording of level all that every test copies.</summary>
public sealed class Recorded : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public Recorded()
    {
        Report = Recordings.Record(JournalStore.Sqlite(_folder.Journal), JournalLevel.All);
        using IJournalReader journal = JournalReader.Open(JournalStore.Sqlite(_folder.Journal));
        Events = [.. journal.Events(new EventFilter())];
    }

    public RunReport Report { get; }

    public RecordedEvent[] Events { get; }

    public void CopyTo(string path) => File.Copy(_folder.Journal, path);

    public void Dispose() => _folder.Dispose();
}

public sealed class DamageTests(Recorded recorded) : IClassFixture<Recorded>
{
    [Fact]
    public void A_flipped_byte_is_found_when_its_block_is_read()
    {
        using var folder = new TemporaryFolder();
        recorded.CopyTo(folder.Journal);
        Execute(folder.Journal, """
            UPDATE journal SET message = CAST(substr(message, 1, 5000) || X'A5' || substr(message, 5002) AS BLOB)
            WHERE sequence_number = 7
            """);
        JournalDamageException damage = ReadUntilDamage(folder.Journal, atLeast: 10_000);
        Assert.Equal(("trial", 0, 1, 7L), (damage.RunId, damage.Partition, damage.Epoch, damage.Sequence));
        Assert.Contains("checksum", damage.What);
    }

    [Fact]
    public void A_flipped_byte_in_a_head_is_found_on_opening()
    {
        using var folder = new TemporaryFolder();
        recorded.CopyTo(folder.Journal);
        Execute(folder.Journal, """
            UPDATE journal SET message = CAST(substr(message, 1, 81) || X'A5' || substr(message, 83) AS BLOB)
            WHERE sequence_number = 7
            """);
        using IJournalReader journal = JournalReader.Open(JournalStore.Sqlite(folder.Journal));
        Assert.Equal(8, journal.Damage!.Sequence);
        JournalDamageException damage = ReadUntilDamage(folder.Journal, atLeast: 10_000);
        Assert.Equal(7, damage.Sequence);
    }

    [Theory]
    [InlineData(5, "its row is missing")]
    [InlineData(-1, "the last row is missing")]
    public void A_removed_row_is_found_on_opening(int sequence, string what)
    {
        using var folder = new TemporaryFolder();
        recorded.CopyTo(folder.Journal);
        string which = sequence > 0 ? $"{sequence}" : "(SELECT max(sequence_number) FROM journal)";
        long rows = Scalar(folder.Journal, "SELECT count(*) FROM journal");
        Execute(folder.Journal, $"DELETE FROM journal WHERE sequence_number = {which}");
        JournalDamageException damage = ReadUntilDamage(folder.Journal, atLeast: 1_000);
        Assert.Equal((sequence > 0 ? sequence : rows, what), (damage.Sequence, damage.What));
    }

    [Fact]
    public void Exchanged_rows_are_found_on_opening()
    {
        using var folder = new TemporaryFolder();
        recorded.CopyTo(folder.Journal);
        Execute(folder.Journal, """
            UPDATE journal SET sequence_number = -4 WHERE sequence_number = 4;
            UPDATE journal SET sequence_number = 4 WHERE sequence_number = 6;
            UPDATE journal SET sequence_number = 6 WHERE sequence_number = -4;
            """);
        JournalDamageException damage = ReadUntilDamage(folder.Journal, atLeast: 1_000);
        Assert.Equal((4L, "its row says that it is 6: rows were exchanged"), (damage.Sequence, damage.What));
    }

    [Fact]
    public void A_row_of_another_run_is_found_on_opening()
    {
        using var folder = new TemporaryFolder();
        using var other = new TemporaryFolder();
        recorded.CopyTo(folder.Journal);
        Recordings.Record(JournalStore.Sqlite(other.Journal), JournalLevel.All, runId: "other");
        Execute(folder.Journal, $"""
            ATTACH '{other.Journal}' AS other;
            UPDATE main.journal SET message = (SELECT message FROM other.journal WHERE sequence_number = 5)
            WHERE sequence_number = 5;
            """);
        JournalDamageException damage = ReadUntilDamage(folder.Journal, atLeast: 1_000);
        Assert.Equal((5L, "its row holds a block of another stream"), (damage.Sequence, damage.What));
    }

    // SQLite's way to the first rows leads over a page that it makes when the table needs a second: behind some ten rows.
    [Theory]
    [InlineData(0.5)]
    [InlineData(0.7)]
    [InlineData(0.95)]
    public void A_file_that_was_cut_short_is_damage(double share)
    {
        using var folder = new TemporaryFolder();
        recorded.CopyTo(folder.Journal);
        using (FileStream file = File.OpenWrite(folder.Journal))
        {
            file.SetLength((long)(file.Length * share) / 4096 * 4096);
        }

        JournalDamageException damage = ReadUntilDamage(folder.Journal, atLeast: 10_000);
        Assert.Equal("trial", damage.RunId);
        Assert.Contains("cut short", damage.What);
    }

    [Fact]
    public void A_row_whose_block_was_replaced_by_that_of_another_row_is_found_on_opening()
    {
        using var folder = new TemporaryFolder();
        recorded.CopyTo(folder.Journal);
        Execute(folder.Journal, """
            UPDATE journal SET message = (SELECT message FROM journal WHERE sequence_number = 6)
            WHERE sequence_number = 4
            """);
        JournalDamageException damage = ReadUntilDamage(folder.Journal, atLeast: 1_000);
        Assert.Equal((4L, "its row holds block 6: rows were exchanged"), (damage.Sequence, damage.What));
    }

    [Fact]
    public void A_later_format_says_which_program_to_use()
    {
        using var folder = new TemporaryFolder();
        recorded.CopyTo(folder.Journal);
        Execute(folder.Journal, """
            UPDATE journal SET message = CAST(substr(message, 1, 4) || X'0200' || substr(message, 7) AS BLOB)
            """);
        var error = Assert.Throws<JournalException>(() => JournalReader.Open(JournalStore.Sqlite(folder.Journal)));
        Assert.Contains("format version 2; this program reads up to 1", error.Message);
    }

    private static void Execute(string path, string text)
    {
        using var connection = new SqliteConnection($"Data Source={path};Pooling=False");
        connection.Open();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = text;
        Assert.NotEqual(0, command.ExecuteNonQuery());
    }

    private static long Scalar(string path, string text)
    {
        using var connection = new SqliteConnection($"Data Source={path};Pooling=False");
        connection.Open();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = text;
        return (long)command.ExecuteScalar()!;
    }

    /// <summary>
    /// Reads in order: what comes before the damage is what was recorded, of each host from its beginning on.
    /// </summary>
    private JournalDamageException ReadUntilDamage(string path, int atLeast)
    {
        int read = 0;
        var hosts = recorded.Events.GroupBy(one => one.Host)
            .ToDictionary(group => group.Key, group => new Queue<RecordedEvent>(group));
        var damage = Assert.Throws<JournalDamageException>(() =>
        {
            using IJournalReader journal = JournalReader.Open(JournalStore.Sqlite(path), "trial");
            foreach (RecordedEvent one in journal.Events(new EventFilter()))
            {
                Assert.Equal(hosts[one.Host].Dequeue(), one);
                read++;
            }
        });
        Assert.True(read >= atLeast, $"{read} events before {damage.Message}");
        return damage;
    }
}
