// How long one schedule may take.
namespace ClusterSwap.Exploration.Schedules;

/// <summary>Bounds of a schedule; what reaches one without a verdict is unknown.</summary>
/// <param name="UntilNs">Virtual time, ns.</param>
/// <param name="Messages">Messages from the start of the run.</param>
public readonly record struct ScheduleLimits(long UntilNs, long Messages)
{
    /// <summary>No bound but the scenario's time limit.</summary>
    public static ScheduleLimits None { get; } = new(long.MaxValue, long.MaxValue);
}
