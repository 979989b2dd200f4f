// Runs that are recorded in a real PostgreSQL: everything that replay and runs do, and what goes wrong with one.
using System.Text.Json.Nodes;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Journal.Tests;

namespace ClusterSwap.Cli.Tests.Replaying;

/// <summary>A server with two runs: one that hangs, one that the user stopped.</summary>
public sealed class RecordedInPostgres : IDisposable
{
    private readonly Session _session = new();

    public RecordedInPostgres()
    {
        Hung = Record("vanilla", new BladeRunner(), 11);
        Stopped = Record("swapnbd", new StoppingRunner(7), 130);
    }

    public PrivatePostgres Server { get; } = new();

    public string Hung { get; }

    public string Stopped { get; }

    public string RunsDir => _session.RunsDir;

    public string Connection => Server.ConnectionString();

    internal (int Status, string Out, string Error) Call(params string[] args) => CallWith(Connection, "", args);

    internal (int Status, string Out, string Error) CallWith(string connection, string typed, params string[] args)
    {
        using var session = new Session(new BladeRunner(), journal: connection);
        var status = session.CallWith(typed, [.. args, "--runs-dir", RunsDir]);
        return (status, session.Out, session.Error);
    }

    internal JsonObject Json(int status, params string[] args)
    {
        var file = Path.Combine(_session.Folder, $"{Guid.NewGuid():N}.json");
        var (got, output, error) = Call([.. args, "--json", file]);
        Assert.True(got == status, $"status {got} instead of {status}\n{output}\n{error}");
        return JsonNode.Parse(File.ReadAllText(file))!.AsObject();
    }

    public void Dispose()
    {
        _session.Dispose();
        Server.Dispose();
    }

    private string Record(string variant, IRunner runner, int status)
    {
        using var session = new Session(runner, journal: Connection);
        Assert.Equal(status, session.Call(Recorded.Quick(variant, "all", "--runs-dir", RunsDir)));
        var id = new DirectoryInfo(Path.Combine(RunsDir, "latest")).LinkTarget!;
        Assert.False(File.Exists(Path.Combine(RunsDir, id, "journal.db")), "the journal is in the database only");
        return id;
    }
}

public sealed class PostgresTests(RecordedInPostgres recorded) : IClassFixture<RecordedInPostgres>
{
    [Fact]
    public void A_run_is_looked_at_verified_forked_and_explained()
    {
        var look = recorded.Json(0, "replay", recorded.Hung, "--at", "200 ms", "--back", "5", "--blade", "blade");
        Assert.Equal(5, look["events"]!.AsArray().Count(one => (string)one!["at"]! == "*"));
        var list = recorded.Json(0, "replay", recorded.Hung, "--from", "100 ms", "--kind", "ScanRequest", "--most", "1");
        var number = (string)list["events"]![0]!["event"]!;
        Assert.Equal(number, (string)recorded.Json(0, "replay", recorded.Hung, "--follow", number, "--most", "9")["events"]!.AsArray()
            .Single(one => (string)one!["event"]! == number)!["event"]!);
        Assert.True((bool)recorded.Json(0, "replay", recorded.Hung, "--verify")["same"]!);
        var other = recorded.Json(15, "replay", recorded.Hung, "--verify", "--set", "min_free_kbytes=1100");
        Assert.NotNull(other["difference"]!["event"]);
        var fork = recorded.Json(0, "replay", recorded.Hung, "--fork-at", "100 ms", "--set", "patches=all");
        Assert.Equal("completed", (string)fork["changed"]!["verdict"]!);
        var why = recorded.Json(0, "replay", recorded.Hung, "--why", "--schedules", "1", "--bound", "1 s");
        Assert.Contains("deadlock", (string)why["hang"]!, StringComparison.Ordinal);
    }

