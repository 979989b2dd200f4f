// Failures that exploration found with one patch removed, kept as files: they must go on failing in the same way.
using ClusterSwap.Exploration.Counterexamples;
using ClusterSwap.Exploration.Shrinking;

namespace ClusterSwap.Exploration.Tests.Counterexamples;

public sealed class RegressionTests
{
    public static TheoryData<string> Files =>
        [.. Directory.GetFiles(Folder, "*.json").Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];

    private static string Folder =>
        Path.Combine(Tiny.Repository, "tests", "ClusterSwap.Exploration.Tests", "Counterexamples");

    [Theory]
    [MemberData(nameof(Files))]
    public void A_counterexample_is_small_and_happens_again(string file)
    {
        var example = Counterexample.Load(Path.Combine(Folder, file));
        var size = DeploymentSize.Of(example.Scenario);
        Assert.InRange(size.Blades, 1, 2);
        Assert.InRange(size.Processes, 1, 4);
        Assert.InRange(example.Steps.Count + example.Story.Count, 1, 30);

        var again = example.Reproduce();
        Assert.True(again.Same, $"{again.Found.Verdict} at {again.Found.AtNs} ns, {again.Found.Fingerprint}; {again.Divergence}");
    }
}
