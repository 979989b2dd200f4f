// One node's part of one epoch: it builds its hosts, runs them from barrier to barrier, and reports.
using System.Collections.Concurrent;
using System.Diagnostics;
using Akka.Actor;
using ClusterSwap.Blades;
using ClusterSwap.Blades.Monitors;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Engine;
using ClusterSwap.Journal;
using Barrier = ClusterSwap.Engine.Barrier;
using SimulatedCluster = ClusterSwap.Blades.Cluster;

namespace ClusterSwap.Clustering;

/// <summary>
/// Lives on a thread of its own from <see cref="OpenEpoch"/> to <see cref="Close"/>. What comes over the lines waits in
/// its inbox; it waits for nothing else, and for that only as long as the epoch lasts.
/// </summary>
internal sealed partial class NodeRun
{
    // As in a run on one machine: a full walk over all memory now and then, counters at every barrier.
    private const int InvariantInterval = 256;
    private static readonly long s_flushTicks = Stopwatch.Frequency;

    private readonly OpenEpoch _open;
    private readonly PartitionClaims _claims;
    private NodeRun? _previous;
    private readonly Action<string> _tell;
    private readonly Outbox _outbox;
    private readonly NodeExchange _exchange;
    private readonly int[] _nodeOfPartition;
    private readonly BlockingCollection<object> _inbox = [];
    private readonly CancellationTokenSource _closed = new();
    private readonly ManualResetEventSlim _ended = new();
    private volatile bool _broken;
    private volatile Simulation? _simulation;
    private long _barrierTick;
    private long _barrierAwayTicks;
    private long _flushedTick;
    private AfterBarrier _after;
    private long _timeNs;
    private long _messages;

    /// <summary>Begins; an epoch before it that this node took part in has been closed.</summary>
    public NodeRun(
        ActorSystem system, OpenEpoch open, PartitionClaims claims, NodeRun? previous, Action<string> tell)
    {
        _open = open;
        _claims = claims;
        _previous = previous;
        _tell = tell;
        _nodeOfPartition = open.NodeOfPartition;
        _outbox = Outbox.Open(system, new EpochPostOptions
        {
            RunId = open.RunId,
            Epoch = open.Epoch,
            Self = open.Node,
            Nodes = open.Nodes,
            Coordinator = open.Coordinator,
            Deliver = Deliver,
            Broken = OnSilence,
        });
        _exchange = new NodeExchange(open.Node, _nodeOfPartition, (to, note) => _outbox.Send(to, note));
        new Thread(Work) { IsBackground = true, Name = $"epoch {open.Epoch}" }.Start();
    }

    /// <summary>What it was opened with.</summary>
    public OpenEpoch Epoch => _open;

    /// <summary>Partitions that are this node's.</summary>
    public IEnumerable<int> Partitions => Enumerable.Range(0, _nodeOfPartition.Length)
        .Where(partition => _nodeOfPartition[partition] == _open.Node);

    /// <summary>How it is, from any thread; as of the last barrier.</summary>
    public NodeFigures Figures => new(
        _open.Epoch,
        Volatile.Read(ref _timeNs),
        Volatile.Read(ref _messages),
        _exchange.Windows,
        _exchange.AwayTicks / (double)Stopwatch.Frequency,
        _exchange.SentBytes,
        Partitions.Count(),
        _outbox.LineTo(EpochPost.Coordinator).Bytes);

    /// <summary>Ends it, from any thread and at once; its simulation is given back by its own thread.</summary>
    public void Close()
    {
        _closed.Cancel();
        _exchange.Close();
        _simulation?.Abandon();
        _outbox.Close();
    }

    /// <summary>
    /// Ends this node's work in the epoch, from any thread: the coordinator is told why, and places partitions anew.
    /// </summary>
    public void Break(string why)
    {
        _tell($"{why}: epoch {_open.Epoch} of run {_open.RunId} cannot go on here");
        _broken = true;
        _outbox.Send(EpochPost.Coordinator, new EpochBroken(why));
        _exchange.Close();
        _simulation?.Abandon();
    }

