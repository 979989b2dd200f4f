// How far a run goes, on how many threads, and who looks at its barriers.
namespace ClusterSwap.Engine;

/// <summary>
/// What a call of <see cref="Simulation.Run"/> is asked. Nothing here changes what happens, only how far and how fast.
/// </summary>
public sealed class RunOptions
{
    /// <summary>Runs all events before this virtual time, in nanoseconds.</summary>
    public required long UntilNs { get; init; }

    /// <summary>Threads, the caller's included; at least 1.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>
    /// Ids of the hosts of each partition, every host once. By default the connected components, split further when
    /// there are more threads than components.
    /// </summary>
    public IReadOnlyList<int[]>? Partitions { get; init; }

    /// <summary>
    /// The way to the partitions that live in other simulations; null when all live here. With it
    /// <see cref="Partitions"/> is needed, the same everywhere, and it is the caller's to see at a barrier that the run
    /// is quiet.
    /// </summary>
    public IWindowExchange? Exchange { get; init; }

    /// <summary>
    /// Called at each barrier, on the calling thread, with all others at rest; false ends the run there. Barriers are
    /// the multiples of the interval and the end of the run.
    /// </summary>
    public Func<Barrier, bool>? OnBarrier { get; init; }

    /// <summary>Ends the run at the next barrier.</summary>
    public CancellationToken Cancel { get; init; }

    /// <summary>Invariants of all actors are asserted at every so many barriers; 0 means never.</summary>
    public int InvariantInterval { get; init; } = 1;

    /// <summary>Ticks of a wall clock, for the statistics only; without it waiting is counted but not timed.</summary>
    public Func<long>? Clock { get; init; }

    /// <summary>
    /// Looks at another thread before a worker parks. Fewer are kind to a machine with fewer cores than threads.
    /// </summary>
    public int SpinLimit { get; init; } = 300;
}

/// <summary>A virtual time at which every host has done all events before it and none at it.</summary>
/// <param name="TimeNs">The barrier's virtual time.</param>
/// <param name="Simulation">The simulation at rest: it can be inspected and written out.</param>
public readonly record struct Barrier(long TimeNs, Simulation Simulation);

/// <summary>Why a run came back.</summary>
public enum StopReason
{
    /// <summary>The asked time was reached.</summary>
    Until,

    /// <summary>A barrier's observer said so.</summary>
    Observer,

    /// <summary>Nothing is pending on any host.</summary>
    Quiet,

    /// <summary>The caller cancelled.</summary>
    Cancelled,
}

/// <summary>How a run ended.</summary>
/// <param name="Reason">Why it came back.</param>
/// <param name="TimeNs">The barrier it stands at.</param>
/// <param name="Fingerprint">Hash of all that happened since virtual time 0.</param>
/// <param name="Messages">Messages delivered since virtual time 0.</param>
/// <param name="Events">Those of them that took time to arrive.</param>
/// <param name="Statistics">How the engine worked in this call.</param>
public sealed record SimulationResult(
    StopReason Reason, long TimeNs, UInt128 Fingerprint, long Messages, long Events, EngineStatistics Statistics);
