// Patches 1 and 2: who gets the objects of a slab that was made from the reserve.
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Slab;
using ClusterSwap.Kernel.Tests.Slab;
using static ClusterSwap.Kernel.Tests.Slab.SlabCalls;

namespace ClusterSwap.Kernel.Tests.Patches;

public class SlabPatchTests
{
    private const int ObjectsOfASlab = 16;

    private readonly FakePages _pages = new();
    private readonly VmStat _stat = new();

    [Fact]
    public void With_1_SLAB_gives_no_object_of_a_reserve_slab_away_without_it_all()
    {
        Assert.Equal(0, TakenByOrdinaryRequests(Slab(PatchSet.All)));
        Assert.Equal(14, TakenByOrdinaryRequests(Slab(PatchSet.All.Without(1))));
    }

    [Fact]
    public void With_1_SLUB_keeps_reserve_slabs_on_the_node_from_ordinary_requests()
    {
        Assert.Equal(0, TakenFromTheNode(Slub(PatchSet.All)));
        Assert.Equal(2, TakenFromTheNode(Slub(PatchSet.All.Without(1))));
    }

    [Fact]
    public void With_2_a_CPU_leaks_the_rest_of_one_slab_without_it_nothing()
    {
        Assert.Equal(ObjectsOfASlab - 1, TakenByOrdinaryRequests(Slub(PatchSet.All)));
        Assert.Equal(0, TakenByOrdinaryRequests(Slub(PatchSet.All.Without(2))));
    }

    private SlabCache Slab(PatchSet patches)
    {
        var cache = new SlabCache("test", 256, 0, 4);
        cache.Attach(_pages, _stat, new SlabReserve(patches) { MemallocSocketExists = true });
        return cache;
    }

    private SlubCache Slub(PatchSet patches)
    {
        var cache = new SlubCache("test", 256, 0, 1, patches);
        cache.Attach(_pages, _stat);
        return cache;
    }

    /// <summary>An entitled request makes a slab from the reserve; then ordinary ones take what they get.</summary>
    private int TakenByOrdinaryRequests(ISlabCache cache)
    {
        _pages.Low = true;
        cache.Get(Entitled);
        return TakeOrdinary(cache);
    }

    /// <summary>Three used-up slabs from the reserve; an object of each but the CPU's own comes back.</summary>
    private int TakenFromTheNode(ISlabCache cache)
    {
        _pages.Low = true;
        var objects = cache.GetMany(3 * ObjectsOfASlab, Entitled);
        cache.Free(objects[0], 0);
        cache.Free(objects[ObjectsOfASlab], 0);
        return TakeOrdinary(cache);
    }

    private static int TakeOrdinary(ISlabCache cache)
    {
        for (var taken = 0; ; taken++)
        {
            var call = Call();
            if (cache.Alloc(ref call) != AllocOutcome.Granted)
            {
                return taken;
            }
        }
    }
}
