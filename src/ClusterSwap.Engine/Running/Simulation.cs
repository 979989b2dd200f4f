// A living simulation: hosts with their actors, run from barrier to barrier.
using Akka.Actor;

namespace ClusterSwap.Engine;

/// <summary>
/// Hosts in virtual time. Between runs it stands at a barrier: every host has done all events before it and none at
/// it. Not safe for use by several threads; it brings its own.
/// </summary>
public sealed partial class Simulation : IDisposable
{
    private readonly EdgeTable[] _edges;
    private readonly HostPool _pool;
    private readonly IInternalActorRef[] _roots = [];
    private readonly object _escapeGate = new();
    private readonly List<string> _escapes = [];
    private volatile bool _escaped;
    private volatile bool _abandoned;
    private bool _running;
    private bool _failed;
    private bool _disposed;

    internal Simulation(SimulationBuilder builder, EdgeTable[] edges)
    {
        Seed = builder.Seed;
        Registry = builder.Registry;
        Strategy = builder.Strategy;
        BarrierIntervalNs = builder.BarrierIntervalNs;
        TimeStepNs = builder.TimeStepNs;
        MessagesPerInstantMax = builder.MessagesPerInstantMax;
        LivelockWatchFrom = MessagesPerInstantMax - HostContext.LivelockMemory;
        _edges = edges;
        _pool = builder.Pool ?? HostPool.Shared;
        Hosts = new HostContext[builder.Hosts.Count];
        Func<int, bool> isLocal = builder.IsLocal ?? (_ => true);
        for (int i = 0; i < Hosts.Length; i++)
        {
            Hosts[i] = new HostContext(this, i, builder.Hosts[i].Name, builder.Hosts[i].Actors, edges[i])
            {
                IsLocal = isLocal(i),
            };
        }

        LocalHosts = Array.FindAll(Hosts, host => host.IsLocal);
        _roots = _pool.Start(LocalHosts);
        try
        {
            ThrowOnTrouble();
            PostFirstEvents(builder.Hosts);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Seed of the run.</summary>
    public ulong Seed { get; }

    /// <summary>Virtual time between barriers, in nanoseconds.</summary>
    public long BarrierIntervalNs { get; }

    /// <summary>Virtual times at which something happens are whole multiples of this, in nanoseconds.</summary>
    public long TimeStepNs { get; }

    /// <summary>The barrier that the simulation stands at, or that it last passed.</summary>
    public long TimeNs { get; private set; }

    /// <summary>Order among the messages of one instant.</summary>
    public ScheduleStrategy Strategy { get; private set; }

    /// <summary>Number of hosts.</summary>
    public int HostCount => Hosts.Length;

    /// <summary>
    /// Hash of all that happened: the hosts' fingerprints in order of id. Hosts that live elsewhere count as if nothing
    /// happened there; <see cref="FingerprintOf"/> joins what several simulations have.
    /// </summary>
    public UInt128 Fingerprint => FingerprintOf(Hosts.Select(host => host.Fingerprint.Value));

    /// <summary>The hash of a run from those of its hosts, in order of id.</summary>
    public static UInt128 FingerprintOf(IEnumerable<UInt128> hosts)
    {
        var all = default(Fingerprint);
        foreach (UInt128 host in hosts)
        {
            all.Add((ulong)host, (ulong)(host >> 64));
        }

        return all.Value;
    }

    /// <summary>Messages delivered since virtual time 0.</summary>
    public long Messages => Hosts.Sum(host => host.Messages);

    /// <summary>Those of them that took time to arrive.</summary>
    public long Events => Hosts.Sum(host => host.Events);

    /// <summary>Whether nothing is pending anywhere: nothing would ever happen again.</summary>
    public bool Quiet => Array.TrueForAll(LocalHosts, host => host.NextNs == long.MaxValue);

    /// <summary>Time of the next event of all; <see cref="long.MaxValue"/> when quiet.</summary>
    public long NextNs => LocalHosts.Length == 0 ? long.MaxValue : LocalHosts.Min(host => host.NextNs);

    internal HostContext[] Hosts { get; }

    /// <summary>Those that live here.</summary>
    internal HostContext[] LocalHosts { get; }

    /// <summary>Somebody on another thread has no use for this run any more.</summary>
    internal bool Abandoned => _abandoned;

    /// <summary>The messages that may wait for their time.</summary>
    public MessageRegistry Registry { get; }

    internal int MessagesPerInstantMax { get; }

    internal int LivelockWatchFrom { get; }

    /// <summary>The host of an id.</summary>
    public HostContext Host(int id) => Hosts[id];

    /// <summary>The actor itself, for inspection at barriers.</summary>
    public T Actor<T>(int host, int actor)
        where T : HostActor
        => (T)Hosts[host].Actors[actor];

    /// <summary>Name of an actor, as in its path.</summary>
    public string ActorName(int host, int actor) => Hosts[host].ActorName(actor);

    /// <summary>Kinds and type names of the messages that are registered, in order of kind.</summary>
    public IReadOnlyList<(ushort Kind, string Name)> MessageKinds => Registry.Kinds;

    /// <summary>
    /// The partitions that a run on so many threads has by default: ids of hosts, every host once. The same for the
    /// same topology.
    /// </summary>
    public IReadOnlyList<int[]> PartitionsFor(int threads) => PartitionPlan.Default(_edges, threads);

    /// <summary>Smallest latency of an edge between two of these partitions, ns; 0 when none is cut.</summary>
    public long LookaheadOf(IReadOnlyList<int[]> partitions)
    {
        int[] partitionOf = new int[Hosts.Length];
        for (int i = 0; i < partitions.Count; i++)
        {
            Array.ForEach(partitions[i], host => partitionOf[host] = i);
        }

        long smallestNs = long.MaxValue;
        for (int from = 0; from < _edges.Length; from++)
        {
            for (int i = 0; i < _edges[from].Count; i++)
            {
                bool isCut = partitionOf[from] != partitionOf[_edges[from].TargetAt(i)];
                smallestNs = isCut ? Math.Min(smallestNs, _edges[from].LatencyAt(i)) : smallestNs;
            }
        }

        return smallestNs == long.MaxValue ? 0 : smallestNs;
    }

    /// <summary>Whether a host lives in this simulation.</summary>
    public bool IsLocal(int host) => Hosts[host].IsLocal;

    /// <summary>Hash of what happened on one host.</summary>
    public UInt128 HostFingerprint(int host) => Hosts[host].Fingerprint.Value;

    /// <summary>What waits for its time on a host, in order; for analysis at barriers.</summary>
    public IEnumerable<(long AtNs, int Actor, SimMessage Message)> Pending(int host)
        => Hosts[host].PendingInOrder().Select(pending => (pending.AtNs, pending.Actor, pending.Message));

    /// <summary>
    /// An event from outside, at a barrier: at this time or later. It is an input of the run like its seed, so whoever
    /// posts must post the same again to repeat the run.
    /// </summary>
    public void Post(int host, long atNs, int actor, SimMessage message)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(atNs, TimeNs);
        Hosts[host].Post(atNs, actor, message);
    }

    /// <summary>The same, in the name of an actor: a test that plays it sends between two runs.</summary>
    public void PostAs(int fromHost, int fromActor, int host, long atNs, int actor, SimMessage message)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(atNs, TimeNs);
        Hosts[host].PostAs(Hosts[fromHost], fromActor, atNs, actor, message);
    }

