// A run whose journal was damaged: what can be seen of it, and going on with it.
using ClusterSwap.Blades.Runs;
using Microsoft.Data.Sqlite;

namespace ClusterSwap.Cli.Tests.Replaying;

public sealed class DamagedRunTests : IClassFixture<Recorded>, IDisposable
{
    private readonly Recorded _recorded;
    private readonly string _folder = Directory.CreateTempSubdirectory("clusterswap-").FullName;

    public DamagedRunTests(Recorded recorded)
    {
        _recorded = recorded;
        Directory.CreateDirectory(Path.Combine(RunsDir, recorded.Done));
        foreach (var file in new[] { "scenario.toml", "run.json", "summary.json", "journal.db" })
        {
            File.Copy(Path.Combine(recorded.RunsDir, recorded.Done, file), Path.Combine(RunsDir, recorded.Done, file));
        }
    }

    private string RunsDir => Path.Combine(_folder, "runs");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    // Kinds of blocks: 2 events, 3 checkpoint, 4 end.
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void A_damaged_block_is_told_and_all_that_can_be_had_is_shown(int kind)
    {
        var sequence = Flip(kind);
        var (status, moment, error) = Call("replay", _recorded.Done, "--at", "500 ms", "--blade", "blade");
        Assert.Equal(_recorded.Call("replay", _recorded.Done, "--at", "500 ms", "--blade", "blade").Out, moment);
        Assert.True(status is 0 or 16, error);
        foreach (string[] args in new[] { ["runs", "show"], ["runs", "export"], new[] { "replay", "--verify", "--quiet" } })
        {
            (status, var output, error) = Call([args[0], .. args[1] == "--verify" ? [] : new[] { args[1] }, _recorded.Done, .. args.Skip(args[1] == "--verify" ? 1 : 2)]);
            Assert.Equal(16, status);
            Assert.Contains($"partition 0, epoch 1, sequence {sequence}: ", output + error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Of_a_journal_whose_end_is_damaged_the_last_moment_is_shown()
    {
        Flip(4);
        var (status, moment, error) = Call("replay", _recorded.Done);
        Assert.Equal(16, status);
        Assert.Contains("zones", moment, StringComparison.Ordinal);
        Assert.Contains("Readable are ", error, StringComparison.Ordinal);
        Assert.Contains("damaged", Call("runs", "list").Out, StringComparison.Ordinal);
    }

    // SQLite's own: magic string, size of a page, format of the schema, kind of the first page, count of its cells; -1 is a
    // name of a column, and -2 a file of nothing.
    [Theory]
    [InlineData(3)]
    [InlineData(17)]
    [InlineData(47)]
    [InlineData(100)]
    [InlineData(103)]
    [InlineData(-1)]
    [InlineData(-2)]
    public void A_file_that_is_unreadable_as_a_whole_is_damage_of_its_run_and_of_no_other(int place)
    {
        var sound = Path.Combine(RunsDir, "sound");
        Directory.CreateDirectory(sound);
        File.Copy(Path.Combine(RunsDir, _recorded.Done, "scenario.toml"), Path.Combine(sound, "scenario.toml"));
        var file = Path.Combine(RunsDir, _recorded.Done, "journal.db");
        var bytes = File.ReadAllBytes(file);
        var at = place == -1 ? bytes.AsSpan().IndexOf("persistence_id"u8) : place;
        bytes[Math.Max(at, 0)] ^= 12;
        File.WriteAllBytes(file, place == -2 ? [] : bytes);
        foreach (var hasEnded in new[] { true, false })
        {
            string[][] commands =
            [
                ["replay", _recorded.Done], ["replay", _recorded.Done, "--verify"], ["replay", _recorded.Done, "--resume"],
                ["runs", "show", _recorded.Done], ["runs", "export", _recorded.Done],
            ];
            foreach (var args in hasEnded ? commands : place == -2 ? [] : commands)
            {
                var (status, output, error) = Call(args);
                Assert.True(status == 16, $"{string.Join(' ', args)}: {status}\n{output}{error}");
                Assert.Contains($"the journal of run {_recorded.Done} is damaged: ", output + error, StringComparison.Ordinal);
                Assert.Contains($"the journal file \"{file}\"", output + error, StringComparison.Ordinal);
            }

            File.Delete(Path.Combine(RunsDir, _recorded.Done, "summary.json"));
        }

        var (listed, list, told) = Call("runs", "list");
        Assert.Equal(0, listed);
        Assert.Contains("sound ", list, StringComparison.Ordinal);
        Assert.Equal(place != -2, list.Contains(" damaged", StringComparison.Ordinal));
        Assert.Equal(place != -2, told.Contains($"the journal of run {_recorded.Done} is damaged: ", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Going_on_from_before_the_damage_makes_the_run_whole_again(int kind)
    {
        Flip(kind);
        File.Delete(Path.Combine(RunsDir, _recorded.Done, "summary.json"));
        var (status, _, error) = Call("replay", _recorded.Done, "--resume", "--quiet");
        Assert.Equal(0, status);
        Assert.Contains("The run goes on from before that", error, StringComparison.Ordinal);
        (status, var output, error) = Call("replay", _recorded.Done, "--verify", "--quiet");
        Assert.True(status == 0, error);
        Assert.Contains(_recorded.Call("replay", _recorded.Done, "--verify", "--quiet").Out.Split("fingerprint")[1], output, StringComparison.Ordinal);
    }

    private (int Status, string Out, string Error) Call(params string[] args)
    {
        using var session = new Session(new BladeRunner());
        var status = session.Call([.. args, "--runs-dir", RunsDir]);
        return (status, session.Out, session.Error);
    }

    /// <summary>Changes a byte of the middle block of a kind; its sequence.</summary>
    private long Flip(int kind)
    {
        using var connection = new SqliteConnection(
            $"Data Source={Path.Combine(RunsDir, _recorded.Done, "journal.db")};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = $"SELECT sequence_number FROM journal WHERE substr(message, 7, 1) = X'0{kind}' ORDER BY sequence_number";
        var sequences = new List<long>();
        using (var rows = command.ExecuteReader())
        {
            while (rows.Read())
            {
                sequences.Add(rows.GetInt64(0));
            }
        }

        var sequence = sequences[sequences.Count / 2];
        command.CommandText = $"""
            UPDATE journal SET message = CAST(substr(message, 1, length(message) - 1)
                || CASE WHEN substr(message, -1) = X'A5' THEN X'5A' ELSE X'A5' END AS BLOB)
            WHERE sequence_number = {sequence}
            """;
        Assert.Equal(1, command.ExecuteNonQuery());
        return sequence;
    }
}
