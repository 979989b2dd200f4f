// The streams of a cluster: their readers on the blades, and the machines that send them.
using ClusterSwap.Blades.Actors;
using ClusterSwap.Blades.Messages;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Engine;
using ClusterSwap.Kernel.Block;
using ClusterSwap.Kernel.Net;

namespace ClusterSwap.Blades;

public static partial class ClusterBuilder
{
    // The switch port and queue of the machine that sends streams: those of a server by default.
    private const int StreamQueueBytes = 512 << 10;

    /// <summary>A machine that sends streams, with the blades that get them.</summary>
    private sealed class StreamMachine(HostBuilder host)
    {
        public HostBuilder Host => host;

        public List<BladePlace> Receivers { get; } = [];

        public int Connections { get; set; }
    }

    /// <summary>The machine that sends a group's streams; made when the first group of a rack asks for it.</summary>
    private static StreamMachine? StreamMachineOf(
        BladeGroup group, SimulationBuilder builder, List<StreamMachine> machines)
    {
        var traffic = group.Background.Tcp;
        if (traffic.Streams == 0)
        {
            return null;
        }

        var name = traffic.From == StreamTraffic.OwnMachine ? $"streams-{group.Server}" : traffic.From;
        var machine = machines.Find(machine => machine.Host.Name == name);
        if (machine is null)
        {
            machines.Add(machine = new StreamMachine(builder.AddHost(name)));
        }

        return machine;
    }

    private static void AddStreamSource(SimulationBuilder builder, StreamMachine machine, Scenario scenario)
    {
        var source = machine.Host;
        var receivers = machine.Receivers;
        var flows = receivers.Select(place =>
        {
            var traffic = place.Group.Background.Tcp;
            var tcp = StreamTcp(place.Group);

            // Without a rate the sockets stand and nothing comes.
            return new StreamFlow(
                place.Host, traffic.Streams, Math.Max(traffic.MessagesPerSecond, 1), traffic.MessageBytes,
                new TcpConnection(tcp).RcvWnd, traffic.MessagesPerSecond > 0 ? scenario.TimeLimitNs : -1);
        }).ToArray();
        var latencyNs = receivers.ToDictionary(place => place.Host, StreamLatencyNs);
        var wire = new WireSpec(
            receivers.Max(place => place.Group.Link.BandwidthBitsPerSec), latencyNs.Values.Min(), StreamQueueBytes, 0);
        source.AddActor("sender", (h, i) => new StreamSource(h, i, new TcpParameters(), flows, ServerActors.Uplink));
        source.AddActor("uplink", (h, i) => new Uplink(
            h, i, wire, latencyNs, 0, BladeActors.Downlink, ServerActors.Server, memory: -1));
        source.AddActor("downlink", (h, i) => new SwitchPort(h, i, wire, ServerActors.Server));
        foreach (var place in receivers)
        {
            builder.AddEdge(place.Host, source.Id, StreamLatencyNs(place));
            builder.AddEdge(source.Id, place.Host, StreamLatencyNs(place));
        }

        source.Post(0, ServerActors.Server, new StartTask());
    }

    private static long StreamLatencyNs(BladePlace place) =>
        place.Group.Link.LatencyNs + place.Group.Background.Tcp.DistanceNs;

    private static void AddStreamReaders(HostBuilder host, BladePlace place, Func<TcpMemory> tcpMemory)
    {
        var group = place.Group;
        var traffic = group.Background.Tcp;
        var tcp = StreamTcp(group);
        for (var stream = 0; stream < traffic.Streams; stream++)
        {
            var space = group.Processes + stream;
            var spec = new StreamSpec(
                space,
                place.Spec.PagesPerProcess,
                (int)traffic.ReaderPages,
                stream >= traffic.Streams - traffic.Stalled,
                place.StreamHost,
                place.FirstStream + stream,
                tcp,
                group.Rules);
            host.AddActor($"stream-{stream}", (h, i) => new TcpReader(
                h, i, group.Costs, spec, tcpMemory, IssuerOf(group)));
            AddReclaimer(host, group, $"reclaim-{space}", BladeTasks.Process(space));

            // Programs that were there before the workload: they start while its shell has not forked yet.
            var delayNs = (long)(Mix(place.Seed, ((ulong)place.Host << 20) + (ulong)space + 1) % (ulong)ForkNs);
            host.Post(delayNs, BladeActors.Process(space), new StartTask());
        }
    }

    // SO_RCVBUF locks the buffer: it neither grows nor shrinks.
    private static TcpParameters StreamTcp(BladeGroup group)
    {
        var nic = group.Nic;
        var bytes = group.Background.Tcp.RcvbufBytes;
        return TcpParameters.ForMachine(FreeBufferPages(group), group.Hz, nic.Sg, nic.Tso, group.Rules) with
        {
            RcvBufInitial = bytes,
            RcvBufMax = bytes,
        };
    }
}
