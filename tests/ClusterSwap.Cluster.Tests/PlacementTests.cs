// What is one partition, and which node has it.
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Clustering;

namespace ClusterSwap.Cluster.Tests;

public sealed class PlacementTests
{
    [Fact]
    public void A_rack_is_one_partition_with_its_server()
    {
        int[][] partitions = Placement.PartitionsOf(Load("racks.toml"), nodes: 2);
        Assert.Equal(4, partitions.Length);
        Assert.All(partitions, partition => Assert.Equal(9, partition.Length));
        Assert.Equal(Enumerable.Range(0, 36), partitions.SelectMany(partition => partition).Order());
        Assert.Single(Placement.PartitionsOf(Load("rack.toml"), nodes: 4));
    }

    [Fact]
    public void Partitions_are_spread_by_their_size_over_nodes_by_their_capacity()
    {
        int[][] partitions = [[0, 1, 2, 3], [4, 5], [6, 7], [8], [9], [10], [11]];
        int[] nodeOf = Placement.NodesOf(partitions, [1, 1]);
        Assert.Equal([6, 6], LoadsOf(partitions, nodeOf, 2));
        Assert.Equal([8, 4], LoadsOf(partitions, Placement.NodesOf(partitions, [2, 1]), 2));
        Assert.Equal(nodeOf, Placement.NodesOf(partitions, [1, 1]));
    }

    private static int[] LoadsOf(int[][] partitions, int[] nodeOf, int nodes)
        => [.. Enumerable.Range(0, nodes).Select(
            node => partitions.Where((_, i) => nodeOf[i] == node).Sum(partition => partition.Length))];

    private static Scenario Load(string name)
        => ScenarioFile.Load(Path.Combine(Programs.Repository, "config", name)).Resolve();
}
