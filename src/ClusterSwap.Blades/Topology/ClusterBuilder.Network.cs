// What connects a blade: card, softirq, NBD device, ordinary sockets, the tap and ARP.
using ClusterSwap.Blades.Actors;
using ClusterSwap.Blades.Messages;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Engine;
using ClusterSwap.Kernel.Block;
using ClusterSwap.Kernel.Net;

namespace ClusterSwap.Blades;

public static partial class ClusterBuilder
{
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

    // nr_free_buffer_pages at boot: present pages above the high watermarks, as all of RAM is still free.
    private static long FreeBufferPages(BladeGroup group) => group.RamPages - group.KernelResidentPages;
}
