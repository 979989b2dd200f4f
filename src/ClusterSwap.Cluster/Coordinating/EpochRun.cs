// A coordinator's part of one epoch: it opens it on all nodes, and leads them from barrier to barrier.
using System.Collections.Immutable;
using System.Diagnostics;
using Akka.Actor;
using Akka.Cluster.Sharding;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Engine;
using ClusterSwap.Journal;

namespace ClusterSwap.Clustering;

/// <summary>A node of an epoch.</summary>
/// <param name="Member">The member of the cluster, with the number of this very start of its process.</param>
/// <param name="Facts">What it is.</param>
internal sealed record EpochNode(Akka.Cluster.UniqueAddress Member, NodeFacts Facts);

/// <summary>Thrown when an epoch cannot go on; the run goes on in the next one.</summary>
internal sealed class EpochLostException(string reason) : Exception(reason);

/// <summary>
/// One epoch, on the coordinator's own thread. It waits for messages of its nodes as long as these are members of the
/// cluster and their lines carry; else it throws <see cref="EpochLostException"/>.
/// </summary>
internal sealed partial class EpochRun : IDisposable
{
    private static readonly TimeSpan s_retry = TimeSpan.FromMilliseconds(500);

    // More than a busy machine takes. Whoever needs more has lost a message or hangs: the next epoch asks anew, and waits longer.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    private readonly RunSetting _setting;
    private readonly int _epoch;
    private readonly EpochNode[] _nodes;
    private readonly int[] _nodeOfPartition;
    private readonly long _beganNs;
    private readonly RunRecorder? _recorder;
    private readonly CheckpointKeeper _checkpoints;
    private readonly Outbox _outbox;
    private readonly bool[] _opened;
    private readonly bool[] _ready;
    private readonly bool[] _owned;
    private readonly TimeSpan _patience;
    private IImmutableSet<Address> _regions = ImmutableHashSet<Address>.Empty;
    private readonly int[] _blades;
    private readonly BarrierReport?[] _reports;
    private readonly NodeFault?[] _faults;
    private readonly FinalReport?[] _finals;

    /// <param name="setting">The run.</param>
    /// <param name="epoch">Number of the epoch.</param>
    /// <param name="nodes">Its nodes.</param>
    /// <param name="recorder">What records it; null without a journal.</param>
    /// <param name="from">The checkpoint that it begins with; null for the beginning.</param>
    /// <param name="idle">Epochs before it that came to no barrier.</param>
    public EpochRun(
        RunSetting setting, int epoch, EpochNode[] nodes, RunRecorder? recorder, CheckpointAssembly? from, int idle)
    {
        _patience = s_patience * (1 << idle);
        _setting = setting;
        _epoch = epoch;
        _nodes = nodes;
        _recorder = recorder;
        _beganNs = from?.TimeNs ?? 0;
        _nodeOfPartition = Placement.NodesOf(setting.Partitions, [.. nodes.Select(_ => 1)]);
        _checkpoints = new CheckpointKeeper(nodes.Length, from, setting.CheckpointEvery);
        _opened = new bool[nodes.Length];
        _ready = new bool[nodes.Length];
        _owned = new bool[setting.Partitions.Length];
        _blades = new int[nodes.Length];
        _reports = new BarrierReport?[nodes.Length];
        _faults = new NodeFault?[nodes.Length];
        _finals = new FinalReport?[nodes.Length];
        _outbox = Outbox.Open(setting.Host.System, new EpochPostOptions
        {
            RunId = setting.RunId,
            Epoch = epoch,
            Self = EpochPost.Coordinator,
            Nodes = [.. nodes.Select(node => node.Facts.Address)],
            Coordinator = setting.Host.Address,
            Deliver = (node, message) => setting.Desk.Add(new FromNode(epoch, node, message)),
            Broken = node => setting.Desk.Add(new LineBroken(epoch, node)),
        });
    }

