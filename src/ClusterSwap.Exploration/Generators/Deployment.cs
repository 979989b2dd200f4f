// A deployment that was drawn: small, complete, and written as a scenario that the program accepts.
using ClusterSwap.Blades.Scenarios;

namespace ClusterSwap.Exploration.Generators;

/// <summary>A deployment in the units in which it was drawn. Immutable, and equal by value.</summary>
public sealed record Deployment
{
    /// <summary>Seed of the run.</summary>
    public required ulong Seed { get; init; }

    /// <summary>What was on.</summary>
    public required Feature Features { get; init; }

    /// <summary>How long the workload presses before calm begins, ms of virtual time.</summary>
    public required int PressureMs { get; init; }

    /// <summary>Groups of equal blades.</summary>
    public required FixedList<BladeDraw> Blades { get; init; }

    /// <summary>Servers, by number.</summary>
    public required FixedList<ServerDraw> Servers { get; init; }

    /// <summary>What goes wrong under pressure, and is mended when calm begins; null for nothing.</summary>
    public FaultDraw? Fault { get; init; }

    /// <summary>Blades of all groups.</summary>
    public int BladeCount => Blades.Sum(group => group.Count);

    /// <summary>Processes of all blades.</summary>
    public int Processes => Blades.Sum(group => group.Count * group.Cpus * group.ProcessesPerCpu);

    /// <summary>The scenario. It is resolved once per call.</summary>
    /// <exception cref="ScenarioException">The draw is none that can be: a bug of the generator.</exception>
    public Scenario ToScenario() => ScenarioFile.Parse(ToToml(), $"drawn-{Seed}.toml").Resolve();

    /// <summary>The scenario as a file that <c>run</c> accepts; it says what of the property is not in it.</summary>
    public string ToToml() => DeploymentText.Write(this);

    /// <summary>The deployment in a line.</summary>
    public override string ToString() =>
        $"seed {Seed}, {PressureMs} ms of pressure, {string.Join("; ", Blades)}"
        + (Features == Feature.None ? string.Empty : $" [{Features}]")
        + (Fault is null ? string.Empty : $", {Fault.Kind} from {Fault.AtMs} ms");
}

/// <summary>Blades that were drawn alike.</summary>
public sealed record BladeDraw
{
    /// <summary>How many.</summary>
    public int Count { get; init; } = 1;

    /// <summary>Number of their server.</summary>
    public int Server { get; init; }

    /// <summary>CPUs.</summary>
    public int Cpus { get; init; } = 1;

    /// <summary>RAM, MiB.</summary>
    public int RamMib { get; init; } = 24;

    /// <summary>The reserve, KiB; 0 leaves the kernel's own.</summary>
    public int MinFreeKbytes { get; init; }

    /// <summary>Zones DMA and DMA32, rather than one.</summary>
    public bool TwoZones { get; init; }

    /// <summary>Slab allocator, as a scenario spells it.</summary>
    public string Slab { get; init; } = "slub";

    /// <summary>Patches, as a scenario spells them.</summary>
    public string Patches { get; init; } = "all";

    /// <summary>Changes outside the series, as a scenario spells them.</summary>
    public string Changes { get; init; } = "auto";

    /// <summary>Processes per CPU.</summary>
    public int ProcessesPerCpu { get; init; } = 2;

    /// <summary>What all processes map, per cent of RAM.</summary>
    public int MappingPercent { get; init; } = 200;

    /// <summary>The workload reads what it wrote.</summary>
    public bool Reads { get; init; }

    /// <summary>Page cache that booting left, MiB.</summary>
    public int PageCacheMib { get; init; } = 1;

    /// <summary>Objects of every slab cache and CPU that booting used.</summary>
    public int WarmObjects { get; init; } = 64;

    /// <summary>The card.</summary>
    public NicDraw Nic { get; init; } = new();

    /// <summary>The cable.</summary>
    public LinkDraw Link { get; init; } = new();

    /// <summary>Foreign traffic.</summary>
    public TrafficDraw Traffic { get; init; } = new();

    /// <summary>What the processes of a blade map, MiB: at least one page for each.</summary>
    public int MappingMib => Math.Max(1, RamMib * MappingPercent / 100);

    /// <summary>The group in a phrase.</summary>
    public override string ToString() =>
        $"{Count} x {RamMib} MiB, {Cpus} CPUs x {ProcessesPerCpu} processes on {MappingMib} MiB, {Slab}, "
        + $"patches {Patches}";
}

/// <summary>A card that was drawn.</summary>
/// <param name="Gathers">Scatter-gather and segmentation offload.</param>
/// <param name="Ring">Receive buffers.</param>
/// <param name="RxPath">How the driver takes frames in, as a scenario spells it.</param>
/// <param name="Arp">The server's address must be asked for.</param>
public sealed record NicDraw(bool Gathers = true, int Ring = 64, string RxPath = "fragment", bool Arp = false);

/// <summary>A cable that was drawn.</summary>
/// <param name="Mbit">Mbit/s each way.</param>
/// <param name="LatencyUs">One way, us.</param>
/// <param name="LossPerMillion">Frames lost of a million.</param>
public sealed record LinkDraw(int Mbit = 1000, int LatencyUs = 50, int LossPerMillion = 0);

/// <summary>Foreign traffic that was drawn.</summary>
/// <param name="Sockets">Ordinary UDP sockets.</param>
/// <param name="Stalled">How many of them nobody reads.</param>
/// <param name="PacketsPerSecond">Datagrams per second to all of them.</param>
/// <param name="PacketBytes">Payload, bytes.</param>
/// <param name="Streams">TCP streams to ordinary sockets.</param>
/// <param name="StalledStreams">How many of them nobody reads.</param>
/// <param name="MessagesPerSecond">Writes of their senders per second.</param>
/// <param name="Tap">A packet tap.</param>
/// <param name="TapStalled">Nobody reads it.</param>
public sealed record TrafficDraw(
    int Sockets = 0, int Stalled = 0, int PacketsPerSecond = 0, int PacketBytes = 1400, int Streams = 0,
    int StalledStreams = 0, int MessagesPerSecond = 0, bool Tap = false, bool TapStalled = false);

/// <summary>A fault that was drawn.</summary>
/// <param name="Kind">Its kind, as a scenario spells it.</param>
/// <param name="AtMs">When it begins, ms of virtual time.</param>
/// <param name="ForMs">How long it lasts, ms: to the beginning of calm.</param>
/// <param name="Keys">Further keys of the kind, as lines of a scenario.</param>
public sealed record FaultDraw(string Kind, int AtMs, int ForMs, string Keys);

/// <summary>A server that was drawn.</summary>
/// <param name="ReadUs">Time for a read request, us.</param>
/// <param name="WriteUs">Time for a write request, us.</param>
public sealed record ServerDraw(int ReadUs = 50, int WriteUs = 50);
