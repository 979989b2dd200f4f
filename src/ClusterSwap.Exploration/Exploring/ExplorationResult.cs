// What an exploration found.
using ClusterSwap.Blades.Runs;
using ClusterSwap.Exploration.Schedules;

namespace ClusterSwap.Exploration.Exploring;

/// <summary>A schedule and its end.</summary>
/// <param name="Number">Number of the schedule, from 1; 0 is the default order.</param>
/// <param name="Outcome">Its end.</param>
public readonly record struct ExploredSchedule(long Number, ScheduleOutcome Outcome);

/// <summary>What an exploration found.</summary>
public sealed record ExplorationResult
{
    /// <summary>The moment that all schedules begin at, and the end of the default order.</summary>
    public required Pressure Pressure { get; init; }

    /// <summary>Schedules done.</summary>
    public required long Schedules { get; init; }

    /// <summary>How many schedules ended how; those that did not occur are left out.</summary>
    public required IReadOnlyList<KeyValuePair<Verdict, long>> Verdicts { get; init; }

    /// <summary>Different ends: schedules whose fingerprints are equal took the same way.</summary>
    public required long EndStates { get; init; }

    /// <summary>The schedules with the lowest numbers of each verdict that failed, in order of number.</summary>
    public required IReadOnlyList<ExploredSchedule> FirstFailures { get; init; }

    /// <summary>Stopped before all was done.</summary>
    public bool Interrupted { get; init; }
}
