// `compare` on the variants of a scenario: table, JSON, order, stopping.
using System.Text.Json;
using ClusterSwap.Blades.Runs;

namespace ClusterSwap.Cli.Tests.Comparing;

public class CompareCommandTests
{
    private const string OneBlade = "blades.node.count=1";

    [Fact]
    public void The_table_has_the_layout_of_the_published_one()
    {
        using var session = new Session(new ScriptedRunner { Lucky = [1, 2, 3] });
        Assert.Equal(0, Compare(session, "--variants", "vanilla,base", "--seeds", "3"));
        Assert.Equal(
            $"""
            small: 2 variants, seeds 1-3

            vanilla   completed 3/3
            base      completed 3/3

            MMTests Statistics: duration                vanilla                      base
            User Time Running Test (seconds)         0.50 ±0.00     0.50 ±0.00    (0.0 %)
            Sys Time Running Test (seconds)          1.00 ±0.00     2.00 ±0.00 (+100.0 %)
            User+Sys Time Running Test (seconds)     1.50 ±0.00     2.50 ±0.00  (+66.7 %)
            Total Elapsed Time (seconds)            12.00 ±2.48     6.00 ±1.24  (-50.0 %)

            Free pages                                  vanilla                      base
            min_free_pages                               100 ±0         200 ±0 (+100.0 %)

            /proc/vmstat                                vanilla                      base
            pswpin                                 2,000 ±2,484   2,000 ±2,484    (0.0 %)
            pswpout                                    2,000 ±0       4,000 ±0 (+100.0 %)

            note: mean ±95 % confidence interval (Student t) over the seeds
            note: in brackets the difference to the first column
            again  clusterswap compare {session.Scenario} --variants vanilla,base --seeds 1-3 --set {OneBlade}

            """, session.Out);
    }

    [Fact]
    public void Hung_runs_are_counted_and_have_a_time_to_hang_instead_of_an_elapsed_time()
    {
        using var session = new Session(new ScriptedRunner { Lucky = [4] });
        Assert.Equal(0, Compare(session, "--variants", "vanilla,base", "--seeds", "4"));
        Assert.Contains("vanilla   deadlock 3/4, completed 1/4\n", session.Out);
        Assert.Contains("base      completed 4/4\n", session.Out);
        Assert.Matches(@"\nTime to Hang \(seconds\) +2\.00 ±2\.48 +-\n", session.Out);
        Assert.Matches(@"\nTotal Elapsed Time \(seconds\) +14\.00 +6\.25 ±1\.03 +\(-55\.4 %\)\n", session.Out);
        Assert.Contains("note: vanilla: times and counters are those of the 1 run that completed\n", session.Out);
    }

    [Fact]
    public void Counters_of_runs_that_hung_are_not_compared_with_those_of_runs_that_completed()
    {
        using var session = new Session(new ScriptedRunner());
        Assert.Equal(0, Compare(session, "--variants", "vanilla,base", "--json", At(session, "out.json")));
        Assert.Contains("note: vanilla: no run completed; its counters are those at the verdict\n", session.Out);
        var pswpout = Row(session, "pswpout");
        Assert.Equal(2_000, pswpout[0].GetProperty("mean").GetInt64());
        Assert.Equal(4_000, pswpout[1].GetProperty("mean").GetInt64());
        Assert.Equal(JsonValueKind.Null, pswpout[1].GetProperty("difference_percent").ValueKind);
        Assert.Equal(JsonValueKind.Null, Row(session, "Total Elapsed Time (seconds)")[0].GetProperty("mean").ValueKind);
        Assert.Equal(7, Row(session, "Time to Hang (seconds)")[0].GetProperty("mean").GetInt64());
    }

    [Fact]
    public void The_JSON_names_runs_verdicts_means_and_differences()
    {
        using var session = new Session(new ScriptedRunner { Lucky = [1, 2] });
        Assert.Equal(0, Compare(session, "--variants", "vanilla,base", "--seeds", "2", "--json", At(session, "out.json")));
        var root = Json(session);
        Assert.Equal(1, root.GetProperty("schema").GetInt32());
        var column = root.GetProperty("columns")[1];
        Assert.Equal("base", column.GetProperty("title").GetString());
        Assert.Equal(2, column.GetProperty("verdicts").GetProperty("completed").GetInt32());
        Assert.Equal("small-base-s2-20120704-123015", column.GetProperty("runs")[1].GetProperty("run_id").GetString());
        var elapsed = Row(session, "Total Elapsed Time (seconds)")[1];
        Assert.Equal(5.75, elapsed.GetProperty("mean").GetDouble());
        Assert.Equal(-50, elapsed.GetProperty("difference_percent").GetDouble());

        // s = sqrt(0.125), standard error 0.25, t(1) = 12.706205.
        Assert.Equal(3.176551, elapsed.GetProperty("ci95").GetDouble(), 6);
    }

    [Fact]
    public void The_result_does_not_depend_on_how_many_run_at_a_time()
    {
        string[] texts = [.. new[] { "1", "4" }.Select(threads =>
        {
            using var session = new Session(new ScriptedRunner { Lucky = [2] });
            Assert.Equal(0, Compare(session, "--seeds", "6", "--threads", threads, "--json", At(session, "out.json")));
            var text = session.Out + File.ReadAllText(At(session, "out.json"));
            return text.Replace(session.Folder, "");
        })];
        Assert.Equal(texts[0], texts[1]);
    }

