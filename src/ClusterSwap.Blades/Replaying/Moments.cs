// Moments of virtual time as text.
using System.Globalization;

namespace ClusterSwap.Blades.Replaying;

/// <summary>Writes times exactly: seconds with as many digits as it takes.</summary>
public static class Moments
{
    /// <summary>Seconds, exact to the nanosecond, without zeros at the end.</summary>
    public static string Seconds(long ns) =>
        (ns / 1_000_000_000m).ToString("0.#########", CultureInfo.InvariantCulture) + " s";

    /// <summary>Seconds with all nine digits, for columns.</summary>
    public static string Digits(long ns) => (ns / 1_000_000_000m).ToString("0.000000000", CultureInfo.InvariantCulture);
}
