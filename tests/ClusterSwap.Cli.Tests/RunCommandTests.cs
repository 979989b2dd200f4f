// `run`: exit statuses, folder, JSON, stopping.
using System.Text.Json;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Journal;
using ClusterSwap.Kernel;

namespace ClusterSwap.Cli.Tests;

public class RunCommandTests
{
    [Theory]
    [InlineData(Verdict.Completed, 0, "completed")]
    [InlineData(Verdict.Unknown, 2, "unknown")]
    [InlineData(Verdict.Deadlock, 11, "deadlock")]
    [InlineData(Verdict.Safety, 12, "safety")]
    [InlineData(Verdict.Livelock, 13, "livelock")]
    [InlineData(Verdict.Starvation, 13, "starvation")]
    [InlineData(Verdict.Oom, 14, "oom")]
    [InlineData(Verdict.Interrupted, 130, "interrupted")]
    public void Each_verdict_has_its_exit_status_and_word(Verdict verdict, int status, string word)
    {
        using var session = new Session(new FakeRunner { Verdict = verdict });
        Assert.Equal(status, session.Run());
        Assert.StartsWith($"small, variant base, seed 7: {word}\n", session.Out);
        Assert.Equal(word, Summary(session).GetProperty("verdict").GetString());
        Assert.Equal("", session.Error);
    }

    [Fact]
    public void A_failed_assertion_of_a_completed_run_is_status_1()
    {
        using var session = new Session(new FakeRunner { MinFreePages = 99 });
        Assert.Equal(1, session.Run("--variant", "strict"));
        Assert.Contains("FAILED: min_free_pages >= 100 (found 99)\n", session.Out);
        Assert.Contains("holds: verdict = completed\n", session.Out);
        Assert.Equal("assertion-failed", Summary(session).GetProperty("verdict").GetString());
    }

    [Fact]
    public void A_hang_that_was_not_expected_is_status_1_and_stays_a_deadlock_by_name()
    {
        using var session = new Session(new FakeRunner { Verdict = Verdict.Deadlock });
        Assert.Equal(1, session.Run("--variant", "strict"));
        Assert.Equal("deadlock", Summary(session).GetProperty("verdict").GetString());
    }

    [Fact]
    public void A_hang_that_was_expected_keeps_its_status()
    {
        using var session = new Session(new FakeRunner { Verdict = Verdict.Deadlock });
        Assert.Equal(11, session.Run("--variant", "strict", "--set", "expect.verdict=deadlock"));
    }

    [Fact]
    public void A_broken_invariant_is_status_12_whatever_was_expected()
    {
        using var session = new Session(new FakeRunner { Verdict = Verdict.Safety });
        Assert.Equal(12, session.Run("--variant", "strict"));
    }

    [Fact]
    public void A_run_that_the_user_ends_early_is_not_held_to_its_assertions()
    {
        using var session = new Session(new FakeRunner { MinFreePages = 1 });
        Assert.Equal(2, session.Run("--variant", "strict", "--until", "3 s"));
        Assert.Equal(0, Summary(session).GetProperty("assertions").GetArrayLength());
    }

    [Fact]
    public void A_runner_that_breaks_is_status_70_with_the_command_and_a_log()
    {
        using var session = new Session(new FakeRunner { Throws = new InvalidOperationException("free pages: -1") });
        Assert.Equal(70, session.Run("--seed", "3"));
        Assert.Contains("internal error: free pages: -1\n", session.Error);
        Assert.Contains($"  clusterswap run {session.Scenario} --seed 3\n", session.Error);
        Assert.Contains("InvalidOperationException", File.ReadAllText(Path.Combine(session.Latest, "clusterswap.log")));
        Assert.False(File.Exists(Path.Combine(session.Latest, "summary.json")));
    }

    [Fact]
    public void Ctrl_C_stops_at_the_next_barrier_with_the_summary_so_far()
    {
        var runner = new FakeRunner();
        using var session = new Session(runner);
        runner.AtBarrier = i =>
        {
            if (i == 4)
            {
                session.Stop.Cancel();
            }
        };
        Assert.Equal(130, session.Run());
        var summary = Summary(session);
        Assert.Equal("interrupted", summary.GetProperty("verdict").GetString());
        Assert.Equal(4m, summary.GetProperty("virtual_seconds").GetDecimal());
        Assert.StartsWith("small, variant base, seed 7: interrupted\n", session.Out);
    }

    [Fact]
    public void Ctrl_C_in_a_runner_that_throws_still_leaves_a_summary()
    {
        var runner = new FakeRunner();
        using var session = new Session(runner);
        runner.AtBarrier = i =>
        {
            if (i == 4)
            {
                session.Stop.Cancel();
                throw new OperationCanceledException();
            }
        };
        Assert.Equal(130, session.Run());
        var summary = Summary(session);
        Assert.Equal(3m, summary.GetProperty("virtual_seconds").GetDecimal());
        Assert.Equal("", summary.GetProperty("fingerprint").GetString());
    }

