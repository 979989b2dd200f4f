// A server and its cable.
using ClusterSwap.Blades.Actors;
using ClusterSwap.Blades.Messages;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Engine;
using ClusterSwap.Kernel.Net;

namespace ClusterSwap.Blades;

public static partial class ClusterBuilder
{
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
