// SLUB and SLAB as they came after 3.6: each change flips one thing that is seen here.
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Slab;
using static ClusterSwap.Kernel.Tests.Slab.SlabCalls;

namespace ClusterSwap.Kernel.Tests.Slab;

public class LaterSlabTests
{
    private readonly FakePages _pages = new();
    private readonly VmStat _stat = new();

    private SlubCache Slub(int size, int cpus, params KernelChange[] changes)
    {
        var cache = new SlubCache("test", size, 0, cpus, With(changes));
        cache.Attach(_pages, _stat);
        return cache;
    }

    private SlabCache Slab(int size, bool socket, params KernelChange[] changes)
    {
        var cache = new SlabCache("test", size, 0, cpus: 1, rules: With(changes));
        cache.Attach(_pages, _stat, new SlabReserve(With(changes)) { MemallocSocketExists = socket });
        return cache;
    }

    private static KernelRules With(KernelChange[] changes) => new(
        Era.Linux36, PatchSet.All, changes.Aggregate(ChangeSet.Of(Era.Linux36), (set, change) => set.With(change)));

    [Fact]
    public void The_first_try_at_a_high_order_neither_reclaims_nor_wakes_kswapd_nor_takes_of_the_reserve()
    {
        _pages.HighestOrder = 0;
        Slub(2048, 4, KernelChange.SlubFirstTry).Get(Gfp.NoIo);
        Assert.Equal(
            Gfp.NoRetry | Gfp.NoWarn | Gfp.Comp | Gfp.NoMemAlloc | Gfp.NoKswapd, _pages.Seen[0].Gfp);
        Assert.Equal(Gfp.NoIo, _pages.Seen[1].Gfp);
    }

    [Fact]
    public void An_atomic_request_keeps_its_flags_at_a_high_order_and_any_request_at_the_least()
    {
        _pages.HighestOrder = 0;
        Slub(2048, 4, KernelChange.SlubFirstTry).Get(Gfp.Atomic | Gfp.MemAlloc);
        Assert.Equal(Gfp.Atomic | Gfp.MemAlloc | Gfp.NoRetry | Gfp.NoWarn | Gfp.Comp, _pages.Seen[0].Gfp);
        Slub(192, 4, KernelChange.SlubFirstTry).Get(Gfp.NoIo);
        Assert.Equal(Gfp.NoIo | Gfp.NoRetry | Gfp.NoWarn, _pages.Seen[2].Gfp);
    }

    [Theory]
    [InlineData(false, 5)]
    [InlineData(true, 4)]
    public void The_node_list_keeps_as_many_empty_slabs_as_min_partial_says_and_later_one_fewer(bool later, int kept)
    {
        var cache = later ? Slub(256, 1, KernelChange.SlubMinPartial) : Slub(256, 1);
        cache.FreeAll(cache.GetMany(16 * 12));
        Assert.Equal(kept, cache.NodePartialSlabs);
        cache.AssertInvariants();
    }

    [Theory]
    [InlineData(256, 7)]
    [InlineData(2048, 3)]
    [InlineData(4096, 2)]
    public void The_partial_list_of_a_CPU_is_bounded_in_slabs(int size, int slabs)
    {
        var cache = Slub(size, 4, KernelChange.SlubPartialSlabs);
        Assert.Equal(slabs, cache.CpuPartial);
        Assert.Equal(0, Slub(size, 1, KernelChange.SlubPartialSlabs).CpuPartial);

        // One object of each full slab: the list takes them until it has so many, then all go to the node.
        var perSlab = (4096 << cache.Orders.Preferred) / size;
        var held = cache.GetMany(perSlab * (slabs + 2)).Distinct().ToArray();
        cache.FreeAll(held.Take(slabs));
        Assert.Equal(0, cache.NodePartialSlabs);
        cache.Free(held[slabs], 0);
        Assert.Equal(slabs, cache.NodePartialSlabs);
        cache.AssertInvariants();
    }

    [Fact]
    public void An_object_of_a_reserve_slab_goes_past_SLABs_array_back_to_its_slab()
    {
        var cache = Slab(256, socket: true, KernelChange.SlabBypass);
        _pages.Low = true;
        var objects = cache.GetMany(15, Entitled);
        Assert.Equal(1, cache.FlaggedSlabs);
        cache.FreeAll(objects);
        Assert.Equal(0, cache.ObjectsInArrays);
        cache.Refused();
        Assert.Equal(1, cache.FailedWithFreeObjects);
        Assert.Equal(objects[0], cache.Get(Entitled));
        cache.AssertInvariants();
    }

    [Fact]
    public void A_new_reserve_slab_fills_SLABs_array_for_whoever_comes_next()
    {
        var cache = Slab(256, socket: true, KernelChange.SlabBypass);
        _pages.Low = true;
        var slab = cache.Get(Entitled);
        Assert.Equal(14, cache.ObjectsInArrays);
        Assert.Equal(slab, cache.Get());
        cache.AssertInvariants();
    }

    [Fact]
    public void Without_a_memalloc_socket_SLAB_does_not_flag_a_slab()
    {
        var cache = Slab(256, socket: false, KernelChange.SlabBypass);
        _pages.Low = true;
        cache.Free(cache.Get(Entitled), 0);
        Assert.Equal(0, cache.FlaggedSlabs);
        Assert.Equal(15, cache.ObjectsInArrays);
        cache.Get();
        cache.AssertInvariants();
    }

    [Fact]
    public void A_flag_is_dropped_when_the_node_has_free_objects_to_spare()
    {
        // 256 bytes: free limit (1 + 1) * 60 + 15 = 135 objects, a batch of 60.
        var cache = Slab(256, socket: true, KernelChange.SlabBypass);
        var ordinary = cache.GetMany(15 * 10);
        _pages.Low = true;
        var reserved = cache.GetMany(15 * 2, Entitled);
        cache.FreeAll(ordinary);
        cache.FreeAll(reserved);
        cache.AssertInvariants();
        Assert.Equal(2, cache.FlaggedSlabs);
        Assert.Equal(0, cache.Unreserved);
    }

    [Theory]
    [InlineData(192, 0, 21)]
    [InlineData(256, 0, 16)]
    [InlineData(448, 0, 9)]
    [InlineData(512, 0, 8)]
    [InlineData(4096, 0, 1)]
    public void Compact_management_leaves_the_whole_slab_to_objects(int size, int order, int objects)
    {
        Assert.Equal(order, SlabGeometry.Order(size, compact: true));
        Assert.Equal(objects, SlabGeometry.Objects(order, size, compact: true));
        Assert.Equal(objects, Slab(size, socket: true, KernelChange.SlabLayout).ObjectsPerSlab);
    }

    [Fact]
    public void Sizes_are_those_of_the_release_and_of_its_configuration()
    {
        Assert.Equal(new ObjectSizes(512, 560, 64), ObjectSizes.Of(KernelRules.Of(Era.Linux36)));
        Assert.Equal(new ObjectSizes(448, 192, 16), ObjectSizes.Of(KernelRules.Of(Era.Linux61)));
        var rules = KernelRules.Of(Era.Linux61);
        Assert.Equal(
            new ObjectSizes(448, 576, 64),
            ObjectSizes.Of(rules with { Changes = rules.Changes.Without(KernelChange.SmallTreeNodes) }));
        var caches = new SlabCaches(SlabKind.Slab, 1, rules);
        Assert.Equal((448, 192), (caches.SkbFclone.ObjectSize, caches.RadixNode.ObjectSize));
    }
}
