// What is seen while a run goes on.
namespace ClusterSwap.Cli.Tests;

public class ProgressTests
{
    [Fact]
    public void On_a_terminal_one_line_a_second_is_rewritten_in_place_and_cleared_at_the_end()
    {
        // Ten barriers, half a second apart: five lines.
        using var session = new Session(terminal: true);
        Assert.Equal(0, session.Run());
        var lines = session.Error.Split('\r', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(6, lines.Length);
        Assert.Equal(
            "virtual 2 s, 20 % done, ETA 8 s, 1 virtual s/s, 1,000,000 messages/s, throttled 2\u001b[K", lines[0]);
        Assert.Equal(
            "virtual 10 s, 100 % done, ETA 0 s, 2 virtual s/s, 2,000,000 messages/s, throttled 10\u001b[K", lines[4]);
        Assert.Equal("\u001b[K", lines[5]);
        Assert.DoesNotContain('\n', session.Error);
    }

    [Fact]
    public void Elsewhere_a_plain_line_every_ten_seconds_and_no_control_characters()
    {
        using var session = new Session(new FakeRunner { Pace = TimeSpan.FromSeconds(4) });
        Assert.Equal(0, session.Run());
        var lines = session.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(3, lines.Length);
        Assert.StartsWith("virtual 3 s, 30 % done, ETA 42 s, ", lines[0]);
        Assert.DoesNotContain(session.Out + session.Error, c => char.IsControl(c) && c != '\n');
    }

    [Fact]
    public void A_quick_run_shows_no_progress_at_all()
    {
        using var session = new Session(new FakeRunner { Pace = TimeSpan.FromMilliseconds(1) }, terminal: true);
        Assert.Equal(0, session.Run());
        Assert.Equal("", session.Error);
    }
}
