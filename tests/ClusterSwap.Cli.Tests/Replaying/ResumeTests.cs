// A run that was stopped or killed goes on and ends as one that was not.
using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Journal;
using Microsoft.Data.Sqlite;

namespace ClusterSwap.Cli.Tests.Replaying;

public sealed class ResumeTests(Recorded recorded) : IClassFixture<Recorded>, IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("clusterswap-").FullName;

    private string RunsDir => Path.Combine(_folder, "runs");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(3)]
    [InlineData(11)]
    public void A_run_that_the_user_stopped_goes_on_from_that_barrier(int barriers)
    {
        using (var session = new Session(new StoppingRunner(barriers)))
        {
            Assert.Equal(130, session.Call(Recorded.Quick("swapnbd", "decisions", "--runs-dir", RunsDir)));
        }

        using var again = new Session(new BladeRunner());
        Assert.Equal(0, again.Call("replay", "latest", "--resume", "--quiet", "--runs-dir", RunsDir));
        Assert.Equal(Summary(Path.Combine(recorded.RunsDir, recorded.Done)), Summary(Path.Combine(RunsDir, "latest")));
        using var verify = new Session(new BladeRunner());
        Assert.Equal(0, verify.Call("replay", "latest", "--verify", "--quiet", "--runs-dir", RunsDir));
        using var show = new Session(new BladeRunner());
        Assert.Equal(0, show.Call("runs", "show", "latest", "--runs-dir", RunsDir));
        Assert.Contains("resumed       once", show.Out, StringComparison.Ordinal);
    }

    // Each is killed at another point of its life: while it starts, early, in the middle.
    [Theory]
    [InlineData(0)]
    [InlineData(200_000)]
    [InlineData(600_000)]
    [InlineData(1_200_000)]
    public async Task A_run_that_was_killed_goes_on_and_ends_as_one_that_was_not(long journalBytes)
    {
        using (var process = Start(Recorded.Quick("swapnbd", "decisions", "--runs-dir", RunsDir)))
        {
            var output = process.StandardOutput.ReadToEndAsync();
            var error = process.StandardError.ReadToEndAsync();
            while (!process.HasExited && BytesOf("journal.db") + BytesOf("journal.db-wal") <= journalBytes)
            {
                Thread.Yield();
            }

            process.Kill();
            await process.WaitForExitAsync();
            await Task.WhenAll(output, error);
        }

        using var again = new Session(new BladeRunner());
        var status = again.Call("replay", "latest", "--resume", "--quiet", "--runs-dir", RunsDir);
        Assert.True(status == 0 || again.Error.Contains("has ended", StringComparison.Ordinal), again.Error);
        Assert.Equal(Summary(Path.Combine(recorded.RunsDir, recorded.Done)), Summary(Path.Combine(RunsDir, "latest")));
    }

    [Fact]
    public void A_run_that_another_process_writes_is_left_alone()
    {
        using (var session = new Session(new StoppingRunner(3)))
        {
            Assert.Equal(130, session.Call(Recorded.Quick("swapnbd", "decisions", "--runs-dir", RunsDir)));
        }

        var id = new DirectoryInfo(Path.Combine(RunsDir, "latest")).LinkTarget!;
        var store = ClusterSwap.Journal.JournalStore.Sqlite(Path.Combine(RunsDir, id, "journal.db"));
        using (store.Claim(id))
        {
            foreach (string[] args in new[] { ["replay", id, "--resume"], new[] { "runs", "delete", id, "--yes" } })
            {
                using var other = new Session(new BladeRunner());
                Assert.Equal(64, other.Call([.. args, "--runs-dir", RunsDir]));
                Assert.Contains("another process writes it. Wait until it ends", other.Error, StringComparison.Ordinal);
            }

            using var look = new Session(new BladeRunner());
            Assert.Equal(0, look.Call("replay", id, "--at", "100 ms", "--runs-dir", RunsDir));
        }

        using var again = new Session(new BladeRunner());
        Assert.Equal(0, again.Call("replay", id, "--resume", "--quiet", "--runs-dir", RunsDir));
    }

    [Fact]
    public void A_run_that_was_killed_before_it_had_a_journal_or_before_its_summary_ends_as_one_that_was_not()
    {
        using (var session = new Session(new BladeRunner()))
        {
            Assert.Equal(0, session.Call(Recorded.Quick("swapnbd", "decisions", "--runs-dir", RunsDir)));
        }

        var latest = Path.Combine(RunsDir, "latest");
        foreach (string[] lost in new[] { ["summary.json"], new[] { "summary.json", "journal.db" } })
        {
            Array.ForEach(lost, file => File.Delete(Path.Combine(latest, file)));
            using var again = new Session(new BladeRunner());
            Assert.Equal(0, again.Call("replay", "latest", "--resume", "--quiet", "--runs-dir", RunsDir));
            Assert.Equal(Summary(Path.Combine(recorded.RunsDir, recorded.Done)), Summary(latest));
        }
    }

    [Theory]
    [InlineData("all")]
    [InlineData("decisions")]
    [InlineData("off")]
    public void A_run_that_was_killed_before_its_journal_began_is_resumed_as_it_was_asked_for(string level)
    {
        using (var session = new Session(new BladeRunner()))
        {
            string[] asked = Recorded.Quick("swapnbd", level, "--until", "300 ms", "--runs-dir", RunsDir);
            Assert.Equal(2, session.Call(asked));
        }

        var latest = Path.Combine(RunsDir, "latest");
        var summary = Summary(latest);
        var events = EventsOf(latest);
        string[] beginnings = ["nothing", "no table", "no row"];
        foreach (var beginning in beginnings)
        {
            File.Delete(Path.Combine(latest, "summary.json"));
            Leave(beginning, Path.Combine(latest, "journal.db"), level);
            using var again = new Session(new BladeRunner());
            Assert.Equal(2, again.Call("replay", "latest", "--resume", "--quiet", "--runs-dir", RunsDir));
            Assert.Equal(summary, Summary(latest));
            Assert.Equal(events, EventsOf(latest));
            Assert.Equal(level != "off", File.Exists(Path.Combine(latest, "journal.db")));
        }
    }

    [Fact]
    public void A_run_goes_on_in_the_store_that_was_asked_for()
    {
        // The database is nowhere: who would write there, or look, ends with another text.
        const string Nowhere = "Host=/nowhere;Database=db;Username=me";
        using (var session = new Session(new StoppingRunner(3)))
        {
            Assert.Equal(130, session.Call(Recorded.Quick("swapnbd", "decisions", "--runs-dir", RunsDir)));
        }

        var latest = Path.Combine(RunsDir, "latest");
        File.Delete(Path.Combine(latest, "summary.json"));
        using (var withDatabase = new Session(new StoppingRunner(3), journal: Nowhere))
        {
            Assert.Equal(130, withDatabase.Call("replay", latest + "/", "--resume", "--quiet", "--runs-dir", _folder));
        }

        File.Delete(Path.Combine(latest, "journal.db"));
        var manifest = Path.Combine(latest, "run.json");
        File.WriteAllText(manifest, File.ReadAllText(manifest).Replace(
            "\"database\": null", "\"database\": \"the journal's database \\\"db\\\" on far:5432\"", StringComparison.Ordinal));
        File.Delete(Path.Combine(latest, "summary.json"));
        using var without = new Session(new BladeRunner());
        Assert.Equal(64, without.Call("replay", "latest", "--resume", "--runs-dir", RunsDir));
        Assert.Contains(
            "was begun with the journal's database \"db\" on far:5432 for its journal, which has nothing of it yet. Name that in "
            + "CLUSTERSWAP_JOURNAL, which names none", without.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(latest, "journal.db")));
    }

    [Fact]
    public void A_file_of_what_was_asked_for_that_cannot_be_read_is_told()
    {
        using (var session = new Session(new StoppingRunner(3)))
        {
            Assert.Equal(130, session.Call(Recorded.Quick("swapnbd", "off", "--runs-dir", RunsDir)));
        }

        File.WriteAllText(Path.Combine(RunsDir, "latest", "run.json"), "{ \"schema\": ");
        using var again = new Session(new BladeRunner());
        Assert.Equal(64, again.Call("replay", "latest", "--resume", "--runs-dir", RunsDir));
        Assert.Contains("run.json\", which says how the run was started, cannot be read", again.Error, StringComparison.Ordinal);
        Assert.Equal(0, again.Call("runs", "list", "--runs-dir", RunsDir));
    }

    [Fact]
    public void A_run_that_has_ended_is_not_resumed()
    {
        var (status, _, error) = recorded.Call("replay", recorded.Done, "--resume");
        Assert.Equal(64, status);
        Assert.Contains("there is nothing to go on with", error, StringComparison.Ordinal);
    }

    // What a killed run may leave of its journal before the header is in it.
    private static void Leave(string beginning, string journal, string level)
    {
        if (level == "off")
        {
            return;
        }

        if (beginning == "nothing")
        {
            File.Delete(journal);
            return;
        }

        using var connection = new SqliteConnection($"Data Source={journal};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = beginning == "no table" ? "DROP TABLE journal" : "DELETE FROM journal; DELETE FROM sqlite_sequence";
        command.ExecuteNonQuery();
    }

    // Level, length, and how much is in the journal; nothing without one.
    private static (string? Level, long? UntilNs, long Messages, long Decisions) EventsOf(string folder)
    {
        if (!File.Exists(Path.Combine(folder, "journal.db")))
        {
            return default;
        }

        using var journal = JournalReader.Open(JournalStore.Sqlite(Path.Combine(folder, "journal.db")), mustEnd: true);
        Assert.Null(journal.Check());
        var decisions = journal.Events(new EventFilter()).LongCount(one => one.IsDecision);
        var messages = journal.Events(new EventFilter { Decisions = false }).LongCount();
        return (journal.Header.Level, journal.Header.UntilNs, messages, decisions);
    }

    private long BytesOf(string file)
    {
        try
        {
            return new FileInfo(Path.Combine(RunsDir, "latest", file)).Length;
        }
        catch (IOException)
        {
            // Not there yet, or not any more.
            return -1;
        }
    }

    private static Process Start(string[] args)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "clusterswap.dll"));
        foreach (var arg in args)
        {
            start.ArgumentList.Add(arg);
        }

        return Process.Start(start)!;
    }

    /// <summary>What depends on scenario and seed only.</summary>
    private static string Summary(string folder)
    {
        var summary = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "summary.json")))!.AsObject();
        foreach (var field in new[] { "run_id", "wall_seconds", "command", "statistics", "journal" })
        {
            summary.Remove(field);
        }

        return summary.ToJsonString(new JsonSerializerOptions { WriteIndented = true });
    }

}

/// <summary>The real runner, stopped by its user after some barriers.</summary>
internal sealed class StoppingRunner(int barriers) : IRunner
{
    private int _seen;

    public RunReport Run(RunRequest request, CancellationToken cancel) => new BladeRunner().Run(
        request with { OnProgress = at => request.OnProgress!(at) && ++_seen < barriers }, cancel);
}
