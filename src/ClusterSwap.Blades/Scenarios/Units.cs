// Values with units: "2 GiB", "50 us", "1 Gbit/s". Exact integers both ways, no floating point.
using System.Globalization;
using System.Numerics;

namespace ClusterSwap.Blades.Scenarios;

/// <summary>Reads and writes values with units. Fractions are decimal and must come out as whole base units.</summary>
public static class Units
{
    /// <summary>Units of size with their bytes, smallest first.</summary>
    internal static readonly (string Name, long Factor)[] Sizes =
        [("B", 1), ("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30), ("TiB", 1L << 40)];

    /// <summary>Units of time with their nanoseconds, smallest first.</summary>
    internal static readonly (string Name, long Factor)[] Durations =
    [
        ("ns", 1), ("us", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000), ("min", 60_000_000_000),
        ("h", 3_600_000_000_000),
    ];

    /// <summary>Units of bandwidth with their bits per second, smallest first.</summary>
    internal static readonly (string Name, long Factor)[] Rates =
        [("bit/s", 1), ("kbit/s", 1_000), ("Mbit/s", 1_000_000), ("Gbit/s", 1_000_000_000)];

    /// <summary>What a size may look like, for messages.</summary>
    public const string SizeForm = "a size in B, KiB, MiB, GiB or TiB, such as \"2 GiB\"";

    /// <summary>What a duration may look like, for messages.</summary>
    public const string DurationForm = "a duration in ns, us, ms, s, min or h, such as \"50 us\"";

    /// <summary>What a bandwidth may look like, for messages.</summary>
    public const string RateForm = "a bandwidth in bit/s, kbit/s, Mbit/s or Gbit/s, such as \"1 Gbit/s\"";

    /// <summary>Reads a duration, ns. On failure <paramref name="error"/> says why and proposes a spelling.</summary>
    public static bool TryDuration(string text, out long ns, out UnitError error) =>
        TryParse(text, Durations, out ns, out error);

    /// <summary>Reads a size, bytes.</summary>
    public static bool TrySize(string text, out long bytes, out UnitError error) =>
        TryParse(text, Sizes, out bytes, out error);

    /// <summary>Reads a bandwidth, bits per second.</summary>
    public static bool TryRate(string text, out long bitsPerSec, out UnitError error) =>
        TryParse(text, Rates, out bitsPerSec, out error);

    /// <summary>Writes a duration in the largest unit that divides it.</summary>
    public static string Duration(long ns) => Format(ns, Durations);

    /// <summary>Writes a size in the largest unit that divides it.</summary>
    public static string Size(long bytes) => Format(bytes, Sizes);

    /// <summary>Writes a number of pages as a size.</summary>
    public static string Pages(long pages) => Size(checked(pages * Scenario.PageBytes));

    /// <summary>Writes a bandwidth in the largest unit that divides it.</summary>
    public static string Rate(long bitsPerSec) => Format(bitsPerSec, Rates);

    /// <summary>
    /// Reads a plain decimal number times <paramref name="factor"/>. Fails when the result is no whole number or does
    /// not fit in 63 bits.
    /// </summary>
    internal static bool TryNumber(ReadOnlySpan<char> number, long factor, out long value, out string reason)
    {
        value = 0;
        reason = "not a number";
        var point = number.IndexOf('.');
        var whole = point < 0 ? number : number[..point];
        var fraction = point < 0 ? [] : number[(point + 1)..];
        if (whole.IsEmpty || (point >= 0 && fraction.IsEmpty) || whole.Length + fraction.Length > 40
            || whole.ContainsAnyExceptInRange('0', '9') || fraction.ContainsAnyExceptInRange('0', '9'))
        {
            return false;
        }

        var digits = BigInteger.Parse(string.Concat(whole, fraction), NumberStyles.None, CultureInfo.InvariantCulture);
        var exact = BigInteger.DivRem(digits * factor, BigInteger.Pow(10, fraction.Length), out var rest);
        if (!rest.IsZero || exact > long.MaxValue)
        {
            reason = rest.IsZero ? "too large" : "finer than the smallest unit";
            return false;
        }

        value = (long)exact;
        return true;
    }

    private static bool TryParse(string text, (string Name, long Factor)[] units, out long value, out UnitError error)
    {
        var trimmed = text.AsSpan().Trim();
        var end = trimmed.IndexOfAnyExcept("0123456789.");
        var number = end < 0 ? trimmed : trimmed[..end];
        var unit = end < 0 ? "" : trimmed[end..].Trim().ToString();
        value = 0;
        foreach (var (name, factor) in units)
        {
            if (name == unit)
            {
                var read = TryNumber(number, factor, out value, out var reason);
                error = read ? default : new UnitError(number.IsEmpty ? "the number is missing" : reason, null);
                return read;
            }
        }

        var hint = Nearest.Unit(unit, units.Select(u => u.Name));
        error = new UnitError(
            unit.Length == 0 ? "the unit is missing" : "wrong unit",
            hint is null || number.IsEmpty ? null : $"{number} {hint}");
        return false;
    }

    private static string Format(long value, (string Name, long Factor)[] units)
    {
        var (name, factor) = units.Last(unit => unit.Factor == 1 || (value != 0 && value % unit.Factor == 0));
        return string.Create(CultureInfo.InvariantCulture, $"{value / factor} {name}");
    }
}

/// <summary>Why a value with a unit cannot be read, and the spelling that was probably meant.</summary>
/// <param name="Reason">Short, lower case.</param>
/// <param name="Nearest">A spelling that would be read, or null.</param>
public readonly record struct UnitError(string Reason, string? Nearest);
