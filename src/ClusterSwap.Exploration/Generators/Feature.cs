// What a drawn deployment may have beside the plain machine: swarm testing draws which of it.
namespace ClusterSwap.Exploration.Generators;

/// <summary>
/// Features of drawn deployments. Each is on in about half of them: a draw that always had everything would hide what
/// only shows without it.
/// </summary>
[Flags]
public enum Feature
{
    /// <summary>The plain machine: one blade, an e1000e, a server with its export in RAM.</summary>
    None = 0,

    /// <summary>Two blades, alike or not.</summary>
    Blades = 0x1,

    /// <summary>A second server for some of them.</summary>
    Servers = 0x2,

    /// <summary>Up to 16 processes on a CPU; else up to 4.</summary>
    Processes = 0x4,

    /// <summary>A reserve that the administrator set: a third of the kernel's own to three times it.</summary>
    Reserve = 0x8,

    /// <summary>Zones DMA and DMA32; else one flat zone.</summary>
    Zones = 0x10,

    /// <summary>The workload reads what it wrote.</summary>
    Reading = 0x20,

    /// <summary>A card that takes pages, or copies small frames; else receive fragments.</summary>
    OtherCard = 0x40,

    /// <summary>No scatter-gather.</summary>
    NoGather = 0x80,

    /// <summary>Datagrams to ordinary sockets, some of which nobody reads.</summary>
    Datagrams = 0x100,

    /// <summary>Streams to ordinary sockets.</summary>
    Streams = 0x200,

    /// <summary>A packet tap.</summary>
    Tap = 0x400,

    /// <summary>The server's address must be asked for.</summary>
    Arp = 0x800,

    /// <summary>A slow server.</summary>
    SlowServer = 0x1000,

    /// <summary>A slow or long link.</summary>
    SlowLink = 0x2000,

    /// <summary>Frames are lost now and then.</summary>
    Loss = 0x4000,

    /// <summary>Slab caches that booting has hardly used.</summary>
    ColdSlabs = 0x8000,
}
