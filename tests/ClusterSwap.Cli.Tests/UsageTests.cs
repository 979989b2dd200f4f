// Wrong command lines: exit status 64, one message that says what would be right, and nothing left behind.
namespace ClusterSwap.Cli.Tests;

public class UsageTests
{
    [Theory]
    [InlineData("rnu x", "unknown command \"rnu\". Allowed: check, compare, explore, node, patches, replay, "
        + "run, runs, status. Did you mean run?")]
    [InlineData("chekc", "unknown command \"chekc\". Allowed: check, compare, explore, node, patches, replay, "
        + "run, runs, status. Did you mean check?")]
    [InlineData("run", "run needs a scenario file, such as config/quick.toml")]
    [InlineData("check", "check needs a scenario file, such as config/quick.toml")]
    [InlineData("patches 17", "\"17\" is no patch and no change. Allowed: a number from 1 to 16, or a name that clusterswap "
        + "patches --changes lists. Did you mean 16?")]
    [InlineData("patches foo", "\"foo\" is no patch and no change. Allowed: a number from 1 to 16, or a name that clusterswap "
        + "patches --changes lists.")]
    [InlineData("patches rx-fragment-tags", "\"rx-fragment-tags\" is no patch and no change. Allowed: a number from 1 to 16, or a name "
        + "that clusterswap patches --changes lists. Did you mean rx-fragment-tag?")]
    [InlineData("patches --changes 3", "--changes lists all changes; leave out \"3\", or leave out --changes")]
    [InlineData("run a.toml b.toml", "one argument too many: \"b.toml\".")]
    [InlineData("run a.toml --varaint x", "unknown option \"--varaint\". Allowed: --advise, --bind, --checkpoint, --checkpoint-at, "
        + "--checkpoint-every, --ftrace, --ftrace-events, --help, --hocon, --join, --journal, --json, --no-advise, --nodes, --plot, --proc-dir, "
        + "--proc-every, --quiet, --restore, --resume, --runs-dir, --seed, --set, --threads, --tls-ca, --tls-cert, --tls-key, --until, "
        + "--variant. Did you mean --variant?")]
    [InlineData("run a.toml --sead=5", "unknown option \"--sead\". Allowed: --advise, --bind, --checkpoint, --checkpoint-at, "
        + "--checkpoint-every, --ftrace, --ftrace-events, --help, --hocon, --join, --journal, --json, --no-advise, --nodes, --plot, --proc-dir, "
        + "--proc-every, --quiet, --restore, --resume, --runs-dir, --seed, --set, --threads, --tls-ca, --tls-cert, --tls-key, --until, "
        + "--variant. Did you mean --seed?")]
    [InlineData("run a.toml --seed", "Required argument missing for option: '--seed'. See clusterswap run --help.")]
    [InlineData("run a.toml --seed x", "--seed: not allowed. Found: \"x\". Allowed: an integer from 0 to "
        + "9,223,372,036,854,775,807.")]
    [InlineData("run a.toml --seed=-1", "--seed: not allowed. Found: \"-1\". Allowed: an integer from 0 to "
        + "9,223,372,036,854,775,807.")]
    [InlineData("run a.toml --threads 0", "--threads: not allowed. Found: \"0\". Allowed: an integer from 1 to 256.")]
    [InlineData("run a.toml --until 5sec", "--until: wrong unit. Found: \"5sec\". Allowed: a duration in ns, "
        + "us, ms, s, "
        + "min or h, such as \"50 us\", more than 0. Did you mean \"5 s\"?")]
    [InlineData("run a.toml --until 0s", "--until: out of range. Found: \"0s\". Allowed: a duration in ns, us, ms, s, "
        + "min or h, such as \"50 us\", more than 0.")]
    [InlineData("run a.toml --checkpoint x", "--checkpoint FILE and --checkpoint-at DURATION go together: one "
        + "is missing")]
    [InlineData("run a.toml --checkpoint-at 5s", "--checkpoint FILE and --checkpoint-at DURATION go together: one is "
        + "missing")]
    [InlineData("run a.toml --restore no.ckpt", "--restore: there is no such file. Found: \"no.ckpt\"")]
    public void A_wrong_command_line_says_what_would_be_right(string line, string words)
    {
        using var session = new Session();
        Assert.Equal(64, session.Call(line.Split(' ')));
        Assert.Equal($"clusterswap: {words}\n", session.Error);
        Assert.Equal("", session.Out);
        Assert.Null(session.Runner.Request);
    }

