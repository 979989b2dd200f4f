// "Did you mean": the nearest of some known names.
namespace ClusterSwap.Blades.Scenarios;

/// <summary>Finds the known name that is nearest to a mistyped one.</summary>
public static class Nearest
{
    /// <summary>
    /// The name with the fewest edits (insert, delete, replace, swap neighbours; case is free), if at most a third of
    /// the letters, rounded up, are edited; null otherwise. Ties go to the first.
    /// </summary>
    public static string? Name(string typed, IEnumerable<string> known)
    {
        string? best = null;
        var bestEdits = int.MaxValue;
        foreach (var name in known)
        {
            var edits = Edits(typed.ToLowerInvariant(), name.ToLowerInvariant());
            var allowed = (Math.Max(typed.Length, name.Length) + 2) / 3;
            if (edits < bestEdits && edits <= allowed)
            {
                best = name;
                bestEdits = edits;
            }
        }

        return best;
    }

    /// <summary>The nearest unit: like <see cref="Name"/>, but knows the usual other spellings.</summary>
    internal static string? Unit(string typed, IEnumerable<string> known)
    {
        var meant = typed.ToLowerInvariant() switch
        {
            "k" or "kb" or "kib" => "KiB",
            "m" or "mb" or "mib" => "MiB",
            "g" or "gb" or "gib" => "GiB",
            "t" or "tb" or "tib" => "TiB",
            "byte" or "bytes" => "B",
            "sec" or "secs" or "second" or "seconds" => "s",
            "usec" or "µs" or "μs" or "microseconds" => "us",
            "msec" or "milliseconds" => "ms",
            "nsec" or "nanoseconds" => "ns",
            "minute" or "minutes" or "mins" => "min",
            "hour" or "hours" or "hr" => "h",
            "bps" or "bit" or "bits/s" => "bit/s",
            "kbps" or "kb/s" or "kbit" => "kbit/s",
            "mbps" or "mb/s" or "mbit" => "Mbit/s",
            "gbps" or "gb/s" or "gbit" => "Gbit/s",
            _ => typed,
        };
        var names = known.ToArray();
        return typed.Length == 0 ? null
            : names.Contains(meant) ? meant
            : Name(typed, names);
    }

    // Optimal string alignment distance: O(n m), and names are short.
    private static int Edits(string a, string b)
    {
        var cost = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++)
        {
            for (var j = 0; j <= b.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    cost[i, j] = i + j;
                    continue;
                }

                var replace = cost[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                cost[i, j] = Math.Min(replace, Math.Min(cost[i - 1, j], cost[i, j - 1]) + 1);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                {
                    cost[i, j] = Math.Min(cost[i, j], cost[i - 2, j - 2] + 1);
                }
            }
        }

        return cost[a.Length, b.Length];
    }
}
