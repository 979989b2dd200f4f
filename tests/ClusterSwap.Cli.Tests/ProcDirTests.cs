// `run --proc-dir`: what is refused before the run starts.
namespace ClusterSwap.Cli.Tests;

public class ProcDirTests
{
    [Fact]
    public void The_folder_is_made_and_every_barrier_is_the_default()
    {
        using var session = new Session();
        var folder = Path.Combine(session.Folder, "proc");
        Assert.Equal(0, session.Run("--proc-dir", folder));
        Assert.True(Directory.Exists(folder));
        Assert.Equal((folder, 1_000_000_000), (session.Runner.Request!.ProcDir, session.Runner.Request.ProcEveryNs));
    }

    [Fact]
    public void An_interval_between_barriers_is_refused_with_the_nearest_that_would_do()
    {
        using var session = new Session();
        Assert.Equal(64, session.Run("--proc-dir", Path.Combine(session.Folder, "proc"), "--proc-every", "1500 ms"));
        Assert.Equal(
            "clusterswap: --proc-every: states can be seen at barriers only, which are 1 s apart. Found: \"1500 ms\". "
            + "Allowed: a multiple of that, such as \"2 s\"; or set barrier_interval.\n",
            session.Error);
        Assert.False(Directory.Exists(session.RunsDir));
    }

    [Fact]
    public void A_multiple_of_the_barrier_interval_is_taken()
    {
        using var session = new Session();
        var folder = Path.Combine(session.Folder, "proc");
        Assert.Equal(0, session.Run(
            "--proc-dir", folder, "--proc-every", "500 ms", "--set", "barrier_interval=250 ms"));
        Assert.Equal(500_000_000, session.Runner.Request!.ProcEveryNs);
    }

    [Fact]
    public void An_interval_without_a_folder_is_refused()
    {
        using var session = new Session();
        Assert.Equal(64, session.Run("--proc-every", "1 s"));
        Assert.Contains("--proc-dir DIR is missing", session.Error);
    }

    [Fact]
    public void A_folder_with_something_in_it_is_refused()
    {
        using var session = new Session();
        Assert.Equal(64, session.Run("--proc-dir", session.Folder));
        Assert.Contains("--proc-dir: the folder is not empty", session.Error);
    }

    [Fact]
    public void A_folder_that_cannot_be_is_refused()
    {
        using var session = new Session();
        Assert.Equal(64, session.Run("--proc-dir", Path.Combine(session.Scenario, "proc")));
        Assert.StartsWith("clusterswap: --proc-dir: cannot write to \"", session.Error);
    }
}
