// What is simulated, fully resolved: every value explicit, in pages, bytes, nanoseconds and bits per second.
using ClusterSwap.Kernel;
using ClusterSwap.Kernel.Block;
using ClusterSwap.Kernel.Memory;

namespace ClusterSwap.Blades.Scenarios;

/// <summary>
/// A scenario with its base files, variant and overrides applied and checked. Immutable, and equal by value.
/// <see cref="ToToml"/> writes it back; reading that text gives an equal scenario.
/// </summary>
public sealed record Scenario
{
    /// <summary>Bytes of a page.</summary>
    public const int PageBytes = 4096;

    /// <summary>The name of a scenario's own values, with no variant applied.</summary>
    public const string BaseVariant = "base";

    /// <summary>Short name, used in run folders.</summary>
    public required string Name { get; init; }

    /// <summary>What it is for, in one or more sentences.</summary>
    public required string Description { get; init; }

    /// <summary>The variant that was applied, or <see cref="BaseVariant"/>.</summary>
    public required string Variant { get; init; }

    /// <summary>Seed of all random streams, 0 to 2^63 - 1.</summary>
    public required ulong Seed { get; init; }

    /// <summary>Virtual time between barriers, ns.</summary>
    public required long BarrierIntervalNs { get; init; }

    /// <summary>Whatever happens, happens at a whole multiple of this virtual time, ns; 1 leaves times as they are.</summary>
    public long TimeStepNs { get; init; } = 1;

    /// <summary>Virtual time at which the run ends as unknown, ns.</summary>
    public required long TimeLimitNs { get; init; }

    /// <summary>Virtual time without progress after which a hang is called, ns.</summary>
    public required long HangAfterNs { get; init; }

    /// <summary>Groups of equal blades, in the order of the file.</summary>
    public required FixedList<BladeGroup> Blades { get; init; }

    /// <summary>NBD servers, in the order of the file.</summary>
    public required FixedList<ServerSpec> Servers { get; init; }

    /// <summary>What goes wrong, in the order of the file.</summary>
    public FixedList<FaultSpec> Faults { get; init; } = new([]);

    /// <summary>What must hold at the end.</summary>
    public required FixedList<Assertion> Assertions { get; init; }

    /// <summary>How many blades all groups have together.</summary>
    public int BladeCount => Blades.Sum(group => group.Count);

    /// <summary>What is legal but may not be meant: patches that lack another one which they need.</summary>
    public IReadOnlyList<string> Notices =>
        [.. Blades.SelectMany(group => PatchCatalogue.Notices(group.Rules.Patches)).Distinct()];

    /// <summary>Writes this scenario as TOML, every value explicit.</summary>
    public string ToToml() => ScenarioWriter.Write(this);
}

/// <summary>Blades that are configured alike and use the same server.</summary>
public sealed record BladeGroup
{
    /// <summary>Name of the group; see <see cref="BladeName"/> for those of its blades.</summary>
    public required string Name { get; init; }

    /// <summary>How many blades, 1 or more.</summary>
    public required int Count { get; init; }

    /// <summary>Name of the server that exports their swap.</summary>
    public required string Server { get; init; }

    /// <summary>CPUs of each blade.</summary>
    public required int Cpus { get; init; }

    /// <summary>Memory of each blade, pages.</summary>
    public required long RamPages { get; init; }

    /// <summary>What the administrator set, KiB; null leaves the kernel's own value
    /// (<c>init_per_zone_wmark_min</c>).</summary>
    public required long? MinFreeKbytes { get; init; }

    /// <summary>Zones of each blade.</summary>
    public required ScenarioZoneLayout ZoneLayout { get; init; }

    /// <summary>NUMA nodes of each blade, 1 or 2.</summary>
    public int Nodes { get; init; } = 1;

    /// <summary>Memory policy of the workload and of nbd-client.</summary>
    public Mempolicy Mempolicy { get; init; }

    /// <summary>Slab allocator.</summary>
    public required ScenarioSlab Slab { get; init; }

    /// <summary>The kernel: release, patches of the series, changes outside it.</summary>
    public required KernelRules Rules { get; init; }

    /// <summary>The I/O scheduler of the swap device, never one that the kernel does not know.</summary>
    public required ScenarioScheduler Scheduler { get; init; }

    /// <summary>/sys/block/nbd0/queue/nr_requests: requests of each class, or tags of a blk-mq device; 4 or more.</summary>
    public int NrRequests { get; init; } = RequestQueue.NrRequests;

    /// <summary>Ticks per second of the kernel.</summary>
    public required int Hz { get; init; }

    /// <summary>The machine preset that <see cref="Costs"/> started from.</summary>
    public required CostPreset CostPreset { get; init; }

    /// <summary>CPU costs after overrides.</summary>
    public required CostModel Costs { get; init; }

    /// <summary>Processes of the workload per CPU.</summary>
    public required int ProcessesPerCpu { get; init; }

    /// <summary>What all processes of a blade map together, pages.</summary>
    public required long MappingPages { get; init; }

    /// <summary>Linear passes over the mapping.</summary>
    public required int Passes { get; init; }

    /// <summary>What a pass does to a page.</summary>
    public required AccessMode Access { get; init; }

    /// <summary>Size of the swap device, pages.</summary>
    public required long SwapPages { get; init; }

    /// <summary>Page cache that booting left, pages; reclaimable.</summary>
    public required long PageCachePages { get; init; }

    /// <summary>What the kernel itself holds, pages; never reclaimed.</summary>
    public required long KernelResidentPages { get; init; }

    /// <summary>Objects of every slab cache that booting used on each CPU and gave back.</summary>
    public required int WarmObjects { get; init; }