    [Fact]
    public void No_command_shows_the_commands()
    {
        using var session = new Session();
        Assert.Equal(64, session.Call());
        Assert.Contains("run <SCENARIO>", session.Out);
    }

    [Theory]
    [InlineData("--help")]
    [InlineData("run --help")]
    [InlineData("check -h")]
    [InlineData("compare --help")]
    [InlineData("--version")]
    public void Help_and_version_are_no_errors(string line)
    {
        using var session = new Session();
        Assert.Equal(0, session.Call(line.Split(' ')));
        Assert.NotEqual("", session.Out);
        Assert.Equal("", session.Error);
    }

    [Fact]
    public void A_mistyped_variant_names_the_nearest()
    {
        using var session = new Session();
        Assert.Equal(64, session.Run("--variant", "vanila"));
        Assert.Equal(
            $"{session.Scenario}: variants: unknown variant. Found: \"vanila\". Allowed: base, vanilla, strict. "
            + $"Did you "
            + "mean \"vanilla\"?\n", session.Error);
        Assert.False(Directory.Exists(session.RunsDir));
    }

    [Fact]
    public void A_wrong_scenario_is_told_line_by_line_and_leaves_no_folder()
    {
        using var session = new Session();
        Assert.Equal(64, session.Run("--set", "blade.swap=1 MiB", "--set", "blade.server=bux"));
        var lines = session.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, lines.Length);
        Assert.StartsWith("--set: blades.node.swap: too small for a mapping of 256 MiB.", lines[0]);
        Assert.EndsWith("Did you mean \"box\"?", lines[1]);
        Assert.False(Directory.Exists(session.RunsDir));
    }

    [Fact]
    public void A_scenario_that_is_not_there_names_the_nearest()
    {
        using var session = new Session();
        Assert.Equal(64, session.Call("run", Path.Combine(session.Folder, "smal.toml")));
        Assert.EndsWith("there is no such file. Did you mean \"small.toml\"?\n", session.Error);
    }

    [Fact]
    public void A_runs_folder_that_cannot_be_written_is_refused_before_the_run()
    {
        using var session = new Session();
        var file = session.Write("file", "");
        Assert.Equal(64, session.Call("run", session.Scenario, "--runs-dir", Path.Combine(file, "runs")));
        Assert.Equal(
            $"clusterswap: the runs folder \"{file}/runs\" cannot be written: {file} is a file. Choose another with "
            + "--runs-dir.\n", session.Error);
        Assert.Null(session.Runner.Request);
    }

    [Theory]
    [InlineData("--json")]
    [InlineData("--checkpoint")]
    public void A_file_that_cannot_be_written_is_refused_before_the_run(string option)
    {
        using var session = new Session();
        var file = Path.Combine(session.Folder, "none", "file");
        string[] more = option == "--checkpoint" ? ["--checkpoint-at", "1 s"] : [];
        Assert.Equal(64, session.Run([option, file, .. more]));
        Assert.StartsWith($"clusterswap: {option} cannot be written to \"{file}\": ", session.Error);
        Assert.Null(session.Runner.Request);
        Assert.False(Directory.Exists(session.RunsDir));
    }

    [Fact]
    public void A_run_that_breaks_leaves_no_half_written_JSON()
    {
        using var session = new Session(new FakeRunner { Throws = new InvalidOperationException("no") });
        Assert.Equal(70, session.Run("--json", Path.Combine(session.Folder, "out.json")));
        Assert.Equal(["runs", "small.toml"],
            Directory.EnumerateFileSystemEntries(session.Folder).Select(path => Path.GetFileName(path)).Order());
    }
}
