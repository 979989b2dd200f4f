// docs/property-tests.md: what it shows is compiled and run, and what it says is printed is printed.
using ClusterSwap.Exploration.Generators;
using ClusterSwap.Exploration.Properties;

namespace ClusterSwap.Testing.Tests.Docs;

public sealed class DocTests
{
    [Theory]
    [InlineData("FirstProperty")]
    [InlineData("LightSwitch")]
    [InlineData("SilentServer")]
    public void The_page_shows_the_very_code_that_is_compiled(string name)
    {
        string source = File.ReadAllText(FromRoot($"tests/ClusterSwap.Testing.Tests/Docs/{name}.cs"));
        string shown = source[source.IndexOf("using ", StringComparison.Ordinal)..].TrimEnd();
        Assert.Contains(shown, Page(), StringComparison.Ordinal);
    }

    [Fact]
    public void Without_patch_14_the_first_property_fails_as_the_page_says()
    {
        var failed = Assert.Throws<PropertyFailedException>(
            () => DeadlockProperty.Of(Deployments.Any(patches: "all - 14")).Holds(deployments: 10, first: 3));
        foreach (string line in failed.Message.Split(Environment.NewLine).Take(4))
        {
            Assert.Contains(line, Page(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Without_patch_15_nothing_hangs_but_the_throttle_is_never_reached_as_the_page_says()
    {
        var unknown = Assert.Throws<PropertyUnknownException>(() => Throttled("all - 15").Holds(deployments: 10));
        Assert.Contains(unknown.Message, Page(), StringComparison.Ordinal);
        Throttled("all").Holds(deployments: 10);
    }

    private static DeadlockProperty Throttled(string patches) =>
        DeadlockProperty.Of(Deployments.Any(patches)).With(sometimes: Goal.Throttle);

    private static string Page() => File.ReadAllText(FromRoot("docs/property-tests.md"));

    private static string FromRoot(string path)
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "ClusterSwap.sln")))
        {
            folder = folder.Parent;
        }

        return Path.Combine(folder?.FullName ?? ".", path);
    }
}
