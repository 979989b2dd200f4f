// This process as a member of a cluster.
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Hosting;
using Akka.Cluster.Sharding;
using Akka.Configuration;
using Akka.Hosting;
using Akka.Remote;
using ClusterSwap.Journal;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ClusterSwap.Clustering;

/// <summary>How a process joins.</summary>
public sealed record NodeHostOptions
{
    /// <summary>Name of the actor systems of a cluster.</summary>
    public const string SystemName = "clusterswap";

    /// <summary>Address to listen on and to be known by.</summary>
    public string Bind { get; init; } = "127.0.0.1";

    /// <summary>Port; 0 for any that is free.</summary>
    public int Port { get; init; }

    /// <summary>Roles; <see cref="NodeHost.WorkerRole"/> for a node that runs partitions.</summary>
    public IReadOnlyList<string> Roles { get; init; } = [NodeHost.WorkerRole];

    /// <summary>
    /// Nodes to join, <c>host:port</c>; empty for the first node of a cluster. The node itself may be among them: when it is the
    /// first, it begins a cluster if none of the others answers.
    /// </summary>
    public IReadOnlyList<string> SeedNodes { get; init; } = [];

    /// <summary>Version of the program.</summary>
    public required string Program { get; init; }

    /// <summary>Akka configuration over that of the program.</summary>
    public Config Hocon { get; init; } = Config.Empty;

    /// <summary>The certificates of the cluster; null on loopback only.</summary>
    public ClusterTls? Tls { get; init; }

    /// <summary>Where logs go; null for nowhere.</summary>
    public ILoggerProvider? Log { get; init; }

    /// <summary>Lets whoever hosts add what it needs: health, metrics.</summary>
    public Action<IServiceCollection>? Services { get; init; }

