// `run --nodes` and `run --join`: from the command line to a coordinator with its nodes.
using ClusterSwap.Blades.Runs;
using ClusterSwap.Clustering;
using ClusterSwap.Engine;
using ClusterSwap.Journal;
using Serilog.Extensions.Logging;

namespace ClusterSwap.Cli.Nodes;

/// <summary>Runs one scenario on nodes: starts or joins them, and leaves nothing behind.</summary>
/// <param name="options">The command line.</param>
/// <param name="folder">The run's folder.</param>
/// <param name="journal">Opens the recording of an epoch; null without a journal.</param>
/// <param name="firstEpoch">The first epoch: 1, or for a run that goes on one more than its journal has.</param>
/// <param name="log">The program's log.</param>
/// <param name="tell">Told what the user should know.</param>
/// <param name="onStatus">Told how the run is.</param>
internal sealed class ClusterLaunch(
    RunOptions options, RunFolder folder, Func<int, RunRecorder>? journal, int firstEpoch, Serilog.ILogger log,
    Action<string> tell, Action<RunStatus> onStatus) : IRunner
{
    /// <inheritdoc/>
    public RunReport Run(RunRequest request, CancellationToken cancel)
    {
        var choice = options.Cluster!;
        var joins = choice.Join.Count > 0;
        using var logs = new SerilogLoggerProvider(log);
        using var host = NodeHost.Start(new NodeHostOptions
        {
            Bind = choice.Bind.Host,
            Port = choice.Bind.Port,
            SeedNodes = choice.Join,
            Roles = joins ? ["run"] : [NodeHost.WorkerRole, "run"],
            Program = Invocation.Version,
            Hocon = choice.Access.Hocon,
            Tls = choice.Access.Tls,
            Log = logs,
        });
        using var nodes = joins
            ? null
            : new LocalNodes(host, choice.Nodes - 1, choice.Access.Arguments, folder.FolderPath, tell);
        var runner = new ClusterRunner(host, new ClusterRunOptions
        {
            RunId = folder.RunId,
            Nodes = choice.Nodes,
            Level = options.Journal,
            Recorder = journal,
            FirstEpoch = firstEpoch,
            CheckpointEvery = TimeSpan.FromMicroseconds((options.CheckpointEveryNs ?? CheckpointOptions.DefaultSpacingNs) / 1000),
            Failure = () => nodes?.Failure,
            Tell = tell,
            Log = text => log.Information("{Text}", text),
            OnStatus = onStatus,
        });
        var report = runner.Run(request, cancel);
        if (joins)
        {
            // The others need not find out by themselves.
            host.Leave();
        }

        return report;
    }
}
