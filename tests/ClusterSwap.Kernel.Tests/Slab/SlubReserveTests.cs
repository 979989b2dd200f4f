using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Slab;
using static ClusterSwap.Kernel.Tests.Slab.SlabCalls;

namespace ClusterSwap.Kernel.Tests.Slab;

/// <summary>Patches 1 and 2: who gets objects of slabs that were made from the reserve.</summary>
public class SlubReserveTests
{
    private readonly FakePages _pages = new();
    private readonly VmStat _stat = new();

    private SlubCache Cache(PatchSet patches, int cpus = 4)
    {
        var cache = new SlubCache("test", 256, 0, cpus, patches);
        cache.Attach(_pages, _stat);
        return cache;
    }

    [Fact]
    public void The_fast_path_leaks_reserve_objects_until_the_slab_is_empty()
    {
        var cache = Cache(PatchSet.All);
        _pages.Low = true;
        var slab = cache.Get(Entitled);
        Assert.True(_pages.Frames[slab].Has(PageFlags.SlabPfMemAlloc));
        // The leak is bounded by one slab.
        Assert.All(cache.GetMany(15), other => Assert.Equal(slab, other));
        cache.Refused();
        Assert.Equal(0, cache.FailedWithFreeObjects);
    }

    [Fact]
    public void Without_patch_2_the_fast_path_does_not_leak()
    {
        var cache = Cache(PatchSet.All.Without(2));
        _pages.Low = true;
        var slab = cache.Get(Entitled);
        cache.Refused();
        Assert.Equal(1, cache.FailedWithFreeObjects);
        Assert.Equal(1, _stat[VmCounter.slab_alloc_failed]);
        // The slab was deactivated, and serves the next entitled request from the node list.
        Assert.Equal(1, cache.NodePartialSlabs);
        Assert.Equal(slab, cache.Get(Entitled));
        cache.AssertInvariants();
    }

    [Fact]
    public void The_slow_path_passes_over_a_flagged_slab()
    {
        // The CPU's free list is empty, others have freed into its slab: that is the slow path.
        var cache = Cache(PatchSet.All);
        _pages.Low = true;
        var objects = cache.GetMany(16, Entitled);
        cache.Free(objects[0], 1);
        cache.Refused();
        Assert.Equal(1, cache.NodePartialSlabs);
        _pages.Low = false;
        Assert.NotEqual(objects[0], cache.Get());
        Assert.Equal(1, cache.NodePartialSlabs);
        cache.AssertInvariants();
    }

    [Fact]
    public void A_flagged_slab_on_the_cpus_list_is_pushed_to_the_node()
    {
        var cache = Cache(PatchSet.All);
        _pages.Low = true;
        var objects = cache.GetMany(17, Entitled);
        cache.Free(objects[0], 1);
        cache.Refused(cpu: 1);
        Assert.Equal(1, cache.NodePartialSlabs);
        Assert.Equal(objects[0], cache.Get(Entitled, 1));
        cache.AssertInvariants();
    }

    [Fact]
    public void Without_patch_1_nothing_is_flagged_and_everybody_is_served()
    {
        var cache = Cache(PatchSet.All.Without(1));
        _pages.Low = true;
        var objects = cache.GetMany(16, Entitled);
        Assert.False(_pages.Frames[objects[0]].Has(PageFlags.SlabPfMemAlloc));
        cache.Free(objects[0], 1);
        Assert.Equal(objects[0], cache.Get());
    }

    [Fact]
    public void A_request_that_lost_its_right_still_gets_the_object_but_not_the_slab()
    {
        var cache = Cache(PatchSet.All);
        _pages.Low = true;
        _pages.First.Enqueue(AllocOutcome.NeedsWait);
        var call = SlabCall.For(Gfp.NoIo, TaskFlags.MemAlloc, AllocContext.Task, 0);
        cache.Alloc(ref call);
        call.Gfp = Gfp.NoIo | Gfp.NoMemAlloc;
        Assert.Equal(AllocOutcome.Granted, cache.Alloc(ref call));
        Assert.Equal(1, cache.NodePartialSlabs);
        cache.AssertInvariants();
    }

    [Fact]
    public void The_flag_goes_with_the_slab()
    {
        var cache = Cache(PatchSet.All, 1);
        _pages.Low = true;
        cache.FreeAll(cache.GetMany(16 * 10, Entitled));
        _pages.Low = false;
        cache.FreeAll(cache.GetMany(16 * 10, Ordinary));
        Assert.Equal(cache.PagesHeld, _pages.PagesOut);
        cache.AssertInvariants();
    }
}