    /// <summary>The newest checkpoint that all nodes have delivered; null when there is none.</summary>
    public CheckpointAssembly? Checkpoint => _checkpoints.Newest;

    /// <summary>It came to a barrier later than the one that it began at.</summary>
    public bool HasAdvanced { get; private set; }

    /// <summary>Runs the epoch; null when the run goes on in the next one, with other nodes.</summary>
    /// <exception cref="EpochLostException">A node was lost.</exception>
    public RunReport? Run()
    {
        _setting.Watch.Phase = "places partitions";
        Await(() => Array.TrueForAll(_opened, opened => opened), Open, _patience, () => Names(_opened));
        SendPlans();
        Await(() => Unregistered().Length == 0, AskRegions, _patience, () => "the regions of " + string.Join(", ", Unregistered()));
        Await(
            () => Array.TrueForAll(_owned, owned => owned), Own, _patience,
            () => "the entities of partitions " + string.Join(", ", Enumerable.Range(0, _owned.Length).Where(i => !_owned[i])));
        _setting.Watch.Phase = "builds hosts";
        Await(
            () => Enumerable.Range(0, _nodes.Length).All(i => _ready[i] || _faults[i] is not null), () => { }, patience: null,
            () => "");
        if (Array.Exists(_faults, fault => fault is not null))
        {
            return AfterFault();
        }

        _setting.Watch.Phase = "runs";
        SendAll(new StartEpoch());
        _setting.Log($"Epoch {_epoch} begins on {_nodes.Length} nodes");
        return Lead();
    }

    /// <summary>Ends the epoch on all nodes that can hear it.</summary>
    public void Dispose()
    {
        for (int i = 0; i < _nodes.Length; i++)
        {
            TellNode(i, new CloseEpoch(_setting.RunId, _epoch));
        }

        _outbox.Close();
    }

    private void Open()
    {
        for (int i = 0; i < _nodes.Length; i++)
        {
            if (!_opened[i])
            {
                TellNode(i, new OpenEpoch
                {
                    RunId = _setting.RunId,
                    Epoch = _epoch,
                    Node = i,
                    Nodes = [.. _nodes.Select(node => node.Facts.Address)],
                    NodeOfPartition = _nodeOfPartition,
                    Coordinator = _setting.Host.Address,
                    Build = Verification.Build,
                    Program = _setting.Host.Facts.Program,
                    ScenarioHash = ScenarioHash.Of(_setting.Request.Scenario with { Seed = _setting.Request.Seed }),
                    Seed = _setting.Request.Seed,
                });
            }
        }
    }

    /// <summary>Nodes whose region of shards is not known yet to whoever allocates them: nothing can be put there.</summary>
    private string[] Unregistered()
        => [.. _nodes.Where(node => !_regions.Contains(node.Member.Address)).Select(node => node.Facts.Address)];

    private void AskRegions() => _setting.Host.Region.Tell(GetCurrentRegions.Instance, _setting.Desk.Actor);

    private void Own()
    {
        for (int i = 0; i < _owned.Length; i++)
        {
            if (!_owned[i])
            {
                _setting.Host.Region.Tell(new OwnPartition(_setting.RunId, _epoch, i), _setting.Desk.Actor);
            }
        }
    }

    private void SendPlans()
    {
        for (int i = 0; i < _nodes.Length; i++)
        {
            _outbox.Send(i, new EpochPlan
            {
                ScenarioToml = _setting.Request.Scenario.ToToml(),
                Variant = _setting.Request.Variant,
                Seed = _setting.Request.Seed,
                UntilNs = _setting.UntilNs,
                Partitions = _setting.Partitions,
                Threads = _setting.Request.Threads,
                Journal = _recorder is null ? JournalLevel.Off : _setting.Level,
                Restores = _checkpoints.Newest is not null,
            });
            if (_checkpoints.Newest is { } checkpoint)
            {
                var hosts = _setting.Partitions.Where((_, partition) => _nodeOfPartition[partition] == i)
                    .SelectMany(partition => partition).ToHashSet();
                checkpoint.WriteFull(checkpoint.Number, new RestoreMail(_outbox, i), hosts.Contains);
                _outbox.Send(i, new RestorePart([]));
            }
        }
    }

