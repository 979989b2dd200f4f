// Slab caches on two nodes, over a real page allocator: whose objects go where.
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Slab;
using ClusterSwap.Kernel.Tests.Memory;

namespace ClusterSwap.Kernel.Tests.Slab;

public sealed class SlabNodesTests
{
    private const int OnNode0 = 0;
    private const int OnNode1 = 3;
    private readonly PageAllocator _pages = NodeTests.Nodes(ZoneLayout.Flat, 64 * Machine.MiB);
    private readonly VmStat _stat = new();

    [Theory]
    [InlineData(SlabKind.Slub)]
    [InlineData(SlabKind.Slab)]
    public void Objects_come_from_the_node_of_the_CPU(SlabKind kind)
    {
        var cache = Cache(kind);
        Assert.All(Get(cache, 200, OnNode0), slab => Assert.Equal(0, _pages.NodeOf(slab)));
        Assert.All(Get(cache, 200, OnNode1), slab => Assert.Equal(1, _pages.NodeOf(slab)));
        Check(cache);
    }

    [Fact]
    public void SLAB_keeps_a_dozen_objects_of_the_other_node_and_then_sends_them_home()
    {
        var cache = (SlabCache)Cache(SlabKind.Slab);
        var objects = Get(cache, 60, OnNode1);
        foreach (var slab in objects.AsSpan(0, 12))
        {
            cache.Free(slab, OnNode0);
        }

        // None of them is for a CPU of node 0, whose array is empty still.
        Assert.Equal(0, _pages.NodeOf(Get(cache, 1, OnNode0)[0]));
        cache.AssertInvariants();
        cache.Free(objects[12], OnNode0);
        cache.AssertInvariants();

        // The dozen is in the shared array of node 1 now, and serves a CPU there that has nothing.
        var pages = cache.PagesHeld;
        Get(cache, 12, cpu: 2);
        Assert.Equal(pages, cache.PagesHeld);
        cache.AssertInvariants();
    }

    [Fact]
    public void The_reaper_of_a_node_sends_home_what_waits_there()
    {
        var cache = (SlabCache)Cache(SlabKind.Slab);
        var objects = Get(cache, 5, OnNode1);
        foreach (var slab in objects)
        {
            cache.Free(slab, OnNode0);
        }

        var waiting = cache.ObjectsInArrays;
        cache.Reap(OnNode0, 0, alienOf: 0);
        Assert.Equal(waiting, cache.ObjectsInArrays);
        cache.Reap(OnNode0, 0, alienOf: 1);
        Assert.Equal(waiting, cache.ObjectsInArrays);
        var pages = cache.PagesHeld;
        Get(cache, 5, cpu: 2);
        Assert.Equal(pages, cache.PagesHeld);
        cache.AssertInvariants();
    }

    [Fact]
    public void Below_the_low_mark_SLAB_takes_free_objects_of_the_other_node_before_it_asks_for_a_page()
    {
        var cache = (SlabCache)Cache(SlabKind.Slab);
        FreeAll(cache, Get(cache, 1_000, OnNode1), OnNode1);
        NodeTests.Empty(_pages, node: 0, _pages.Zones[0].Low);
        var taken = _pages.VmStat[VmCounter.pgalloc];
        var slab = Get(cache, 1, OnNode0)[0];
        Assert.Equal(1, _pages.NodeOf(slab));
        Assert.Equal(taken, _pages.VmStat[VmCounter.pgalloc]);
        Assert.False(_pages.KswapdWanted);
        Check(cache);
    }

