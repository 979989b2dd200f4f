using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Reclaim;

namespace ClusterSwap.Kernel.Tests.Reclaim;

/// <summary>How much of each list is scanned (get_scan_count), and when active pages are aged.</summary>
public class ScanCountTests
{
    private readonly FakeBlade _blade = new();

    private long[] Targets(int priority, TaskFlags task = TaskFlags.MemAlloc)
    {
        _blade.Call.Phase = DirectPhase.Ended;
        _blade.Begin();
        _blade.Call.Task = task;
        _blade.Call.Priority = priority;
        _blade.Vm.GetScanCount(_blade.Call);
        return _blade.Call.Target;
    }

    private void Fill(int anon, int file)
    {
        for (var i = 0; i < anon; i++)
        {
            _blade.Anon();
        }

        for (var i = 0; i < file; i++)
        {
            _blade.File();
        }
    }

    [Fact]
    public void Without_a_free_slot_only_file_pages_are_scanned()
    {
        Fill(64, 64);
        _blade.Swap.FreeSlots = 0;
        Assert.Equal([0, 0, 16, 0], Targets(2));
    }

    [Fact]
    public void When_file_and_free_pages_do_not_exceed_the_high_mark_only_anonymous_pages_are_scanned()
    {
        Fill(64, 72);
        _blade.Zones.FreePages[0] = 2100;
        Assert.Equal([16, 0, 0, 0], Targets(2));
        _blade.Zones.FreePages[0] = 2101;
        Assert.NotEqual(0, Targets(2)[(int)LruList.InactiveFile]);
    }

    [Fact]
    public void Untouched_statistics_share_the_scan_60_to_140_of_201()
    {
        Fill(804, 804);
        Array.Clear(_blade.Lru.Zones[0].RecentScanned);
        Assert.Equal([60, 0, 140, 0], Targets(2));
    }

    [Fact]
    public void Pages_found_in_use_make_their_list_less_wanted()
    {
        Fill(800, 800);
        var state = _blade.Lru.Zones[0];
        (state.RecentScanned[0], state.RecentRotated[0]) = (99, 0);
        (state.RecentScanned[1], state.RecentRotated[1]) = (99, 99);
        // ap = 60 x 100 / 1, fp = 140 x 100 / 100.
        Assert.Equal([400 * 6000 / 6141, 0, 400 * 140 / 6141, 0], Targets(1));
    }

    [Fact]
    public void Recent_counters_halve_above_a_quarter_of_the_lists()
    {
        Fill(400, 400);
        var state = _blade.Lru.Zones[0];
        (state.RecentScanned[0], state.RecentRotated[0]) = (101, 51);
        (state.RecentScanned[1], state.RecentRotated[1]) = (100, 50);
        Targets(3);
        Assert.Equal([50L, 100L], state.RecentScanned);
        Assert.Equal([25L, 50L], state.RecentRotated);
    }

    [Fact]
    public void Priority_0_scans_everything()
    {
        Fill(333, 222);
        Assert.Equal([333, 0, 222, 0], Targets(0));
    }

    [Fact]
    public void Kswapd_scans_at_least_a_batch_of_an_unreclaimable_zone()
    {
        Fill(64, 0);
        _blade.Zones.FreePages[0] = 0;
        Assert.Equal(0, Targets(12)[0]);
        _blade.Lru.Zones[0].AllUnreclaimable = true;
        Assert.Equal(0, Targets(12)[0]);
        Assert.Equal([32, 32, 0, 0], Targets(12, TaskFlags.Kswapd));
    }

    [Theory]
    [InlineData(524288, 4)]
    [InlineData(520000, 3)]
    [InlineData(3976, 1)]
    [InlineData(262144, 3)]
    [InlineData(262143, 1)]
    public void The_inactive_ratio_is_the_root_of_ten_times_the_gibibytes(long present, int ratio)
    {
        Assert.Equal(ratio, Vmscan.InactiveRatio(present));
    }

    [Fact]
    public void Inactive_anonymous_pages_are_few_below_a_quarter_of_the_active_ones_on_2_GiB()
    {
        _blade.Anon();
        for (var i = 0; i < 4; i++)
        {
            _blade.Anon(LruList.ActiveAnon);
        }

        Assert.False(_blade.Vm.InactiveAnonIsLow(0));
        _blade.Anon(LruList.ActiveAnon);
        Assert.True(_blade.Vm.InactiveAnonIsLow(0));
    }

    [Fact]
    public void Ageing_deactivates_anonymous_pages_and_a_reference_only_counts_as_rotated()
    {
        for (var i = 0; i < 40; i++)
        {
            _blade.Anon(LruList.ActiveAnon, young: i < 10);
        }

        var rotatedBefore = _blade.Lru.Zones[0].RecentRotated[0];
        _blade.Swap.Refuses = true;
        _blade.Swap.FreeSlots = 0;
        _blade.Begin();
        _blade.Vm.Step(_blade.Call);
        Assert.Equal(32, _blade.Lru.Size(0, LruList.InactiveAnon));
        Assert.Equal(8, _blade.Lru.Size(0, LruList.ActiveAnon));
        Assert.Equal(32, _blade.Stat[VmCounter.pgdeactivate]);
        Assert.Equal(32, _blade.Stat[VmCounter.pgrefill]);
        Assert.Equal(rotatedBefore + 10, _blade.Lru.Zones[0].RecentRotated[0]);
        _blade.AssertInvariants();
    }

    [Fact]
    public void Only_executable_file_pages_stay_active_for_a_reference()
    {
        for (var i = 0; i < 3; i++)
        {
            var page = _blade.File(LruList.ActiveFile);
            _blade.Frames[page].Flags |= i switch
            {
                0 => PageFlags.Exec | PageFlags.Referenced,
                1 => PageFlags.Referenced,
                _ => PageFlags.Exec,
            };
        }

        _blade.Begin();
        _blade.Call.Priority = 0;
        while (_blade.Stat[VmCounter.pgrefill] == 0)
        {
            _blade.Vm.Step(_blade.Call);
        }

        Assert.Equal(2, _blade.Stat[VmCounter.pgdeactivate]);
        Assert.Equal(0, _blade.Lru.Head[(int)LruList.ActiveFile]);
    }
}