    /// <summary>Handles what comes until something holds; does something again every now and then.</summary>
    private void Await(Func<bool> done, Action again, TimeSpan? patience, Func<string> missing)
    {
        long began = Stopwatch.GetTimestamp();
        long last = 0;
        while (!done())
        {
            if (last == 0 || Stopwatch.GetElapsedTime(last) >= s_retry)
            {
                again();
                last = Stopwatch.GetTimestamp();
                _setting.Watch.Show();
            }

            if (patience is { } limit && Stopwatch.GetElapsedTime(began) > limit)
            {
                throw new EpochLostException($"no answer within {limit.TotalSeconds:F0} s from {missing()}");
            }

            Handle(_setting.Desk.Next(s_retry, _setting.Cancel));
        }
    }

    private void Handle(object? message)
    {
        switch (message)
        {
            case FromNode from when from.Epoch == _epoch:
                OnNode(from.Node, from.Message);
                break;
            case EpochOpened opened when opened.RunId == _setting.RunId && opened.Epoch == _epoch:
                _opened[opened.Node] = true;
                break;
            case EpochRefused refused when refused.RunId == _setting.RunId && refused.Epoch == _epoch:
                throw new ClusterRunException(refused.Reason);
            case PartitionOwned owned when owned.RunId == _setting.RunId && owned.Epoch == _epoch:
                _owned[owned.Partition] = owned.Address == _nodes[_nodeOfPartition[owned.Partition]].Facts.Address;
                break;
            case LineBroken silent when silent.Epoch == _epoch:
                throw new EpochLostException($"nothing comes through to node {_nodes[silent.Node].Facts.Address}");
            case CurrentRegions current:
                _regions = current.Regions;
                break;
            case MembersChanged:
                OnMembers();
                break;
        }
    }

    private void OnMembers()
    {
        EpochNode? lost = Array.Find(
            _nodes, node => !_setting.Desk.Workers.Any(member => member.UniqueAddress.Equals(node.Member)));
        if (lost is not null)
        {
            throw new EpochLostException($"node {lost.Facts.Address} is gone");
        }
    }

    private void OnNode(int node, object message)
    {
        switch (message)
        {
            case NodeReady ready:
                _ready[node] = true;
                _blades[node] = ready.Blades;
                break;
            case BarrierReport report:
                _reports[node] = report;
                break;
            case NodeBlock block when block.Partition >= 0 && block.Partition < _nodeOfPartition.Length
                && _nodeOfPartition[block.Partition] == node:
                _recorder?.Take(block.Partition, block.Block);
                break;
            case NodeCheckpoint part:
                _checkpoints.Take(node, part);
                break;
            case NodeFault fault:
                _faults[node] = fault;
                break;
            case EpochBroken broken:
                throw new EpochLostException(broken.Reason);
            case FinalReport final:
                _finals[node] = final;
                break;
        }
    }

    private void TellNode(int node, IWireMessage message) => _setting.Host.System
        .ActorSelection($"{_nodes[node].Facts.Address}/user/{NodeAgent.Name}").Tell(message, _setting.Desk.Actor);

    private void SendAll(IWireMessage message)
    {
        for (int i = 0; i < _nodes.Length; i++)
        {
            _outbox.Send(i, message);
        }
    }

    private string Names(bool[] answered)
        => string.Join(", ", _nodes.Where((_, i) => !answered[i]).Select(node => node.Facts.Address));

    private sealed class RestoreMail(Outbox outbox, int node) : ICheckpointSink
    {
        public void Write(in Engine.CheckpointPart part) => outbox.Send(node, new RestorePart(part.Bytes.ToArray()));
    }
}
