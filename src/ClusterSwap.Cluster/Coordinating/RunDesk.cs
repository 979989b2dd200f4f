// Where everything comes in that a coordinator has to know.
using System.Collections.Concurrent;
using System.Collections.Immutable;
using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Sharding;

namespace ClusterSwap.Clustering;

/// <summary>What came over the line of a node in an epoch.</summary>
internal sealed record FromNode(int Epoch, int Node, object Message);

/// <summary>Nothing comes through to a node.</summary>
internal sealed record LineBroken(int Epoch, int Node);

/// <summary>The members of the cluster have changed.</summary>
internal sealed record MembersChanged;

/// <summary>
/// The desk of a coordinator: an actor puts what arrives into a queue, and the coordinator's own thread takes it out.
/// </summary>
internal sealed class RunDesk : IDisposable
{
    /// <summary>Name of its actor under <c>/user</c>.</summary>
    public const string Name = "run";

    private readonly BlockingCollection<object> _queue = [];
    private readonly object _gate = new();
    private ImmutableList<Member> _members = [];
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private readonly ActorSystem _system;
    private ImmutableHashSet<Address> _unreachable = [];
    private ImmutableHashSet<UniqueAddress> _leaving = [];

    /// <summary>Opens the desk in an actor system.</summary>
    public RunDesk(ActorSystem system)
    {
        _system = system;
        Actor = system.ActorOf(Props.Create(() => new Clerk(this)), Name);
    }

    /// <summary>Its actor.</summary>
    public IActorRef Actor { get; }

    /// <summary>Nodes that have the role to run partitions: members that are up, the oldest first.</summary>
    public IReadOnlyList<Member> Workers
    {
        get
        {
            lock (_gate)
            {
                return [.. _members.Where(member => member.Status == MemberStatus.Up && member.HasRole(NodeHost.WorkerRole))];
            }
        }
    }

    /// <summary>Those of them that have not asked to be let go.</summary>
    public IReadOnlyList<Member> Staying
    {
        get
        {
            lock (_gate)
            {
                return [.. Workers.Where(member => !_leaving.Contains(member.UniqueAddress))];
            }
        }
    }

    /// <summary>Whether the failure detector sees a node.</summary>
    public bool IsReachable(string address)
    {
        lock (_gate)
        {
            return !_unreachable.Any(one => one.ToString() == address);
        }
    }

    /// <summary>Puts something into the queue, from any thread.</summary>
    public void Add(object message) => _queue.Add(message);

    /// <summary>Waits a while for what comes next; null when nothing did.</summary>
    /// <exception cref="ClusterRunException">The cluster has declared this process dead: nothing will come.</exception>
    public object? Next(TimeSpan patience, CancellationToken cancel)
    {
        if (_system.WhenTerminated.IsCompleted)
        {
            throw new ClusterRunException(
                "the cluster has declared this process dead, for it was cut off or stood still: the nodes have ended their "
                + "part of the run")
            {
                IsLost = true,
            };
        }

        return _queue.TryTake(out object? message, (int)patience.TotalMilliseconds, cancel) ? message : null;
    }

    /// <summary>Closes the desk; another may be opened then.</summary>
    public void Dispose()
    {
        if (!_system.WhenTerminated.IsCompleted)
        {
            Actor.GracefulStop(s_patience).Wait(s_patience);
        }
    }

    private void Update(Action update)
    {
        lock (_gate)
        {
            update();
        }

        _queue.Add(new MembersChanged());
    }

    private sealed class Clerk(RunDesk desk) : UntypedActor
    {
        private readonly Akka.Cluster.Cluster _cluster = Akka.Cluster.Cluster.Get(Context.System);

        protected override void PreStart() => _cluster.Subscribe(
            Self,
            ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents,
            typeof(ClusterEvent.IMemberEvent),
            typeof(ClusterEvent.IReachabilityEvent));

        protected override void PostStop() => _cluster.Unsubscribe(Self);

        protected override void OnReceive(object message)
        {
            switch (message)
            {
                case ClusterEvent.MemberRemoved removed:
                    desk.Update(() =>
                    {
                        desk._members = desk._members.RemoveAll(member => member.UniqueAddress == removed.Member.UniqueAddress);
                        desk._unreachable = desk._unreachable.Remove(removed.Member.Address);
                        desk._leaving = desk._leaving.Remove(removed.Member.UniqueAddress);
                    });
                    break;
                case ClusterEvent.IMemberEvent changed:
                    desk.Update(() => desk._members = desk._members
                        .RemoveAll(member => member.UniqueAddress == changed.Member.UniqueAddress)
                        .Add(changed.Member)
                        .Sort(Member.AgeOrdering));
                    break;
                case ClusterEvent.UnreachableMember unreachable:
                    desk.Update(() => desk._unreachable = desk._unreachable.Add(unreachable.Member.Address));
                    break;
                case ClusterEvent.ReachableMember reachable:
                    desk.Update(() => desk._unreachable = desk._unreachable.Remove(reachable.Member.Address));
                    break;
                case NodeLeaving leaving:
                    OnLeaving(leaving.Address);
                    break;
                case IWireMessage or CurrentRegions:
                    desk.Add(message);
                    break;
            }
        }

        // The process that asked, and not the next one at its address: that one comes to stay.
        private void OnLeaving(string address)
        {
            if (desk._members.Find(member => member.Address.ToString() == address) is { } member
                && !desk._leaving.Contains(member.UniqueAddress))
            {
                desk.Update(() => desk._leaving = desk._leaving.Add(member.UniqueAddress));
            }
        }
    }
}