    /// <summary>How long the first of its own seeds waits for an answer of the others before it begins a cluster: what nodes
    /// that live answer within, however busy they are.</summary>
    public TimeSpan OthersPatience { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long joining may take.</summary>
    public TimeSpan JoinPatience { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary>The actor system of a node under the generic host, with its agent and its region of partitions.</summary>
public sealed class NodeHost : IDisposable
{
    /// <summary>Role of nodes that run partitions.</summary>
    public const string WorkerRole = "worker";

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private readonly IHost _host;

    private NodeHost(IHost host, NodeHostOptions options)
    {
        _host = host;
        System = host.Services.GetRequiredService<ActorSystem>();
        Address = Akka.Cluster.Cluster.Get(System).SelfAddress.ToString();
        Facts = new NodeFacts
        {
            Address = Address,
            Program = options.Program,
            Build = Verification.Build,
            Cores = Environment.ProcessorCount,
        };
        var claims = new PartitionClaims(Akka.Actor.Address.Parse(Address));
        bool works = options.Roles.Contains(WorkerRole);
        if (works)
        {
            System.ActorOf(NodeAgent.PropsFor(Facts, claims, State), NodeAgent.Name);
        }

        Region = works ? StartRegion(claims) : StartProxy();
    }

    /// <summary>The actor system.</summary>
    public ActorSystem System { get; }

    /// <summary>Its address.</summary>
    public string Address { get; }

    /// <summary>What others are told of this node.</summary>
    public NodeFacts Facts { get; }

    /// <summary>Completes when the actor system has ended, such as of a node that was downed.</summary>
    public Task Ended => System.WhenTerminated;

    internal NodeState State { get; } = new();

    internal IActorRef Region { get; }

    /// <summary>Starts and joins; comes back when this node is a member that is up.</summary>
    /// <exception cref="ClusterRunException">The port is taken, the seed refuses or does not answer.</exception>
    public static NodeHost Start(NodeHostOptions options)
    {
        BindRules.Check(options);
        CheckPort(options);
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Logging.ClearProviders();
        if (options.Log is not null)
        {
            builder.Logging.AddProvider(options.Log);
        }

        builder.Services.AddAkka(NodeHostOptions.SystemName, akka => Configure(akka, options));
        options.Services?.Invoke(builder.Services);
        IHost host = builder.Build();
        try
        {
            host.Start();
            var node = new NodeHost(host, options);
            node.Join(options);
            return node;
        }
        catch (Exception e)
        {
            host.Dispose();
            throw e is ClusterRunException
                ? e
                : new ClusterRunException($"the node does not start: {e.GetBaseException().Message}");
        }
    }

    /// <summary>Asks the coordinator of a run to take this node's partitions over, and waits until it has.</summary>
    public void HandOver(TimeSpan patience)
    {
        long since = Stopwatch.GetTimestamp();
        while (State.Run is { } run && !Ended.IsCompleted && Stopwatch.GetElapsedTime(since) < patience)
        {
            System.ActorSelection($"{run.Epoch.Coordinator}/user/{RunDesk.Name}").Tell(new NodeLeaving(Address));
            Ended.Wait(TimeSpan.FromMilliseconds(300));
        }
    }

    /// <summary>Leaves the cluster and ends.</summary>
    public void Leave()
    {
        Akka.Cluster.Cluster.Get(System).LeaveAsync().Wait(s_patience);
        Dispose();
    }

    /// <summary>
    /// Declares a node dead of which this process knows that it is. A node that is down only leaves the cluster when it cannot
    /// be reached either, and the failure detector takes its time to say so: that its process has ended is said here.
    /// </summary>
    public void Down(string address)
    {
        var cluster = Akka.Cluster.Cluster.Get(System);
        Address dead = Akka.Actor.Address.Parse(address);
        Member? member = cluster.State.Members.FirstOrDefault(member => member.Address == dead);
        cluster.Down(dead);
        if (member is not null)
        {
            System.EventStream.Publish(new QuarantinedEvent(dead, member.UniqueAddress.Uid));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        System.Terminate().Wait(s_patience);
        _host.Dispose();
    }

    /// <summary>Akka's configuration of a node.</summary>
    internal static Config ConfigOf(NodeHostOptions options)
    {
        Config own = ConfigurationFactory.FromResource("cluster.conf", typeof(NodeHost).Assembly);
        string roles = string.Join(',', options.Roles.Select(role => $"\"{role}\""));
        Config here = ConfigurationFactory.ParseString($$"""
            akka.remote.dot-netty.tcp { hostname = "{{options.Bind}}", port = {{options.Port}} }
            akka.remote.dot-netty.tcp.enable-ssl = {{(options.Tls is null ? "off" : "on")}}
            akka.cluster.roles = [{{roles}}]
            """);
        return options.Hocon.WithFallback(here).WithFallback(own);
    }

    private static void Configure(AkkaConfigurationBuilder akka, NodeHostOptions options)
    {
        akka.AddHocon(ConfigOf(options), HoconAddMode.Prepend);
        akka.ConfigureLoggers(log =>
        {
            log.ClearLoggers();
            log.AddLoggerFactory();
        });
        if (options.Tls is { } tls)
        {
            akka.AddSetup(tls.Setup());
        }
    }

    private IActorRef StartRegion(PartitionClaims claims) => ClusterSharding.Get(System).Start(
        PartitionEntity.TypeName,
        id => PartitionEntity.PropsFor(id, claims, Address),
        ClusterShardingSettings.Create(System).WithRole(WorkerRole),
        new PartitionExtractor(),
        new PlannedAllocation(claims, Akka.Actor.Address.Parse(Address)),
        PoisonPill.Instance);

    private IActorRef StartProxy()
        => ClusterSharding.Get(System).StartProxy(PartitionEntity.TypeName, WorkerRole, new PartitionExtractor());

    private void Join(NodeHostOptions options)
    {
        var cluster = Akka.Cluster.Cluster.Get(System);
        string[] seeds = [.. options.SeedNodes.Select(seed => SeedProbe.AddressOf(seed, options.Tls is not null))];
        string[] others = [.. seeds.Where(seed => seed != Address)];
        bool mayBegin = seeds.Length == 0 || seeds[0] == Address;
        if (others.Length > 0 && SeedProbe.Find(
            System, others, Facts, mayBegin ? options.OthersPatience : options.JoinPatience, isNeeded: !mayBegin))
        {
            cluster.JoinSeedNodes([.. others.Select(Akka.Actor.Address.Parse)]);
        }
        else
        {
            cluster.Join(cluster.SelfAddress);
        }

        using var up = new ManualResetEventSlim();
        cluster.RegisterOnMemberUp(up.Set);
        if (!up.Wait(options.JoinPatience))
        {
            throw new ClusterRunException(
                $"{Address} has not become a member of the cluster of {string.Join(", ", options.SeedNodes)} within "
                + $"{options.JoinPatience.TotalSeconds:F0} s");
        }
    }

    /// <summary>Tried before Akka does, for Akka says it with a stack.</summary>
    private static void CheckPort(NodeHostOptions options)
    {
        try
        {
            IPAddress[] addresses = Dns.GetHostAddresses(options.Bind, AddressFamily.InterNetwork);
            using var listener = new TcpListener(addresses[0], options.Port);
            listener.Start();
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            throw new ClusterRunException(
                $"port {options.Port} of {options.Bind} is taken by another program: choose another, or 0 for any");
        }
        catch (Exception e) when (e is SocketException or IndexOutOfRangeException)
        {
            throw new ClusterRunException($"cannot listen on {options.Bind} port {options.Port}: {e.Message}");
        }
    }
}
