// Runs a scenario on the nodes of a cluster, epoch after epoch, until it has ended.
using System.Diagnostics;
using Akka.Actor;
using ClusterSwap.Blades;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Engine;
using ClusterSwap.Journal;

namespace ClusterSwap.Clustering;

/// <summary>What a run on a cluster is told besides the run.</summary>
public sealed record ClusterRunOptions
{
    /// <summary>Id of the run.</summary>
    public required string RunId { get; init; }

    /// <summary>Nodes to wait for before it begins, 1 or more.</summary>
    public required int Nodes { get; init; }

    /// <summary>What is recorded.</summary>
    public JournalLevel Level { get; init; }

    /// <summary>
    /// Opens the recording of an epoch; null without a journal. Whoever calls it disposes of what it gives before the next.
    /// </summary>
    public Func<int, RunRecorder>? Recorder { get; init; }

    /// <summary>The first epoch: 1, or for a run that goes on one more than the last.</summary>
    public int FirstEpoch { get; init; } = 1;

    /// <summary>Wall-clock time between two checkpoints.</summary>
    public TimeSpan CheckpointEvery { get; init; } = TimeSpan.FromSeconds(1.5);

    /// <summary>How long nodes may take to come.</summary>
    public TimeSpan NodesPatience { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Says why nodes that are waited for will not come; null as long as they may.</summary>
    public Func<string?>? Failure { get; init; }

    /// <summary>Told what the user should know, a sentence.</summary>
    public required Action<string> Tell { get; init; }

    /// <summary>Told what a log may keep, a sentence.</summary>
    public Action<string>? Log { get; init; }

    /// <summary>Told how the run is.</summary>
    public Action<RunStatus>? OnStatus { get; init; }
}

/// <summary>
/// The coordinator of one run. An epoch is granted only when it is in the journal; when a node is lost, the run goes back
/// to its last checkpoint in the next epoch, on the nodes that are left. What comes out does not depend on any of it.
/// </summary>
/// <param name="host">This process as a member of the cluster.</param>
/// <param name="options">What the run is told.</param>
public sealed class ClusterRunner(NodeHost host, ClusterRunOptions options) : IRunner
{
    // Each waits twice as long as the one before it, 20 s to 10 min: a cluster that has not settled by then will not.
    private const int IdleEpochsMax = 6;

    private static readonly TimeSpan s_retry = TimeSpan.FromMilliseconds(300);

    private RunDesk? _desk;

    /// <summary>Nodes that would get load if partitions were placed now.</summary>
    internal int NodesSeen => _desk?.Staying.Count ?? 0;

    /// <inheritdoc/>
    public RunReport Run(RunRequest request, CancellationToken cancel)
    {
        var partitions = Placement.PartitionsOf(request.Scenario, options.Nodes);
        using var topology = ClusterBuilder.Build(request.Scenario, request.Seed, isLocal: _ => false);
        using var desk = new RunDesk(host.System);
        _desk = desk;
        var setting = new RunSetting
        {
            RunId = options.RunId,
            Request = request,
            UntilNs = Math.Min(request.UntilNs ?? long.MaxValue, request.Scenario.TimeLimitNs),
            Partitions = partitions,
            Level = options.Level,
            CheckpointEvery = options.CheckpointEvery,
            Host = host,
            Desk = desk,
            Log = options.Log ?? (_ => { }),
            Watch = new RunWatch(
                host.System, options.RunId, topology.Simulation.LookaheadOf(partitions), options.OnStatus),
            Cancel = cancel,
        };
        return Run(setting, topology);
    }

