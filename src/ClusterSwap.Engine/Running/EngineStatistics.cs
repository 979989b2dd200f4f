// How the engine worked: lookahead, windows, waiting. Nothing of it is part of a run's outcome.
namespace ClusterSwap.Engine;

/// <summary>Figures of one call of <see cref="Simulation.Run"/>. They depend on threads and machine.</summary>
public sealed record EngineStatistics
{
    /// <summary>Threads that worked.</summary>
    public required int Threads { get; init; }

    /// <summary>Partitions of the run.</summary>
    public required int Partitions { get; init; }

    /// <summary>
    /// Smallest distance between two partitions, in nanoseconds; <see cref="long.MaxValue"/> without a cut edge.
    /// </summary>
    public required long LookaheadNs { get; init; }

    /// <summary>The cut edge that limits the lookahead, by host names; empty when no edge is cut.</summary>
    public required string LimitingEdge { get; init; }

    /// <summary>Windows, summed over workers; 0 when no edge is cut.</summary>
    public required long Windows { get; init; }

    /// <summary>
    /// How many times as fast the windows could be as one thread, in per mille: their messages over those of the
    /// busiest worker of each. A property of the cut, not of the machine; 1000 when no edge is cut.
    /// </summary>
    public required long BalancePerMille { get; init; }

    /// <summary>Turns of hosts.</summary>
    public required long Slices { get; init; }

    /// <summary>Events run.</summary>
    public required long Events { get; init; }

    /// <summary>Messages delivered.</summary>
    public required long Messages { get; init; }

    /// <summary>The workers, the calling thread first.</summary>
    public required IReadOnlyList<WorkerStatistics> Workers { get; init; }

    /// <summary>Events per worker and window, rounded down; all events when there were no windows.</summary>
    public long EventsPerWindow => Windows == 0 ? Events : Events / Windows;
}

/// <summary>How one worker waited.</summary>
public sealed class WorkerStatistics
{
    private readonly Func<long>? _clock;

    internal WorkerStatistics(Func<long>? clock) => _clock = clock;

    /// <summary>Windows this worker took part in.</summary>
    public long Windows { get; internal set; }

    /// <summary>Looks at a gate that was still closed.</summary>
    public long Spins { get; internal set; }

    /// <summary>Times the worker slept until another woke it.</summary>
    public long Parks { get; internal set; }

    /// <summary>Ticks of the caller's clock spent waiting for other workers; 0 without a clock.</summary>
    public long WaitTicks { get; private set; }

    /// <summary>Ticks of the caller's clock from the worker's start to its end; 0 without a clock.</summary>
    public long TotalTicks { get; internal set; }

    /// <summary>Share of the time spent waiting, in per mille; 0 without a clock.</summary>
    public long WaitPerMille => TotalTicks == 0 ? 0 : WaitTicks * 1000 / TotalTicks;

    internal long Now() => _clock?.Invoke() ?? 0;

    internal long BeginWait() => Now();

    internal void EndWait(long sinceTick) => WaitTicks += Now() - sinceTick;
}