    [Fact]
    public void With_both_nodes_short_SLAB_asks_as_its_caller_does()
    {
        var cache = Cache(SlabKind.Slab);
        NodeTests.Empty(_pages, node: 0, _pages.Zones[0].Min);
        NodeTests.Empty(_pages, node: 1, _pages.Zones[1].Min);
        var call = SlabCall.For(Gfp.NoIo, TaskFlags.None, AllocContext.Task, OnNode1);
        Assert.Equal(AllocOutcome.NeedsReclaim, cache.Alloc(ref call));
        Assert.Equal(1, call.Pages.ListNode);
        Assert.True(_pages.KswapdWanted);
        call = SlabCall.For(Gfp.NoIo, TaskFlags.MemAlloc, AllocContext.Task, OnNode1);
        Assert.Equal(AllocOutcome.Granted, cache.Alloc(ref call));
        Assert.Equal(1, _pages.NodeOf(call.Slab));
        Assert.Equal(1, _stat[VmGauge.nr_slab_unreclaimable]);
        Check(cache);
    }

    [Fact]
    public void SLUB_takes_a_partial_slab_of_the_other_node_only_when_that_has_more_than_it_keeps()
    {
        var cache = (SlubCache)Cache(SlabKind.Slub);
        var objects = Get(cache, 16 * 40, OnNode1);

        // One object of each slab comes back: partial slabs gather on node 1.
        foreach (var slab in objects.Distinct())
        {
            cache.Free(slab, OnNode1);
        }

        while (cache.PartialSlabsOf(1) > cache.MinPartial)
        {
            Assert.Equal(1, _pages.NodeOf(Get(cache, 1, OnNode0)[0]));
        }

        // What is left stays: the rest of the CPU's own slabs, then pages of node 0.
        Assert.Equal(0, _pages.NodeOf(Get(cache, 40, OnNode0)[^1]));
        Assert.True(cache.PartialSlabsOf(1) > 0);
        cache.AssertInvariants();
    }

    [Theory]
    [InlineData(SlabKind.Slub)]
    [InlineData(SlabKind.Slab)]
    public void Any_order_of_requests_on_both_nodes_keeps_the_books(SlabKind kind)
    {
        var cache = Cache(kind);
        var random = 12_345u;
        var held = new List<int>();
        for (var i = 0; i < 20_000; i++)
        {
            random = random * 1_664_525 + 1_013_904_223;
            var cpu = (int)(random >> 28) & 3;
            if (held.Count > 0 && (random >> 20 & 7) < (i / 2_000 % 2 == 0 ? 3u : 5u))
            {
                var at = (int)(random >> 4) % held.Count;
                at = at < 0 ? -at : at;
                cache.Free(held[at], cpu);
                held[at] = held[^1];
                held.RemoveAt(held.Count - 1);
            }
            else
            {
                held.AddRange(Get(cache, 1, cpu));
            }
        }

        Check(cache);
        Assert.Equal(held.Count, cache.ObjectsInUse);
        _pages.AssertInvariants();
    }

    private ISlabCache Cache(SlabKind kind)
    {
        _pages.Attach(_stat);
        if (kind == SlabKind.Slub)
        {
            var slub = new SlubCache("test", 256, 0, 4, PatchSet.All, nodes: 2);
            slub.Attach(_pages, _stat);
            return slub;
        }

        var slab = new SlabCache("test", 256, 0, 4, nodes: 2);
        slab.Attach(_pages, _stat, new SlabReserve(PatchSet.All) { MemallocSocketExists = true });
        return slab;
    }

    private static int[] Get(ISlabCache cache, int count, int cpu)
    {
        var slabs = new int[count];
        for (var i = 0; i < count; i++)
        {
            var call = SlabCall.For(Gfp.Kernel, TaskFlags.None, AllocContext.Task, cpu);
            Assert.Equal(AllocOutcome.Granted, cache.Alloc(ref call));
            slabs[i] = call.Slab;
        }

        return slabs;
    }

    private static void FreeAll(ISlabCache cache, int[] slabs, int cpu)
    {
        foreach (var slab in slabs)
        {
            cache.Free(slab, cpu);
        }
    }

    private static void Check(ISlabCache cache)
    {
        (cache as SlubCache)?.AssertInvariants();
        (cache as SlabCache)?.AssertInvariants();
    }
}
