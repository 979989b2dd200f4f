// How the memory of a blade is cut into zones: which zones exist, where they start, how many pages are present.
namespace ClusterSwap.Kernel.Memory;

/// <summary>Which zones a blade has.</summary>
public enum ZoneLayout
{
    /// <summary>
    /// One zone over all memory: the simplest machine, on which the throttle's limit is exactly half of min.
    /// </summary>
    Flat,

    /// <summary>DMA (16 MiB) and DMA32: x86-64 with RAM below the PCI hole.</summary>
    DmaDma32,

    /// <summary>DMA, DMA32 up to 3 GiB, NORMAL above: x86-64 with more than 3 GiB.</summary>
    DmaDma32Normal,
}

/// <summary>The kernel's zone types that are modelled (<c>enum zone_type</c>, 3.6), from low to high.</summary>
public enum ZoneKind : byte
{
    /// <summary>The first 16 MiB.</summary>
    Dma,

    /// <summary>What 32-bit devices reach.</summary>
    Dma32,

    /// <summary>All other memory.</summary>
    Normal,
}

/// <summary>
/// Place and size of one zone. Present pages lie from <see cref="StartPfn"/> on without a gap; the holes that firmware
/// leaves are put at the end of the span, and the PCI hole between DMA32 and NORMAL has no page frames.
/// </summary>
public readonly record struct ZoneSpan(ZoneKind Kind, int StartPfn, int Present)
{
    /// <summary>
    /// Fewest pages of a blade. No kernel boots in so little: what is left of one may be looked at that its own code and
    /// tables have been taken from, so that every order of events can be tried.
    /// </summary>
    public const int MinRamPages = 16;

    /// <summary>Most pages of a blade: 256 GiB, far above what one blade is simulated with.</summary>
    public const int MaxRamPages = 1 << 26;

    private const int DmaSpan = 4096;
    private const int DmaPresent = 3976;
    private const int PciHoleStart = 786_432;
    private const int FourGiB = 1_048_576;

    // Absent pages at the top of DMA32: a little for firmware tables; much more where the zone ends at the PCI hole.
    private const int FirmwareHole = 192;
    private const int ChipsetHole = 2336;

    /// <summary>
    /// Zones of a machine with <paramref name="ramPages"/> pages of RAM, from low to high. 2 GiB give DMA 3,976 and
    /// DMA32 520,000; 4 GiB with NORMAL give 3,976, 780,000 and 262,144, as on real machines.
    /// </summary>
    public static ZoneSpan[] Of(ZoneLayout layout, long ramPages)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(ramPages, MinRamPages);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(ramPages, MaxRamPages);
        var ram = (int)ramPages;
        switch (layout)
        {
            case ZoneLayout.Flat:
                return [new(ZoneKind.Normal, 0, ram)];
            case ZoneLayout.DmaDma32:
                ArgumentOutOfRangeException.ThrowIfLessThan(ram, DmaSpan + PageBlock.Pages, nameof(ramPages));
                ArgumentOutOfRangeException.ThrowIfGreaterThan(ram, FourGiB, nameof(ramPages));
                return
                [
                    new(ZoneKind.Dma, 0, DmaPresent),
                    new(ZoneKind.Dma32, DmaSpan, ram - DmaSpan - FirmwareHole),
                ];
            case ZoneLayout.DmaDma32Normal:
                ArgumentOutOfRangeException.ThrowIfLessThan(ram, PciHoleStart + PageBlock.Pages, nameof(ramPages));
                return
                [
                    new(ZoneKind.Dma, 0, DmaPresent),
                    new(ZoneKind.Dma32, DmaSpan, PciHoleStart - DmaSpan - ChipsetHole),
                    new(ZoneKind.Normal, PciHoleStart, ram - PciHoleStart),
                ];
            default:
                throw new ArgumentOutOfRangeException(nameof(layout), layout, "unknown zone layout");
        }
    }
}
