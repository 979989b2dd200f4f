// Checkpoints of the nodes of one run, joined, and taken over by any other set of nodes.
using ClusterSwap.Engine;

namespace ClusterSwap.Engine.Tests;

public sealed class JoinedCheckpointTests
{
    private static readonly int[][] s_partitions = [[0, 1], [2, 3, 4], [5, 6, 7], [8, 9]];

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void A_run_goes_on_from_the_joined_checkpoints_of_two_nodes_on_any_number_of_nodes(int nodes)
    {
        CheckpointAssembly joined = CheckpointOfTwoNodes();
        Assert.Equal(200_000, joined.TimeNs);
        using var run = new NodesOfMemory(s_partitions, [.. s_partitions.Select((_, i) => i % nodes)], nodes);
        Array.ForEach(run.Nodes, node => node.Restore(joined));
        run.Run(1, 400_000);
        Assert.Equal(Toys.FingerprintAt(() => Toys.Phold(11), 400_000), run.Fingerprint);
    }

    [Fact]
    public void A_joined_checkpoint_written_as_one_is_read_as_any_other()
    {
        var parts = new Parts();
        CheckpointOfTwoNodes().WriteFull(3, parts);
        using Simulation simulation = Toys.Phold(11);
        simulation.Restore(parts.Assembly());
        SimulationResult result = simulation.Run(new RunOptions { UntilNs = 400_000 });
        Assert.Equal(Toys.FingerprintAt(() => Toys.Phold(11), 400_000), result.Fingerprint);
    }

    [Fact]
    public void Checkpoints_that_lack_a_host_are_not_joined()
    {
        using var run = new NodesOfMemory(s_partitions, [0, 1, 0, 1], 2);
        run.Run(1, 100_000);
        CheckpointAssembly one = Take(run.Nodes[0], 1).Assembly();
        Assert.Contains("host 2 is in none", Assert.Throws<InvalidDataException>(() => CheckpointAssembly.Join([one])).Message);
        Assert.Contains("host 0 is in two", Assert.Throws<InvalidDataException>(() => CheckpointAssembly.Join([one, one])).Message);
    }

    private static CheckpointAssembly CheckpointOfTwoNodes()
    {
        using var run = new NodesOfMemory(s_partitions, [0, 1, 0, 1], 2);
        run.Run(1, 200_000);
        return CheckpointAssembly.Join([.. run.Nodes.Select(node => Take(node, 2).Assembly())]);
    }

    /// <summary>A series of full and incremental checkpoints.</summary>
    private static Parts Take(Simulation simulation, int count)
    {
        var parts = new Parts();
        using var series = new CheckpointSeries(simulation, new CheckpointOptions(), parts);
        for (int i = 0; i < count; i++)
        {
            series.Take();
        }

        series.Finish();
        return parts;
    }

    private sealed class Parts : ICheckpointSink
    {
        private readonly List<byte[]> _parts = [];

        public void Write(in CheckpointPart part) => _parts.Add(part.Bytes.ToArray());

        public CheckpointAssembly Assembly()
        {
            var assembly = new CheckpointAssembly();
            _parts.ForEach(part => assembly.Add(part));
            return assembly;
        }
    }
}
