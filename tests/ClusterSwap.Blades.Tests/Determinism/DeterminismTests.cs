// What happens follows from scenario and seed, and from nothing else.
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Engine;

namespace ClusterSwap.Blades.Tests.Determinism;

public sealed class DeterminismTests
{
    // A vanilla run is cut soon after its hang; a patched one ends of itself.
    private const long Until = 8 * Trial.Second;

    [Theory]
    [InlineData("swapnbd")]
    [InlineData("swapnbd-slab")]
    [InlineData("vanilla")]
    public void A_run_repeats_itself(string variant)
    {
        var scenario = Trial.Quick(variant);
        Assert.Equal(FingerprintOf(scenario), FingerprintOf(scenario));
    }

    [Fact]
    public void Another_seed_is_another_run()
    {
        var scenario = Trial.Quick("swapnbd", Trial.OnePass);
        string[] prints = [FingerprintOf(scenario, seed: 1), FingerprintOf(scenario, seed: 2), FingerprintOf(scenario, seed: 3)];
        Assert.Equal(3, prints.Distinct().Count());
    }

    [Fact]
    public void Two_threads_and_any_partitions_give_the_run_of_one()
    {
        var scenario = Trial.Quick("swapnbd", Trial.OnePass);
        var expected = FingerprintOf(scenario);
        Assert.Equal(expected, FingerprintOf(scenario, threads: 2));
        Assert.Equal(expected, FingerprintOf(scenario, partitions: [[0, 1]]));
        Assert.Equal(expected, FingerprintOf(scenario, partitions: [[0], [1]]));
        Assert.Equal(expected, FingerprintOf(scenario, partitions: [[1], [0]], threads: 2));
    }

    [Fact]
    public void A_rack_is_the_same_however_it_is_cut()
    {
        var scenario = Trial.Rack(4);
        int[] all = [0, 1, 2, 3, 4];
        var expected = FingerprintOf(scenario);
        Assert.Equal(expected, FingerprintOf(scenario, threads: 2));
        Assert.Equal(expected, FingerprintOf(scenario, partitions: [all]));
        Assert.Equal(expected, FingerprintOf(scenario, partitions: [[0], [1, 2, 3, 4]], threads: 2));
        Assert.Equal(expected, FingerprintOf(scenario, partitions: [[0, 4], [3, 1], [2]], threads: 2));
        Assert.Equal(expected, FingerprintOf(scenario, partitions: [.. all.Select(host => new[] { host })], threads: 2));
    }

    [Fact]
    public void Racks_are_the_same_however_they_are_cut()
    {
        var scenario = Trial.Racks(2);
        using var trial = new Trial(scenario);
        var hosts = Enumerable.Range(0, trial.Cluster.Simulation.HostCount).ToArray();
        var expected = FingerprintOf(scenario);
        Assert.Equal(expected, FingerprintOf(scenario, threads: 2));
        Assert.Equal(expected, FingerprintOf(scenario, threads: 4));
        Assert.Equal(expected, FingerprintOf(scenario, partitions: [hosts]));
        Assert.Equal(expected, FingerprintOf(scenario, partitions: [.. hosts.Select(host => new[] { host })], threads: 2));
    }

    [Fact]
    public void A_lossy_link_draws_the_same_losses_on_any_number_of_threads()
    {
        var scenario = Trial.Rack(3, "blade.link.loss_per_million=3000");
        var expected = FingerprintOf(scenario);
        Assert.Equal(expected, FingerprintOf(scenario, threads: 2));
        Assert.NotEqual(expected, FingerprintOf(scenario, seed: 2));
    }

    [Theory]
    [InlineData("swapnbd", 1)]
    [InlineData("swapnbd", 2)]
    [InlineData("swapnbd-slab", 3)]
    public void A_random_order_within_instants_is_another_run_that_completes(string variant, int order)
    {
        var scenario = Trial.Quick(variant, Trial.OnePass, Trial.ManyBarriers);
        var strategy = ScheduleStrategy.Random((ulong)order);
        using var first = new Trial(scenario, strategy: strategy);
        first.Run(checkEvery: 4);
        using var second = new Trial(scenario, strategy: strategy);
        second.Run();
        Assert.True(first.Completed);
        Assert.Equal(first.Fingerprint, second.Fingerprint);
        Assert.NotEqual(FingerprintOf(scenario), first.Fingerprint);
    }

    internal static string FingerprintOf(
        Scenario scenario, ulong seed = 1, int threads = 1, IReadOnlyList<int[]>? partitions = null)
    {
        using var trial = new Trial(scenario, seed);
        return trial.Run(Until, threads, partitions).Fingerprint;
    }
}
