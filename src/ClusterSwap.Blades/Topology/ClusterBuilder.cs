// From a scenario to a simulation: hosts, actors, edges, first messages.
using ClusterSwap.Blades.Actors;
using ClusterSwap.Blades.Messages;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Engine;
using ClusterSwap.Kernel;
using ClusterSwap.Kernel.Block;
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Net;
using ClusterSwap.Kernel.Slab;
using ClusterSwap.Kernel.Swap;

namespace ClusterSwap.Blades;

/// <summary>A blade of a cluster.</summary>
/// <param name="Host">Its host.</param>
/// <param name="Name">Its name.</param>
/// <param name="Group">How it is configured.</param>
/// <param name="Spec">Its memory.</param>
/// <param name="Server">Host of its server.</param>
/// <param name="Connection">Its connection there.</param>
/// <param name="Seed">Seed of the run.</param>
public sealed record BladePlace(
    int Host, string Name, BladeGroup Group, MachineSpec Spec, int Server, int Connection, ulong Seed)
{
    /// <summary>Host that sends streams to it, or −1.</summary>
    public int StreamHost { get; init; } = -1;

    /// <summary>Connection of its first stream there.</summary>
    public int FirstStream { get; init; }

    /// <summary>Faults of its cable.</summary>
    public IReadOnlyList<NumberedFault> LinkFaults { get; init; } = [];

    /// <summary>Faults of its server, and of the server's cable.</summary>
    public IReadOnlyList<NumberedFault> ServerFaults { get; init; } = [];

    /// <summary>All faults of the scenario, by number.</summary>
    public IReadOnlyList<FaultSpec> ScenarioFaults { get; init; } = [];

    /// <summary>All faults that it can feel.</summary>
    public IEnumerable<FaultSpec> Faults => LinkFaults.Concat(ServerFaults).Select(fault => fault.Spec);
}

/// <summary>A simulation with the places of its blades.</summary>
/// <param name="Simulation">The simulation.</param>
/// <param name="Blades">Blades in the order of the scenario.</param>
public sealed record Cluster(Simulation Simulation, IReadOnlyList<BladePlace> Blades) : IDisposable
{
    /// <summary>Those of the blades that live in this simulation.</summary>
    public IReadOnlyList<BladePlace> LocalBlades { get; } =
        [.. Blades.Where(place => Simulation.IsLocal(place.Host))];

    /// <inheritdoc/>
    public void Dispose() => Simulation.Dispose();
}

/// <summary>Builds clusters.</summary>
public static partial class ClusterBuilder
{
    // The processes of the workload are forked one after another by their shell, about 100 us each; how long a fork
    // takes varies, and so runs of different seeds differ from the start.
    private const long ForkNs = 100_000;

    /// <summary>
    /// The cluster of a scenario, at virtual time 0; of its hosts only those that live here, if that is said.
    /// </summary>
    public static Cluster Build(
        Scenario scenario, ulong seed, ScheduleStrategy? strategy = null, Func<int, bool>? isLocal = null)
    {
        var (builder, places) = Describe(scenario, seed, strategy);
        builder.IsLocal = isLocal;
        return new Cluster(builder.Build(), places);
    }

    /// <summary>
    /// The cluster of a scenario, at virtual time 0. <paramref name="prepare"/> sees the simulation before it lives: for
    /// the pool that its actors live in.
    /// </summary>
    public static Cluster Build(
        Scenario scenario, ulong seed, ScheduleStrategy strategy, Action<SimulationBuilder> prepare)
    {
        var (builder, places) = Describe(scenario, seed, strategy);
        prepare(builder);
        return new Cluster(builder.Build(), places);
    }

    /// <summary>
    /// Hosts that belong together: a server with its blades and what sends to them, and all that shorter links than this
    /// connect. In order of the lowest host.
    /// </summary>
    public static IReadOnlyList<int[]> Racks(Scenario scenario, long cutFromNs)
    {
        var (builder, places) = Describe(scenario, scenario.Seed, strategy: null);
        var racks = builder.Racks(cutFromNs);
        var rackOf = new int[builder.HostCount];
        for (var rack = 0; rack < racks.Count; rack++)
        {
            Array.ForEach(racks[rack], host => rackOf[host] = rack);
        }

        // A verdict on a blade looks at its server too, however long the cable to it is.
        var kept = places.Select(place => (rackOf[place.Host], rackOf[place.Server]));
        return [.. PartitionsOf(racks, SimulationBuilder.Connected(racks.Count, kept))];
    }