    [Fact]
    public void Runs_are_listed_shown_and_exported_with_their_folders_and_without()
    {
        using var elsewhere = new Session(journal: recorded.Connection);
        Assert.Equal(0, elsewhere.Call("runs", "list", "--verdict", "deadlock", "--runs-dir", elsewhere.RunsDir));
        Assert.Contains(recorded.Hung, elsewhere.Out, StringComparison.Ordinal);
        var (status, output, _) = recorded.Call("runs", "show", recorded.Hung);
        Assert.Equal(0, status);
        Assert.Contains("journal       all, the journal's database \"postgres\" on ", output, StringComparison.Ordinal);
        Assert.DoesNotContain(PrivatePostgres.Password, output, StringComparison.Ordinal);
        (status, output, _) = recorded.Call("runs", "export", recorded.Hung);
        Assert.Equal(0, status);
        var lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.StartsWith("{\"type\":\"end\",\"verdict\":\"deadlock\"", lines[^1], StringComparison.Ordinal);
        Assert.True(lines.Length > 100_000, $"{lines.Length} lines");
    }

    [Fact]
    public void A_run_that_was_stopped_goes_on_also_where_its_folder_is_not_and_is_deleted_when_asked()
    {
        // Elsewhere: as on another machine, which sees the same database.
        using var elsewhere = new Session(new BladeRunner(), journal: recorded.Connection);
        string[] there = ["--runs-dir", elsewhere.RunsDir];
        Assert.Equal(0, elsewhere.Call(["replay", recorded.Stopped, "--resume", "--quiet", .. there]));
        var resumed = JsonNode.Parse(File.ReadAllText(Path.Combine(elsewhere.RunsDir, recorded.Stopped, "summary.json")))!;
        using var whole = new Session(new BladeRunner());
        Assert.Equal(0, whole.Call(Recorded.Quick("swapnbd", "off", "--runs-dir", whole.RunsDir)));
        var expected = JsonNode.Parse(File.ReadAllText(Path.Combine(whole.Latest, "summary.json")))!;
        Assert.Equal((string)expected["fingerprint"]!, (string)resumed["fingerprint"]!);
        Assert.Equal(64, elsewhere.Call(["replay", recorded.Stopped, "--resume", .. there]));
        Assert.Contains("has ended (completed", elsewhere.Error, StringComparison.Ordinal);
        Assert.Equal(0, elsewhere.Call(["replay", recorded.Stopped, "--verify", "--quiet", .. there]));
        Assert.Equal(64, elsewhere.CallWith("no\n", ["runs", "delete", recorded.Stopped, .. there]));
        Assert.Equal(0, elsewhere.CallWith(recorded.Stopped + "\n", ["runs", "delete", recorded.Stopped, .. there]));
        Assert.False(Directory.Exists(Path.Combine(elsewhere.RunsDir, recorded.Stopped)));
        Assert.Equal(64, elsewhere.Call(["replay", recorded.Stopped, .. there]));
        Assert.Equal(0, recorded.Call("runs", "show", recorded.Hung).Status);
    }

    [Theory]
    [InlineData(0.1)]
    [InlineData(0.5)]
    [InlineData(0.8)]
    public void A_run_that_was_killed_goes_on_and_has_every_event(double share)
    {
        using var server = new PrivatePostgres();
        using var run = new KilledRun(Recorded.Config("quick.toml"), server.ConnectionString());
        var outcome = run.Kill("killed", (long)(run.Rows * share), TimeSpan.Zero);
        Assert.Empty(outcome.Wrong);
        Assert.Equal(0, outcome.RowsLost);
    }

    [Theory]
    [InlineData("it refuses the user \"tester\" or the password", "Password=" + PrivatePostgres.Password, "Password=of-somebody-else")]
    [InlineData("there is no such database", "Database=postgres", "Database=nowhere")]
    [InlineData("it cannot be reached", "Timeout=60", "Timeout=60;Port=1")]
    public void What_is_wrong_with_the_database_is_said_before_the_run_and_when_looking(string expected, string part, string other)
    {
        var connection = recorded.Connection.Replace(part, other, StringComparison.Ordinal);
        var quick = Recorded.Quick("swapnbd", "decisions");
        string[][] commands = [quick, [.. quick, "--nodes", "2"], ["runs", "list"], ["replay", recorded.Hung]];
        foreach (var args in commands)
        {
            var (status, _, error) = recorded.CallWith(connection, "", args);
            Assert.Equal(64, status);
            Assert.Contains(expected, error, StringComparison.Ordinal);
            Assert.DoesNotContain("of-somebody-else", error, StringComparison.Ordinal);
            Assert.DoesNotContain(PrivatePostgres.Password, error, StringComparison.Ordinal);
        }
    }
}
