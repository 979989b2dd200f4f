// The worked machines of the watermark formulas, number by number.
using ClusterSwap.Kernel.Memory;

namespace ClusterSwap.Kernel.Tests.Memory;

public class ZoneWatermarksTests
{
    private const int GiB = 262_144;
    private const int MiB = 256;

    [Theory]
    [InlineData(16, 512)]
    [InlineData(64, 1024)]
    [InlineData(512, 2896)]
    [InlineData(1024, 4096)]
    [InlineData(2048, 5792)]
    [InlineData(4096, 8192)]
    [InlineData(8192, 11_585)]
    [InlineData(16_384, 16_384)]
    public void Min_free_kbytes_is_the_square_root_of_sixteen_times_lowmem(int ramMiB, long kbytes) =>
        Assert.Equal(kbytes, ZoneWatermarks.MinFreeKbytes((long)ramMiB * MiB));

    [Fact]
    public void Min_free_kbytes_lies_between_128_and_65536()
    {
        Assert.Equal(128, ZoneWatermarks.MinFreeKbytes(1));
        Assert.Equal(128, ZoneWatermarks.MinFreeKbytes(256));
        Assert.Equal(65_536, ZoneWatermarks.MinFreeKbytes(1L << 30));
    }

    [Fact]
    public void The_integer_root_is_exact()
    {
        long[] values = [0, 1, 2, 3, 4, 8, 9, 15, 16, 33_554_431, 33_554_432, (1L << 31) - 1, 1L << 62];
        foreach (var value in values)
        {
            var root = ZoneWatermarks.IntegerSquareRoot(value);
            Assert.True(root * root <= value && (root + 1) * (root + 1) > value, $"{value}: {root}");
        }
    }

    [Fact]
    public void Two_GiB_with_DMA_and_DMA32()
    {
        var zones = Of(ZoneLayout.DmaDma32, 2 * GiB);
        Assert.Equal([3976L, 520_000L], zones.Select(z => z.Present));
        AssertMarks(zones[0], 10, 12, 15);
        AssertMarks(zones[1], 1436, 1795, 2154);
        Assert.Equal([0L, 2031L], zones[0].LowmemReserve);
        Assert.Equal([0L, 0L], zones[1].LowmemReserve);
        Assert.Equal(723, zones.Sum(z => z.Min) / 2);
    }

    [Fact]
    public void Two_GiB_in_one_flat_zone()
    {
        var zones = Of(ZoneLayout.Flat, 2 * GiB);
        AssertMarks(Assert.Single(zones), 1448, 1810, 2172);
        Assert.Equal([0L], zones[0].LowmemReserve);
    }

    [Fact]
    public void Sixty_four_MiB_in_one_flat_zone() =>
        AssertMarks(Of(ZoneLayout.Flat, 64 * MiB)[0], 256, 320, 384);

    [Fact]
    public void Five_hundred_and_twelve_MiB_with_DMA_and_DMA32()
    {
        Zone[] zones =
        [
            new(0, new ZoneSpan(ZoneKind.Dma, 0, 3976)),
            new(1, new ZoneSpan(ZoneKind.Dma32, 4096, 126_000)),
        ];
        ZoneWatermarks.SetUp(zones, null, PatchSet.All);
        AssertMarks(zones[1], 698, 872, 1047);
    }

    [Fact]
    public void Four_GiB_with_DMA_DMA32_and_NORMAL()
    {
        var zones = Of(ZoneLayout.DmaDma32Normal, 4 * GiB);
        AssertMarks(zones[1], 1524, 1905, 2286);
        AssertMarks(zones[2], 512, 640, 768);
        Assert.Equal(1024, zones[1].LowmemReserve[2]);
        Assert.Equal(4070, zones[0].LowmemReserve[2]);
        Assert.Equal(1021, zones.Sum(z => z.Min) / 2);
    }

    [Fact]
    public void Eight_GiB_with_DMA_DMA32_and_NORMAL()
    {
        var zones = Of(ZoneLayout.DmaDma32Normal, 8 * GiB);
        AssertMarks(zones[1], 1077, 1346, 1615);
        AssertMarks(zones[2], 1810, 2262, 2715);
        Assert.Equal(1446, zones.Sum(z => z.Min) / 2);
    }

    [Fact]
    public void A_value_set_by_the_administrator_is_taken_as_it_is()
    {
        var zone = new Zone(0, ZoneSpan.Of(ZoneLayout.Flat, 64 * MiB)[0]);
        ZoneWatermarks.SetUp([zone], 512, PatchSet.All);
        AssertMarks(zone, 128, 160, 192);
        ZoneWatermarks.SetUp([zone], 64, PatchSet.All);
        AssertMarks(zone, 16, 20, 24);
    }

    [Theory]
    [InlineData(AllocFlags.WmarkMin, 1448)]
    [InlineData(AllocFlags.High, 724)]
    [InlineData(AllocFlags.Harder, 1086)]
    [InlineData(AllocFlags.High | AllocFlags.Harder, 543)]
    public void A_request_at_the_mark_fails_and_one_page_above_passes(AllocFlags flags, long floor)
    {
        var zone = Of(ZoneLayout.Flat, 2 * GiB)[0];
        zone.NrFree = floor;
        Assert.False(ZoneWatermarks.Ok(zone, 0, zone.Min, 0, flags));
        zone.NrFree = floor + 1;
        Assert.True(ZoneWatermarks.Ok(zone, 0, zone.Min, 0, flags));
    }

