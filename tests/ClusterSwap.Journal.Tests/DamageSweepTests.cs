// Goal: no byte of a journal can change unseen. Method: a small journal with every kind of block; bytes at
// random places are flipped, in blocks and anywhere in the file, and put back. CLUSTERSWAP_SWEEP=N tries N times as many.
using System.Globalization;
using ClusterSwap.Engine;
using ClusterSwap.Journal;
using Microsoft.Data.Sqlite;

namespace ClusterSwap.Journal.Tests;

/// <summary>A journal of decisions with checkpoints.</summary>
public sealed class Swept : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public Swept()
    {
        using (var recorder = new RunRecorder(Store, Recordings.Options(JournalLevel.Decisions)))
        using (var checkpoints = new CheckpointingRecorder(recorder, new CheckpointOptions { CpuNs = null, FullEvery = 4 }))
        {
            Recordings.Run(Recordings.Small(), checkpoints, untilNs: Recordings.Length / 4);
            recorder.AwaitWritten();
        }

        using IJournalReader journal = JournalReader.Open(Store);
        Events = [.. journal.Events(new EventFilter())];
        Digests = [.. journal.Digests()];
        Checkpoints = [.. journal.Checkpoints];
    }

    public string Path => _folder.Journal;

    public JournalStore Store => JournalStore.Sqlite(_folder.Journal);

    public RecordedEvent[] Events { get; }

    public RecordedDigest[] Digests { get; }

    public CheckpointEntry[] Checkpoints { get; }

    /// <summary>How many times as many as usual are tried.</summary>
    public static int Factor => int.Parse(
        Environment.GetEnvironmentVariable("CLUSTERSWAP_SWEEP") ?? "1", CultureInfo.InvariantCulture);

    public void Dispose() => _folder.Dispose();
}

public sealed class DamageSweepTests(Swept swept) : IClassFixture<Swept>
{
    private const int EachKind = 12;
    private const int InFile = 120;
    private const int PageBytes = 32768;

    // SQLite's header, the head of the first page, and the numbers of its cells.
    private const int HeaderBytes = 124;

    // The statements that made the plugin's tables and indexes.
    private const int SchemaBytes = 2600;

    [Theory]
    [InlineData(BlockKind.Header)]
    [InlineData(BlockKind.Events)]
    [InlineData(BlockKind.Checkpoint)]
    [InlineData(BlockKind.End)]
    public void A_byte_of_any_block_is_missed_by_name(BlockKind kind)
    {
        var random = new Random((int)kind);
        using SqliteConnection connection = Open();
        (long Sequence, byte[] Block)[] rows = [.. Rows(connection).Where(row => (BlockKind)row.Block[6] == kind)];
        Assert.NotEmpty(rows);
        int heads = kind == BlockKind.Events ? BlockHead.Bytes : 0;
        for (int i = 0; i < heads + EachKind * Swept.Factor; i++)
        {
            (long sequence, byte[] block) = rows[random.Next(rows.Length)];
            int at = i < heads ? i : random.Next(block.Length);
            byte flip = (byte)(1 << random.Next(8));
            block[at] ^= flip;
            Write(connection, sequence, block);
            JournalDamageException damage = Damage();
            Assert.True(
                damage.Sequence == sequence && damage is { RunId: "trial", Partition: 0, Epoch: 1 },
                $"byte {at} of block {sequence}, bit {flip:x2}: {damage.Message}");
            block[at] ^= flip;
            Write(connection, sequence, block);
        }

        Assert.Null(Read(out _));
    }

    [Fact]
    public void A_byte_anywhere_in_the_file_changes_nothing_or_is_missed()
    {
        var random = new Random(2012);
        byte[] whole = File.ReadAllBytes(swept.Path);
        int missed = 0;
        for (int i = 0; i < InFile * Swept.Factor; i++)
        {
            // Half of them where SQLite keeps its own: beginnings of pages.
            int at = i % 2 == 0 ? random.Next(whole.Length) : random.Next(whole.Length / PageBytes) * PageBytes + random.Next(160);
            byte flip = (byte)(1 << random.Next(8));
            whole[at] ^= flip;
            File.WriteAllBytes(swept.Path, whole);
            try
            {
                missed += Damage(mayBeWhole: true) is null ? 0 : 1;
            }
            catch (Exception e) when (e is not Xunit.Sdk.XunitException)
            {
                Assert.Fail($"byte {at} of the file, bit {flip:x2}: {e}");
            }

            whole[at] ^= flip;
        }

        File.WriteAllBytes(swept.Path, whole);
        Assert.Null(Read(out _));

        // How much of the file is free pages, where no byte matters, depends on when SQLite moved its log over.
        Assert.True(missed > InFile * Swept.Factor / 6, $"{missed} missed");
    }

