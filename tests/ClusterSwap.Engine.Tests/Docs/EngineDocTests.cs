// docs/engine.md says what its example prints; here it is compiled and run.
using TokenRing;

namespace ClusterSwap.Engine.Tests.Docs;

public sealed class EngineDocTests
{
    private const string Printed = "Until at 10000000 ns, 1818 events, host-0 saw the token 455 times";

    [Fact]
    public void The_example_prints_what_the_page_says_on_one_thread_and_on_two()
    {
        Assert.Equal(Printed, Example.Run(seed: 1, threads: 1));
        Assert.Equal(Printed, Example.Run(seed: 1, threads: 2));
        Assert.Contains(Printed, Page(), StringComparison.Ordinal);
    }

    [Fact]
    public void Another_seed_gives_another_fingerprint()
    {
        Assert.Equal(Fingerprint(1), Fingerprint(1));
        Assert.NotEqual(Fingerprint(1), Fingerprint(2));
    }

    [Fact]
    public void The_page_shows_the_very_code_that_is_compiled()
    {
        string source = File.ReadAllText(FromRoot("tests/ClusterSwap.Engine.Tests/Docs/TokenRingExample.cs"));
        string shown = source[source.IndexOf("using ", StringComparison.Ordinal)..].TrimEnd();
        Assert.Contains(shown, Page(), StringComparison.Ordinal);
    }

    private static UInt128 Fingerprint(ulong seed)
    {
        using Simulation simulation = Example.Build(seed);
        return simulation.Run(new RunOptions { UntilNs = 1_000_000 }).Fingerprint;
    }

    private static string Page() => File.ReadAllText(FromRoot("docs/engine.md"));

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
