// The list of the changes: name, release, meaning.
namespace ClusterSwap.Kernel;

/// <summary>What there is to say about a change.</summary>
/// <param name="Change">The change.</param>
/// <param name="Name">Its name in scenarios.</param>
/// <param name="Since">The first <see cref="Era"/> that has it; null = no release, a repair that a scenario may ask for.</param>
/// <param name="Version">The release that brought it, as text, with its commit where known.</param>
/// <param name="Meaning">What it does, in a sentence or two.</param>
public sealed record KernelChangeInfo(
    KernelChange Change, string Name, Era? Since, string Version, string Meaning);

/// <summary>All changes, in the order of <see cref="KernelChange"/>.</summary>
public static class KernelChanges
{
    /// <summary>The list.</summary>
    public static IReadOnlyList<KernelChangeInfo> All { get; } =
    [
        new(KernelChange.WatermarkScaleFactor, "watermark-scale-factor", Era.Linux61, "4.6",
            "The low and high marks lie at least watermark_scale_factor ten-thousandths of the zone above each other."),
    ];

    /// <summary>What there is to say about <paramref name="change"/>.</summary>
    public static KernelChangeInfo Info(this KernelChange change) => All[(int)change];

    /// <summary>The change of a name, or null.</summary>
    public static KernelChangeInfo? Find(string name) => All.FirstOrDefault(info => info.Name == name);
}
