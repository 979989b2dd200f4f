using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Slab;
using MemoryPack;
using static ClusterSwap.Kernel.Tests.Slab.SlabCalls;

namespace ClusterSwap.Kernel.Tests.Slab;

public class SlubCacheTests
{
    private readonly FakePages _pages = new();
    private readonly VmStat _stat = new();

    private SlubCache Cache(int size = 256, int cpus = 4, PatchSet? patches = null)
    {
        var cache = new SlubCache("test", size, 3, cpus, patches ?? PatchSet.All);
        cache.Attach(_pages, _stat);
        return cache;
    }

    [Fact]
    public void Objects_of_one_slab_come_without_another_page()
    {
        var cache = Cache();
        var slabs = cache.GetMany(16);
        Assert.All(slabs, slab => Assert.Equal(slabs[0], slab));
        Assert.Equal(1, cache.PagesHeld);
        Assert.NotEqual(slabs[0], cache.Get());
        Assert.Equal(2, cache.PagesHeld);
        Assert.Equal(17, cache.ObjectsInUse);
        Assert.Equal(2, _stat[VmGauge.nr_slab_unreclaimable]);
        cache.AssertInvariants();
    }

    [Fact]
    public void A_slab_marks_every_page_and_names_its_cache_on_the_head()
    {
        var head = Cache(2048).Get();
        Assert.Equal(3, _pages.Frames[head].Order);
        Assert.Equal(3, _pages.Frames[head].Mapping);
        Assert.All(Enumerable.Range(head, 8), page => Assert.Equal(PageOwner.Slab, _pages.Frames[page].Owner));
    }

    [Fact]
    public void The_preferred_order_is_tried_without_effort_and_the_minimum_with_the_callers_flags()
    {
        _pages.HighestOrder = 0;
        var cache = Cache(2048);
        cache.Get(Gfp.NoIo);
        Assert.Equal(2, _pages.Seen.Count);
        Assert.Equal(3, _pages.Seen[0].Order);
        Assert.Equal(Gfp.NoIo | Gfp.NoRetry | Gfp.NoWarn | Gfp.Comp, _pages.Seen[0].Gfp);
        Assert.Equal(0, _pages.Seen[1].Order);
        Assert.Equal(Gfp.NoIo, _pages.Seen[1].Gfp);
        Assert.Equal(1, cache.PagesHeld);
        cache.Get();
        cache.Get();
        Assert.Equal(2, cache.PagesHeld);
        cache.AssertInvariants();
    }

    [Fact]
    public void The_first_try_may_reclaim_once_and_the_call_goes_on_where_it_stopped()
    {
        _pages.HighestOrder = 0;
        _pages.First.Enqueue(AllocOutcome.NeedsReclaim);
        var cache = Cache(2048);
        var call = Call(Gfp.NoIo);
        Assert.Equal(AllocOutcome.NeedsReclaim, cache.Alloc(ref call));
        call.Pages.Reclaimed = 7;
        call.Task = TaskFlags.MemDie;
        Assert.Equal(AllocOutcome.Granted, cache.Alloc(ref call));
        Assert.Equal([3, 3, 0], _pages.Seen.Select(seen => (int)seen.Order));
        Assert.Equal(7, _pages.Seen[1].Reclaimed);
        Assert.Equal(TaskFlags.MemDie, _pages.Seen[1].Task);
    }

    [Theory]
    [InlineData(AllocOutcome.NeedsWait)]
    [InlineData(AllocOutcome.OutOfMemory)]
    public void Other_stops_of_the_page_allocator_reach_the_caller(AllocOutcome stop)
    {
        _pages.First.Enqueue(stop);
        var call = Call(Gfp.Kernel);
        var cache = Cache();
        Assert.Equal(stop, cache.Alloc(ref call));
        Assert.Equal(0, cache.ObjectsInUse);
        Assert.Equal(AllocOutcome.Granted, cache.Alloc(ref call));
    }

