// Goal: no sequence of touches, evictions, write and read completions ever shows a page with other contents than were
// last written to it. Method: random sequences on a machine too small for its pages, against an array of versions.
using ClusterSwap.Kernel.Swap;
using CsCheck;

namespace ClusterSwap.Kernel.Tests.Swap;

public sealed class SwapPropertyTests
{
    private const int Pages = 60;

    private static readonly Gen<(int Kind, int Value)[]> Steps =
        Gen.Select(Gen.Int[0, 12], Gen.Int[0, 9_999]).Array[20, 250];

    [Theory]
    [InlineData(24, 400)]
    [InlineData(24, 66)]
    [InlineData(40, 100)]
    public void Every_page_always_contains_what_was_last_written(int frames, int devicePages)
    {
        Steps.Sample(steps =>
        {
            var blade = Blade(frames, devicePages);
            var versions = new uint[Pages];
            foreach (var step in steps)
            {
                if (!Take(blade, versions, step))
                {
                    return false;
                }
            }

            blade.Spaces.AssertInvariants();
            return Sweep(blade, versions) && NothingIsLost(blade);
        }, iter: 400);
    }

    [Fact]
    public void A_reclaim_that_forgets_dirty_pages_is_caught()
    {
        var blade = Blade(24, 400);
        var versions = new uint[Pages];
        WriteAll(blade, versions);
        Assert.True(Sweep(blade, versions));
        blade.ForgetsDirty = true;
        Assert.False(WriteAll(blade, versions) && Sweep(blade, versions));
    }

    [Fact]
    public void Two_slots_whose_contents_are_exchanged_are_caught()
    {
        var blade = Blade(24, 400);
        var versions = new uint[Pages];
        WriteAll(blade, versions);
        blade.FinishWrites();
        Assert.True(PageTableEntry.IsSwap(blade.Spaces.Entry(0)) && PageTableEntry.IsSwap(blade.Spaces.Entry(1)));
        var (first, second) = (PageTableEntry.Slot(blade.Spaces.Entry(0)), PageTableEntry.Slot(blade.Spaces.Entry(1)));
        (blade.Device[first], blade.Device[second]) = (blade.Device[second], blade.Device[first]);
        Assert.False(Sweep(blade, versions));
    }

    [Fact]
    public void A_slot_that_is_freed_behind_the_back_of_its_entry_is_found_by_the_walk()
    {
        var blade = Blade(24, 400);
        WriteAll(blade, new uint[Pages]);
        blade.FinishWrites();
        blade.Shrink(100);
        var slot = PageTableEntry.Slot(blade.Spaces.Entry(0));
        blade.Map.DropPte(slot);
        Assert.Throws<InvalidOperationException>(blade.Spaces.AssertInvariants);
    }

    [Fact]
    public void The_slot_search_agrees_with_a_naive_one()
    {
        var gen = Gen.Select(Gen.Int[2, 1500], Gen.Int[1, 1500], Gen.Int[-700, 300].Array[1, 60]);
        gen.Sample((pages, start, moves) =>
        {
            start = 1 + start % (pages - 1);
            var map = new SwapMap(pages, start);
            var naive = new NaiveSlots(pages, start);
            foreach (var move in moves)
            {
                for (var i = 0; i < move; i++)
                {
                    if (map.Take(NothingToReclaim.Instance) != naive.Take())
                    {
                        return false;
                    }
                }

                // A negative move frees some slots: every third one from a place that the number names.
                var first = 1 + Math.Max(0, -move) * 7 % pages;
                var end = Math.Min(pages, first + Math.Max(0, -move));
                for (var slot = first; slot < end; slot += 1 + -move % 3)
                {
                    if (!map.IsFree(slot))
                    {
                        map.DropCache(slot);
                        naive.Used[slot] = false;
                    }
                }
            }

            map.AssertInvariants();
            return true;
        }, iter: 300);
    }

    private static SmallBlade Blade(int frames, int devicePages) =>
        new(frames, processes: 2, pagesPerProcess: Pages / 2, devicePages, position: devicePages / 3);

    private static bool Take(SmallBlade blade, uint[] versions, (int Kind, int Value) step)
    {
        var (kind, value) = step;
        var vpn = value % Pages;
        switch (kind)
        {
            case <= 3:
                return blade.TouchOne(vpn, write: false, versions[vpn], 0, finishReadahead: value % 7 < 3);
            case <= 7:
                var written = ++versions[vpn];
                return blade.TouchOne(vpn, write: true, written - 1, written, finishReadahead: value % 7 < 3);
            case 8:
                blade.Deactivate(value % 12);
                break;
            case 9:
                blade.Shrink(value % 12);
                break;
            case 10 when blade.Writes.Count > 0:
                blade.FinishWrite(value % blade.Writes.Count, late: value % 2 == 0);
                break;
            case 11 when blade.Reads.Count > 0:
                blade.FinishRead(blade.Reads[value % blade.Reads.Count]);
                break;
            case 12:
                blade.Spaces.AssertInvariants();
                break;
        }

        return true;
    }

    private static bool WriteAll(SmallBlade blade, uint[] versions)
    {
        for (var vpn = 0; vpn < Pages; vpn++)
        {
            if (!blade.TouchOne(vpn, write: true, versions[vpn], ++versions[vpn]))
            {
                return false;
            }
        }

        return true;
    }

    private static bool Sweep(SmallBlade blade, uint[] versions)
    {
        for (var vpn = 0; vpn < Pages; vpn++)
        {
            if (!blade.TouchOne(vpn, write: false, versions[vpn], 0))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>
    /// After the processes ended and reclaim has seen every page, all frames, slots and nodes are free again.
    /// </summary>
    private static bool NothingIsLost(SmallBlade blade)
    {
        blade.FinishReads();
        blade.FinishWrites();
        Span<int> freed = stackalloc int[16];
        for (var process = 0; process < 2; process++)
        {
            for (var step = 0; step < blade.Spaces.ReleaseSteps;)
            {
                var count = blade.Spaces.Release(process, ref step, freed, 0);
                foreach (var page in freed[..count])
                {
                    blade.Free(page);
                }
            }
        }

        blade.Spaces.AssertInvariants();
        return blade.FreePages == blade.Frames.Length && blade.Map.FreeSlots == blade.Map.TotalSlots
            && blade.Nodes.ObjectsInUse == 0 && blade.Cache.Count == 0;
    }

    /// <summary>scan_swap_map without a shortcut: a slot at a time.</summary>
    private sealed class NaiveSlots(int pages, int next)
    {
        private int _next = next;

        private int _left;

        public bool[] Used { get; } = new bool[pages];

        public int Take()
        {
            if (Free() == 0)
            {
                return SwapMap.NoSlot;
            }

            if (_left-- == 0)
            {
                _left = 255;
                _next = Free() < 256 ? _next : Run(_next, pages) ?? Run(1, Math.Min(_next, pages)) ?? _next;
            }

            var slot = _next < pages ? _next : 1;
            while (Used[slot])
            {
                slot = slot + 1 < pages ? slot + 1 : 1;
            }

            Used[slot] = true;
            _next = slot + 1;
            return slot;
        }

        private int Free() => Used.Skip(1).Count(used => !used);

        private int? Run(int from, int end)
        {
            for (var free = 0; from < end; from++)
            {
                free = Used[from] ? 0 : free + 1;
                if (free == 256)
                {
                    return from - 255;
                }
            }

            return null;
        }
    }
}
