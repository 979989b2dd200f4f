// A run that was stopped or killed goes on and ends as one that was not.
using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using ClusterSwap.Blades.Runs;

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

    [Fact]
    public void A_run_that_has_ended_is_not_resumed()
    {
        var (status, _, error) = recorded.Call("replay", recorded.Done, "--resume");
        Assert.Equal(64, status);
        Assert.Contains("there is nothing to go on with", error, StringComparison.Ordinal);
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
