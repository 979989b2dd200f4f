// `patches`, and what `check` and `run` say about a set of patches that lacks one.
using System.Text.Json;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Kernel;

namespace ClusterSwap.Cli.Tests;

public class PatchesCommandTests
{
    /// <summary>Every example of the page, with its command: what stands below it is what is printed.</summary>
    [Fact]
    public void The_page_shows_what_the_command_prints()
    {
        var page = File.ReadAllText(Path.Combine(Repository(), "docs", "patches.md"));
        var examples = page.Split("```\n$ clusterswap ").Skip(1).Select(text => text.Split("\n```")[0]).ToArray();
        Assert.Equal(3, examples.Length);
        foreach (var example in examples)
        {
            var lines = example.Split('\n', 2);
            using var session = new Session();
            Assert.Equal(0, session.Call(lines[0].Split(' ')));
            Assert.Equal(lines[1] + "\n", session.Out);
        }
    }

    [Fact]
    public void Every_patch_and_every_change_can_be_printed_alone()
    {
        foreach (var which in Enumerable.Range(1, 16).Select(n => $"{n}").Concat(KernelChanges.All.Select(info => info.Name)))
        {
            using var session = new Session();
            Assert.Equal(0, session.Call("patches", which));
            Assert.Contains("Rule:", session.Out);
            var text = session.Out.Split('\n').Where(line => !line.StartsWith("  clusterswap", StringComparison.Ordinal));
            Assert.All(text, line => Assert.True(line.Length <= 120, line));
        }
    }

    [Fact]
    public void The_study_has_the_variant_that_each_patch_names()
    {
        var study = ScenarioFile.Load(Path.Combine(Repository(), "config", "studies", "which-patch.toml"));
        foreach (var info in PatchCatalogue.All)
        {
            var scenario = study.Resolve($"all-but-{info.Number}", info.Setting);
            Assert.Equal(PatchSet.All.Without(info.Number), scenario.Blades[0].Rules.Patches);
        }
    }

    [Theory]
    [InlineData("patches --json", 16, 0)]
    [InlineData("patches 14 --json", 1, 0)]
    [InlineData("patches --changes --json", 0, -1)]
    [InlineData("patches rmem-quota-bypass --json", 0, 1)]
    public void As_JSON_it_is_one_document_of_schema_1(string line, int patches, int changes)
    {
        using var session = new Session();
        Assert.Equal(0, session.Call(line.Split(' ')));
        var root = JsonDocument.Parse(session.Out).RootElement;
        Assert.Equal(1, root.GetProperty("schema").GetInt32());
        Assert.Equal(patches, root.GetProperty("patches").GetArrayLength());
        Assert.Equal(changes < 0 ? KernelChanges.All.Count : changes, root.GetProperty("changes").GetArrayLength());
    }

    [Fact]
    public void A_check_tells_what_a_set_lacks_and_accepts_it()
    {
        using var session = new Session();
        Assert.Equal(0, session.Call("check", session.Scenario, "--variant", "vanilla", "--set", "blade.patches=none + 14"));
        Assert.EndsWith($"{session.Scenario}: vanilla: note: patch 14 has no effect: it needs 3 and 8\n", session.Out);
    }

    [Fact]
    public void A_run_tells_it_too()
    {
        using var session = new Session();
        session.Run("--set", "blade.patches=all - 15");
        Assert.Contains("note: patch 16 has no effect: it needs 15\n", session.Out);
    }

    [Fact]
    public void A_change_of_a_change_that_is_not_in_is_refused_with_the_fix()
    {
        using var session = new Session();
        Assert.Equal(64, session.Run("--set", "blade.changes=auto + rx-fragment-discard"));
        Assert.Equal(
            "--set: blades.node.changes: rx-fragment-discard changes what is not in: rx-fragment-tag. Found: \"auto + rx-fragment-discard\". "
            + "Allowed: with + rx-fragment-tag, or without rx-fragment-discard.\n",
            session.Error);
    }

    private static string Repository()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "ClusterSwap.sln")))
        {
            folder = Path.GetDirectoryName(folder)!;
        }

        return folder;
    }
}
