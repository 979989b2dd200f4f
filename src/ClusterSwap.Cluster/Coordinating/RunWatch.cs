// What others see of a run: its own process's progress line, its nodes, and whoever asks them.
using System.Diagnostics;
using Akka.Actor;
using ClusterSwap.Blades.Runs;

namespace ClusterSwap.Clustering;

/// <summary>Keeps the newest status and shows it now and then. Used by the coordinator's thread.</summary>
/// <param name="system">Whose nodes are told.</param>
/// <param name="runId">Id of the run.</param>
/// <param name="lookaheadNs">Shortest time in which one partition hears from another, ns; 0 without.</param>
/// <param name="onStatus">Told each new status.</param>
internal sealed class RunWatch(ActorSystem system, string runId, long lookaheadNs, Action<RunStatus>? onStatus)
{
    private static readonly TimeSpan s_every = TimeSpan.FromSeconds(1);

    private RunStatus _status = new() { RunId = runId, LookaheadNs = lookaheadNs };
    private long _shownTick;
    private long _windowsBefore;
    private long _windows;
    private long _bytesBefore;
    private long _bytes;
    private long _awayMs;
    private long _wallMs;

    /// <summary>What the run does at the moment, a few words.</summary>
    public string Phase
    {
        get => _status.Phase;
        set
        {
            _status = _status with { Phase = value };
            Show();
        }
    }

    /// <summary>The newest status.</summary>
    public RunStatus Status => _status;

    /// <summary>Epochs so far.</summary>
    public int Epochs { get; private set; }

    /// <summary>An epoch begins: its windows are counted anew.</summary>
    public void BeginEpoch()
    {
        Epochs++;
        _windowsBefore += _windows;
        _bytesBefore += _bytes;
        (_windows, _bytes) = (0, 0);
    }

    /// <summary>All nodes stand at a barrier.</summary>
    public void OnBarrier(int epoch, long timeNs, RunProgress progress, NodeStatus[] nodes, long checkpointNs, long wallUs)
    {
        _windows = nodes.Length == 0 ? 0 : nodes.Max(node => node.Windows);
        _bytes = nodes.Sum(node => node.SentBytes);
        _awayMs += nodes.Where(node => node.Partitions > 0).Select(node => node.AwayPerMille * wallUs / 1_000_000)
            .DefaultIfEmpty().Max();
        _wallMs += wallUs / 1000;
        _status = _status with
        {
            Epoch = epoch,
            VirtualNs = timeNs,
            DonePerMille = progress.WorkTotal == 0 ? 0 : (int)((Int128)progress.WorkDone * 1000 / progress.WorkTotal),
            Messages = progress.Messages,
            CheckpointNs = checkpointNs,
            Nodes = nodes,
        };
        if (Stopwatch.GetElapsedTime(_shownTick) >= s_every)
        {
            Show();
        }
    }

    /// <summary>Tells the nodes and whoever listens.</summary>
    public void Show()
    {
        _shownTick = Stopwatch.GetTimestamp();
        onStatus?.Invoke(_status);
        foreach (NodeStatus node in _status.Nodes)
        {
            system.ActorSelection($"{node.Address}/user/{NodeAgent.Name}").Tell(_status);
        }
    }

    /// <summary>Figures for the report.</summary>
    public KeyValuePair<string, long>[] Statistics(int partitions, int nodes) =>
    [
        new("partitions", partitions),
        new("nodes", nodes),
        new("epochs", Epochs),
        new("windows", _windowsBefore + _windows),
        new("bytes_between_nodes", _bytesBefore + _bytes),
        new("wait_per_mille", _wallMs == 0 ? 0 : _awayMs * 1000 / _wallMs),
    ];
}