    private static IEnumerable<int[]> PartitionsOf(IReadOnlyList<int[]> racks, IReadOnlyList<int[]> sets) =>
        sets.Select(set => set.SelectMany(rack => racks[rack]).Order().ToArray());

    private static (SimulationBuilder Builder, BladePlace[] Places) Describe(
        Scenario scenario, ulong seed, ScheduleStrategy? strategy)
    {
        var builder = new SimulationBuilder(seed, BladeMessages.Registry())
        {
            BarrierIntervalNs = scenario.BarrierIntervalNs,
            TimeStepNs = scenario.TimeStepNs,
            Strategy = strategy ?? ScheduleStrategy.Fifo,
        };
        var places = new BladePlace[scenario.BladeCount];
        var machines = new List<StreamMachine>();
        foreach (var server in scenario.Servers)
        {
            AddRack(builder, scenario, server, seed, places, machines);
        }

        // A machine may send to several racks.
        machines.ForEach(machine => AddStreamSource(builder, machine, scenario));
        return (builder, places);
    }

    private static void AddRack(
        SimulationBuilder builder, Scenario scenario, ServerSpec server, ulong seed, BladePlace[] places,
        List<StreamMachine> machines)
    {
        var serverHost = builder.AddHost(server.Name);
        var serverFaults = Faults(scenario, fault => fault.IsOnServer(server) || fault.IsOnLinkOf(server));
        var senders = scenario.Blades.Where(group => group.Server == server.Name)
            .ToDictionary(group => group.Name, group => StreamMachineOf(group, builder, machines));
        var mine = new List<BladePlace>();
        var index = 0;
        foreach (var group in scenario.Blades)
        {
            for (var i = 0; i < group.Count; i++, index++)
            {
                if (group.Server != server.Name)
                {
                    continue;
                }

                var host = builder.AddHost(group.BladeName(i));
                var spec = SpecOf(group, seed, host.Id);
                var sender = senders[group.Name];
                places[index] = new BladePlace(host.Id, host.Name, group, spec, serverHost.Id, mine.Count, seed)
                {
                    StreamHost = sender?.Host.Id ?? -1,
                    FirstStream = sender?.Connections ?? 0,
                    LinkFaults = Faults(scenario, fault => fault.IsOnLinkOf(group, i)),
                    ServerFaults = serverFaults,
                    ScenarioFaults = scenario.Faults,
                };
                if (sender is not null)
                {
                    sender.Connections += group.Background.Tcp.Streams;
                    sender.Receivers.Add(places[index]);
                }

                mine.Add(places[index]);
                AddBlade(host, places[index]);
                builder.AddEdge(host.Id, serverHost.Id, group.Link.LatencyNs);
                builder.AddEdge(serverHost.Id, host.Id, group.Link.LatencyNs);
            }
        }

        AddServer(serverHost, server, mine, serverFaults);
        AddTraffic(builder, scenario, server, mine);
    }

    /// <summary>One more machine at the switch, when a blade of the rack is to get datagrams from others.</summary>
    private static void AddTraffic(
        SimulationBuilder builder, Scenario scenario, ServerSpec server, List<BladePlace> blades)
    {
        var receivers = blades.Where(blade => blade.Group.Background.PacketsPerSecond > 0).ToArray();
        if (receivers.Length == 0)
        {
            return;
        }

        var source = builder.AddHost($"traffic-{server.Name}");
        foreach (var place in receivers)
        {
            var background = place.Group.Background;
            var flow = new DatagramFlow(
                place.Host, background.Bystanders, background.PacketsPerSecond, background.PacketBytes, scenario.TimeLimitNs);
            var wire = WireOf(place.Group.Link);
            var index = source.AddActor($"to-{place.Name}", (h, i) => new TrafficSource(h, i, wire, flow));
            builder.AddEdge(source.Id, place.Host, wire.LatencyNs);
            source.Post(0, index, new StartTask());
        }
    }

    private static WireSpec WireOf(LinkSpec link) =>
        new(link.BandwidthBitsPerSec, link.LatencyNs, link.QueueBytes, link.LossPerMillion);

