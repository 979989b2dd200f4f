// What all SLAB caches of a blade share about the reserve.
using MemoryPack;

namespace ClusterSwap.Kernel.Slab;

/// <summary>
/// The global switches of SLAB's protection of reserve objects (<c>mm/slab.c</c>, patches 1 and 13). Without patch 1
/// slabs are not flagged, so nothing is ever tagged.
/// </summary>
[MemoryPackable]
public sealed partial class SlabReserve
{
    /// <summary>The switches of a kernel with <paramref name="rules"/>.</summary>
    public SlabReserve(KernelRules rules)
    {
        FlagsSlabs = KeepsReserveApart(rules);
        ChecksAreGated = rules.Has(13);
        Bypasses = rules.Has(KernelChange.SlabBypass);
    }

    /// <summary>Patch 1: the reserve flag of slabs is kept and obeyed, by SLAB and by SLUB.</summary>
    public static bool KeepsReserveApart(KernelRules rules) => rules.Has(1);

    [MemoryPackConstructor]
    private SlabReserve()
    {
    }

    /// <summary>Patch 1: slabs of pages from below the watermarks are flagged.</summary>
    [MemoryPackInclude]
    public bool FlagsSlabs { get; private set; }

    /// <summary>Patch 13: tags are looked at only while a memalloc socket exists.</summary>
    [MemoryPackInclude]
    public bool ChecksAreGated { get; private set; }

    /// <summary>4.6: objects of flagged slabs never enter an array, so none is tagged.</summary>
    [MemoryPackInclude]
    public bool Bypasses { get; private set; }

    /// <summary><c>sk_memalloc_socks()</c>. The kernel never switches it off once NBD has switched it on.</summary>
    public bool MemallocSocketExists { get; set; }

    /// <summary>
    /// <c>pfmemalloc_active</c>: a flagged slab may exist, so objects have to be tagged when they are put.
    /// </summary>
    public bool PfMemAllocActive { get; set; }

    /// <summary>Whether arrays are handled with tags now.</summary>
    [MemoryPackIgnore]
    public bool Checks => FlagsSlabs && (MemallocSocketExists || !ChecksAreGated);
}
