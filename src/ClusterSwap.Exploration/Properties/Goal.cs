// What a sample must have reached to say anything: a property over machines that never came into need proves nothing.
namespace ClusterSwap.Exploration.Properties;

/// <summary>States that a run reached at some time.</summary>
[Flags]
public enum Goal
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>Pages were swapped out.</summary>
    Pressure = 0x1,

    /// <summary>A pass without watermarks gave a page.</summary>
    Reserve = 0x2,

    /// <summary>A direct reclaimer was throttled.</summary>
    Throttle = 0x4,

    /// <summary>A packet from the reserve was dropped because its socket was an ordinary one.</summary>
    FilteredPacket = 0x8,
}

/// <summary>The words of goals.</summary>
public static class GoalWords
{
    /// <summary>Each goal alone.</summary>
    public static IReadOnlyList<Goal> Each { get; } =
        [Goal.Pressure, Goal.Reserve, Goal.Throttle, Goal.FilteredPacket];

    /// <summary>A goal in words.</summary>
    public static string Of(Goal goal) => goal switch
    {
        Goal.Pressure => "memory pressure",
        Goal.Reserve => "the reserve",
        Goal.Throttle => "the throttle",
        Goal.FilteredPacket => "a filtered packet",
        _ => string.Join(", ", Each.Where(each => (goal & each) != 0).Select(Of)),
    };
}
