// The seeds of a comparison: "10", "1-10", "1,3,7-9".
using System.Globalization;

namespace ClusterSwap.Cli.Comparing;

/// <summary>Reads seeds.</summary>
public static class SeedList
{
    /// <summary>Most seeds of one comparison: more would be an error of typing.</summary>
    public const int Most = 10_000;

    /// <summary>One number N means the seeds 1 to N; ranges and lists name the seeds themselves.</summary>
    /// <exception cref="UsageException">It is none of these, or a seed stands in it twice.</exception>
    public static IReadOnlyList<ulong> Parse(string text)
    {
        var seeds = new List<ulong>();
        if (TryNumber(text, out var count) && count is > 0 and <= Most)
        {
            return Range(1, count).ToArray();
        }

        foreach (var part in text.Split(','))
        {
            var ends = part.Split('-');
            if (ends.Length > 2 || (ends.Length == 1 && !text.Contains(','))
                || !TryNumber(ends[0], out var first) || !TryNumber(ends[^1], out var last)
                || last < first || last - first >= (ulong)(Most - seeds.Count))
            {
                throw Wrong(text);
            }

            seeds.AddRange(Range(first, last));
        }

        return seeds.Distinct().Count() == seeds.Count
            ? seeds
            : throw new UsageException($"--seeds: a seed stands in it twice. Found: \"{text}\".");
    }

    /// <summary>Seeds as text, ranges joined: "1-3, 7".</summary>
    public static string Words(IReadOnlyList<ulong> seeds)
    {
        var parts = new List<string>();
        for (var i = 0; i < seeds.Count;)
        {
            var end = i;
            while (end + 1 < seeds.Count && seeds[end + 1] == seeds[end] + 1)
            {
                end++;
            }

            parts.Add(end == i
                ? seeds[i].ToString(CultureInfo.InvariantCulture)
                : string.Create(CultureInfo.InvariantCulture, $"{seeds[i]}-{seeds[end]}"));
            i = end + 1;
        }

        return string.Join(", ", parts);
    }

    private static IEnumerable<ulong> Range(ulong first, ulong last)
    {
        for (var seed = first; seed <= last; seed++)
        {
            yield return seed;
        }
    }

    private static bool TryNumber(string text, out ulong value) =>
        ulong.TryParse(text.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out value)
        && value <= long.MaxValue;

    private static UsageException Wrong(string text) => new(string.Create(CultureInfo.InvariantCulture,
        $"--seeds: not allowed. Found: \"{text}\". Allowed: a number of seeds from 1 to {Most:N0}, a range such as 1-10, "
        + $"or a list such as 1,3,7-9."));
}
