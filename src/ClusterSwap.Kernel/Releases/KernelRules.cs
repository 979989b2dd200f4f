using MemoryPack;

namespace ClusterSwap.Kernel;

/// <summary>The rules that a blade's kernel follows: a release, with patches and changes added or taken out.</summary>
/// <param name="Era">The release it started from.</param>
/// <param name="Patches">Patches of the series that are applied.</param>
/// <param name="Changes">Changes outside the series that are in.</param>
[MemoryPackable]
public readonly partial record struct KernelRules(Era Era, PatchSet Patches, ChangeSet Changes)
{
    /// <summary>What a release had: 3.5 none of the series, later ones all of it.</summary>
    public static KernelRules Of(Era era) => new(era, PatchesOf(era), ChangeSet.Of(era));

    /// <summary>Patches of the series that a release had.</summary>
    public static PatchSet PatchesOf(Era era) => era == Era.Linux35 ? PatchSet.None : PatchSet.All;

    /// <summary>Linux 3.6 with just these patches of the series.</summary>
    public static implicit operator KernelRules(PatchSet patches) =>
        new(Era.Linux36, patches, ChangeSet.Of(Era.Linux36));

    /// <summary>Indicates that patch <paramref name="number"/> (1 to 16) of the series is applied.</summary>
    public bool Has(int number) => Patches.Has(number);

    /// <summary>Indicates that <paramref name="change"/> is in.</summary>
    public bool Has(KernelChange change) => Changes.Has(change);
}
