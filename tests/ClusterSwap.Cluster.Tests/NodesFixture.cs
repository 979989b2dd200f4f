// Nodes of a cluster in this process, shared by tests: a process of its own costs each of them seconds.
using System.Collections.Concurrent;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Clustering;
using ClusterSwap.Journal;

namespace ClusterSwap.Cluster.Tests;

/// <summary>Two nodes, and runs on them that a test looks at from barrier to barrier.</summary>
public sealed class NodesFixture : IDisposable
{
    private readonly List<NodeHost> _nodes = [];

    public NodesFixture()
    {
        Start();
        Start();
    }

    /// <summary>The first node, which coordinates runs.</summary>
    public NodeHost First => _nodes[0];

    /// <summary>None of them works on a run.</summary>
    public bool AreFree => _nodes.TrueForAll(node => node.State.Run is null);

    /// <summary>Where the cluster is joined.</summary>
    public string Seed => SeedOf(First);

    /// <summary>What runs have told.</summary>
    public ConcurrentQueue<string> Told { get; } = [];

    /// <summary>The newest status of a run.</summary>
    public RunStatus Status { get; private set; } = new();

    /// <summary>Starts one more node.</summary>
    public NodeHost Start(params string[] roles)
    {
        NodeHost node = NodeHost.Start(new NodeHostOptions
        {
            Program = "1.0",
            Roles = roles.Length == 0 ? [NodeHost.WorkerRole] : roles,
            SeedNodes = _nodes.Count == 0 ? [] : [Seed],
            JoinPatience = Programs.Patience,
        });
        _nodes.Add(node);
        return node;
    }

    /// <summary>Runs a request from a node that coordinates it.</summary>
    /// <param name="id">Id of the run.</param>
    /// <param name="request">The run.</param>
    /// <param name="atBarrier">Called at each barrier with the coordinator; false stops the run there.</param>
    /// <param name="host">The coordinator's node; the first by default.</param>
    /// <param name="store">Where it is recorded; null for nowhere.</param>
    /// <param name="firstEpoch">The epoch that it begins with.</param>
    internal RunReport Run(
        string id, RunRequest request, Func<ClusterRunner, RunProgress, bool>? atBarrier = null, NodeHost? host = null,
        JournalStore? store = null, int firstEpoch = 1)
    {
        Told.Clear();
        ClusterRunner? runner = null;
        runner = new ClusterRunner(host ?? First, new ClusterRunOptions
        {
            RunId = id,
            Nodes = 2,
            FirstEpoch = firstEpoch,
            Level = store is null ? JournalLevel.Off : JournalLevel.Decisions,
            Recorder = store is null
                ? null
                : epoch => new RunRecorder(store, new RecordingOptions { RunId = id, Epoch = epoch, Program = "1.0" }),
            CheckpointEvery = TimeSpan.FromMilliseconds(100),
            NodesPatience = Programs.Patience,
            Tell = Told.Enqueue,
            OnStatus = status => Status = status,
        });
        return runner.Run(
            request with { OnProgress = progress => atBarrier?.Invoke(runner, progress) ?? true }, CancellationToken.None);
    }

    /// <summary>Address and port of a node.</summary>
    public static string SeedOf(NodeHost node) => node.Address[(node.Address.IndexOf('@') + 1)..];

    /// <inheritdoc/>
    public void Dispose()
    {
        _nodes.Reverse();
        _nodes.ForEach(node => node.Dispose());
    }
}
