// Slots by CPU: clusters of 256 (3.12) and slots at hand (4.11).
using ClusterSwap.Kernel.Swap;

namespace ClusterSwap.Kernel.Tests.Swap;

public sealed class SwapClusterTests
{
    private const int Pages = 256 * 130;

    private static SwapMap Map(int pages = Pages, int position = 256 * 3 + 7, int cpus = 2, bool atHand = false)
    {
        var changes = ChangeSet.Of(Era.Linux36).With(KernelChange.SwapClusters);
        return new SwapMap(
            pages, position, new KernelRules(Era.Linux36, PatchSet.All, atHand ? changes.With(KernelChange.SwapSlotCache) : changes),
            cpus);
    }

    private static int Take(SwapMap map, int cpu = 0) => map.Take(NothingToReclaim.Instance, cpu);

    [Fact]
    public void Each_CPU_takes_ascending_slots_of_a_cluster_of_its_own()
    {
        var map = Map();
        for (var i = 0; i < 256; i++)
        {
            // The column of the position first; its second row is 64 clusters on.
            Assert.Equal(3 * 256 + i, Take(map));
            Assert.Equal(67 * 256 + i, Take(map, 1));
        }

        Assert.Equal(4 * 256, Take(map));
        Assert.Equal(68 * 256, Take(map, 1));
        map.AssertInvariants();
    }

    [Fact]
    public void Without_a_free_cluster_the_next_free_slot_is_found()
    {
        var map = Map(pages: 512, position: 100);
        var slots = Enumerable.Range(0, 511).Select(_ => Take(map)).ToArray();
        Assert.Equal(Enumerable.Range(1, 511), slots.Order());
        Assert.Equal(SwapMap.NoSlot, Take(map));
        map.DropCache(300);
        Assert.Equal(300, Take(map));
        map.AssertInvariants();
    }

    [Fact]
    public void A_cluster_that_is_free_again_is_used_after_all_others()
    {
        var map = Map(pages: 256 * 3, position: 256, cpus: 1);
        var first = Enumerable.Range(0, 256).Select(_ => Take(map)).ToArray();
        Assert.Equal(256, first[0]);
        Take(map);
        foreach (var slot in first)
        {
            map.DropCache(slot);
        }

        Assert.Equal(Enumerable.Range(513, 255), Enumerable.Range(0, 255).Select(_ => Take(map)));
        Assert.Equal(256, Take(map));
        map.AssertInvariants();
    }

    [Fact]
    public void Slots_are_taken_64_at_a_time_and_given_back_64_at_a_time()
    {
        var map = Map(atHand: true);
        var all = map.FreeSlots;
        var slots = Enumerable.Range(0, 65).Select(_ => Take(map)).ToArray();
        Assert.Equal(all - 128, map.FreeSlots);
        Assert.False(map.IsFree(slots[0]));
        foreach (var slot in slots[..64])
        {
            map.DropCache(slot);
            Assert.True(map.IsFree(slot));
        }

        Assert.Equal(all - 128, map.FreeSlots);
        map.DropCache(slots[64]);
        Assert.Equal(all - 64, map.FreeSlots);
        map.AssertInvariants();
    }

    [Fact]
    public void With_few_free_slots_none_is_kept_at_hand()
    {
        var map = Map(pages: 600, position: 1, cpus: 1, atHand: true);
        var taken = 0;
        while (Take(map) != SwapMap.NoSlot)
        {
            taken++;
            map.AssertInvariants();
        }

        Assert.Equal(599, taken);
        Assert.Equal(0, map.FreeSlots);
    }
}