    [Theory]
    [InlineData(AllocFlags.High, 718)]
    [InlineData(AllocFlags.Harder, 1077)]
    [InlineData(AllocFlags.High | AllocFlags.Harder, 539)]
    public void The_floors_of_DMA32_on_two_GiB(AllocFlags flags, long floor)
    {
        var zone = Of(ZoneLayout.DmaDma32, 2 * GiB)[1];
        zone.NrFree = floor;
        Assert.False(ZoneWatermarks.Ok(zone, 0, zone.Min, 1, flags));
        zone.NrFree = floor + 1;
        Assert.True(ZoneWatermarks.Ok(zone, 0, zone.Min, 1, flags));
    }

    [Theory]
    [InlineData(AllocFlags.High, 128)]
    [InlineData(AllocFlags.Harder, 192)]
    [InlineData(AllocFlags.High | AllocFlags.Harder, 96)]
    public void The_floors_of_sixty_four_MiB(AllocFlags flags, long floor)
    {
        var zone = Of(ZoneLayout.Flat, 64 * MiB)[0];
        zone.NrFree = floor;
        Assert.False(ZoneWatermarks.Ok(zone, 0, zone.Min, 0, flags));
        zone.NrFree = floor + 1;
        Assert.True(ZoneWatermarks.Ok(zone, 0, zone.Min, 0, flags));
    }

    [Fact]
    public void The_lowmem_reserve_is_not_lowered_by_any_flag()
    {
        var dma = Of(ZoneLayout.DmaDma32, 2 * GiB)[0];
        const AllocFlags Low = AllocFlags.High | AllocFlags.Harder;

        // 10 − 5 − 1 = 4 above the reserve of 2,031 for users that would like DMA32; 4 alone for those of DMA itself.
        dma.NrFree = 2031 + 4;
        Assert.False(ZoneWatermarks.Ok(dma, 0, dma.Min, 1, Low));
        Assert.True(ZoneWatermarks.Ok(dma, 0, dma.Min, 0, Low));
        dma.NrFree++;
        Assert.True(ZoneWatermarks.Ok(dma, 0, dma.Min, 1, Low));
    }

    [Fact]
    public void A_high_order_does_not_count_small_blocks_but_halves_the_mark_for_each_of_them()
    {
        // Order 2 at mark 100: above 100 with 3 off, then above 50 without single pages, then above 25 without pairs.
        var zone = new Zone(0, new ZoneSpan(ZoneKind.Normal, 0, 4096)) { LowmemReserve = [0], NrFree = 200 };
        Assert.True(ZoneWatermarks.Ok(zone, 2, 100, 0, AllocFlags.WmarkMin));

        zone.NrFreeBlocks[0] = 146;
        Assert.True(ZoneWatermarks.Ok(zone, 2, 100, 0, AllocFlags.WmarkMin));
        zone.NrFreeBlocks[0] = 147;
        Assert.False(ZoneWatermarks.Ok(zone, 2, 100, 0, AllocFlags.WmarkMin));

        zone.NrFreeBlocks[0] = 145;
        zone.NrFreeBlocks[1] = 13;
        Assert.True(ZoneWatermarks.Ok(zone, 2, 100, 0, AllocFlags.WmarkMin));
        zone.NrFreeBlocks[1] = 14;
        Assert.False(ZoneWatermarks.Ok(zone, 2, 100, 0, AllocFlags.WmarkMin));

        zone.NrFreeBlocks.AsSpan().Clear();
        zone.NrFree = 103;
        Assert.False(ZoneWatermarks.Ok(zone, 2, 100, 0, AllocFlags.WmarkMin));
        Assert.True(ZoneWatermarks.Ok(zone, 0, 100, 0, AllocFlags.WmarkMin));
    }

    [Theory]
    [InlineData(524_288, 31)]
    [InlineData(520_000, 31)]
    [InlineData(16_384, 3)]
    [InlineData(3976, 0)]
    public void Per_CPU_batches_follow_the_size_of_the_zone(long present, int batch)
    {
        Assert.Equal(batch, PerCpuPages.BatchSize(present));
        var zone = new Zone(0, new ZoneSpan(ZoneKind.Normal, 0, (int)present));
        var lists = PerCpuPages.For(zone, cpus: 1, PatchSet.All);
        Assert.Equal(6 * batch, lists.High);
        Assert.Equal(Math.Max(1, batch), lists.Batch);
    }

    /// <summary>The worked machine of 2 GiB in one zone, by the rule of 4.6.</summary>
    [Fact]
    public void A_scale_factor_keeps_the_marks_a_thousandth_of_the_zone_apart()
    {
        var zone = new Zone(0, ZoneSpan.Of(ZoneLayout.Flat, 524_288)[0]);
        ZoneWatermarks.SetUp([zone], null, KernelRules.Of(Era.Linux61));
        Assert.Equal((1448, 1972, 2496), (zone.Min, zone.Low, zone.High));
    }

    private static Zone[] Of(ZoneLayout layout, long ramPages)
    {
        var spans = ZoneSpan.Of(layout, ramPages);
        var zones = spans.Select((span, i) => new Zone(i, span)).ToArray();
        ZoneWatermarks.SetUp(zones, null, PatchSet.All);
        return zones;
    }

    private static void AssertMarks(Zone zone, long min, long low, long high)
    {
        Assert.Equal(min, zone.Min);
        Assert.Equal(low, zone.Low);
        Assert.Equal(high, zone.High);
    }
}
