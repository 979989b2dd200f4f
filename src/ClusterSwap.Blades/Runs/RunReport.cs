// What a run found.
using ClusterSwap.Kernel;
using MemoryPack;

namespace ClusterSwap.Blades.Runs;

/// <summary>The outcome of a run. All but wall-clock time, which is not in here, depends on scenario and seed
/// only.</summary>
public sealed record RunReport
{
    /// <summary>How it ended.</summary>
    public required Verdict Verdict { get; init; }

    /// <summary>Hash of what happened, hexadecimal; equal fingerprints mean equal runs.</summary>
    public required string Fingerprint { get; init; }

    /// <summary>Virtual time at the end, ns.</summary>
    public required long VirtualNs { get; init; }

    /// <summary>Messages delivered.</summary>
    public required long Messages { get; init; }

    /// <summary>Events that took virtual time.</summary>
    public required long Events { get; init; }

    /// <summary>Shortest time in which one partition can hear from another, ns; 0 when there is one
    /// partition.</summary>
    public long LookaheadNs { get; init; }

    /// <summary>The link that limits it, empty when there is none.</summary>
    public string LookaheadLink { get; init; } = "";

    /// <summary>One report per blade, in order of id.</summary>
    public IReadOnlyList<BladeReport> Blades { get; init; } = [];

    /// <summary>The story of the hang, when there was one.</summary>
    public HangReport? Hang { get; init; }

    /// <summary>Remarks for the reader, one sentence each.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Further figures by name, such as window counts.</summary>
    public IReadOnlyList<KeyValuePair<string, long>> Statistics { get; init; } = [];
}

/// <summary>What one blade did.</summary>
[MemoryPackable]
public sealed partial record BladeReport
{
    /// <summary>Name of the blade.</summary>
    public required string Name { get; init; }

    /// <summary>CPU time in user mode, ns.</summary>
    public required long UserNs { get; init; }

    /// <summary>CPU time in the kernel, ns.</summary>
    public required long SystemNs { get; init; }

    /// <summary>Virtual time until its work was done, ns.</summary>
    public required long ElapsedNs { get; init; }

    /// <summary>Fewest free pages it ever had.</summary>
    public required long MinFreePages { get; init; }

    /// <summary>When a process last got a page or I/O of the blade last ended, ns of virtual time.</summary>
    public long LastProgressNs { get; init; }

    /// <summary>Free pages over time, from virtual time 0; empty when nobody kept them.</summary>
    public IReadOnlyList<FreePagesSample> FreePages { get; init; } = [];

    /// <summary>Min mark, pages, summed over zones.</summary>
    public required long WatermarkMin { get; init; }

    /// <summary>Low mark, pages, summed over zones.</summary>
    public required long WatermarkLow { get; init; }

    /// <summary>High mark, pages, summed over zones.</summary>
    public required long WatermarkHigh { get; init; }

    /// <summary>Counters under the names of /proc/vmstat.</summary>
    public IReadOnlyList<KeyValuePair<string, long>> VmStat { get; init; } = [];

    /// <summary>Counters under the names of /proc/net/netstat.</summary>
    public IReadOnlyList<KeyValuePair<string, long>> NetStat { get; init; } = [];
}

/// <summary>The story of a hang.</summary>
/// <param name="Banner">One line that says what hangs.</param>
/// <param name="Cycle">Who waits for what, and who owns it: one line per waiter.</param>
[MemoryPackable]
public sealed partial record HangReport(string Banner, IReadOnlyList<string> Cycle)
{
    /// <summary>Name of the blade that hangs.</summary>
    public string Blade { get; init; } = "";

    /// <summary>Virtual time of the last progress, ns: the run hung this long after its start.</summary>
    public long SinceNs { get; init; }

    /// <summary>What the blade decided last up to then, oldest first, as lines of ftrace; empty without a
    /// journal.</summary>
    public IReadOnlyList<string> Events { get; init; } = [];
}
