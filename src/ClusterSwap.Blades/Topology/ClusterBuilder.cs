// From a scenario to a simulation: hosts, actors, edges, first messages.
using ClusterSwap.Blades.Actors;
using ClusterSwap.Blades.Messages;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Engine;

namespace ClusterSwap.Blades;

/// <summary>Builds clusters.</summary>
public static partial class ClusterBuilder
{
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
}
