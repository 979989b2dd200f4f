// Checkpoints of a blade while it runs: full ones and what changed since.
using ClusterSwap.Engine;

namespace ClusterSwap.Blades.Tests.Checkpoints;

public sealed class SeriesTests
{
    // The unpatched blade does nothing any more after two seconds.
    private const long Until = 3 * Trial.Second;

    [Theory]
    [InlineData("swapnbd", 3)]
    [InlineData("swapnbd-slab", 16)]
    [InlineData("vanilla", 4)]
    public void A_blade_goes_on_from_any_of_its_checkpoints(string variant, int fullEvery)
    {
        var scenario = Trial.Quick(variant, Trial.OnePass, Trial.ManyBarriers);
        using var plain = new Trial(scenario).Run(Until);
        using var whole = new Trial(scenario);
        var shelf = new Shelf();
        using (var series = new CheckpointSeries(
            whole.Cluster.Simulation, new CheckpointOptions { FullEvery = fullEvery }, shelf))
        {
            for (var barrier = 1; barrier <= 6; barrier++)
            {
                whole.Run(barrier * Trial.Second / 10);
                series.Take();
            }

            whole.Run(Until);
            series.Finish();
        }

        Assert.Equal(plain.Fingerprint, whole.Fingerprint);
        var assembly = new CheckpointAssembly();
        using var restored = new Trial(scenario);
        foreach (var (part, bytes) in shelf.Parts)
        {
            assembly.Add(bytes);
            if (part.Last)
            {
                // One simulation serves all: it is taken back, also from its own end.
                restored.Cluster.Simulation.Restore(assembly);
                restored.Run(Until);
                Assert.Equal(plain.Fingerprint, restored.Fingerprint);
            }
        }
    }

    [Fact]
    public void A_stop_at_any_moment_between_barriers_changes_nothing()
    {
        var scenario = Trial.Rack(2, Trial.ManyBarriers);
        using var plain = new Trial(scenario).Run();
        using var stopped = new Trial(scenario);
        foreach (var ns in (long[])[1, 12_345_678, 100_000_000, 123_456_789, 123_456_790, 399_999_999])
        {
            stopped.Run(ns);
            Assert.Equal(ns, stopped.Cluster.Simulation.TimeNs);
            Assert.True(stopped.Cluster.Simulation.NextNs >= ns);
        }

        stopped.Run();
        Assert.Equal(plain.Fingerprint, stopped.Fingerprint);
    }

    private sealed class Shelf : ICheckpointSink
    {
        public List<(CheckpointPart Part, byte[] Bytes)> Parts { get; } = [];

        public void Write(in CheckpointPart part) => Parts.Add((part, part.Bytes.ToArray()));
    }
}
