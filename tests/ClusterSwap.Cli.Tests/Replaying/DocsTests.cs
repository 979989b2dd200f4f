// The examples of docs/replay.md and docs/runs.md, run for real.
using ClusterSwap.Blades.Runs;

namespace ClusterSwap.Cli.Tests.Replaying;

public sealed class DocsTests
{
    [Fact]
    public void The_examples_print_what_the_pages_show()
    {
        using var session = new Session(new BladeRunner());
        Assert.Equal(11, session.Call(
            "run", Recorded.Config("quick.toml"), "--variant", "vanilla", "--quiet", "--journal", "decisions", "--runs-dir", session.RunsDir));
        var examples = 0;
        foreach (var page in new[] { "replay.md", "runs.md" })
        {
            foreach (var (command, expected) in Examples(Path.Combine(Recorded.Config(".."), "docs", page)))
            {
                using var call = new Session(new BladeRunner());
                call.Call([.. Words(command), "--runs-dir", session.RunsDir]);
                Assert.Equal(expected, call.Out.TrimEnd());
                examples++;
            }
        }

        Assert.Equal(3, examples);
    }

    private static IEnumerable<(string Command, string Output)> Examples(string page)
    {
        foreach (var block in File.ReadAllText(page).Split("```\n").Where((_, i) => i % 2 == 1))
        {
            if (block.StartsWith("$ clusterswap ", StringComparison.Ordinal))
            {
                var end = block.IndexOf('\n', StringComparison.Ordinal);
                yield return (block["$ clusterswap ".Length..end], block[(end + 1)..].TrimEnd());
            }
        }
    }

    private static string[] Words(string command) =>
        [.. command.Split('"').SelectMany((part, i) => i % 2 == 1 ? [part] : part.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(word => word.Length > 0)];
}