    private RunReport Run(RunSetting setting, Blades.Cluster topology)
    {
        CheckpointAssembly? checkpoint = setting.Request.Checkpoint;
        int idle = 0;
        for (int epoch = options.FirstEpoch; ; epoch++)
        {
            setting.Watch.Phase = "waits for nodes";
            EpochNode[] nodes = Gather(setting, epoch == options.FirstEpoch ? options.Nodes : 1);
            TellIdle(nodes.Length, setting, epoch);
            using RunRecorder? recorder = Grant(setting, topology, epoch, checkpoint?.TimeNs ?? 0);
            setting.Watch.BeginEpoch();
            using var run = new EpochRun(setting, epoch, nodes, recorder, checkpoint, idle);
            try
            {
                if (run.Run() is { } report)
                {
                    recorder?.End(report);
                    recorder?.AwaitWritten();
                    return report;
                }

                options.Tell($"{setting.RunId}: nodes have changed; partitions are placed anew");
                idle = 0;
            }
            catch (EpochLostException lost)
            {
                idle = run.HasAdvanced ? 0 : idle + 1;
                if (idle == IdleEpochsMax)
                {
                    throw new ClusterRunException(
                        $"{idle} epochs in a row have come to no barrier, the last one because {lost.Message}")
                    {
                        IsLost = true,
                    };
                }

                long backNs = run.Checkpoint?.TimeNs ?? 0;
                options.Tell(FormattableString.Invariant(
                    $"{setting.RunId}: {lost.Message}; the others go back to {backNs / 1_000_000 / 1000m:F3} s and go on"));
            }

            checkpoint = run.Checkpoint;
        }
    }

    /// <summary>
    /// Writes the epoch's headers, and waits until they are there: only then is anybody asked to take part in it. A
    /// coordinator that was thought dead would find them and stop.
    /// </summary>
    private RunRecorder? Grant(RunSetting setting, Blades.Cluster topology, int epoch, long fromNs)
    {
        if (options.Recorder is null)
        {
            return null;
        }

        RunRecorder recorder = options.Recorder(epoch);
        recorder.Begin(topology, setting.Request, setting.Partitions, fromNs);
        recorder.AwaitWritten();
        return recorder;
    }

    /// <summary>Waits for so many nodes, and asks each what it is.</summary>
    private EpochNode[] Gather(RunSetting setting, int wanted)
    {
        long began = Stopwatch.GetTimestamp();
        var facts = new Dictionary<string, NodeFacts>();
        while (true)
        {
            var workers = setting.Desk.Staying;
            EpochNode[] known = [.. workers.Where(member => facts.ContainsKey(member.Address.ToString()))
                .Select(member => new EpochNode(member.UniqueAddress, facts[member.Address.ToString()]))];
            if (known.Length == workers.Count && known.Length >= wanted)
            {
                return known;
            }

            if (options.Failure?.Invoke() is { } failure)
            {
                throw new ClusterRunException(failure);
            }

            if (Stopwatch.GetElapsedTime(began) > options.NodesPatience)
            {
                throw new ClusterRunException(
                    $"{known.Length} of {wanted} nodes have come within {options.NodesPatience.TotalSeconds:F0} s: "
                    + (known.Length == 0 ? "none" : string.Join(", ", known.Select(node => node.Facts.Address))));
            }

            foreach (var member in workers.Where(member => !facts.ContainsKey(member.Address.ToString())))
            {
                host.System.ActorSelection($"{member.Address}/user/{NodeAgent.Name}").Tell(new AskNode(), setting.Desk.Actor);
            }

            if (setting.Desk.Next(s_retry, setting.Cancel) is NodeFacts one)
            {
                Check(one);
                facts[one.Address] = one;
            }
        }
    }

    private void Check(NodeFacts node)
    {
        if (node.Build != Verification.Build)
        {
            throw new ClusterRunException(
                $"node {node.Address} runs version {node.Program} ({node.Build}), this is {host.Facts.Program} "
                + $"({Verification.Build}): a run of two builds is none");
        }
    }

    private void TellIdle(int nodes, RunSetting setting, int epoch)
    {
        int busy = Math.Min(nodes, setting.Partitions.Length);
        if (busy < nodes && epoch == options.FirstEpoch)
        {
            options.Tell(
                $"{busy} of {nodes} nodes {(busy == 1 ? "has" : "have")} something to run: a rack is not taken apart, and "
                + $"the scenario has {setting.Partitions.Length} that no link under 1 ms connects");
        }
    }
}
