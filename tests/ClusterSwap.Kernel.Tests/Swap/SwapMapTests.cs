using ClusterSwap.Kernel.Swap;
using MemoryPack;

namespace ClusterSwap.Kernel.Tests.Swap;

public sealed class SwapMapTests
{
    private static int Take(SwapMap map) => map.Take(NothingToReclaim.Instance);

    [Fact]
    public void The_first_slot_is_the_initial_position_and_the_next_255_follow()
    {
        var map = new SwapMap(4096, 1000);
        for (var slot = 1000; slot < 1000 + 256; slot++)
        {
            Assert.Equal(slot, Take(map));
        }

        Assert.Equal(0, map.ClusterLeft);
        Assert.Equal(4095 - 256, map.FreeSlots);
        map.AssertInvariants();
    }

    [Fact]
    public void Slot_0_is_never_handed_out()
    {
        var map = new SwapMap(600, 300);
        var taken = new HashSet<int>();
        while (map.FreeSlots > 0)
        {
            taken.Add(Take(map));
        }

        Assert.Equal(599, taken.Count);
        Assert.DoesNotContain(SwapMap.NoSlot, taken);
        Assert.Equal(SwapMap.NoSlot, Take(map));
        map.AssertInvariants();
    }

    [Fact]
    public void A_cluster_need_not_be_aligned_and_is_searched_from_the_position_not_from_the_start()
    {
        var map = new SwapMap(4096, 1000);
        for (var i = 0; i < 256; i++)
        {
            Take(map);
        }

        // Slots 1 to 999 are free as well: a rotational disk would start over at slot 1.
        Assert.Equal(1256, Take(map));
    }

    [Fact]
    public void The_search_for_a_cluster_wraps_once()
    {
        var map = new SwapMap(1024, 900);
        Assert.Equal(1, Take(map));
        Assert.Equal(2, Take(map));
    }

    [Fact]
    public void A_run_of_255_is_no_cluster_and_one_of_256_is()
    {
        // All 16 clusters are taken, then two holes: 255 slots from 100 on, 256 from 600 on.
        var map = new SwapMap(4097, 1);
        while (map.FreeSlots > 0)
        {
            Take(map);
        }

        Release(map, 100, 255);
        Release(map, 600, 256);
        Assert.Equal(600, Take(map));
    }

    [Fact]
    public void Without_a_cluster_the_first_free_slot_from_the_position_is_taken()
    {
        var map = new SwapMap(2048, 1);
        while (map.FreeSlots > 0)
        {
            Take(map);
        }

        for (var slot = 2; slot < 2048; slot += 2)
        {
            Release(map, slot, 1);
        }

        // The position is behind the last slot: the search wraps.
        Assert.Equal(2, Take(map));
        Assert.Equal(4, Take(map));
    }

    [Fact]
    public void A_used_slot_inside_a_cluster_is_skipped()
    {
        var map = new SwapMap(300, 1);
        for (var i = 0; i < 299; i++)
        {
            Take(map);
        }

        Release(map, 10, 2);
        Release(map, 20, 1);
        Assert.Equal([10, 11, 20, SwapMap.NoSlot], new[] { Take(map), Take(map), Take(map), Take(map) });
    }

    [Fact]
    public void Swap_is_full_when_less_than_half_of_the_slots_are_free()
    {
        var map = new SwapMap(1001, 1);
        for (var i = 0; i < 500; i++)
        {
            Take(map);
        }

        Assert.False(map.IsFull);
        Take(map);
        Assert.True(map.IsFull);
    }

    [Fact]
    public void A_full_area_reuses_slots_that_only_the_cache_needs()
    {
        var map = new SwapMap(11, 1);
        for (var i = 0; i < 10; i++)
        {
            map.AddPte(Take(map));
        }

        map.DropPte(4);
        map.DropPte(7);
        map.DropCache(9);
        map.DropPte(9);
        var owner = new OneSlot(map, 7);
        Assert.Equal(7, map.Take(owner));
        Assert.Equal([4, 7], owner.Asked);
        map.AssertInvariants();
    }

