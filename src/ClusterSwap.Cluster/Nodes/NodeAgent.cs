// The actor by which a node takes part in runs.
using Akka.Actor;
using Akka.Cluster;
using Akka.Event;
using ClusterSwap.Journal;

namespace ClusterSwap.Clustering;

/// <summary>
/// Opens and closes epochs as coordinators ask, refuses what cannot be, and answers questions. It never waits: an epoch
/// has a thread of its own.
/// </summary>
internal sealed class NodeAgent : UntypedActor
{
    /// <summary>Its name under <c>/user</c>.</summary>
    public const string Name = "node";

    private readonly NodeFacts _facts;
    private readonly PartitionClaims _claims;
    private readonly NodeState _state;
    private readonly Akka.Cluster.Cluster _cluster = Akka.Cluster.Cluster.Get(Context.System);
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private NodeRun? _run;
    private NodeRun? _last;
    private RunStatus _status = new();

    /// <summary>The constructor that Akka calls.</summary>
    public NodeAgent(NodeFacts facts, PartitionClaims claims, NodeState state)
    {
        _facts = facts;
        _claims = claims;
        _state = state;
    }

    public static Props PropsFor(NodeFacts facts, PartitionClaims claims, NodeState state)
        => Props.Create(() => new NodeAgent(facts, claims, state));

    /// <inheritdoc/>
    protected override void PreStart()
    {
        _cluster.Subscribe(
            Self, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents, typeof(ClusterEvent.MemberRemoved));
        IActorRef self = Self;
        _claims.Lost += (partition, runId, epoch) => self.Tell(new ClaimLost(partition, runId, epoch));
    }

    /// <inheritdoc/>
    protected override void PostStop()
    {
        _cluster.Unsubscribe(Self);
        _run?.Close();
    }

    /// <inheritdoc/>
    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case AskNode:
                Sender.Tell(Facts());
                break;
            case AskStatus:
                Sender.Tell(_status);
                break;
            case RunStatus status:
                _status = status;
                break;
            case OpenEpoch open:
                OnOpen(open);
                break;
            case CloseEpoch close when IsCurrent(close.RunId, close.Epoch):
                Close($"epoch {close.Epoch} of run {close.RunId} is over");
                break;
            case ClaimLost lost when IsCurrent(lost.RunId, lost.Epoch):
                // The others wait for this node's notes and would do so for ever.
                _run!.Break($"partition {lost.Partition} was taken away from node {_facts.Address}");
                break;
            case ClusterEvent.MemberRemoved removed when removed.Member.Address.ToString() == _run?.Epoch.Coordinator:
                Close($"the coordinator {removed.Member.Address} has left, and with it run {_run.Epoch.RunId}");
                break;
        }
    }

    private NodeFacts Facts() => _run is null
        ? _facts
        : _facts with { RunId = _run.Epoch.RunId, Partitions = _run.Partitions.Count() };

    private bool IsCurrent(string runId, int epoch) => _run?.Epoch.RunId == runId && _run.Epoch.Epoch == epoch;

    private void OnOpen(OpenEpoch open)
    {
        string? refusal = RefusalOf(open);
        if (refusal is not null)
        {
            _log.Warning("Refused: {0}", refusal);
            Sender.Tell(new EpochRefused(open.RunId, open.Epoch, open.Node, refusal));
            return;
        }

        if (_run is null || !IsCurrent(open.RunId, open.Epoch))
        {
            _run?.Close();
            _log.Info("Epoch {0} of run {1}: node {2} of {3}", open.Epoch, open.RunId, open.Node, open.Nodes.Length);
            Address[] nodes = [.. open.Nodes.Select(Address.Parse)];
            _claims.TryPlan(new PlacementPlan(
                open.RunId, open.Epoch, [.. open.NodeOfPartition.Select(node => nodes[node])]));
            ILoggingAdapter log = _log;
            _run = _last = new NodeRun(Context.System, open, _claims, _last, text => log.Warning("{0}", text));
            _state.Run = _run;
        }

        Sender.Tell(new EpochOpened(open.RunId, open.Epoch, open.Node));
    }

    /// <summary>Why this node cannot take part; null when it can. Both sides are named.</summary>
    private string? RefusalOf(OpenEpoch open)
    {
        if (open.Build != _facts.Build)
        {
            return $"node {_facts.Address} runs version {_facts.Program} ({_facts.Build}), "
                + $"the coordinator {open.Coordinator} version {open.Program} ({open.Build})";
        }

        if (_claims.Plan is { } known && known.RunId == open.RunId
            && (known.Epoch > open.Epoch || (known.Epoch == open.Epoch && _run is null)))
        {
            return $"node {_facts.Address} has seen epoch {known.Epoch} of run {open.RunId}, "
                + $"the coordinator {open.Coordinator} asks for epoch {open.Epoch}: it is stale";
        }

        if (_run is null)
        {
            return null;
        }

        OpenEpoch mine = _run.Epoch;
        if (mine.RunId != open.RunId)
        {
            return $"node {_facts.Address} works on run {mine.RunId} of {mine.Coordinator} "
                + $"(scenario {mine.ScenarioHash}, seed {mine.Seed}), not on run {open.RunId} of {open.Coordinator} "
                + $"(scenario {open.ScenarioHash}, seed {open.Seed}): one run at a time";
        }

        return mine.ScenarioHash != open.ScenarioHash || mine.Seed != open.Seed
            ? $"run {open.RunId} has scenario {mine.ScenarioHash} and seed {mine.Seed} on node {_facts.Address}, "
                + $"and scenario {open.ScenarioHash} and seed {open.Seed} on the coordinator {open.Coordinator}"
            : null;
    }

    private void Close(string why)
    {
        _log.Info("{0}", why);
        _run!.Close();
        _claims.Close();
        _run = null;
        _state.Run = null;
        _status = new RunStatus();
    }

    private sealed record ClaimLost(int Partition, string RunId, int Epoch);
}

/// <summary>What other parts of the process see of the agent.</summary>
internal sealed class NodeState
{
    private volatile NodeRun? _run;

    /// <summary>The epoch that the node takes part in; null without one.</summary>
    public NodeRun? Run
    {
        get => _run;
        set => _run = value;
    }
}
