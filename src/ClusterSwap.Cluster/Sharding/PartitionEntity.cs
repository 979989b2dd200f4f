// The entity of a partition: a claim to it, held wherever Cluster.Sharding put it.
using Akka.Actor;
using Akka.Cluster.Sharding;

namespace ClusterSwap.Clustering;

/// <summary>
/// One shard is one partition is one entity. It holds ownership and does no work, so it never blocks; the node agent of
/// the same process runs the partition. That two entities of a partition never live at once is what Cluster.Sharding
/// sees to; the epoch in every message sees to the rest.
/// </summary>
internal sealed class PartitionEntity(string entityId, PartitionClaims claims, string address) : UntypedActor
{
    /// <summary>Name of the shards' type.</summary>
    public const string TypeName = "partitions";

    private readonly int _partition = int.Parse(entityId, System.Globalization.CultureInfo.InvariantCulture);

    public static Props PropsFor(string entityId, PartitionClaims claims, string address)
        => Props.Create(() => new PartitionEntity(entityId, claims, address));

    /// <inheritdoc/>
    protected override void OnReceive(object message)
    {
        if (message is OwnPartition own && own.Partition == _partition && claims.TryClaim(own))
        {
            Sender.Tell(new PartitionOwned(own.RunId, own.Epoch, own.Partition, address));
        }
    }

    /// <inheritdoc/>
    protected override void PostStop() => claims.Release(_partition);
}

/// <summary>The entity and the shard of a message are those of its partition.</summary>
internal sealed class PartitionExtractor : IMessageExtractor
{
    /// <inheritdoc/>
    public string? EntityId(object message) => message is OwnPartition own
        ? own.Partition.ToString(System.Globalization.CultureInfo.InvariantCulture)
        : null;

    /// <inheritdoc/>
    public object EntityMessage(object message) => message;

    /// <inheritdoc/>
    public string? ShardId(object message) => EntityId(message);

    /// <inheritdoc/>
    public string ShardId(string entityId, object? messageHint = null) => entityId;
}