    [Fact]
    public void Without_variants_all_but_the_base_are_compared_with_the_scenario_s_seed()
    {
        using var session = new Session(new ScriptedRunner());
        Assert.Equal(0, Compare(session));
        Assert.StartsWith("small: 2 variants, seed 7\n\nvanilla   deadlock 1/1\nstrict    completed 1/1\n", session.Out);
    }

    [Fact]
    public void Each_run_leaves_its_folder_as_run_does()
    {
        using var session = new Session(new ScriptedRunner());
        Assert.Equal(0, Compare(session, "--variants", "vanilla,base", "--seeds", "2"));
        string[] wanted = ["small-base-s1", "small-base-s2", "small-vanilla-s1", "small-vanilla-s2"];
        var folders = Directory.GetDirectories(session.RunsDir, "small-*").Order(StringComparer.Ordinal).ToArray();
        Assert.Equal(wanted, folders.Select(folder => Path.GetFileName(folder)[..^16]));
        Assert.All(folders, folder => Assert.Equal(
            ["clusterswap.log", "run.json", "samples.csv", "scenario.toml", "summary.json"],
            Directory.GetFiles(folder).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)));
    }

    [Fact]
    public void Progress_goes_to_standard_error_and_quiet_is_one_line_per_variant()
    {
        using var loud = new Session(new ScriptedRunner());
        Compare(loud, "--variants", "vanilla,base");
        Assert.Equal("1 of 2: vanilla, seed 7: deadlock\n2 of 2: base, seed 7: completed\n", loud.Error);

        using var quiet = new Session(new ScriptedRunner());
        Compare(quiet, "--variants", "vanilla,base", "--quiet");
        Assert.Equal("vanilla: deadlock 1/1\nbase: completed 1/1\n", quiet.Out);
        Assert.Equal("", quiet.Error);
    }

    [Fact]
    public void Ctrl_C_shows_what_is_done_so_far_with_status_130()
    {
        Session? session = null;
        using (session = new Session(new ScriptedRunner
        {
            AtRun = run =>
            {
                if (run == 4)
                {
                    session!.Stop.Cancel();
                }
            },
        }))
        {
            Assert.Equal(130, Compare(session, "--variants", "vanilla,base", "--seeds", "4"));
            Assert.Contains("vanilla   deadlock 2/4, without a verdict 2/4\n", session.Out);
            Assert.Contains("base      completed 1/4, without a verdict 3/4\n", session.Out);
        }
    }

    [Fact]
    public void A_run_that_breaks_does_not_take_the_others_with_it_and_is_status_70()
    {
        using var session = new Session(new ScriptedRunner { Breaks = 2 });
        Assert.Equal(70, Compare(session, "--variants", "base", "--seeds", "3"));
        Assert.Contains("base   completed 2/3, without a verdict 1/3\n", session.Out);
        Assert.Contains("clusterswap: internal error: free pages: -1\n", session.Error);
        Assert.Contains($"  clusterswap run {session.Scenario} --set {OneBlade} --seed 2\n", session.Error);
    }

    [Theory]
    [InlineData("compare", "compare takes one scenario file, such as config/quick.toml, or the folders of two or more "
        + "runs, such as runs/latest")]
    [InlineData("compare a.toml b.toml", "compare takes one scenario file, such as config/quick.toml, or the folders of "
        + "two or more runs, such as runs/latest. Found: \"a.toml\" among 2 arguments.")]
    [InlineData("compare / ", "compare takes one scenario file, such as config/quick.toml, or the folders of two or more "
        + "runs, such as runs/latest. Found: one folder, \"/\".")]
    [InlineData("compare one two --seeds 3", "--seeds goes with a scenario file, not with folders of runs")]
    [InlineData("compare a.toml --variants x,x", "--variants: not allowed. Found: \"x,x\". Allowed: up to 16 different "
        + "names, separated by commas.")]
    [InlineData("compare a.toml --plot p.png", "--plot: plots are SVG. Found: \"p.png\". Allowed: a file that ends in "
        + ".svg; rsvg-convert or a browser makes a PNG of it.")]
    [InlineData("compare a.toml --seeds 0", "--seeds: not allowed. Found: \"0\". Allowed: a number of seeds from 1 to "
        + "10,000, a range such as 1-10, or a list such as 1,3,7-9.")]
    public void A_wrong_command_line_says_what_would_be_right(string line, string words)
    {
        using var session = new Session(new ScriptedRunner());
        Assert.Equal(64, session.Call(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)));
        Assert.Equal($"clusterswap: {words}\n", session.Error);
    }

    [Fact]
    public void A_mistyped_variant_names_the_nearest_and_nothing_is_run()
    {
        using var session = new Session(new ScriptedRunner());
        Assert.Equal(64, Compare(session, "--variants", "base,vanila"));
        Assert.EndsWith("Did you mean \"vanilla\"?\n", session.Error);
        Assert.False(Directory.Exists(session.RunsDir));
    }

    private static int Compare(Session session, params string[] args) =>
        session.Call(["compare", session.Scenario, "--runs-dir", session.RunsDir, "--set", OneBlade,
            .. args.Contains("--threads") ? args : [.. args, "--threads", "1"]]);

    private static string At(Session session, string name) => Path.Combine(session.Folder, name);

    private static JsonElement Json(Session session) =>
        JsonDocument.Parse(File.ReadAllText(At(session, "out.json"))).RootElement;

    private static JsonElement Row(Session session, string name) => Json(session).GetProperty("rows").EnumerateArray()
        .Single(row => row.GetProperty("name").GetString() == name).GetProperty("columns");
}