    private void OnSilence(int peer)
    {
        string why = $"nothing comes through from node {_open.Nodes[_open.Node]} to {NameOf(peer)}";
        if (peer == EpochPost.Coordinator)
        {
            _tell(why);
        }
        else
        {
            Break(why);
        }
    }

    private string NameOf(int participant)
        => participant == EpochPost.Coordinator ? $"the coordinator {_open.Coordinator}" : _open.Nodes[participant];

    private void Deliver(int from, object message)
    {
        switch (message)
        {
            case NodeNote note when from >= 0:
                _exchange.Deliver(from, note);
                break;
            case EpochPlan or RestorePart or StartEpoch or BarrierAnswer when from == EpochPost.Coordinator:
                _inbox.Add(message);
                break;
            default:
                throw new InvalidDataException($"{NameOf(from)} has no business to send a {message.GetType().Name}");
        }
    }

    private void Work()
    {
        try
        {
            _previous?._ended.Wait();
            _previous = null;
            RunEpoch();
        }
        catch (OperationCanceledException) when (_closed.IsCancellationRequested)
        {
            // The epoch is over: the run goes on in another one, or nowhere.
        }
        catch (OperationCanceledException) when (_broken)
        {
            AwaitClose();
        }
        catch (Exception e)
        {
            _tell($"epoch {_open.Epoch} of run {_open.RunId} broke: {e}");
            SendFault(e, simulation: null);
            AwaitClose();
        }
        finally
        {
            _ended.Set();
        }
    }

    private void RunEpoch()
    {
        var plan = Take<EpochPlan>();
        var scenario = ScenarioFile.Parse(plan.ScenarioToml, "scenario.toml").Resolve() with { Seed = plan.Seed };
        if (ScenarioHash.Of(scenario) != _open.ScenarioHash)
        {
            throw new InvalidOperationException(
                $"the coordinator's scenario has the hash {_open.ScenarioHash}, what came here {ScenarioHash.Of(scenario)}");
        }

        var nodeOfHost = new Dictionary<int, int>();
        for (int i = 0; i < plan.Partitions.Length; i++)
        {
            Array.ForEach(plan.Partitions[i], host => nodeOfHost[host] = _nodeOfPartition[i]);
        }

        CheckpointAssembly? checkpoint = plan.Restores ? TakeCheckpoint() : null;
        using SimulatedCluster cluster = ClusterBuilder.Build(
            scenario, plan.Seed, isLocal: host => nodeOfHost[host] == _open.Node);
        _simulation = cluster.Simulation;
        if (_closed.IsCancellationRequested)
        {
            return;
        }

        if (checkpoint is not null)
        {
            cluster.Simulation.Restore(checkpoint);
        }

        RunHosts(cluster, scenario, plan);
    }

    private void RunHosts(SimulatedCluster cluster, Scenario scenario, EpochPlan plan)
    {
        NodeRecorder? recorder = plan.Journal == JournalLevel.Off
            ? null
            : new NodeRecorder(
                cluster, new StreamName(_open.RunId, 0, _open.Epoch), plan.Journal, plan.Partitions,
                (partition, block) => _outbox.Send(EpochPost.Coordinator, new NodeBlock(partition, block)));
        using var series = new CheckpointSeries(
            cluster.Simulation, new CheckpointOptions { FullEvery = 4 }, new CheckpointMail(_outbox));
        var request = new RunRequest { Scenario = scenario, Variant = plan.Variant, Seed = plan.Seed };
        var watch = new ClusterWatch(cluster, request);
        _outbox.Send(EpochPost.Coordinator, new NodeReady(cluster.LocalBlades.Count));
        Take<StartEpoch>();
        CheckOwnership();
        _barrierTick = _flushedTick = Stopwatch.GetTimestamp();
        try
        {
            // A run that had ended where its checkpoint was taken goes no further; judging it a second time changes nothing.
            bool ended = plan.Restores && !Meet(new Barrier(cluster.Simulation.TimeNs, cluster.Simulation), watch, recorder, series);
            SimulationResult result = cluster.Simulation.Run(new RunOptions
            {
                UntilNs = ended ? cluster.Simulation.TimeNs : plan.UntilNs,
                Threads = plan.Threads,
                Partitions = plan.Partitions,
                Exchange = _exchange,
                OnBarrier = barrier =>
                {
                    Record(barrier, recorder);
                    return Meet(barrier, watch, recorder, series);
                },
                InvariantInterval = InvariantInterval,
            });
            series.Finish();
            if (_after == AfterBarrier.Report)
            {
                SendReport(cluster, result, watch);
            }
        }
        catch (Exception e) when (e is SimulationFaultException or FaultElsewhereException or InvalidOperationException)
        {
            SendFault(e, cluster.Simulation);
        }

        AwaitClose();
    }