    [Fact]
    public void A_slot_is_free_when_both_entry_and_cache_have_let_go()
    {
        var map = new SwapMap(64, 5);
        var slot = Take(map);
        map.AddPte(slot);
        map.DropCache(slot);
        Assert.False(map.IsFree(slot));
        map.AddCache(slot);
        Assert.True(map.IsUnread(slot));
        map.DropPte(slot);
        Assert.False(map.IsFree(slot));
        map.DropCache(slot);
        Assert.True(map.IsFree(slot));
        Assert.Equal(63, map.FreeSlots);
        Assert.Throws<InvalidOperationException>(() => map.DropCache(slot));
        Assert.Throws<InvalidOperationException>(() => map.DropPte(slot));
    }

    [Fact]
    public void A_map_read_back_goes_on_where_the_first_would()
    {
        var map = new SwapMap(5000, 4711);
        for (var i = 0; i < 700; i++)
        {
            Take(map);
        }

        Release(map, 4720, 30);
        var copy = MemoryPackSerializer.Deserialize<SwapMap>(MemoryPackSerializer.Serialize(map))!;
        copy.AssertInvariants();
        for (var i = 0; i < 600; i++)
        {
            Assert.Equal(Take(map), Take(copy));
        }

        Assert.Equal(MemoryPackSerializer.Serialize(map), MemoryPackSerializer.Serialize(copy));
    }

    private static void Release(SwapMap map, int from, int count)
    {
        for (var slot = from; slot < from + count; slot++)
        {
            map.DropCache(slot);
        }
    }

    private sealed class OneSlot(SwapMap map, int slot) : ICacheOnlySlots
    {
        public List<int> Asked { get; } = [];

        public bool TryReclaim(int asked)
        {
            Asked.Add(asked);
            if (asked == slot)
            {
                map.DropCache(slot);
            }

            return asked == slot;
        }
    }

    // Goal: the index of the search for clusters is made anew from the slots, and what it remembers beyond them saves
    // time only. Method: two maps in step through a random use, one of them written out and read back all the time.
    [Theory]
    [InlineData(1, 2_000, 90)]
    [InlineData(2, 2_000, 99)]
    [InlineData(3, 700, 60)]
    [InlineData(4, 5_000, 85)]
    public void A_map_that_was_read_back_hands_out_the_same_slots(uint seed, int slots, int fullPercent)
    {
        int Draw(int below) => (int)(((ulong)(seed = (seed * 1_664_525) + 1_013_904_223) * (ulong)below) >> 32);
        var map = new SwapMap(slots, 1 + Draw(slots - 1));
        var other = MemoryPackSerializer.Deserialize<SwapMap>(MemoryPackSerializer.Serialize(map))!;
        var used = new List<int>();
        var searches = 0;
        for (var step = 0; step < 20_000; step++)
        {
            if (map.FreeSlots > 0 && (used.Count == 0 || Draw(100) < (used.Count * 100L < slots * (long)fullPercent ? 75 : 25)))
            {
                searches += map.ClusterLeft == 0 ? 1 : 0;
                used.Add(Take(map));
                Assert.Equal(used[^1], Take(other));
            }
            else
            {
                // Those that went out together often come back together, so that runs of 256 come and go.
                var at = Draw(used.Count);
                for (var n = Draw(200) == 0 ? 300 : 1; n > 0 && at < used.Count; n--)
                {
                    map.DropCache(used[at]);
                    other.DropCache(used[at]);
                    used.RemoveAt(at);
                }
            }

            if (Draw(20) == 0)
            {
                other = MemoryPackSerializer.Deserialize<SwapMap>(MemoryPackSerializer.Serialize(other))!;
            }
        }

        Assert.Equal((map.FreeSlots, map.ClusterNext, map.ClusterLeft), (other.FreeSlots, other.ClusterNext, other.ClusterLeft));
        Assert.True(searches > 20, $"only {searches} searches for a cluster");
    }
}
