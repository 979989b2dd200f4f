using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Slab;
using MemoryPack;
using static ClusterSwap.Kernel.Tests.Slab.SlabCalls;

namespace ClusterSwap.Kernel.Tests.Slab;

public class SlabCacheTests
{
    private const long Second = 1_000_000_000;
    private readonly FakePages _pages = new();
    private readonly VmStat _stat = new();
    private readonly SlabReserve _reserve = new(PatchSet.All);

    private SlabCache Cache(int size = 256, int cpus = 4)
    {
        var cache = new SlabCache("test", size, 0, cpus);
        cache.Attach(_pages, _stat, _reserve);
        return cache;
    }

    [Fact]
    public void A_refill_of_an_untouched_array_takes_sixteen_objects()
    {
        var cache = Cache();
        cache.Get();
        // The first slab has 15 objects; a miss ends at the last free slab.
        Assert.Equal(1, cache.PagesHeld);
        Assert.Equal(14, cache.ObjectsInArrays);
        cache.GetMany(15);
        Assert.Equal(2, cache.PagesHeld);
        cache.AssertInvariants();
    }

    [Fact]
    public void A_full_array_gives_its_oldest_batch_to_the_shared_array()
    {
        var cache = Cache();
        var slabs = cache.GetMany(300);
        cache.FreeAll(slabs, 1);
        Assert.Equal(300, cache.ObjectsInArrays);
        var pages = cache.PagesHeld;
        // 300 - 120 left the array of CPU 1 in batches of 60; CPU 2 finds them without a page.
        _pages.Empty = true;
        Assert.Equal(180, cache.GetMany(180, cpu: 2).Length);
        cache.Refused(cpu: 2);
        Assert.Equal(1, cache.FailedWithFreeObjects);
        Assert.Equal(pages, cache.PagesHeld);
        cache.AssertInvariants();
    }

    [Theory]
    [InlineData(256, 120 + 480 + 315)]
    [InlineData(512, 54 + 216 + 143)]
    [InlineData(2048, 24 + 96 + 62)]
    public void One_cpu_that_frees_everything_leaves_what_arrays_and_node_keep(int size, int most)
    {
        var cache = Cache(size);
        cache.FreeAll(cache.GetMany(5000));
        var kept = cache.PagesHeld * cache.ObjectsPerSlab;
        // The array was last flushed somewhere between full and half full.
        Assert.InRange(kept, most - SlabGeometry.Batch(size) - 2 * cache.ObjectsPerSlab, most);
        _pages.Empty = true;
        Assert.Equal(kept, cache.GetMany((int)kept).Length);
        cache.Refused();
        cache.AssertInvariants();
    }

    [Fact]
    public void Without_smp_a_full_array_goes_to_the_slabs()
    {
        var cache = Cache(256, 1);
        cache.FreeAll(cache.GetMany(600));
        // 120 in the array at most, 2 x 60 + 15 in free slabs at most.
        Assert.InRange(cache.PagesHeld * 15, 225, 120 + 135);
        cache.AssertInvariants();
    }

    [Fact]
    public void The_worker_drains_a_fifth_of_an_untouched_array()
    {
        var cache = Cache();
        cache.FreeAll(cache.GetMany(100));
        var before = cache.ObjectsInArrays;
        cache.Reap(0, 2 * Second);
        Assert.Equal(before, cache.ObjectsInArrays);
        cache.Reap(0, 3 * Second);
        Assert.Equal(before - 24, cache.ObjectsInArrays);
        cache.AssertInvariants();
    }

    [Fact]
    public void The_worker_takes_at_most_half_of_a_short_array()
    {
        var cache = Cache();
        cache.Get();
        cache.Reap(0, Second);
        Assert.Equal(14, cache.ObjectsInArrays);
        cache.Reap(0, 2 * Second);
        Assert.Equal(7, cache.ObjectsInArrays);
    }

    [Fact]
    public void Free_slabs_go_back_every_four_seconds_unless_somebody_looked_for_one()
    {
        var cache = Cache(4096, 1);
        // One object to a slab. After the burst 25 slabs are free, which is the limit, and 13 objects in the array.
        cache.FreeAll(cache.GetMany(49));
        var pages = new List<long> { cache.PagesHeld };
        for (var second = 2; second <= 8; second += 2)
        {
            cache.Reap(0, second * Second);
            pages.Add(cache.PagesHeld);
        }

        // 2 s: the array was touched. 4 s: 5 leave it, but a free slab was looked for. 6 s: 5 again. 8 s: 2 of 3, and a
        // fifth of the limit in slabs.
        Assert.Equal([38, 38, 33, 28, 21], pages);
        cache.AssertInvariants();
    }

    [Fact]
    public void An_idle_cache_shrinks_to_nothing()
    {
        var cache = Cache();
        cache.FreeAll(cache.GetMany(1000));
        for (var second = 2; second < 400; second += 2)
        {
            cache.Reap(0, second * Second);
            cache.AssertInvariants();
        }

        Assert.Equal(0, cache.PagesHeld);
        Assert.Equal(0, _pages.PagesOut);
        Assert.Equal(0, _stat[VmGauge.nr_slab_unreclaimable]);
    }

    [Fact]
    public void A_call_goes_on_where_its_page_allocation_stopped()
    {
        var cache = Cache();
        _pages.First.Enqueue(AllocOutcome.NeedsReclaim);
        var call = Call(Gfp.NoIo);
        Assert.Equal(AllocOutcome.NeedsReclaim, cache.Alloc(ref call));
        call.Pages.Reclaimed = 3;
        call.Task = TaskFlags.MemDie;
        Assert.Equal(AllocOutcome.Granted, cache.Alloc(ref call));
        Assert.Equal(3, _pages.Seen[1].Reclaimed);
        Assert.Equal(TaskFlags.MemDie, _pages.Seen[1].Task);
        Assert.Equal(Gfp.NoIo, _pages.Seen[1].Gfp);
    }

    [Fact]
    public void A_failed_growth_uses_what_others_freed_meanwhile()
    {
        var cache = Cache();
        var slab = cache.Get(cpu: 1);
        _pages.Empty = true;
        _pages.First.Enqueue(AllocOutcome.NeedsWait);
        // CPU 0 misses: the only slab's other objects lie in the array of CPU 1.
        var call = Call();
        Assert.Equal(AllocOutcome.NeedsWait, cache.Alloc(ref call));
        cache.Free(slab, 0);
        Assert.Equal(AllocOutcome.Granted, cache.Alloc(ref call));
        Assert.Equal(slab, call.Slab);
    }

    [Fact]
    public void An_object_of_another_cache_stops_the_run()
    {
        var cache = Cache();
        var other = new SlabCache("other", 512, 1, 4);
        other.Attach(_pages, _stat, _reserve);
        Assert.Throws<InvalidOperationException>(() => other.Free(cache.Get(), 0));
    }

    [Fact]
    public void State_survives_a_round_trip()
    {
        var cache = Cache(512, 2);
        var slabs = cache.GetMany(500);
        cache.FreeAll(slabs[..450], 1);
        var bytes = MemoryPackSerializer.Serialize(cache);
        var copy = MemoryPackSerializer.Deserialize<SlabCache>(bytes)!;
        copy.Attach(_pages, _stat, _reserve);
        copy.AssertInvariants();
        Assert.Equal(bytes, MemoryPackSerializer.Serialize(copy));
        copy.FreeAll(slabs[450..]);
        Assert.Equal(0, copy.ObjectsInUse);
        copy.AssertInvariants();
    }
}
