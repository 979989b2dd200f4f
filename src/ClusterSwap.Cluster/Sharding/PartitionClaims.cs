// Which partitions this node owns, as its entities say, and where they all belong, as the run's plan says.
using Akka.Actor;

namespace ClusterSwap.Clustering;

/// <summary>Partitions of a run by the node that is to have them.</summary>
/// <param name="RunId">The run.</param>
/// <param name="Epoch">The epoch.</param>
/// <param name="Addresses">Address of the node of each partition.</param>
internal sealed record PlacementPlan(string RunId, int Epoch, Address[] Addresses);

/// <summary>
/// One per process, shared by the entities, the allocation strategy and the node agent. Safe for several threads.
/// </summary>
/// <param name="self">Address of this node.</param>
internal sealed class PartitionClaims(Address self)
{
    private readonly object _gate = new();
    private readonly Dictionary<int, (string RunId, int Epoch)> _owned = [];
    private volatile PlacementPlan? _plan;

    /// <summary>Told when an entity of this node is gone: partition, run and epoch.</summary>
    public event Action<int, string, int>? Lost;

    /// <summary>The newest plan that this node was told; null before the first.</summary>
    public PlacementPlan? Plan => _plan;

    /// <summary>Takes a plan, unless a newer one of the same run is known.</summary>
    public bool TryPlan(PlacementPlan plan)
    {
        lock (_gate)
        {
            if (_plan is { } known && known.RunId == plan.RunId && known.Epoch > plan.Epoch)
            {
                return false;
            }

            _plan = plan;
            IsOpen = true;
            return true;
        }
    }

    /// <summary>Whether the newest plan is that of an epoch that goes on.</summary>
    public bool IsOpen { get; private set; }

    /// <summary>The epoch of the newest plan is over.</summary>
    public void Close() => IsOpen = false;

    /// <summary>
    /// An entity of this node is asked to belong to an epoch; false when the epoch is over, or the partition is still to
    /// be moved to where it belongs in it.
    /// </summary>
    public bool TryClaim(OwnPartition own)
    {
        lock (_gate)
        {
            if (_plan is not { } plan || plan.RunId != own.RunId || plan.Epoch != own.Epoch
                || own.Partition >= plan.Addresses.Length || plan.Addresses[own.Partition] != self)
            {
                return false;
            }

            _owned[own.Partition] = (own.RunId, own.Epoch);
            return true;
        }
    }

    /// <summary>An entity of this node ends.</summary>
    public void Release(int partition)
    {
        (string RunId, int Epoch) claim;
        lock (_gate)
        {
            if (!_owned.Remove(partition, out claim))
            {
                return;
            }
        }

        Lost?.Invoke(partition, claim.RunId, claim.Epoch);
    }

    /// <summary>Partitions among these that this node does not own in an epoch.</summary>
    public IEnumerable<int> NotOwned(IEnumerable<int> partitions, string runId, int epoch)
    {
        lock (_gate)
        {
            return [.. partitions.Where(partition => _owned.GetValueOrDefault(partition) != (runId, epoch))];
        }
    }
}
