// `explore` as a user meets it.
using System.Text.Json;

namespace ClusterSwap.Cli.Tests.Exploring;

public sealed class ExploreCommandTests
{
    private static string Tiny => Replaying.Recorded.Config("tiny.toml");

    [Fact]
    public void A_hang_is_told_saved_and_replayed()
    {
        using var session = new Session();
        var json = Path.Combine(session.Folder, "report.json");

        var status = session.Call(
            "explore", Tiny, "--variant", "no14", "--schedules", "20", "--threads", "1", "--runs-dir", session.RunsDir, "--json", json);

        Assert.Equal(11, status);
        Assert.StartsWith("tiny, variant no14, seed 1: ", session.Out, StringComparison.Ordinal);
        Assert.Contains("blade: deadlock.", session.Out, StringComparison.Ordinal);
        using var report = JsonDocument.Parse(File.ReadAllText(json));
        Assert.Equal(20, report.RootElement.GetProperty("schedules").GetInt32());
        var saved = report.RootElement.GetProperty("first_failure").GetProperty("saved").GetString()!;

        Assert.Equal(11, session.Call("replay", saved, "--quiet"));
        Assert.Contains(": as recorded", session.Out, StringComparison.Ordinal);

        File.WriteAllText(saved, File.ReadAllText(saved).Replace("\"at_ns\": 3", "\"at_ns\": 2", StringComparison.Ordinal));
        Assert.Equal(15, session.Call("replay", saved));
        Assert.Contains("recorded was deadlock", session.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void The_examples_print_what_the_page_shows()
    {
        var blocks = File.ReadAllText(Path.Combine(Replaying.Recorded.Config(".."), "docs", "explore.md")).Split("```\n")
            .Where((text, i) => i % 2 == 1 && text.StartsWith("$ clusterswap ", StringComparison.Ordinal)).ToArray();
        foreach (var block in blocks)
        {
            using var session = new Session();
            var end = block.IndexOf('\n', StringComparison.Ordinal);
            var words = block["$ clusterswap ".Length..end].Split(' ');
            words[1] = Replaying.Recorded.Config(Path.GetFileName(words[1]));
            session.Call([.. words, "--runs-dir", session.RunsDir]);
            Assert.Equal(block[(end + 1)..], session.Out);
        }

        Assert.Equal(3, blocks.Length);
    }

    [Fact]
    public void Patched_it_completes()
    {
        using var session = new Session();

        Assert.Equal(0, session.Call("explore", Tiny, "--schedules", "10", "--strategy", "pct:3", "--quiet", "--runs-dir", session.RunsDir));
        Assert.Equal("tiny, variant base, seed 1: 10 completed\n", session.Out);
    }

    [Theory]
    [InlineData("--strategy", "pct", "--strategy: no such strategy. Found: \"pct\". Allowed: random, pct:DEPTH or delay:DELAYS")]
    [InlineData("--strategy", "delay:0", "--strategy: no such strategy. Found: \"delay:0\"")]
    [InlineData("--schedules", "0", "--schedules: not allowed. Found: \"0\". Allowed: an integer from 1 to")]
    [InlineData("--shedules", "5", "unknown option \"--shedules\"")]
    public void What_is_mistyped_is_told(string option, string value, string message)
    {
        using var session = new Session();

        Assert.Equal(64, session.Call("explore", Tiny, option, value));
        Assert.Contains(message, session.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void All_switches_are_allowed_and_told()
    {
        using var session = new Session();
        Assert.Equal(64, session.Call("explore", Tiny, "--exhaustive", "--switches", "al"));
        Assert.Contains("Found: \"al\". Allowed: an integer from 0 to 1,000,000, all.", session.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Schedules_and_time_exclude_each_other()
    {
        using var session = new Session();

        Assert.Equal(64, session.Call("explore", Tiny, "--schedules", "5", "--time", "1 s"));
        Assert.Contains("leave one out", session.Error, StringComparison.Ordinal);
    }
}
