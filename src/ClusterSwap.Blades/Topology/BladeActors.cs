// Addresses on a blade and on a server: an actor is named by its place, not by a reference.
using ClusterSwap.Blades.Scenarios;

namespace ClusterSwap.Blades;

/// <summary>Actor indices on a blade. Tasks have an actor each, and one for the reclaim they may have to do.</summary>
public static class BladeActors
{
    /// <summary>Memory and CPUs.</summary>
    public const int Blade = 0;

    /// <summary>kswapd.</summary>
    public const int Kswapd = 1;

    /// <summary>The NIC's receive softirq.</summary>
    public const int Softirq = 2;

    /// <summary>The NBD device: queue, socket, and the sender's and receiver's calls.</summary>
    public const int NbdDevice = 3;

    /// <summary>Direct reclaim of the sender.</summary>
    public const int SenderReclaimer = 4;

    /// <summary>Direct reclaim of the receiver.</summary>
    public const int ReceiverReclaimer = 5;

    /// <summary>The wire out.</summary>
    public const int Uplink = 6;

    /// <summary>The switch port to this blade.</summary>
    public const int Downlink = 7;

    /// <summary>First process; its direct reclaimer follows it.</summary>
    public const int FirstProcess = 8;

    /// <summary>Actor of process <paramref name="process"/>.</summary>
    public static int Process(int process) => FirstProcess + 2 * process;

    /// <summary>
    /// Holder of the ordinary UDP sockets of a blade that has some: behind its <paramref name="userTasks"/> processes
    /// and readers of streams. These have the numbers of processes that follow the workload's, everywhere: actor,
    /// reclaimer, task, address space.
    /// </summary>
    public static int Bystanders(int userTasks) => Process(userTasks);

    /// <summary>The packet tap of a group's blades, behind the holder of ordinary sockets; −1 without one.</summary>
    public static int Tap(BladeGroup group) => group.Background.Tap
        ? Process(group.UserTasks) + (group.Background.Bystanders > 0 ? 1 : 0)
        : -1;

    /// <summary>kswapd of a node: that of the second one is the last actor of a group's blades.</summary>
    public static int KswapdOf(BladeGroup group, int node) => node == 0
        ? Kswapd
        : Process(group.UserTasks) + (group.Background.Bystanders > 0 ? 1 : 0) + (group.Background.Tap ? 1 : 0)
            + (group.Nic.Arp ? 1 : 0);

    /// <summary>The neighbour table of a group's blades, behind the tap; −1 without one.</summary>
    public static int Arp(BladeGroup group) => group.Nic.Arp
        ? Process(group.UserTasks) + (group.Background.Bystanders > 0 ? 1 : 0) + (group.Background.Tap ? 1 : 0)
        : -1;

    /// <summary>Actor of its direct reclaimer.</summary>
    public static int ReclaimerOf(int process) => FirstProcess + 2 * process + 1;
}

/// <summary>Task numbers on a blade.</summary>
public static class BladeTasks
{
    /// <summary>kswapd.</summary>
    public const int Kswapd = 0;

    /// <summary>The NBD sender thread.</summary>
    public const int NbdSender = 1;

    /// <summary>The NBD receiver process.</summary>
    public const int NbdReceiver = 2;

    /// <summary>First process.</summary>
    public const int FirstProcess = 3;

    /// <summary>Task of process <paramref name="process"/>.</summary>
    public static int Process(int process) => FirstProcess + process;

    /// <summary>
    /// Task that reads ordinary UDP socket 0 of a blade with <paramref name="userTasks"/> processes and readers of
    /// streams; the others' follow.
    /// </summary>
    public static int FirstReader(int userTasks) => Process(userTasks);

    /// <summary>kswapd of a node: that of the second one is the last task of a group's blades.</summary>
    public static int KswapdOf(BladeGroup group, int node) => node == 0
        ? Kswapd
        : FirstReader(group.UserTasks) + group.Background.Bystanders - group.Background.StalledReaders
            + (TapReader(group) < 0 ? 0 : 1);

    /// <summary>Task that reads the packet tap of a group's blades; −1 where none is read.</summary>
    public static int TapReader(BladeGroup group) => group.Background is { Tap: true, TapStalled: false } background
        ? FirstReader(group.UserTasks) + background.Bystanders - background.StalledReaders
        : -1;
}

/// <summary>Actor indices on a server.</summary>
public static class ServerActors
{
    /// <summary>The NBD server.</summary>
    public const int Server = 0;

    /// <summary>The wire out, shared by all clients.</summary>
    public const int Uplink = 1;

    /// <summary>The switch port to this server.</summary>
    public const int Downlink = 2;

    /// <summary>The neighbour table, when a client of the server has one.</summary>
    public const int Arp = 3;
}
