// Who holds each page: every page is counted once, and the counts are those that the blade keeps itself.
using ClusterSwap.Blades.Runs;
using ClusterSwap.Kernel;
using ClusterSwap.Kernel.Memory;

namespace ClusterSwap.Blades.Tests.Runs;

public sealed class PageHoldersTests
{
    [Theory]
    [InlineData("swapnbd")]
    [InlineData("vanilla-slab")]
    public void The_amounts_add_up_to_the_present_pages_and_agree_with_the_counters(string variant)
    {
        var scenario = Quick.Of(variant, "blade.passes=1", "barrier_interval=\"50 ms\"");
        var seen = new HashSet<string>();
        Quick.Watch(scenario, seed: 1, (timeNs, _, states) =>
        {
            var memory = states.Memory;
            var holders = new PageHolders(memory);
            var pages = holders.Pages.ToDictionary(holder => holder.Key, holder => holder.Value);
            long Of(string name) => pages.GetValueOrDefault(name);
            seen.UnionWith(pages.Keys);

            Assert.Equal(memory.Pages.Zones.Sum(zone => (long)zone.Present), holders.Present);
            Assert.Equal(memory.Pages.FreePages, Of("free"));
            Assert.Equal(memory.Pages.PerCpuPages, Of("on per-CPU lists"));
            Assert.Equal(memory.Stat[VmGauge.nr_writeback], Of("being written to swap"));
            Assert.Equal(memory.Pages.CountOwned(PageOwner.TxFragment), Of("data to be sent"));
            Assert.Equal(memory.Pages.ReserveInUse, holders.Reserve);
            var caches = Enumerable.Range(0, memory.Slabs.Count).Sum(i => memory.Slabs[i].PagesHeld);
            Assert.Equal(memory.Pages.CountOwned(PageOwner.Slab), Of("slab"));
            Assert.InRange(caches, 0, Of("slab"));
            return timeNs < 1_000_000_000;
        });
        Assert.Superset(new HashSet<string> { "free", "slab", "being written to swap", "page tables" }, seen);
    }
}