    private static MachineSpec SpecOf(BladeGroup group, ulong seed, int host) => new()
    {
        RamPages = group.RamPages,
        Zones = (ZoneLayout)group.ZoneLayout,
        MinFreeKbytes = group.MinFreeKbytes,
        Cpus = group.Cpus,
        Nodes = group.Nodes,
        Mempolicy = group.Mempolicy,
        Slab = (SlabKind)group.Slab,
        Rules = group.Rules,
        Hz = group.Hz,
        Costs = group.Costs,
        Processes = group.Processes,
        Readers = group.Background.Tcp.Streams,
        PagesPerProcess = (int)(group.MappingPages / group.Processes),
        SwapPages = (int)group.SwapPages,
        SwapStart = 1 + (int)(Mix(seed, (ulong)host) % (ulong)(group.SwapPages - 1)),
        KernelPages = (int)group.KernelResidentPages,
        PageCachePages = (int)group.PageCachePages,
        WarmObjects = group.WarmObjects,
    };

    // The random initial position of the swap allocator on a non-rotational device (sys_swapon): splitmix64.
    private static ulong Mix(ulong seed, ulong host)
    {
        var z = seed + (host + 1) * 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    private static void AddBlade(HostBuilder host, BladePlace place)
    {
        var group = place.Group;
        var processes = group.Processes;
        var runActors = RunActors(group);
        var weights = new int[runActors.Length];
        Array.Fill(weights, CpuModel.NiceZeroWeight);
        weights[BladeTasks.NbdSender] = CpuModel.NiceMinus20Weight;
        if (BlockRules.ReceiverIsWorker(group.Rules))
        {
            weights[BladeTasks.NbdReceiver] = CpuModel.NiceMinus20Weight;
        }

        Blade? blade = null;
        var kswapds = Enumerable.Range(0, group.Nodes).Select(node => BladeActors.KswapdOf(group, node)).ToArray();
        host.AddActor("blade", (h, i) => blade = new Blade(h, i, place.Spec, runActors, weights, kswapds));
        host.AddActor("kswapd", (h, i) => new Kswapd(h, i, group.Costs.WakeupNs, IssuerOf(group)));

        // tcp_memory_allocated is one counter of the machine, which its sockets charge directly.
        Func<TcpMemory> tcpMemory = () => blade!.TcpMemory;
        AddNetwork(host, place, tcpMemory);
        for (var process = 0; process < processes; process++)
        {
            AddProcess(host, place, process);
        }

        AddStreamReaders(host, place, tcpMemory);
        AddBystanders(host, group);
        AddTap(host, group);
        AddArp(host, place);
        AddOtherKswapd(host, group);
        host.Post(0, BladeActors.Softirq, new StartTask());
        host.Post(0, BladeActors.NbdDevice, new StartTask());
        host.Post(0, BladeActors.Kswapd, new StartTask());
        for (var cpu = 0; cpu < group.Cpus && group.Slab == ScenarioSlab.Slab; cpu++)
        {
            host.Post(KernelTimes.SlabReapNs + cpu * KernelTimes.TickStaggerNs, BladeActors.Blade, new SlabReap(cpu));
        }
    }

    /// <summary>kswapd of the second node.</summary>
    private static void AddOtherKswapd(HostBuilder host, BladeGroup group)
    {
        if (group.Nodes > 1)
        {
            var task = BladeTasks.KswapdOf(group, 1);
            host.AddActor("kswapd1", (h, i) => new Kswapd(h, i, group.Costs.WakeupNs, IssuerOf(group), task, node: 1));
            host.Post(0, BladeActors.KswapdOf(group, 1), new StartTask());
        }
    }

    /// <summary>By task: the actor that holds its outermost call.</summary>
    private static int[] RunActors(BladeGroup group)
    {
        var processes = group.UserTasks;
        var readers = group.Background.Bystanders - group.Background.StalledReaders;
        var tapReader = BladeTasks.TapReader(group);
        var runActors = new int[BladeTasks.FirstReader(processes) + readers + (tapReader < 0 ? 0 : 1) + group.Nodes - 1];
        for (var node = 0; node < group.Nodes; node++)
        {
            runActors[BladeTasks.KswapdOf(group, node)] = BladeActors.KswapdOf(group, node);
        }

        runActors[BladeTasks.NbdSender] = BladeActors.NbdDevice;
        runActors[BladeTasks.NbdReceiver] = BladeActors.NbdDevice;
        for (var process = 0; process < processes; process++)
        {
            runActors[BladeTasks.Process(process)] = BladeActors.Process(process);
        }

        Array.Fill(runActors, BladeActors.Bystanders(processes), BladeTasks.FirstReader(processes), readers);
        if (tapReader >= 0)
        {
            runActors[tapReader] = BladeActors.Tap(group);
        }

        return runActors;
    }

    private static void AddNetwork(HostBuilder host, BladePlace place, Func<TcpMemory> tcpMemory)
    {
        var group = place.Group;
        var nic = group.Nic;
        var tcp = TcpParameters.ForMachine(FreeBufferPages(group), group.Hz, nic.Sg, nic.Tso, group.Rules);
        var connection = new NbdConnection(
            place.Server, place.Connection, tcp, nic.Arp ? BladeActors.Arp(group) : BladeActors.Uplink)
        {
            Requests = group.NrRequests,
        };
        var wire = WireOf(group.Link);
        var queue = new NicQueue(
            (RxPath)nic.RxPath,
            nic.Ring,
            nic.InterruptModerationNs,
            group.Background.Bystanders > 0 ? BladeActors.Bystanders(group.UserTasks) : -1,
            BladeActors.Tap(group),
            BladeActors.Arp(group),
            place.StreamHost < 0 ? null : new StreamPorts(place.StreamHost, place.FirstStream, group.Processes));

        // Readers of datagrams do no block I/O: the device knows only the tasks before them, unless the second
        // kswapd stands behind them.
        var tasks = group.Nodes == 1 ? BladeTasks.FirstReader(group.UserTasks) : BladeTasks.KswapdOf(group, 1) + 1;
        host.AddActor("softirq", (h, i) => new Softirq(h, i, group.Costs, queue));
        host.AddActor("nbd", (h, i) => new NbdDevice(
            h, i, group.Costs, group.Rules, connection, tcpMemory, tasks, (IoScheduler)group.Scheduler, PolicyOf(group),
            place.ServerFaults));
        FaultTimes.Post(host, BladeActors.NbdDevice, place.ServerFaults);
        AddReclaimer(host, group, "nbd-sender-reclaim", BladeTasks.NbdSender);
        AddReclaimer(host, group, "nbd-receiver-reclaim", BladeTasks.NbdReceiver);
        var latencyNs = new Dictionary<int, long> { [place.Server] = wire.LatencyNs };
        if (place.StreamHost >= 0)
        {
            latencyNs[place.StreamHost] = StreamLatencyNs(place);
        }

        host.AddActor("uplink", (h, i) => new Uplink(
            h,
            i,
            wire,
            latencyNs,
            nic.InterruptModerationNs,
            ServerActors.Downlink,
            BladeActors.NbdDevice,
            BladeActors.Blade,
            place.LinkFaults));
        host.AddActor("downlink", (h, i) => new SwitchPort(
            h, i, wire, BladeActors.Softirq, place.LinkFaults, BladeActors.Uplink));
        PostLinkFaults(host, BladeActors.Uplink, BladeActors.Downlink, place.LinkFaults);
    }

    private static IssuedBy IssuerOf(BladeGroup group) => BlockRules.IssuerOf((IoScheduler)group.Scheduler);

    private static void AddReclaimer(HostBuilder host, BladeGroup group, string name, int task) =>
        host.AddActor(name, (h, i) => new DirectReclaimer(h, i, task, group.Costs.WakeupNs, IssuerOf(group)));

    private static void AddBystanders(HostBuilder host, BladeGroup group)
    {
        var background = group.Background;
        if (background.Bystanders == 0)
        {
            return;
        }

        var spec = new BystanderSpec(
            background.Bystanders,
            background.StalledReaders,
            background.RcvbufBytes,
            BladeTasks.FirstReader(group.UserTasks),
            FreeBufferPages(group),
            group.Rules);
        host.AddActor("bystanders", (h, i) => new Bystander(h, i, group.Costs, spec));
    }

    private static void AddTap(HostBuilder host, BladeGroup group)
    {
        if (group.Background.Tap)
        {
            var spec = new TapSpec(group.Background.TapRcvbufBytes, BladeTasks.TapReader(group));
            host.AddActor("tap", (h, i) => new Tap(h, i, group.Costs, spec));
        }
    }

    private static void AddArp(HostBuilder host, BladePlace place)
    {
        var group = place.Group;
        if (group.Nic.Arp)
        {
            var spec = new ArpSpec(
                [place.Server], BladeActors.Uplink, BladeActors.NbdDevice, BladeActors.Blade, group.Rules, group.Costs.AckNs);
            host.AddActor("arp", (h, i) => new Arp(h, i, spec));
            host.Post(0, BladeActors.Arp(group), new StartTask());
        }
    }

    private static void AddProcess(HostBuilder host, BladePlace place, int process)
    {
        var group = place.Group;
        var task = BladeTasks.Process(process);
        host.AddActor($"process-{process}", (h, i) => new Process(
            h,
            i,
            process,
            new Workload(1, place.Spec.PagesPerProcess, group.Passes + (group.Access == AccessMode.Read ? 1 : 0), KindOf(group)),
            group.Costs,
            IssuerOf(group),
            PolicyOf(group)));
        AddReclaimer(host, group, $"reclaim-{process}", task);
        var delayNs = (long)(Mix(place.Seed, ((ulong)place.Host << 20) + (ulong)process + 1) % (ulong)ForkNs);
        host.Post((process + 1) * ForkNs + delayNs, BladeActors.Process(process), new StartTask());
    }

    // The shell that starts the workload and nbd-client runs under numactl; they inherit its policy.
    private static TaskFlags PolicyOf(BladeGroup group) =>
        group.Mempolicy.Mode == MempolicyMode.Default ? TaskFlags.None : TaskFlags.MemPolicy;

    private static PassKind KindOf(BladeGroup group) =>
        group.Access == AccessMode.Write ? PassKind.Write : PassKind.ReadAfterFill;

    // nr_free_buffer_pages at boot: present pages above the high watermarks, as all of RAM is still free.
    private static long FreeBufferPages(BladeGroup group) => group.RamPages - group.KernelResidentPages;

    private static void AddServer(
        HostBuilder host, ServerSpec server, List<BladePlace> clients, NumberedFault[] faults)
    {
        var ofProcess = Array.FindAll(faults, fault => fault.Spec.Effect is ServerEffect);
        var ofLink = Array.FindAll(faults, fault => fault.Spec.Effect is LinkEffect);
        var tcp = new TcpParameters
        {
            SndBufInitial = server.SndbufBytes,
            SndBufMax = Math.Max(server.SndbufBytes, 4 << 20),
            RcvBufInitial = server.RcvbufBytes,
            RcvBufMax = Math.Max(server.RcvbufBytes, 6 << 20),
        };
        var latency = clients.Count == 0 ? 1 : clients.Min(client => client.Group.Link.LatencyNs);
        var wire = new WireSpec(server.BandwidthBitsPerSec, latency, server.QueueBytes, 0);
        var times = new ScenarioServiceTimes(server);
        var withArp = clients.Where(client => client.Group.Nic.Arp).Select(client => client.Host).ToArray();
        host.AddActor("server", (h, i) => new NbdServer(
            h,
            i,
            times,
            tcp,
            clients.Select(client => client.Host).ToArray(),
            clients.Select(client => client.Spec.SwapPages).ToArray(),
            withArp.Length > 0 ? ServerActors.Arp : ServerActors.Uplink,
            ofProcess));
        FaultTimes.Post(host, ServerActors.Server, ofProcess);
        var latencyNs = clients.ToDictionary(client => client.Host, client => client.Group.Link.LatencyNs);
        host.AddActor("uplink", (h, i) => new Uplink(
            h, i, wire, latencyNs, 0, BladeActors.Downlink, ServerActors.Server, memory: -1, ofLink));
        host.AddActor("downlink", (h, i) => new SwitchPort(
            h, i, wire, ServerActors.Server, ofLink, ServerActors.Uplink));
        PostLinkFaults(host, ServerActors.Uplink, ServerActors.Downlink, ofLink);
        if (withArp.Length > 0)
        {
            var spec = new ArpSpec(withArp, ServerActors.Uplink, ServerActors.Server, Memory: -1, default, CostNs: 0);
            host.AddActor("arp", (h, i) => new Arp(h, i, spec));
            host.Post(0, ServerActors.Arp, new StartTask());
        }
    }

    private sealed class ScenarioServiceTimes(ServerSpec server) : IServiceTimes
    {
        public long ReadNs(int bytes) => server.ReadTime.For(bytes);

        public long WriteNs(int bytes) => server.WriteTime.For(bytes);
    }
}
