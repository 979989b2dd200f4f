// `compare` on the folders of runs.
namespace ClusterSwap.Cli.Tests.Comparing;

public class CompareRunsTests
{
    [Fact]
    public void Two_runs_stand_side_by_side_as_when_they_ended()
    {
        using var session = new Session(new ScriptedRunner { Lucky = [7] });
        Assert.Equal(0, session.Run("--variant", "vanilla"));
        Assert.Equal(0, session.Run());
        Assert.Equal(0, session.Call("compare", Folder(session, "small-vanilla-*"), session.Latest));
        Assert.EndsWith(
            $"""
            2 runs

            vanilla   completed 1/1
            base      completed 1/1

            MMTests Statistics: duration           vanilla               base
            User Time Running Test (seconds)          0.50    0.50    (0.0 %)
            Sys Time Running Test (seconds)           1.00    2.00 (+100.0 %)
            User+Sys Time Running Test (seconds)      1.50    2.50  (+66.7 %)
            Total Elapsed Time (seconds)             17.00    8.50  (-50.0 %)

            Free pages                             vanilla               base
            min_free_pages                             100     200 (+100.0 %)

            /proc/vmstat                           vanilla               base
            pswpin                                   7,000   7,000    (0.0 %)
            pswpout                                  2,000   4,000 (+100.0 %)

            note: vanilla is small-vanilla-s7-20120704-123015 (small, variant vanilla, seed 7)
            note: base is small-base-s7-20120704-123015 (small, variant base, seed 7)
            note: in brackets the difference to the first column
            again  clusterswap compare {Folder(session, "small-vanilla-*")} {session.Latest}

            """, session.Out);
    }

    [Fact]
    public void A_run_is_also_found_by_its_name_in_the_runs_folder()
    {
        using var session = new Session(new ScriptedRunner());
        session.Run();
        session.Run("--seed", "3");
        var names = Directory.GetDirectories(session.RunsDir, "small-*").Select(run => Path.GetFileName(run)!).Order();
        Assert.Equal(0, session.Call(["compare", .. names, "--runs-dir", session.RunsDir]));
        Assert.Contains("base seed 3   completed 1/1\nbase seed 7   completed 1/1\n", session.Out);
    }

    [Fact]
    public void Runs_of_different_scenarios_are_compared_and_said_to_be()
    {
        using var session = new Session(new ScriptedRunner());
        session.Run();
        session.Run("--set", "name=other");
        Assert.Equal(0, session.Call("compare", Folder(session, "small-*"), Folder(session, "other-*")));
        Assert.Contains("note: the runs are of different scenarios: small, other\n", session.Out);
        Assert.Contains("small   completed 1/1\nother   completed 1/1\n", session.Out);
    }

    [Fact]
    public void A_run_that_is_not_there_names_the_nearest()
    {
        using var session = new Session(new ScriptedRunner());
        session.Run();
        Assert.Equal(64, session.Call("compare", session.Latest, "small-base-s8-20120704-123015",
            "--runs-dir", session.RunsDir));
        Assert.Equal("clusterswap: there is no run \"small-base-s8-20120704-123015\". Did you mean "
            + $"{session.RunsDir}/small-base-s7-20120704-123015?\n", session.Error);
    }

    [Theory]
    [InlineData("{", "cannot be read: ")]
    [InlineData("{}", "cannot be read: ")]
    [InlineData("{\"schema\": 2}", "cannot be read: its summary.json has schema 2, this program reads 1")]
    [InlineData("[]", "cannot be read: ")]
    [InlineData(null, "has not ended or was broken off: it has no summary.json")]
    public void A_damaged_folder_is_refused_and_no_file_is_written(string? summary, string words)
    {
        using var session = new Session(new ScriptedRunner());
        session.Run();
        var file = Path.Combine(session.Latest, "summary.json");
        File.Delete(file);
        if (summary is not null)
        {
            File.WriteAllText(file, summary);
        }

        var json = Path.Combine(session.Folder, "out.json");
        Assert.Equal(64, session.Call("compare", session.Latest, session.Latest, "--json", json));
        Assert.StartsWith($"clusterswap: the run \"{session.Latest}\" {words}", session.Error);
        Assert.False(File.Exists(json));
    }

    [Fact]
    public void Damaged_samples_are_refused_with_their_line()
    {
        using var session = new Session(new ScriptedRunner());
        session.Run();
        var file = Path.Combine(session.Latest, "samples.csv");
        var lines = File.ReadAllLines(file);
        lines[2] = "node,1.5,many,310";
        File.WriteAllLines(file, lines);
        Assert.Equal(64, session.Call("compare", session.Latest, session.Latest));
        Assert.EndsWith("cannot be read: line 3: a blade, a time and two numbers of pages are expected\n", session.Error);
    }

    private static string Folder(Session session, string pattern) =>
        Directory.GetDirectories(session.RunsDir, pattern).Single();
}
