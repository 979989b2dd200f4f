// A run that was written out, read into fresh actors and continued is the run that was never interrupted.
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Engine;

namespace ClusterSwap.Blades.Tests.Checkpoints;

public sealed class CheckpointTests
{
    private const long Tenth = Trial.Second / 10;

    [Theory]
    [InlineData("swapnbd", new[] { 2, 6, 11, 25, 40 })]
    [InlineData("swapnbd-slab", new[] { 3, 7, 12, 24, 41 })]
    [InlineData("vanilla", new[] { 1, 2, 3, 5, 20 })]
    [InlineData("vanilla-slab", new[] { 1, 2, 4, 6, 20 })]
    public void A_run_continues_from_any_of_five_barriers(string variant, int[] barriers)
    {
        AssertContinues(Trial.Quick(variant, Trial.ManyBarriers), barriers, 8 * Trial.Second);
    }

    [Theory]
    [InlineData("blade.nic.sg=false", "blade.nic.tso=false")]
    [InlineData("blade.link.loss_per_million=2000", "blade.nic.ring=32")]
    public void A_run_on_a_bad_network_continues(string first, string second)
    {
        var scenario = Trial.Quick("swapnbd", Trial.OnePass, Trial.ManyBarriers, first, second);
        AssertContinues(scenario, [3, 5, 8], 60 * Trial.Second);
    }

    [Fact]
    public void A_rack_continues_under_other_partitions_and_threads()
    {
        var scenario = Trial.Rack(3, Trial.ManyBarriers);
        AssertContinues(scenario, [1], 60 * Trial.Second, [[0], [1, 2, 3]], threads: 2);
        AssertContinues(scenario, [2], 60 * Trial.Second, [[0, 2], [3], [1]], threads: 2);
    }

    [Fact]
    public void A_random_order_continues()
    {
        var scenario = Trial.Quick("swapnbd", Trial.OnePass, Trial.ManyBarriers);
        AssertContinues(scenario, [4, 8], 60 * Trial.Second, strategy: ScheduleStrategy.Random(5));
    }

    internal static void AssertContinues(
        Scenario scenario, int[] barriers, long untilNs, IReadOnlyList<int[]>? partitions = null, int threads = 1,
        ScheduleStrategy? strategy = null)
    {
        var checkpoints = new List<byte[]>();
        using var whole = new Trial(scenario, strategy: strategy);
        foreach (var barrier in barriers)
        {
            whole.Run(barrier * Tenth);
            Assert.False(whole.Completed);
            checkpoints.Add(Checkpoint(whole));
        }

        var end = Checkpoint(whole.Run(untilNs));
        foreach (var checkpoint in checkpoints)
        {
            using var restored = new Trial(scenario, strategy: strategy);
            restored.Cluster.Simulation.Restore(new MemoryStream(checkpoint));
            Assert.Equal(checkpoint.Length, Checkpoint(restored).Length);
            restored.Run(untilNs, threads, partitions);
            Assert.Equal(whole.Fingerprint, restored.Fingerprint);
            // Lengths, for the padding of structs is written too and may hold anything.
            Assert.Equal(end.Length, Checkpoint(restored).Length);
        }
    }

    private static byte[] Checkpoint(Trial trial)
    {
        using var stream = new MemoryStream();
        trial.Cluster.Simulation.Checkpoint(stream, compress: false);
        return stream.ToArray();
    }
}