    /// <summary>The network card.</summary>
    public required NicSpec Nic { get; init; }

    /// <summary>The cable to the switch.</summary>
    public required LinkSpec Link { get; init; }

    /// <summary>Foreign traffic.</summary>
    public required BackgroundSpec Background { get; init; }

    /// <summary>Processes of each blade.</summary>
    public int Processes => Cpus * ProcessesPerCpu;

    /// <summary>Tasks of each blade with pages of their own: processes, then readers of streams.</summary>
    public int UserTasks => Processes + Background.Tcp.Streams;

    /// <summary>Name of blade <paramref name="index"/> (from 0): the group's own when it has one blade.</summary>
    public string BladeName(int index) => Count == 1 ? Name : $"{Name}-{index}";
}

/// <summary>A network card and its driver.</summary>
/// <param name="Sg">Scatter-gather: a frame may be sent from several pages.</param>
/// <param name="Tso">TCP segmentation offload.</param>
/// <param name="Ring">Receive buffers in the ring.</param>
/// <param name="RxPath">How the driver takes frames in.</param>
/// <param name="Mtu">Bytes of an IP packet.</param>
/// <param name="InterruptModerationNs">Shortest time between two interrupts, ns.</param>
/// <param name="Arp">The server's address must be asked for again and again; else it is known for good.</param>
public sealed record NicSpec(
    bool Sg, bool Tso, int Ring, ScenarioRxPath RxPath, int Mtu, long InterruptModerationNs,
    bool Arp = false);

/// <summary>A full-duplex cable between a blade and its switch port.</summary>
/// <param name="BandwidthBitsPerSec">Bits per second each way.</param>
/// <param name="LatencyNs">One way, ns; never 0.</param>
/// <param name="QueueBytes">Queue of the switch port towards the blade, bytes.</param>
/// <param name="LossPerMillion">Frames lost of a million.</param>
public sealed record LinkSpec(long BandwidthBitsPerSec, long LatencyNs, int QueueBytes, int LossPerMillion);

/// <summary>Traffic of others on the blade: UDP sockets, some of which nobody reads, a tap, and TCP streams.</summary>
/// <param name="Bystanders">Ordinary UDP sockets, each with a reader task.</param>
/// <param name="StalledReaders">How many of them nobody reads.</param>
/// <param name="PacketsPerSecond">Datagrams per second, spread over the sockets in turn.</param>
/// <param name="PacketBytes">Payload of a datagram, bytes.</param>
/// <param name="RcvbufBytes">Receive buffer of each socket, bytes of truesize.</param>
/// <param name="Tap">A packet tap sees every frame.</param>
/// <param name="TapRcvbufBytes">Its receive buffer, bytes of truesize.</param>
/// <param name="TapStalled">Nobody reads it.</param>
public sealed record BackgroundSpec(
    int Bystanders, int StalledReaders, long PacketsPerSecond, int PacketBytes, int RcvbufBytes,
    bool Tap = false, int TapRcvbufBytes = 212_992, bool TapStalled = false)
{
    /// <summary>TCP streams to ordinary sockets.</summary>
    public StreamTraffic Tcp { get; init; } = new(0, 0, 0, 1_448, 87_380, 16);
}

/// <summary>TCP streams to ordinary sockets of a blade, each with a reader that has pages of its own.</summary>
/// <param name="Streams">How many.</param>
/// <param name="Stalled">How many of them, the last ones, whose readers never read.</param>
/// <param name="MessagesPerSecond">Writes of the senders per second, in the streams in turn.</param>
/// <param name="MessageBytes">Bytes of a write.</param>
/// <param name="RcvbufBytes">Receive buffer of each socket, bytes of truesize.</param>
/// <param name="ReaderPages">Pages that each reader uses.</param>
/// <param name="From">The machine that sends them; <see cref="OwnMachine"/> for one beside the blade's server.</param>
/// <param name="DistanceNs">What the way from there takes besides the blade's own cable, ns each way.</param>
public sealed record StreamTraffic(
    int Streams, int Stalled, long MessagesPerSecond, int MessageBytes, int RcvbufBytes, long ReaderPages,
    string From = StreamTraffic.OwnMachine, long DistanceNs = 0)
{
    /// <summary>A machine of the rack's own.</summary>
    public const string OwnMachine = "auto";
}

/// <summary>An NBD server.</summary>
public sealed record ServerSpec
{
    /// <summary>Name, unique among all hosts.</summary>
    public required string Name { get; init; }

    /// <summary>Its cable to the switch, bits per second each way.</summary>
    public required long BandwidthBitsPerSec { get; init; }

    /// <summary>Queue of the switch port towards the server, bytes.</summary>
    public required int QueueBytes { get; init; }

    /// <summary>Time to serve a read.</summary>
    public required ServiceTime ReadTime { get; init; }

    /// <summary>Time to serve a write.</summary>
    public required ServiceTime WriteTime { get; init; }

    /// <summary>Receive buffer of a client's socket, bytes.</summary>
    public required int RcvbufBytes { get; init; }

    /// <summary>Send buffer of a client's socket, bytes.</summary>
    public required int SndbufBytes { get; init; }
}

/// <summary>What a server needs for a request.</summary>
/// <param name="Ns">Time, ns.</param>
/// <param name="PerBytes">For each begun piece of this many bytes; 0 = for the request, whatever its size.</param>
public readonly record struct ServiceTime(long Ns, int PerBytes)
{
    /// <summary>Time for a request of <paramref name="bytes"/>, ns, begun pieces counted in full.</summary>
    public long For(int bytes) => PerBytes == 0 ? Ns : Ns * ((bytes + (long)PerBytes - 1) / PerBytes);
}
