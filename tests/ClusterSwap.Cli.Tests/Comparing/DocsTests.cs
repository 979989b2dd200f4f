// The example of docs/compare.md, run for real.
using ClusterSwap.Blades.Runs;

namespace ClusterSwap.Cli.Tests.Comparing;

public class DocsTests
{
    private const string Prompt = "$ clusterswap ";
    private const string LeftOut = "...";

    // Its figures change with every rule that changes a run; then the page changes too. The command that prints the new
    // text is its first line.
    [Fact]
    public void The_example_of_docs_compare_prints_what_the_page_shows()
    {
        var page = File.ReadAllLines(Path.Combine(Repository, "docs", "compare.md"));
        var example = page.SkipWhile(line => !line.StartsWith(Prompt)).TakeWhile(line => line != "```").ToArray();
        var args = example[0][Prompt.Length..].Split(' ');
        args[1] = Path.Combine(Repository, args[1]);

        using var session = new Session(new BladeRunner());
        Assert.Equal(0, session.Call([.. args, "--runs-dir", session.RunsDir]));

        // Lines that the page leaves out are not looked at, so that a new counter does not change the page.
        var told = new Queue<string>(session.Out.TrimEnd('\n').Split('\n').Where(line => !line.StartsWith("again ")));
        for (var i = 1; i < example.Length; i++)
        {
            if (example[i] == LeftOut)
            {
                while (told.Count > 0 && told.Peek() != example[i + 1])
                {
                    told.Dequeue();
                }

                i++;
            }

            Assert.True(told.TryDequeue(out var line) && line == example[i],
                $"the page shows:\n{example[i]}\nthe program says:\n{session.Out}");
        }

        Assert.Empty(told);
    }

    private static string Repository
    {
        get
        {
            var folder = AppContext.BaseDirectory;
            while (!File.Exists(Path.Combine(folder, "ClusterSwap.sln")))
            {
                folder = Path.GetDirectoryName(folder)!;
            }

            return folder;
        }
    }
}
