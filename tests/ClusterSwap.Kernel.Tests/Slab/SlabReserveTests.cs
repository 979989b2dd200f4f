using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Slab;
using static ClusterSwap.Kernel.Tests.Slab.SlabCalls;

namespace ClusterSwap.Kernel.Tests.Slab;

/// <summary>Patches 1 and 13: tags of reserve objects in SLAB's arrays. Slabs of 256 bytes have 15 objects.</summary>
public class SlabReserveTests
{
    private readonly FakePages _pages = new();
    private readonly VmStat _stat = new();

    private SlabCache Cache(SlabReserve reserve, int index = 0)
    {
        var cache = new SlabCache("test", 256, index, 4);
        cache.Attach(_pages, _stat, reserve);
        return cache;
    }

    private static SlabReserve Reserve(PatchSet? patches = null, bool socket = true) =>
        new(patches ?? PatchSet.All) { MemallocSocketExists = socket };

    [Fact]
    public void An_ordinary_request_fails_although_tagged_objects_are_free()
    {
        var reserve = Reserve();
        var cache = Cache(reserve);
        _pages.Low = true;
        var slab = cache.Get(Entitled);
        Assert.True(reserve.PfMemAllocActive);
        Assert.Equal(1, cache.FlaggedSlabs);
        cache.Refused();
        Assert.Equal(1, cache.FailedWithFreeObjects);
        Assert.Equal(1, _stat[VmCounter.slab_alloc_failed]);
        Assert.Equal(slab, cache.Get(Entitled));
        cache.AssertInvariants();
    }

    [Fact]
    public void An_untagged_object_further_down_is_found()
    {
        var cache = Cache(Reserve());
        var ordinary = cache.Get();
        _pages.Low = true;
        cache.FreeAll([.. cache.GetMany(14), ordinary]);
        // All 15 of the ordinary slab lie below what the entitled request brings in.
        var tagged = cache.GetMany(16, Entitled)[15];
        cache.Free(ordinary, 0);
        cache.Free(tagged, 0);
        Assert.Equal(ordinary, cache.Get());
        cache.Refused();
        cache.AssertInvariants();
    }

    [Fact]
    public void A_request_that_pays_with_a_new_page_takes_the_flag_off_one_slab()
    {
        var reserve = Reserve();
        var cache = Cache(reserve);
        _pages.Low = true;
        var flagged = cache.Get(Entitled);
        _pages.Low = false;
        Assert.Equal(flagged, cache.Get());
        Assert.Equal(2, cache.PagesHeld);
        Assert.Equal(1, cache.Unreserved);
        Assert.False(_pages.Frames[flagged].Has(PageFlags.SlabPfMemAlloc));
        Assert.False(reserve.PfMemAllocActive);
        // The other objects of that slab in the array keep their tags until somebody pays again or they are freed.
        Assert.Equal(flagged, cache.Get());
        Assert.Equal(3, cache.PagesHeld);
        cache.AssertInvariants();
    }

    [Fact]
    public void A_refill_that_brings_only_tagged_objects_is_repeated_by_force()
    {
        // CPU 1 returns tagged objects to the shared array; CPU 0 is empty and not entitled.
        var cache = Cache(Reserve());
        _pages.Low = true;
        cache.FreeAll(cache.GetMany(180, Entitled, 1), 1);
        cache.Refused();
        Assert.Equal(1, cache.FailedWithFreeObjects);
        cache.AssertInvariants();
    }

    [Fact]
    public void Without_a_memalloc_socket_patch_13_skips_the_checks()
    {
        var cache = Cache(Reserve(socket: false));
        _pages.Low = true;
        Assert.Equal(cache.Get(Entitled), cache.Get());
    }

    [Fact]
    public void Without_patch_13_the_checks_are_always_made()
    {
        var cache = Cache(Reserve(PatchSet.All.Without(13), socket: false));
        _pages.Low = true;
        cache.Get(Entitled);
        cache.Refused();
    }

    [Fact]
    public void Without_patch_1_nothing_is_tagged()
    {
        var cache = Cache(Reserve(PatchSet.All.Without(1)));
        _pages.Low = true;
        Assert.Equal(cache.Get(Entitled), cache.Get());
        Assert.Equal(0, cache.FlaggedSlabs);
        cache.AssertInvariants();
    }

    [Fact]
    public void One_cache_without_flagged_slabs_ends_tagging_for_all()
    {
        // The kernel looks through one cache and clears a global: the other cache's reserve objects are put untagged.
        var reserve = Reserve();
        var (one, two) = (Cache(reserve), Cache(reserve, 1));
        _pages.Low = true;
        var reserved = two.GetMany(15, Entitled);
        one.Get(Entitled);
        _pages.Low = false;
        one.Get();
        Assert.False(reserve.PfMemAllocActive);
        _pages.Low = true;
        two.Free(reserved[0], 0);
        Assert.Equal(reserved[0], two.Get());
    }
}
