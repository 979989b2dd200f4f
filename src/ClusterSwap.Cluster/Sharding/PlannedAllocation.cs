// Where Cluster.Sharding puts partitions: where the run's plan says.
using System.Collections.Immutable;
using Akka.Actor;
using Akka.Cluster.Sharding;

namespace ClusterSwap.Clustering;

/// <summary>
/// Allocates by the newest plan, and moves what is elsewhere. A plan changes only between two epochs, when every
/// partition stands at a barrier and its state is in a checkpoint; so shards move only then.
/// </summary>
internal sealed class PlannedAllocation(PartitionClaims claims, Address self) : IShardAllocationStrategy
{
    /// <inheritdoc/>
    public Task<IActorRef> AllocateShard(
        IActorRef requester, string shardId,
        IImmutableDictionary<IActorRef, IImmutableList<string>> currentShardAllocations)
    {
        if (!claims.IsOpen)
        {
            // Nobody runs anything: where a claim rests makes no difference.
            return Task.FromResult(requester);
        }

        IActorRef? region = PlaceOf(shardId) is { } place
            ? currentShardAllocations.Keys.FirstOrDefault(region => AddressOf(region) == place)
            : null;

        // Its region has not registered yet, or the plan has not come: the region that asked will ask again.
        return region is not null
            ? Task.FromResult(region)
            : Task.FromException<IActorRef>(
                new InvalidOperationException($"no region for partition {shardId}, which belongs on {PlaceOf(shardId)}"));
    }

    /// <inheritdoc/>
    public Task<IImmutableSet<string>> Rebalance(
        IImmutableDictionary<IActorRef, IImmutableList<string>> currentShardAllocations,
        IImmutableSet<string> rebalanceInProgress)
    {
        var moving = ImmutableHashSet.CreateBuilder<string>();
        if (!claims.IsOpen)
        {
            return Task.FromResult<IImmutableSet<string>>(moving.ToImmutable());
        }

        foreach ((IActorRef region, IImmutableList<string> shards) in currentShardAllocations)
        {
            moving.UnionWith(shards.Where(
                shard => PlaceOf(shard) is { } place && place != AddressOf(region)
                    && !rebalanceInProgress.Contains(shard)));
        }

        return Task.FromResult<IImmutableSet<string>>(moving.ToImmutable());
    }

    private Address? PlaceOf(string shardId) => claims.Plan is { } plan
        && int.TryParse(shardId, out int partition) && partition < plan.Addresses.Length
        ? plan.Addresses[partition]
        : null;

    // The region of the process that decides is known by a local path.
    private Address AddressOf(IActorRef region)
        => region.Path.Address.HasLocalScope ? self : region.Path.Address;
}