    [Fact]
    public void The_request_carries_what_was_asked_for()
    {
        using var session = new Session();
        var restore = session.Write("old.ckpt", "x");
        Assert.Equal(2, session.Run("--variant", "vanilla", "--set", "blade.passes=1", "--seed", "9", "--threads", "2",
            "--until", "2 s", "--checkpoint", Path.Combine(session.Folder, "new.ckpt"), "--checkpoint-at", "1.5 s",
            "--restore", restore));
        var request = session.Runner.Request!;
        Assert.Equal(
            ("vanilla", 9UL, 2, 2_000_000_000L),
            (request.Variant, request.Seed, request.Threads, request.UntilNs));
        Assert.Equal(9UL, request.Scenario.Seed);
        Assert.Equal(PatchSet.None, request.Scenario.Blades[0].Rules.Patches);
        Assert.Equal(1, request.Scenario.Blades[0].Passes);
        Assert.Equal((Path.Combine(session.Folder, "new.ckpt"), 1_500_000_000L, restore),
            (request.CheckpointFile, request.CheckpointAtNs, request.RestoreFile));
        Assert.False(File.Exists(request.CheckpointFile));
    }

    [Fact]
    public void Without_options_the_scenario_decides()
    {
        using var session = new Session();
        Assert.Equal(0, session.Run());
        var request = session.Runner.Request!;
        Assert.Equal(("base", 7UL, 1), (request.Variant, request.Seed, request.Threads));
        Assert.Null(request.UntilNs);
        Assert.Null(request.CheckpointFile);
    }

    [Fact]
    public void The_folder_holds_the_resolved_scenario_the_summary_and_the_log()
    {
        using var session = new Session();
        Assert.Equal(0, session.Run("--variant", "vanilla", "--set", "blade.cpus=2"));
        Assert.Equal("small-vanilla-s7-20120704-123015", Summary(session).GetProperty("run_id").GetString());
        Assert.Equal("small-vanilla-s7-20120704-123015", new FileInfo(session.Latest).LinkTarget);
        Assert.Equal(["clusterswap.log", "run.json", "samples.csv", "scenario.toml", "summary.json"],
            Directory.EnumerateFiles(session.Latest).Select(file => Path.GetFileName(file)).Order());
        var resolved = ScenarioFile.Load(Path.Combine(session.Latest, "scenario.toml")).Resolve();
        Assert.Equal(session.Runner.Request!.Scenario, resolved);
        Assert.Contains("Verdict completed", File.ReadAllText(Path.Combine(session.Latest, "clusterswap.log")));
    }

    [Fact]
    public void A_second_run_of_the_same_second_gets_a_number_and_becomes_the_latest()
    {
        using var session = new Session(new FakeRunner { Pace = TimeSpan.Zero });
        session.Run();
        session.Run();
        Assert.Equal("small-base-s7-20120704-123015-2", new FileInfo(session.Latest).LinkTarget);
        Assert.Equal(3, Directory.EnumerateFileSystemEntries(session.RunsDir).Count());
    }

    [Fact]
    public void The_command_that_repeats_a_run_is_quoted_for_a_shell()
    {
        using var session = new Session();
        session.Run("--variant", "vanilla", "--set", "blade.swap=1 GiB", "--set", "description=it's", "--threads", "2",
            "--until", "120 s");
        Assert.Equal(
            $"clusterswap run {session.Scenario} --variant vanilla --set 'blade.swap=1 GiB' --set "
            + "'description=it'\\''s' --seed 7 --threads 2 --until '2 min'",
            Summary(session).GetProperty("command").GetString());
    }

    [Theory]
    [InlineData(null, "decisions")]
    [InlineData("decisions", "decisions")]
    [InlineData("all", "all")]
    public void A_run_keeps_a_journal_of_decisions_unless_another_level_is_given(string? given, string kept)
    {
        using var session = new Session(new BladeRunner());
        string[] level = given is null ? [] : ["--journal", given];
        Assert.Equal(2, session.Call(["run", session.Scenario, "--runs-dir", session.RunsDir, "--until", "1 ms", .. level]));
        var path = Summary(session).GetProperty("journal").GetString()!;
        using var journal = JournalReader.Open(JournalStore.Sqlite(path));
        Assert.Equal(kept, journal.Header.Level);
        Assert.Equal("unknown", journal.End!.Verdict);
    }

