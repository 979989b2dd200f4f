// `run --ftrace`: what is refused before the run starts.
namespace ClusterSwap.Cli.Tests;

public class FtraceTests
{
    [Fact]
    public void An_event_that_is_none_is_refused_with_the_nearest()
    {
        using var session = new Session();
        Assert.Equal(64, session.Run("--ftrace", Path.Combine(session.Folder, "t"), "--ftrace-events", "vmscn"));
        Assert.StartsWith("clusterswap: --ftrace-events: no such event. Found: \"vmscn\".", session.Error);
        Assert.EndsWith("Did you mean vmscan?\n", session.Error);
    }

    [Fact]
    public void A_file_that_cannot_be_opened_is_refused_before_the_run()
    {
        using var session = new Session();
        Assert.Equal(64, session.Run("--ftrace", Path.Combine(session.Folder, "none", "t")));
        Assert.StartsWith("clusterswap: --ftrace cannot be written to \"", session.Error);
        Assert.Null(session.Runner.Request);
    }

    [Fact]
    public void Events_without_a_file_are_refused()
    {
        using var session = new Session();
        Assert.Equal(64, session.Run("--ftrace-events", "vmscan"));
        Assert.Contains("--ftrace FILE is missing", session.Error);
    }
}
