// The sixteen patches: what each does, what happens without it, how that is seen.
namespace ClusterSwap.Kernel;

/// <summary>The patches of the series, explained in our own words; and what a set of them lacks.</summary>
public static partial class PatchCatalogue
{
    /// <summary>All sixteen, by number.</summary>
    public static IReadOnlyList<PatchInfo> All { get; } = [.. Memory, .. Network, .. Throttle];

    /// <summary>Patch <paramref name="number"/>, 1 to 16.</summary>
    public static PatchInfo Info(int number)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(number, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(number, PatchSet.Count);
        return All[number - 1];
    }

    /// <summary>
    /// One line for each patch of <paramref name="patches"/> that lacks another one which it needs. Such a set is
    /// legal: that is how a prediction is tested.
    /// </summary>
    public static IEnumerable<string> Notices(PatchSet patches)
    {
        foreach (var info in All.Where(info => patches.Has(info.Number)))
        {
            var missing = info.Needs.Where(need => !patches.Has(need)).ToArray();
            if (missing.Length > 0)
            {
                var effect = missing.Intersect(info.IdleWithout).Any() ? "no effect" : "only a part of its effect";
                yield return $"patch {info.Number} has {effect}: it needs {Words(missing)}";
            }
        }
    }

    private static string Words(int[] numbers) => numbers.Length == 1
        ? $"{numbers[0]}"
        : $"{string.Join(", ", numbers[..^1])} and {numbers[^1]}";
}
