// Who may claim a partition.
using Akka.Actor;
using ClusterSwap.Clustering;

namespace ClusterSwap.Cluster.Tests;

public sealed class ClaimTests
{
    private static readonly Address s_here = Address.Parse("akka.tcp://clusterswap@127.0.0.1:1");
    private static readonly Address s_there = Address.Parse("akka.tcp://clusterswap@127.0.0.1:2");

    [Fact]
    public void A_partition_is_claimed_where_the_plan_of_its_epoch_has_it_and_nowhere_else()
    {
        // An entity that has not been moved yet is asked first: had it claimed, its move would end the new epoch.
        var claims = new PartitionClaims(s_here);
        Assert.True(claims.TryPlan(new PlacementPlan("run", 2, [s_here, s_there])));
        Assert.True(claims.TryClaim(new OwnPartition("run", 2, 0)));
        Assert.False(claims.TryClaim(new OwnPartition("run", 2, 1)));
        Assert.False(claims.TryClaim(new OwnPartition("run", 1, 0)));
        Assert.False(claims.TryClaim(new OwnPartition("run", 2, 2)));
        Assert.Equal([1], claims.NotOwned([0, 1], "run", 2));
    }

    [Fact]
    public void An_older_plan_changes_nothing_and_what_is_lost_is_told()
    {
        var claims = new PartitionClaims(s_here);
        var lost = new List<(int, string, int)>();
        claims.Lost += (partition, run, epoch) => lost.Add((partition, run, epoch));
        claims.TryPlan(new PlacementPlan("run", 2, [s_here]));
        Assert.False(claims.TryPlan(new PlacementPlan("run", 1, [s_there])));
        claims.TryClaim(new OwnPartition("run", 2, 0));
        claims.Release(0);
        claims.Release(0);
        Assert.Equal([(0, "run", 2)], lost);
    }
}