    /// <summary>
    /// Ends a run as soon as may be, from any thread: <see cref="Run"/> throws
    /// <see cref="OperationCanceledException"/>, and the simulation is of no use any more.
    /// </summary>
    public void Abandon() => _abandoned = true;

    /// <summary>
    /// Sees each escape on the thread that caused it, before the run is void: there its stack tells where it came from.
    /// </summary>
    public Action<EscapedMessage>? EscapeObserver { get; set; }

    /// <summary>
    /// At a barrier: from here on another strategy decides, from its own beginning. It is an input of the run like
    /// what is posted; <see cref="ScheduleStrategy.From"/> names it so that a run from the start does the same.
    /// </summary>
    public void Follow(ScheduleStrategy strategy)
    {
        if (_running)
        {
            throw new InvalidOperationException("a running simulation cannot change its strategy");
        }

        Strategy = strategy;
        foreach (HostContext host in Hosts)
        {
            host.Follow(strategy);
        }
    }

    /// <summary>Ends the actors and gives their dispatchers back.</summary>
    public void Dispose()
    {
        if (!_disposed)
        {
            _disposed = true;
            _pool.Stop(LocalHosts, _roots);
        }
    }

    /// <summary>Called on any thread when a message came from outside the receiving host's turn.</summary>
    internal void ReportEscape(string host, string actor, object message, IActorRef? sender = null)
    {
        EscapeObserver?.Invoke(new EscapedMessage(host, actor, message, sender));
        lock (_escapeGate)
        {
            _escapes.Add($"{message.GetType().Name} to {host}/{actor}");
            _escaped = true;
        }
    }

    private void PostFirstEvents(IReadOnlyList<HostBuilder> builders)
    {
        foreach (HostBuilder builder in builders.Where(builder => Hosts[builder.Id].IsLocal))
        {
            foreach ((long atNs, int actor, SimMessage message) in builder.Posts)
            {
                Hosts[builder.Id].Post(atNs, actor, message);
            }
        }
    }

    /// <summary>
    /// Throws what went wrong: an escape first, for then nothing else is certain, or else the first fault.
    /// </summary>
    private void ThrowOnTrouble()
    {
        if (_escaped)
        {
            _failed = true;
            lock (_escapeGate)
            {
                throw new SimulationEscapeException([.. _escapes]);
            }
        }

        HostContext? first = null;
        foreach (HostContext host in Hosts)
        {
            if (host.FaultOrNull is { } fault && (first is null || fault.TimeNs < first.FaultOrNull!.TimeNs))
            {
                first = host;
            }
        }

        if (first is not null)
        {
            _failed = true;
            throw new SimulationFaultException(first.FaultOrNull!, first.FaultCause);
        }
    }
}