    /// <summary>Called at each barrier: tells what was seen, and does what the coordinator says.</summary>
    private bool Meet(Barrier barrier, ClusterWatch watch, NodeRecorder? recorder, CheckpointSeries series)
    {
        long now = Stopwatch.GetTimestamp();
        long away = _exchange.AwayTicks;
        Volatile.Write(ref _timeNs, barrier.TimeNs);
        Volatile.Write(ref _messages, barrier.Simulation.Messages);
        _outbox.Send(EpochPost.Coordinator, new BarrierReport
        {
            TimeNs = barrier.TimeNs,
            Sighting = watch.Look(barrier),
            NextNs = barrier.Simulation.NextNs,
            Windows = _exchange.Windows,
            WallUs = Microseconds(now - _barrierTick),
            AwayUs = Microseconds(away - _barrierAwayTicks),
            SentBytes = _exchange.SentBytes,
        });
        var answer = Take<BarrierAnswer>();
        if (answer.TimeNs != barrier.TimeNs)
        {
            throw new InvalidOperationException(
                $"the coordinator answers for {answer.TimeNs} ns, and this node stands at {barrier.TimeNs} ns");
        }

        if (answer.Checkpoint)
        {
            // What was recorded up to a checkpoint is written before it.
            recorder?.Flush();
            series.Take();
        }

        _barrierTick = Stopwatch.GetTimestamp();
        _barrierAwayTicks = away;
        _after = answer.Next;
        return answer.Next == AfterBarrier.GoOn;
    }

    private void Record(Barrier barrier, NodeRecorder? recorder)
    {
        long now = Stopwatch.GetTimestamp();
        bool flush = now - _flushedTick >= s_flushTicks;
        _flushedTick = flush ? now : _flushedTick;
        recorder?.OnBarrier(barrier.TimeNs, flush);
    }

    /// <summary>A node runs what its own entities claim, and nothing else.</summary>
    private void CheckOwnership()
    {
        int[] missing = [.. _claims.NotOwned(Partitions, _open.RunId, _open.Epoch)];
        if (missing.Length > 0)
        {
            Break($"the entities of partitions {string.Join(", ", missing)} are not on node {_open.Nodes[_open.Node]}");
            throw new OperationCanceledException("the epoch is broken");
        }
    }

    private CheckpointAssembly TakeCheckpoint()
    {
        var assembly = new CheckpointAssembly();
        while (Take<RestorePart>() is { Bytes.Length: > 0 } part)
        {
            assembly.Add(part.Bytes);
        }

        return assembly;
    }

    private T Take<T>()
    {
        object message = _inbox.Take(_closed.Token);
        return message is T expected
            ? expected
            : throw new InvalidOperationException($"a {message.GetType().Name} came instead of a {typeof(T).Name}");
    }

    private void AwaitClose() => _closed.Token.WaitHandle.WaitOne();

    private static long Microseconds(long ticks) => ticks * 1_000_000 / Stopwatch.Frequency;

    private sealed class CheckpointMail(Outbox outbox) : ICheckpointSink
    {
        public void Write(in Engine.CheckpointPart part) => outbox.Send(
            EpochPost.Coordinator, new NodeCheckpoint(part.TimeNs, part.Last, part.Bytes.ToArray()));
    }
}
