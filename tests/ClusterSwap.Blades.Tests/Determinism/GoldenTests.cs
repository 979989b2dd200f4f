// Debug and Release run these against the same table.
namespace ClusterSwap.Blades.Tests.Determinism;

public sealed class GoldenTests
{
    [Fact]
    public void Runs_of_6_1_have_the_fingerprints_that_they_always_had()
    {
        var found = GoldenFingerprints.Linux61.Select(golden => golden with
        {
            Fingerprint = DeterminismTests.FingerprintOf(Trial.Quick(
                "swapnbd", Trial.OnePass, "blade.era=6.1", $"blade.scheduler=\"{golden.Scheduler}\"")),
        }).ToArray();
        Assert.True(
            found.SequenceEqual(GoldenFingerprints.Linux61),
            "Fingerprints changed; if that was meant:\n" + string.Join(
                "\n", found.Select(run => $"        (\"{run.Scheduler}\", \"{run.Fingerprint}\"),")));
    }

    [Fact]
    public void Runs_have_the_fingerprints_that_they_always_had()
    {
        var found = GoldenFingerprints.Quick.Select(golden => golden with
        {
            Fingerprint = DeterminismTests.FingerprintOf(
                Trial.Quick(golden.Variant, Trial.OnePass), golden.Seed),
        }).ToArray();
        Assert.True(
            found.SequenceEqual(GoldenFingerprints.Quick),
            "Fingerprints changed; if that was meant:\n" + string.Join(
                "\n", found.Select(run => $"        (\"{run.Variant}\", {run.Seed}, \"{run.Fingerprint}\"),")));
    }
}
