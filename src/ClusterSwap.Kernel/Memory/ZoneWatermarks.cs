// Size of the reserve and the watermarks of every zone, and the test against a watermark.
namespace ClusterSwap.Kernel.Memory;

/// <summary>
/// min_free_kbytes, watermarks and lowmem_reserve as in Linux 3.6 (<c>init_per_zone_wmark_min</c>,
/// <c>__setup_per_zone_wmarks</c>, <c>setup_per_zone_lowmem_reserve</c>, <c>__zone_watermark_ok</c>). Pages have 4 KiB.
/// </summary>
public static class ZoneWatermarks
{
    /// <summary>Least min_free_kbytes that the kernel computes, KiB.</summary>
    public const long MinFreeKbytesLeast = 128;

    /// <summary>Greatest min_free_kbytes that the kernel computes, KiB.</summary>
    public const long MinFreeKbytesMost = 65_536;

    /// <summary>The same since 5.8, KiB.</summary>
    public const long MinFreeKbytesMost58 = 262_144;

    /// <summary>vm.watermark_scale_factor: least distance of the marks in ten-thousandths of a zone (4.6).</summary>
    public const long ScaleFactor = 10;

    private const int KbytesPerPage = 4;

    /// <summary>
    /// <c>isqrt(16 × lowmem_kB)</c>, clamped. <paramref name="lowmemPages"/> are the pages (<see cref="Zone.Managed"/>)
    /// of all zones that GFP_USER may use; at the time of this computation all high watermarks are still 0.
    /// </summary>
    public static long MinFreeKbytes(long lowmemPages, KernelRules rules = default) => Math.Clamp(
        IntegerSquareRoot(16 * lowmemPages * KbytesPerPage),
        MinFreeKbytesLeast,
        rules.Has(KernelChange.MinFreeLimit) ? MinFreeKbytesMost58 : MinFreeKbytesMost);

    /// <summary>
    /// Sets min, low, high and lowmem_reserve of all zones. A value set by the administrator is taken as it is: 3.6
    /// does not clamp what is written to the sysctl.
    /// </summary>
    /// <param name="zones">All zones of all nodes, node by node, from low to high.</param>
    /// <param name="userMinFreeKbytes">The administrator's min_free_kbytes, or null for the kernel's own.</param>
    /// <param name="rules">The kernel's rules: 4.6 keeps the marks further apart.</param>
    public static void SetUp(ReadOnlySpan<Zone> zones, long? userMinFreeKbytes, KernelRules rules)
    {
        var managed = 0L;
        foreach (var zone in zones)
        {
            managed += zone.Managed;
        }

        var pagesMin = (userMinFreeKbytes ?? MinFreeKbytes(managed, rules)) / KbytesPerPage;
        for (var i = 0; i < zones.Length; i++)
        {
            var share = pagesMin * zones[i].Managed / managed;
            zones[i].Min = share;
            (zones[i].Low, zones[i].High) = LowAndHigh(zones[i].Managed, share, rules);
            zones[i].LowmemReserve = Reserve(NodeOf(zones, i), zones[i].Type);
        }
    }

    /// <summary>
    /// <c>lowmem_reserve_ratio</c>: one page in so many of the zones above stays closed to their users in this zone.
    /// </summary>
    public static int ReserveRatio(ZoneKind kind) => kind == ZoneKind.Normal ? 32 : 256;

    /// <summary>
    /// <c>__zone_watermark_ok</c>: may a block of <paramref name="order"/> be taken while the zone stays above
    /// <paramref name="mark"/>? Equality fails. ALLOC_HIGH takes half of the mark off, ALLOC_HARDER then a quarter of
    /// what is left; the lowmem reserve is never lowered.
    /// </summary>
    /// <param name="zone">The zone asked.</param>
    /// <param name="order">Order of the block, 0 to 10.</param>
    /// <param name="mark">Watermark, pages.</param>
    /// <param name="classzoneIdx">Type of the zone that the request would like best.</param>
    /// <param name="flags">Only those that lower the mark matter.</param>
    /// <param name="rules">The kernel's rules.</param>
    /// <param name="more">Pages that are taken to be free as well.</param>
    public static bool Ok(
        Zone zone, int order, long mark, int classzoneIdx, AllocFlags flags, KernelRules rules = default, long more = 0)
    {
        var min = mark;
        if ((flags & AllocFlags.High) != 0)
        {
            min -= min / 2;
        }

        if (GfpRules.GetsExtraQuarter(flags, rules))
        {
            min -= min / 4;
        }

        if ((flags & AllocFlags.Oom) != 0)
        {
            min -= min / 2;
        }

        var free = zone.NrFree + more - ((1L << order) - 1) - zone.ClosedTo(flags);
        if (free <= min + zone.LowmemReserve[classzoneIdx])
        {
            return false;
        }

        if (order == 0)
        {
            return true;
        }

        return rules.Has(KernelChange.HighOrderMark)
            ? zone.HasBlock(order, flags)
            : HasBlocksAbove(zone, order, min, free);
    }

    /// <summary>Greatest r with r × r ≤ <paramref name="value"/> (<c>int_sqrt</c>), for values from 0 up.</summary>
    public static long IntegerSquareRoot(long value)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(value);
        var root = 0L;
        for (var bit = 1L << 31; bit != 0; bit >>= 1)
        {
            var candidate = root | bit;
            if (candidate <= value / candidate)
            {
                root = candidate;
            }
        }

        return root;
    }

    // A quarter and a half above min, or two steps of watermark_scale_factor (4.6).
    private static (long Low, long High) LowAndHigh(long managed, long share, KernelRules rules)
    {
        if (!rules.Has(KernelChange.WatermarkScaleFactor))
        {
            return (share + share / 4, share + share / 2);
        }

        var step = Math.Max(share / 4, managed * ScaleFactor / 10_000);
        return (share + step, share + 2 * step);
    }

    // Blocks that are too small do not count for a high order, but less has to be left of the greater ones.
    private static bool HasBlocksAbove(Zone zone, int order, long min, long free)
    {
        for (var o = 0; o < order; o++)
        {
            free -= (long)zone.NrFreeBlocks[o] << o;
            min >>= 1;
            if (free <= min)
            {
                return false;
            }
        }

        return true;
    }

    private static ReadOnlySpan<Zone> NodeOf(ReadOnlySpan<Zone> zones, int index)
    {
        var from = index - zones[index].Type;
        var to = from;
        while (to < zones.Length && zones[to].Node == zones[index].Node)
        {
            to++;
        }

        return zones[from..to];
    }

    // Only what lies above on the same node is guarded: other nodes have low zones of their own.
    private static long[] Reserve(ReadOnlySpan<Zone> zones, int lower)
    {
        var reserve = new long[zones.Length];
        var above = 0L;
        for (var j = lower + 1; j < zones.Length; j++)
        {
            above += zones[j].Managed;
            reserve[j] = above / ReserveRatio(zones[lower].Kind);
        }

        return reserve;
    }
}
