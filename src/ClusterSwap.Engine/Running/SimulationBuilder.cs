// What a simulation consists of, before it lives.
namespace ClusterSwap.Engine;

/// <summary>Collects hosts, actors, edges and first events, and brings them to life.</summary>
public sealed class SimulationBuilder
{
    private readonly List<HostBuilder> _hosts = [];
    private readonly List<(int From, int To, long LatencyNs)> _edges = [];

    /// <summary>All random streams and tie-breaking draws follow from the seed.</summary>
    public SimulationBuilder(ulong seed, MessageRegistry registry)
    {
        Seed = seed;
        Registry = registry;
    }

    /// <summary>Seed of the run.</summary>
    public ulong Seed { get; }

    /// <summary>The messages that may wait for their time.</summary>
    public MessageRegistry Registry { get; }

    /// <summary>Virtual time between barriers, in nanoseconds; at least 1.</summary>
    public long BarrierIntervalNs { get; set; } = 1_000_000_000;

    /// <summary>
    /// Virtual times at which something happens are whole multiples of this, in nanoseconds: what is due between two comes
    /// at the later one. 1, the default, leaves every time as it is.
    /// </summary>
    public long TimeStepNs { get; set; } = 1;

    /// <summary>Order among the messages of one instant.</summary>
    public ScheduleStrategy Strategy { get; set; } = ScheduleStrategy.Fifo;

    /// <summary>More messages than this on one host at one instant are a livelock.</summary>
    public int MessagesPerInstantMax { get; set; } = 1_000_000;

    /// <summary>Where the actors live; the process's shared pool by default.</summary>
    public HostPool? Pool { get; set; }

    /// <summary>
    /// Which hosts live in this simulation, by id; null for all. The others are known by name, actors and edges only,
    /// and take no memory: a <see cref="IWindowExchange"/> connects to where they live.
    /// </summary>
    public Func<int, bool>? IsLocal { get; set; }

    internal IReadOnlyList<HostBuilder> Hosts => _hosts;

    /// <summary>Adds a host; ids count from 0.</summary>
    public HostBuilder AddHost(string name)
    {
        var host = new HostBuilder(_hosts.Count, name);
        _hosts.Add(host);
        return host;
    }

    /// <summary>
    /// Declares that a host can transmit to another, with this smallest latency in nanoseconds, at least 1.
    /// </summary>
    public void AddEdge(int fromHost, int toHost, long latencyNs)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(latencyNs, 1);
        if (fromHost == toHost || (uint)fromHost >= (uint)_hosts.Count || (uint)toHost >= (uint)_hosts.Count)
        {
            throw new ArgumentException(
                $"an edge from host {fromHost} to host {toHost}: it needs two different ones of {_hosts.Count} hosts");
        }

        _edges.Add((fromHost, toHost, latencyNs));
    }

    /// <summary>Number of hosts so far.</summary>
    public int HostCount => _hosts.Count;

    /// <summary>Sets of members that pairs connect, in order of their lowest member.</summary>
    public static IReadOnlyList<int[]> Connected(int count, IEnumerable<(int One, int Other)> pairs)
        => PartitionPlan.Connected(count, pairs);

    /// <summary>
    /// Sets of hosts that edges of less than this latency connect, in order of their lowest host: what is better not
    /// taken apart over machines.
    /// </summary>
    public IReadOnlyList<int[]> Racks(long cutFromNs)
        => PartitionPlan.Connected(
            _hosts.Count, _edges.Where(edge => edge.LatencyNs < cutFromNs).Select(edge => (edge.From, edge.To)));

    /// <summary>Creates all actors. The caller disposes of the simulation.</summary>
    public Simulation Build()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(BarrierIntervalNs, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(TimeStepNs, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MessagesPerInstantMax, HostContext.LivelockMemory);
        return new Simulation(this, EdgeTables());
    }

    private EdgeTable[] EdgeTables()
    {
        var outgoing = new SortedDictionary<int, long>[_hosts.Count];
        foreach ((int from, int to, long latencyNs) in _edges)
        {
            SortedDictionary<int, long> edges = outgoing[from] ??= [];
            if (!edges.TryAdd(to, latencyNs))
            {
                throw new ArgumentException($"two edges from {_hosts[from].Name} to {_hosts[to].Name}");
            }
        }

        return [.. outgoing.Select(edges => edges is null
            ? new EdgeTable([], [])
            : new EdgeTable([.. edges.Keys], [.. edges.Values]))];
    }
}

/// <summary>One host, before it lives.</summary>
public sealed class HostBuilder
{
    private readonly List<ActorSpec> _actors = [];
    private readonly List<(long AtNs, int Actor, SimMessage Message)> _posts = [];

    internal HostBuilder(int id, string name)
    {
        Id = id;
        Name = name;
    }

    /// <summary>The host's id.</summary>
    public int Id { get; }

    /// <summary>The host's name.</summary>
    public string Name { get; }

    internal ActorSpec[] Actors => [.. _actors];

    internal IReadOnlyList<(long AtNs, int Actor, SimMessage Message)> Posts => _posts;

    /// <summary>
    /// Adds an actor under a name that is unique on its host and fit for an actor path; returns its index, from 0.
    /// </summary>
    public int AddActor(string name, Func<HostContext, int, HostActor> factory)
    {
        if (_actors.Exists(actor => actor.Name == name))
        {
            throw new ArgumentException($"host {Name} has two actors named {name}");
        }

        _actors.Add(new ActorSpec(name, factory));
        return _actors.Count - 1;
    }

    /// <summary>A first event, from outside: it arrives at this virtual time, 0 or later.</summary>
    public void Post(long atNs, int actor, SimMessage message) => _posts.Add((atNs, actor, message));
}
