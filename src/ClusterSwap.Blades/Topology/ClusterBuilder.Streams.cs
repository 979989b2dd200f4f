// The streams of a cluster: their readers on the blades, and one machine a rack that sends them.
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

    /// <summary>A host with the places of a server, when a blade of the rack has streams; null otherwise.</summary>
    private static HostBuilder? AddStreamHost(SimulationBuilder builder, Scenario scenario, ServerSpec server) =>
        scenario.Blades.Any(group => group.Server == server.Name && group.Background.Tcp.Streams > 0)
            ? builder.AddHost($"streams-{server.Name}")
            : null;

    private static void AddStreamSource(
        SimulationBuilder builder, HostBuilder source, Scenario scenario, List<BladePlace> blades)
    {
        var receivers = blades.Where(blade => blade.StreamHost >= 0).ToArray();
        var flows = receivers.Select(place =>
        {
            var traffic = place.Group.Background.Tcp;
            var tcp = StreamTcp(place.Group);

            // Without a rate the sockets stand and nothing comes.
            return new StreamFlow(
                place.Host, traffic.Streams, Math.Max(traffic.MessagesPerSecond, 1), traffic.MessageBytes,
                new TcpConnection(tcp).RcvWnd, traffic.MessagesPerSecond > 0 ? scenario.TimeLimitNs : -1);
        }).ToArray();
        var latencyNs = receivers.ToDictionary(place => place.Host, place => place.Group.Link.LatencyNs);
        var wire = new WireSpec(
            receivers.Max(place => place.Group.Link.BandwidthBitsPerSec), latencyNs.Values.Min(), StreamQueueBytes, 0);
        source.AddActor("sender", (h, i) => new StreamSource(h, i, new TcpParameters(), flows, ServerActors.Uplink));
        source.AddActor("uplink", (h, i) => new Uplink(
            h, i, wire, latencyNs, 0, BladeActors.Downlink, ServerActors.Server, memory: -1));
        source.AddActor("downlink", (h, i) => new SwitchPort(h, i, wire, ServerActors.Server));
        foreach (var place in receivers)
        {
            builder.AddEdge(place.Host, source.Id, place.Group.Link.LatencyNs);
            builder.AddEdge(source.Id, place.Host, place.Group.Link.LatencyNs);
        }

        source.Post(0, ServerActors.Server, new StartTask());
    }

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
