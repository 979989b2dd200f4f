// `check`.
using ClusterSwap.Blades.Scenarios;

namespace ClusterSwap.Cli.Tests;

public class CheckCommandTests
{
    [Fact]
    public void Every_variant_is_checked()
    {
        using var session = new Session();
        Assert.Equal(0, session.Call("check", session.Scenario));
        Assert.Equal(
            string.Concat(new[] { "base", "vanilla", "strict" }.Select(variant =>
                $"{session.Scenario}: {variant}: ok, 2 blades, 1 server, 64 processes, RAM 128 MiB, mapping 512 "
                + $"MiB\n")),
            session.Out);
    }

    [Fact]
    public void One_variant_can_be_chosen()
    {
        using var session = new Session();
        Assert.Equal(0, session.Call("check", session.Scenario, "--variant", "vanilla"));
        Assert.Single(session.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public void A_problem_of_all_variants_is_told_once()
    {
        using var session = new Session();
        Assert.Equal(64, session.Call("check", session.Scenario, "--set", "blade.swap=1 MiB"));
        Assert.Single(session.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public void Every_file_is_checked_even_when_the_first_is_wrong()
    {
        using var session = new Session();
        var bad = session.Write("bad.toml", "nam = 1\n");
        Assert.Equal(64, session.Call("check", bad, session.Scenario));
        Assert.StartsWith($"{bad}:1:1: nam: unknown key.", session.Error);
        Assert.Contains("strict: ok", session.Out);
    }

    [Fact]
    public void What_is_printed_is_a_scenario()
    {
        using var session = new Session();
        Assert.Equal(0, session.Call("check", "--print", "--variant", "vanilla", session.Scenario));
        Assert.Equal(
            ScenarioFile.Load(session.Scenario).Resolve("vanilla"),
            ScenarioFile.Parse(session.Out, "printed.toml").Resolve());
    }

    [Fact]
    public void A_check_leaves_no_run_folder_and_runs_nothing()
    {
        using var session = new Session();
        session.Call("check", session.Scenario);
        Assert.Null(session.Runner.Request);
        Assert.Equal(["small.toml"],
            Directory.EnumerateFileSystemEntries(session.Folder).Select(path => Path.GetFileName(path)));
    }
}
