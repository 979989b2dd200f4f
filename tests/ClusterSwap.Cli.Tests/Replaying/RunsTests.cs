// Listing, showing, deleting and exporting runs.
using System.Text.Json.Nodes;
using ClusterSwap.Blades.Runs;

namespace ClusterSwap.Cli.Tests.Replaying;

public sealed class RunsTests(Recorded recorded) : IClassFixture<Recorded>
{
    [Theory]
    [InlineData(2)]
    [InlineData(1, "--verdict", "deadlock")]
    [InlineData(0, "--verdict", "unfinished")]
    [InlineData(2, "--scenario", "quick")]
    [InlineData(2, "--since", "2012-07-04", "--until", "2012-07-04")]
    [InlineData(0, "--since", "2012-07-05")]
    public void Runs_are_listed_by_scenario_verdict_and_date(int expected, params string[] filter)
    {
        var runs = recorded.Json(0, ["runs", "list", .. filter])["runs"]!.AsArray();
        Assert.Equal(expected, runs.Count);
        Assert.All(runs, run => Assert.Equal(32, ((string)run!["fingerprint"]!).Length));
    }

    [Fact]
    public void A_list_is_a_line_for_each_run()
    {
        var (status, output, _) = recorded.Call("runs", "list");
        Assert.Equal(0, status);
        Assert.Contains($"{recorded.Hung}  2012-07-04 12:30:15  quick     vanilla  1     deadlock ", output, StringComparison.Ordinal);
    }

    [Fact]
    public void One_run_is_shown_with_its_journal()
    {
        var (status, output, _) = recorded.Call("runs", "show", recorded.Hung);
        Assert.Equal(0, status);
        Assert.Contains("verdict       deadlock", output, StringComparison.Ordinal);
        Assert.Contains("journal       all, the journal file ", output, StringComparison.Ordinal);
    }

    [Fact]
    public void An_export_has_every_event_and_digest_in_order()
    {
        var (status, output, _) = recorded.Call("runs", "export", recorded.Done);
        Assert.Equal(0, status);
        var lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!).ToArray();
        Assert.Equal("run", (string)lines[0]["type"]!);
        Assert.Equal("end", (string)lines[^1]["type"]!);
        var times = lines.Where(line => (string)line["type"]! is "decision" or "digest").Select(line => (long)line["ns"]!).ToArray();
        Assert.Equal(times.Order(), times);
        var digests = lines.Where(line => (string)line["type"]! == "digest").ToArray();
        Assert.True(digests.Length > 20);
        Assert.Equal((long)lines[^1]["ns"]!, (long)digests[^1]["ns"]!);
        Assert.Contains(lines, line => (string)line["type"]! == "decision" && (string)line["what"]! == "block_sleeprq");
    }

    [Fact]
    public void Deleting_asks_and_takes_only_what_belongs_to_the_run()
    {
        using var session = new Session(new BladeRunner());
        string[] run = ["run", Recorded.Config("quick.toml"), "--quiet", "--until", "1 ms", "--runs-dir", session.RunsDir, "--journal", "decisions"];
        session.Call(run);
        var id = new DirectoryInfo(session.Latest).LinkTarget!;
        var folder = Path.Combine(session.RunsDir, id);
        File.WriteAllText(Path.Combine(folder, "notes.txt"), "mine");
        Assert.Equal(64, session.CallWith("no\n", "runs", "delete", "latest", "--runs-dir", session.RunsDir));
        Assert.Contains("nothing was deleted", session.Error, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(folder, "journal.db")));
        Assert.Equal(0, session.CallWith(id + "\n", "runs", "delete", "latest", "--runs-dir", session.RunsDir));
        Assert.Equal(["notes.txt"], Directory.GetFileSystemEntries(folder).Select(Path.GetFileName));
        File.Delete(Path.Combine(folder, "notes.txt"));
        session.Call(run);
        Assert.Equal(0, session.Call("runs", "delete", "latest", "--yes", "--runs-dir", session.RunsDir));
        Assert.False(File.Exists(session.Latest));
    }

    [Theory]
    [InlineData("Did you mean deadlock?", "list", "--verdict", "deadlok")]
    [InlineData("Did you mean quick?", "list", "--scenario", "quik")]
    [InlineData("no date", "list", "--since", "yesterday")]
    [InlineData("runs show needs a run", "show")]
    [InlineData("there is no run \"nothing\"", "delete", "nothing")]
    [InlineData("Allowed: list, show RUN, delete RUN, export RUN")]
    public void What_is_mistyped_is_said(string expected, params string[] args)
    {
        using var session = new Session(new BladeRunner());
        var more = args.Length == 0 ? args : [.. args, "--runs-dir", recorded.RunsDir];
        Assert.Equal(64, session.Call(["runs", .. more]));
        Assert.Contains(expected, session.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_a_damaged_journal_everything_before_the_damage_is_there()
    {
        using var session = new Session(new BladeRunner());
        Assert.Equal(0, session.Call(Recorded.Quick("swapnbd", "all", "--runs-dir", session.RunsDir)));
        var journal = Path.Combine(session.Latest, "journal.db");
        var bytes = File.ReadAllBytes(journal);

        // A byte of every block's payload in the middle of the run: behind the magic of its compressed frame.
        ReadOnlySpan<byte> frame = [0x28, 0xB5, 0x2F, 0xFD];
        var at = bytes.Length / 2;
        for (var next = 0; at < bytes.Length * 3 / 4 && (next = bytes.AsSpan(at).IndexOf(frame)) >= 0;)
        {
            at += next + 60;
            bytes[at] ^= 0x20;
        }

        File.WriteAllBytes(journal, bytes);
        var export = new Session(new BladeRunner());
        Assert.Equal(16, export.Call("runs", "export", "latest", "--runs-dir", session.RunsDir));
        Assert.Contains("damaged", export.Error, StringComparison.Ordinal);
        Assert.StartsWith("{\"type\":\"run\"", export.Out, StringComparison.Ordinal);
        export.Dispose();
        using var verify = new Session(new BladeRunner());
        Assert.Equal(16, verify.Call("replay", "latest", "--verify", "--quiet", "--runs-dir", session.RunsDir));
        Assert.Contains("sequence", verify.Error, StringComparison.Ordinal);
    }
}