    // SQLite's own header, and the page of its schema: its cells lie at the end of the first page. Most of these bytes make
    // the file unreadable as a whole, each in another way.
    [Fact]
    public void A_byte_of_the_file_s_header_or_schema_changes_nothing_or_is_missed_by_name()
    {
        var random = new Random(1995);
        byte[] whole = File.ReadAllBytes(swept.Path);
        int[] places =
        [
            .. Enumerable.Range(0, HeaderBytes), .. Enumerable.Range(PageBytes - SchemaBytes, SchemaBytes)
                .Where(_ => random.Next(16) < Swept.Factor),
        ];
        var wrong = new List<string>();
        int missed = 0;
        foreach (int at in places)
        {
            byte flip = (byte)(1 << random.Next(8));
            whole[at] ^= flip;
            File.WriteAllBytes(swept.Path, whole);
            try
            {
                missed += Damage(mayBeWhole: true) is null ? 0 : 1;
            }
            catch (Exception e)
            {
                wrong.Add($"byte {at}, bit {flip:x2}: {e.GetType().Name} {e.Message}");
            }

            whole[at] ^= flip;
        }

        File.WriteAllBytes(swept.Path, whole);
        Assert.True(missed > places.Length / 4 && wrong.Count == 0, $"{missed} missed\n" + string.Join('\n', wrong));
    }

    [Fact]
    public void Whatever_is_damaged_everything_before_it_is_read()
    {
        using SqliteConnection connection = Open();
        foreach ((long sequence, byte[] block) in Rows(connection).Where(row => row.Sequence > 1))
        {
            block[^1] ^= 4;
            Write(connection, sequence, block);
            JournalDamageException damage = Damage();
            Assert.Equal(sequence, damage.Sequence);
            long whole = Rows(connection).Where(row => row.Sequence < sequence)
                .Sum(row => BlockHead.Peek(row.Block, row.Block.Length) is var head ? head.Decisions : 0);
            Read(out int events);
            Assert.True(events >= whole, $"{events} events of {whole} before block {sequence}");
            block[^1] ^= 4;
            Write(connection, sequence, block);
        }
    }

    private JournalDamageException Damage() => Damage(mayBeWhole: false)!;

    private JournalDamageException? Damage(bool mayBeWhole)
    {
        JournalDamageException? damage = Read(out int events);
        Assert.True(damage is not null || mayBeWhole, "nothing was missed");
        Assert.True(damage is not null || events == swept.Events.Length, $"{events} events, and nothing was missed");
        return damage;
    }

    // Reads everything, checks that it is what was recorded, and gives back what is missed.
    private JournalDamageException? Read(out int events)
    {
        events = 0;
        try
        {
            using IJournalReader journal = JournalReader.Open(swept.Store, "trial", mustEnd: true);
            JournalDamageException? damage = journal.Check();
            try
            {
                foreach (RecordedEvent one in journal.Events(new EventFilter()))
                {
                    Assert.Equal(swept.Events[events++], one);
                }

                Assert.Equal(swept.Digests, journal.Digests());
                Assert.Equal(swept.Checkpoints, journal.Checkpoints);
                Assert.Null(damage);
            }
            catch (JournalDamageException read)
            {
                Assert.Equal(damage?.Message, read.Message);
            }

            return damage;
        }
        catch (JournalDamageException unreadable)
        {
            return unreadable;
        }
    }

    private SqliteConnection Open()
    {
        var connection = new SqliteConnection($"Data Source={swept.Path};Pooling=False");
        connection.Open();
        return connection;
    }

    private static List<(long Sequence, byte[] Block)> Rows(SqliteConnection connection)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = "SELECT sequence_number, message FROM journal ORDER BY sequence_number";
        using SqliteDataReader rows = command.ExecuteReader();
        var found = new List<(long, byte[])>();
        while (rows.Read())
        {
            found.Add((rows.GetInt64(0), (byte[])rows[1]));
        }

        return found;
    }

    private static void Write(SqliteConnection connection, long sequence, byte[] block)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = "UPDATE journal SET message = @block WHERE sequence_number = @sequence";
        command.Parameters.AddWithValue("@block", block);
        command.Parameters.AddWithValue("@sequence", sequence);
        Assert.Equal(1, command.ExecuteNonQuery());
    }
}
