using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Slab;
using CsCheck;
using MemoryPack;
using static ClusterSwap.Kernel.Tests.Slab.SlabCalls;

namespace ClusterSwap.Kernel.Tests.Slab;

public class SlabCachesTests
{
    private static SlabCaches Caches(SlabKind kind, FakePages pages, VmStat stat, int cpus = 4)
    {
        var caches = new SlabCaches(kind, cpus, PatchSet.All);
        caches.Attach(pages, stat);
        return caches;
    }

    [Theory]
    [InlineData(SlabKind.Slub)]
    [InlineData(SlabKind.Slab)]
    public void The_caches_have_the_kernels_names_and_sizes(SlabKind kind)
    {
        var caches = Caches(kind, new FakePages(), new VmStat());
        Assert.Equal(
            "skbuff_head_cache 256, skbuff_fclone_cache 512, kmalloc-512 512, kmalloc-1024 1024, kmalloc-2048 2048, "
            + "kmalloc-4096 4096, bio-0 192, blkdev_requests 384, radix_tree_node 560",
            string.Join(
                ", ", Enumerable.Range(0, caches.Count).Select(i => $"{caches[i].Name} {caches[i].ObjectSize}")));
        Assert.Equal(2048, caches.Kmalloc2048.ObjectSize);
        Assert.Equal("radix_tree_node", caches.RadixNode.Name);
    }

    [Theory]
    [InlineData(SlabKind.Slub)]
    [InlineData(SlabKind.Slab)]
    public void A_round_trip_keeps_every_cache_and_the_socket_switch(SlabKind kind)
    {
        var pages = new FakePages();
        var stat = new VmStat();
        var caches = Caches(kind, pages, stat);
        caches.MemallocSocketExists = true;
        caches.SkbHead.GetMany(50);
        caches.Kmalloc2048.GetMany(7);
        var bytes = MemoryPackSerializer.Serialize(caches);
        var copy = MemoryPackSerializer.Deserialize<SlabCaches>(bytes)!;
        copy.Attach(pages, stat);
        copy.AssertInvariants();
        Assert.True(copy.MemallocSocketExists);
        Assert.Equal(50, copy.SkbHead.ObjectsInUse);
        Assert.Equal(caches.PagesHeld, copy.PagesHeld);
        Assert.Equal(bytes, MemoryPackSerializer.Serialize(copy));
    }

    [Theory]
    [InlineData(SlabKind.Slub)]
    [InlineData(SlabKind.Slab)]
    public void Tree_nodes_are_reclaimable_pages(SlabKind kind)
    {
        var pages = new FakePages();
        var stat = new VmStat();
        Caches(kind, pages, stat).RadixNode.Get();
        Assert.Equal(0, stat[VmGauge.nr_slab_unreclaimable]);
        Assert.True((pages.Seen[0].Gfp & Gfp.Reclaimable) != 0);
    }

    // What a cache of four CPUs keeps after a burst: SLAB several hundred objects, SLUB after fallback about 45 of
    // 2,048.
    [Fact]
    public void Slub_keeps_much_less_than_slab_after_a_burst()
    {
        long Kept(SlabKind kind)
        {
            var pages = new FakePages { HighestOrder = 0 };
            var cache = Caches(kind, pages, new VmStat()).Kmalloc2048;
            var slabs = Enumerable.Range(0, 4).Select(cpu => cache.GetMany(500, cpu: cpu)).ToArray();
            for (var cpu = 0; cpu < 4; cpu++)
            {
                cache.FreeAll(slabs[cpu], cpu);
            }

            return cache.PagesHeld * 2;
        }

        // Arrays hold between half and all of their limit after a burst: 254 is the upper bound.
        Assert.InRange(Kept(SlabKind.Slab), 254 - 4 * 12, 254);
        Assert.InRange(Kept(SlabKind.Slub), 30, 60);
    }

    // Property: whatever is asked, refused, delayed, freed and reaped, on any CPU, the lists and counters agree.
    [Theory]
    [InlineData(SlabKind.Slub)]
    [InlineData(SlabKind.Slab)]
    public void Lists_and_counters_agree_after_any_calls(SlabKind kind) =>
        Gen.Select(Gen.Int[0, 6], Gen.Int[0, 2], Gen.Int[0, 8], Gen.Int[0, 999]).Array[1, 400].Sample(
            steps => Run(kind, steps), iter: 300);

    // Property: an ordinary request gets nothing of a flagged slab. For one cache: with several, the kernel's global
    // pfmemalloc_active leaks, which has its own test.
    [Fact]
    public void One_slab_cache_never_gives_reserve_objects_to_ordinary_requests() =>
        Gen.Select(Gen.Int[0, 6], Gen.Int[0, 2], Gen.Const(0), Gen.Int[0, 999]).Array[1, 400].Sample(
            steps => Run(SlabKind.Slab, steps, keepsApart: true), iter: 300);

    private static void Run(SlabKind kind, (int Do, int Cpu, int Cache, int Which)[] steps, bool keepsApart = false)
    {
        var pages = new FakePages();
        var stat = new VmStat();
        var caches = Caches(kind, pages, stat, 3);
        caches.MemallocSocketExists = true;
        var held = new List<(int Cache, int Slab)>();
        var now = 0L;
        foreach (var (what, cpu, number, which) in steps)
        {
            switch (what)
            {
                case 0:
                    pages.Low = which % 3 == 0;
                    pages.HighestOrder = which % 4;
                    break;
                case 1:
                    caches.Reap(cpu, now += 2_000_000_000);
                    break;
                case 2 or 3:
                    for (var i = 0; i < 20 && held.Count > 0; i++)
                    {
                        var at = which * (i + 1) % held.Count;
                        caches[held[at].Cache].Free(held[at].Slab, cpu);
                        held.RemoveAt(at);
                    }

                    break;
                default:
                    Allocate(caches, pages, held, cpu, number, which, keepsApart);
                    break;
            }
        }

        caches.AssertInvariants();
        Assert.Equal(held.Count, Enumerable.Range(0, caches.Count).Sum(i => caches[i].ObjectsInUse));
        Assert.Equal(caches.PagesHeld, pages.PagesOut);
    }

    private static void Allocate(
        SlabCaches caches, FakePages pages, List<(int, int)> held, int cpu, int number, int which, bool keepsApart)
    {
        for (var i = 0; i < 20; i++)
        {
            if ((which + i) % 7 == 0)
            {
                pages.First.Enqueue(AllocOutcome.NeedsReclaim);
            }

            var call = Call((which + i) % 2 == 0 ? Entitled : Ordinary, cpu);
            var outcome = caches[number].Alloc(ref call);
            while (outcome == AllocOutcome.NeedsReclaim)
            {
                call.Cpu = (byte)((call.Cpu + 1) % 3);
                outcome = caches[number].Alloc(ref call);
            }

            if (outcome == AllocOutcome.Granted)
            {
                var reserved = pages.Frames[call.Slab].Has(PageFlags.SlabPfMemAlloc);
                Assert.False(keepsApart && reserved && call.Gfp == Ordinary);
                held.Add((number, call.Slab));
            }
        }
    }
}
