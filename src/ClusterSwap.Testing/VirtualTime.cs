// Units of virtual time, which is kept in nanoseconds.
namespace ClusterSwap.Testing;

/// <summary>Units of virtual time in nanoseconds, so that a test can say <c>3 * VirtualTime.Ms</c>.</summary>
public static class VirtualTime
{
    /// <summary>A microsecond.</summary>
    public const long Us = 1_000;

    /// <summary>A millisecond.</summary>
    public const long Ms = 1_000_000;

    /// <summary>A second.</summary>
    public const long Second = 1_000_000_000;
}
