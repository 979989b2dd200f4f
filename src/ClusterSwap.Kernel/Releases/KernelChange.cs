// What changed outside the sixteen patches, each with the release that brought it.
namespace ClusterSwap.Kernel;

/// <summary>
/// A change to Linux outside the sixteen patches. Like a patch it is one rule, and only the place that holds the rule asks
/// for it. <see cref="KernelChanges"/> says which release brought it and what it does.
/// </summary>
public enum KernelChange : byte
{
    /// <summary>Zone marks lie at least a thousandth of the zone apart.</summary>
    WatermarkScaleFactor,
}