    [Fact]
    public void A_slab_that_came_while_another_task_waited_goes_to_the_node_list()
    {
        var cache = Cache();
        _pages.First.Enqueue(AllocOutcome.NeedsReclaim);
        var waiting = Call(Gfp.NoIo);
        cache.Alloc(ref waiting);
        var first = cache.Get();
        Assert.Equal(AllocOutcome.Granted, cache.Alloc(ref waiting));
        Assert.NotEqual(first, waiting.Slab);
        Assert.Equal(1, cache.NodePartialSlabs);
        cache.AssertInvariants();
    }

    [Fact]
    public void Beyond_min_partial_an_empty_slab_goes_back_at_once()
    {
        // One CPU: no partial list of the CPU hides the slabs from the node's.
        var cache = Cache(256, 1);
        var slabs = cache.GetMany(16 * 10);
        cache.FreeAll(slabs);
        // A slab that becomes empty is on the list itself: the sixth is one too many. One more is the CPU's.
        Assert.Equal(5, cache.NodePartialSlabs);
        Assert.Equal(6, cache.PagesHeld);
        Assert.Equal(6, _pages.PagesOut);
        cache.AssertInvariants();
    }

    [Fact]
    public void A_full_slab_that_gets_an_object_back_waits_on_the_cpus_list()
    {
        var cache = Cache(256, 4);
        var slabs = cache.GetMany(16 * 3);
        cache.Free(slabs[0], 1);
        Assert.Equal(0, cache.NodePartialSlabs);
        _pages.Empty = true;
        cache.Refused();
        Assert.Equal(1, cache.FailedWithFreeObjects);
        Assert.Equal(slabs[0], cache.Get(cpu: 1));
        cache.AssertInvariants();
    }

    [Fact]
    public void More_than_cpu_partial_objects_move_to_the_node()
    {
        var cache = Cache(256, 4);
        var slabs = cache.GetMany(16 * 20);
        var heads = slabs.Distinct().ToArray();
        // Each push brings one free object: the fourteenth finds 13, which is not more than 13; the fifteenth drains.
        cache.FreeAll(heads[..14], 1);
        Assert.Equal(0, cache.NodePartialSlabs);
        cache.Free(heads[14], 1);
        Assert.Equal(14, cache.NodePartialSlabs);
        cache.AssertInvariants();
    }

    [Fact]
    public void A_node_scan_fills_the_cpus_list_to_half_without_counting_the_first_slab()
    {
        var cache = Cache(256, 4);
        var heads = cache.GetMany(16 * 20).Distinct().ToArray();
        cache.FreeAll(heads[..15], 1);
        Assert.Equal(14, cache.NodePartialSlabs);
        // One for CPU 2, then one object each until seven are more than 13 / 2.
        cache.Get(cpu: 2);
        Assert.Equal(6, cache.NodePartialSlabs);
        cache.AssertInvariants();
    }

    [Fact]
    public void An_object_freed_twice_stops_the_run()
    {
        var cache = Cache();
        cache.Free(cache.Get(), 0);
        Assert.Throws<InvalidOperationException>(() => cache.FreeAll(Enumerable.Repeat(0, 2)));
        Assert.Throws<InvalidOperationException>(() => Cache().Free(500, 0));
    }

    [Fact]
    public void State_survives_a_round_trip()
    {
        var cache = Cache(512, 2);
        var slabs = cache.GetMany(100);
        cache.FreeAll(slabs[..40], 1);
        var bytes = MemoryPackSerializer.Serialize(cache);
        var copy = MemoryPackSerializer.Deserialize<SlubCache>(bytes)!;
        copy.Attach(_pages, _stat);
        copy.AssertInvariants();
        Assert.Equal(bytes, MemoryPackSerializer.Serialize(copy));
        Assert.Equal(60, copy.ObjectsInUse);
        copy.FreeAll(slabs[40..]);
        copy.AssertInvariants();
    }
}
