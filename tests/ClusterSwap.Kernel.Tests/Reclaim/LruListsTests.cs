using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Reclaim;

namespace ClusterSwap.Kernel.Tests.Reclaim;

/// <summary>The LRU lists: order, flags, gauges, and what counts as a change.</summary>
public class LruListsTests
{
    private readonly FakeBlade _blade = new();

    [Fact]
    public void Pages_enter_at_the_head_and_leave_from_the_tail()
    {
        var first = _blade.Anon();
        var second = _blade.Anon();
        Assert.Equal(second, _blade.Lru.Head[0]);
        Assert.Equal(first, _blade.Lru.Tail[0]);
        _blade.Lru.Delete(first);
        Assert.Equal(second, _blade.Lru.Tail[0]);
        _blade.AssertInvariants();
    }

    [Fact]
    public void Gauges_follow_the_lists()
    {
        _blade.Anon(LruList.ActiveAnon);
        _blade.Anon();
        _blade.File(LruList.ActiveFile);
        _blade.File();
        _blade.Lru.Delete(_blade.File());
        Assert.Equal(1, _blade.Stat[VmGauge.nr_active_anon]);
        Assert.Equal(1, _blade.Stat[VmGauge.nr_inactive_anon]);
        Assert.Equal(1, _blade.Stat[VmGauge.nr_active_file]);
        Assert.Equal(1, _blade.Stat[VmGauge.nr_inactive_file]);
    }

    [Fact]
    public void Activation_moves_an_inactive_page_and_nothing_else()
    {
        var page = _blade.Anon();
        _blade.Lru.Activate(page);
        Assert.Equal(1, _blade.Lru.Size(0, LruList.ActiveAnon));
        Assert.True(_blade.Frames[page].Has(PageFlags.Active | PageFlags.Lru));
        var generation = _blade.Lru.Generation;
        _blade.Lru.Activate(page);
        Assert.Equal(generation, _blade.Lru.Generation);
        Assert.Equal(1, _blade.Stat[VmCounter.pgactivate]);
    }

    [Fact]
    public void Rotation_moves_an_inactive_page_to_the_tail_and_counts_it()
    {
        var older = _blade.Anon();
        var page = _blade.Anon();
        _blade.Lru.RotateReclaimable(page);
        Assert.Equal(page, _blade.Lru.Tail[0]);
        Assert.Equal(older, _blade.Lru.Head[0]);
        Assert.Equal(1, _blade.Stat[VmCounter.pgrotated]);
    }

    [Theory]
    [InlineData(PageFlags.Locked)]
    [InlineData(PageFlags.Dirty)]
    public void A_locked_or_dirty_page_is_not_rotated(PageFlags flag)
    {
        var older = _blade.Anon();
        var page = _blade.Anon();
        _blade.Frames[page].Set(flag);
        _blade.Lru.RotateReclaimable(page);
        Assert.Equal(older, _blade.Lru.Tail[0]);
        Assert.Equal(0, _blade.Stat[VmCounter.pgrotated]);
    }

    [Fact]
    public void The_second_use_of_an_inactive_page_activates_it()
    {
        var page = _blade.File();
        _blade.Lru.MarkAccessed(page);
        Assert.Equal(1, _blade.Lru.Size(0, LruList.InactiveFile));
        _blade.Lru.MarkAccessed(page);
        Assert.Equal(1, _blade.Lru.Size(0, LruList.ActiveFile));
        Assert.False(_blade.Frames[page].Has(PageFlags.Referenced));
    }

    [Fact]
    public void A_page_enters_only_the_lists_of_its_owner_and_only_once()
    {
        var page = _blade.Anon();
        Assert.Throws<InvalidOperationException>(() => _blade.Lru.Add(page, LruList.InactiveAnon));
        _blade.Lru.Delete(page);
        Assert.Throws<InvalidOperationException>(() => _blade.Lru.Delete(page));
        Assert.Throws<InvalidOperationException>(() => _blade.Lru.Add(page, LruList.InactiveFile));
    }

    [Fact]
    public void A_scan_that_puts_everything_back_leaves_the_generation_alone()
    {
        for (var slot = 1; slot <= 100; slot++)
        {
            _blade.UnderWriteback(slot);
        }

        var generation = _blade.Lru.Generation;
        _blade.Reclaim();
        Assert.True(_blade.Stat[VmCounter.pgscan_direct] > 100);
        Assert.Equal(generation, _blade.Lru.Generation);
        _blade.Vm.EndWriteback(50);
        Assert.NotEqual(generation, _blade.Lru.Generation);
    }

    [Fact]
    public void Zone_boundaries_decide_the_zone_of_a_page()
    {
        var blade = new FakeBlade(FakeBlade.Dma2GiB);
        Assert.Equal(0, blade.Lru.ZoneOf(15));
        Assert.Equal(1, blade.Lru.ZoneOf(16));
    }
}
