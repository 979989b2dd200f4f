using ClusterSwap.Kernel.Slab;

namespace ClusterSwap.Kernel.Tests.Slab;

public class GeometryTests
{
    // Order and objects by 1, 2, 4 and 8 CPUs, then the fallback order, cpu_partial (3.5) and min_partial.
    [Theory]
    [InlineData(192, "0/21 0/21 0/21 0/21", "0/21", 30, 5)]
    [InlineData(256, "0/16 0/16 0/16 1/32", "0/16", 13, 5)]
    [InlineData(352, "0/11 1/23 1/23 1/23", "0/11", 13, 5)]
    [InlineData(384, "0/10 1/21 1/21 1/21", "0/10", 13, 5)]
    [InlineData(448, "0/9 1/18 1/18 2/36", "0/9", 13, 5)]
    [InlineData(512, "0/8 1/16 1/16 2/32", "0/8", 13, 5)]
    [InlineData(560, "1/14 1/14 2/29 2/29", "0/7", 13, 5)]
    [InlineData(1024, "1/8 2/16 2/16 3/32", "0/4", 6, 5)]
    [InlineData(2048, "2/8 3/16 3/16 3/16", "0/2", 6, 5)]
    [InlineData(4096, "3/8 3/8 3/8 3/8", "0/1", 2, 6)]
    public void Slub_orders_follow_from_size_and_cpus(
        int size, string byCpus, string fallback, int cpuPartial, int minPartial)
    {
        var orders = new[] { 1, 2, 4, 8 }.Select(cpus => Shown(SlubGeometry.PreferredOrder(size, cpus), size));
        Assert.Equal(byCpus, string.Join(' ', orders));
        Assert.Equal(fallback, Shown(SlubGeometry.MinimumOrder(size), size));
        Assert.Equal(cpuPartial, SlubGeometry.CpuPartial(size, 4));
        Assert.Equal(minPartial, SlubGeometry.MinPartial(size));
    }

    [Fact]
    public void One_cpu_has_no_slub_partial_list_and_no_shared_slab_array()
    {
        Assert.Equal(0, SlubGeometry.CpuPartial(256, 1));
        Assert.Equal(0, SlabGeometry.SharedLimit(256, 1));
    }

    [Theory]
    [InlineData(192, "0/20", 120, 60, 480, 320)]
    [InlineData(256, "0/15", 120, 60, 480, 315)]
    [InlineData(384, "0/10", 54, 27, 216, 145)]
    [InlineData(448, "0/8", 54, 27, 216, 143)]
    [InlineData(512, "0/8", 54, 27, 216, 143)]
    [InlineData(560, "0/7", 54, 27, 216, 142)]
    [InlineData(1024, "0/4", 54, 27, 216, 139)]
    [InlineData(2048, "0/2", 24, 12, 96, 62)]
    [InlineData(4096, "0/1", 24, 12, 96, 61)]
    public void Slab_arrays_follow_from_size_and_cpus(
        int size, string slab, int limit, int batch, int shared, int freeLimit)
    {
        var order = SlabGeometry.Order(size);
        Assert.Equal(slab, $"{order}/{SlabGeometry.Objects(order, size)}");
        Assert.Equal(limit, SlabGeometry.Limit(size));
        Assert.Equal(batch, SlabGeometry.Batch(size));
        Assert.Equal(shared, SlabGeometry.SharedLimit(size, 4));
        Assert.Equal(freeLimit, SlabGeometry.FreeLimit(size, 4));
    }

    // Arrays of four CPUs, the shared array and the node's free objects.
    [Theory]
    [InlineData(256, 1275)]
    [InlineData(512, 575)]
    [InlineData(2048, 254)]
    public void An_idle_slab_cache_may_keep_this_many_objects(int size, int objects) => Assert.Equal(
        objects, 4 * SlabGeometry.Limit(size) + SlabGeometry.SharedLimit(size, 4) + SlabGeometry.FreeLimit(size, 4));

    private static string Shown(int order, int size) => $"{order}/{SlubGeometry.Objects(order, size)}";
}