    [Fact]
    public void The_JSON_has_the_fields_of_schema_1()
    {
        using var session = new Session();
        var file = Path.Combine(session.Folder, "out.json");
        Assert.Equal(0, session.Run("--json", file));
        var json = JsonDocument.Parse(File.ReadAllText(file)).RootElement;
        Assert.Equal(
            ["schema", "run_id", "scenario", "variant", "seed", "verdict", "fingerprint", "virtual_seconds",
             "wall_seconds", "messages", "events", "lookahead_ns", "lookahead_link", "journal", "blades", "assertions",
             "hang", "advice", "notes", "statistics", "command"],
            json.EnumerateObject().Select(property => property.Name));
        Assert.Equal(1, json.GetProperty("schema").GetInt32());
        Assert.Equal("small", json.GetProperty("scenario").GetString());
        Assert.Equal(7, json.GetProperty("seed").GetInt32());
        Assert.Equal(10.5m, json.GetProperty("virtual_seconds").GetDecimal());
        Assert.Equal(5m, json.GetProperty("wall_seconds").GetDecimal());
        Assert.Equal(10_000_000, json.GetProperty("messages").GetInt64());
        Assert.Equal(50_000, json.GetProperty("lookahead_ns").GetInt64());
        Assert.Equal(JsonValueKind.Null, json.GetProperty("journal").ValueKind);
        var blade = json.GetProperty("blades")[0];
        Assert.Equal(
            "{'name':'node-0','user_seconds':1.5,'system_seconds':2.000000001,'elapsed_seconds':10.5,"
            + "'last_progress_seconds':0,'min_free_pages':120,'watermarks':{'min':256,'low':320,'high':384},'vmstat':{'pswpin':65536,"
            + "'pswpout':65590,'pgscan_direct_throttle':14},'netstat':{'TCPTimeouts':3}}",
            JsonSerializer.Serialize(blade).Replace('"', '\''));
        Assert.Equal(File.ReadAllText(file), File.ReadAllText(Path.Combine(session.Latest, "summary.json")));
    }

    [Fact]
    public void The_summary_tells_the_hang_the_blades_and_the_figures()
    {
        using var session = new Session(new FakeRunner
        {
            Verdict = Verdict.Deadlock,
            Hang = new HangReport(
                "deadlock on node-0 at 10.5 s", ["process 3 waits for a page", "kswapd waits for [slot 8]"]),
        });
        Assert.Equal(11, session.Run());
        Assert.Contains("\ndeadlock on node-0 at 10.5 s\n  process 3 waits for a page\n  kswapd waits for [slot 8]\n",
            session.Out);
        Assert.Matches(
            @"node-1 +\| +1.50 +\| +2.00 +\| +10.50 +\| +121 +\| +256/320/384 +\| +65,536 +\| +65,590", session.Out);
        Assert.Contains("note: a note\n", session.Out);
        Assert.Matches(@"\nfingerprint +" + FakeRunner.Fingerprint + "\n", session.Out);
        Assert.Matches(@"\nlookahead +50 us by node-0 - box\n", session.Out);
        Assert.Matches(@"\nmessages +10,000,000, 2,000,000 per second\n", session.Out);
        Assert.Matches(@"\nwindows +1,234\n", session.Out);
        Assert.Matches($@"\nagain +clusterswap run \S+small.toml --seed 7\n", session.Out);
    }

    [Fact]
    public void A_table_fits_a_terminal_of_80_columns()
    {
        using var session = new Session(terminal: true, width: 80);
        Assert.Equal(0, session.Run());
        var rows = session.Out.Split('\n');
        Assert.Contains(rows, row => row.Contains("min free") && row.Contains("throttled"));
        Assert.Contains(rows, row => row.Contains("node-1") && row.Contains("65,590") && row.TrimEnd().EndsWith("14"));
    }

    [Fact]
    public void A_long_table_is_cut_and_says_where_the_rest_is()
    {
        using var session = new Session(new FakeRunner { BladeCount = 40 });
        session.Run();
        Assert.Contains("node-31", session.Out);
        Assert.DoesNotContain("node-32", session.Out);
        Assert.Contains("and 8 more: all are in summary.json\n", session.Out);
    }

    [Fact]
    public void A_quiet_run_writes_one_line()
    {
        using var session = new Session(new FakeRunner { Pace = TimeSpan.FromMinutes(1) });
        Assert.Equal(0, session.Run("--quiet"));
        Assert.Equal($"completed {FakeRunner.Fingerprint} small-base-s7-20120704-123015\n", session.Out);
        Assert.Equal("", session.Error);
    }

    [Fact]
    public void A_damaged_checkpoint_is_the_users_to_put_right()
    {
        using var session = new Session(new FakeRunner { Throws = new InvalidDataException("hash differs") });
        var file = session.Write("bad.ckpt", "x");
        Assert.Equal(64, session.Run("--restore", file));
        Assert.Equal($"clusterswap: --restore: hash differs. Found: \"{file}\"\n", session.Error);
    }

    private static JsonElement Summary(Session session) =>
        JsonDocument.Parse(File.ReadAllText(Path.Combine(session.Latest, "summary.json"))).RootElement;
}
