// One pass over the zones, and what a page carries when it is given.
using System.Runtime.CompilerServices;
using ClusterSwap.Kernel.Tracing;

namespace ClusterSwap.Kernel.Memory;

public sealed partial class PageAllocator
{
    // get_page_from_freelist: the zones of the zonelist, each asked whether it stays above the mark. With one node
    // these are the zones from the class zone down. The zonelist cache of NUMA kernels, which saves looking at zones
    // that were found full within the last second, is left out.
    private bool Pass(ref AllocCall call, AllocFlags pass, AllocFlags slowPath)
    {
        var gfp = call.Gfp;
        var zones = _zones;
        var highest = HighestType(gfp);
        var classzone = _nodes == 1 ? highest : zones[call.Preferred].Type;
        foreach (var i in _zonelists[call.ListNode])
        {
            var zone = zones[i];
            if (zone.Type > highest || !Allows(in call, zone.Node))
            {
                continue;
            }

            if ((pass & AllocFlags.NoWatermarks) == 0
                && !ZoneWatermarks.Ok(zone, call.Order, zone.Mark(pass), classzone, pass, _rules))
            {
                continue;
            }

            var page = call.Order == 0
                ? ListsOf(call.Cpu, i).Take(zone, _frames, PageBlock.TypeOf(gfp), (gfp & Gfp.Cold) != 0)
                : zone.TakeBlock(_frames, call.Order, PageBlock.TypeOf(gfp));
            if (page < 0 && (pass & AllocFlags.Reserves) != 0)
            {
                page = zone.TakeSetAside(_frames, call.Order, pass);
            }

            if (page >= 0)
            {
                if ((pass & AllocFlags.HighAtomic) != 0)
                {
                    zone.SetAside(_frames, page);
                }

                Grant(ref call, page, i, pass, slowPath);
                if (_nodes > 1)
                {
                    CountNuma(in call, i);
                }

                return true;
            }
        }

        return false;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Grant(ref AllocCall call, int page, int zone, AllocFlags pass, AllocFlags slowPath)
    {
        var pages = 1L << call.Order;
        ref var frame = ref _frames[page];
        frame.SetOwnerAndOrder(call.Owner, call.Order);
        frame.Flags = PageFlags.None;
        call.PfMemAlloc = false;
        if (((pass | slowPath) & AllocFlags.NoWatermarks) != 0)
        {
            MarkEntitled(ref call, ref frame, zone, pass, slowPath);
        }

        _owned[(int)call.Owner] += pages;
        _vm.Count(VmCounter.pgalloc, zone, pages);
        call.Page = page;
        call.Step = AllocStep.Ended;
        if (_trace is not null)
        {
            TraceGrant(_trace, in call, zone);
        }
    }

    // Off the fast path: a page for a caller that may use the reserve, from wherever it came.
    private void MarkEntitled(ref AllocCall call, ref PageFrame frame, int zone, AllocFlags pass, AllocFlags slowPath)
    {
        call.PfMemAlloc = GfpRules.TagsPage(pass, slowPath, _rules);
        if (call.PfMemAlloc)
        {
            frame.Set(PageFlags.PfMemAlloc);
        }

        if ((pass & AllocFlags.NoWatermarks) != 0)
        {
            var pages = 1L << call.Order;
            frame.Set(PageFlags.FromReserve);
            if (ReserveInUse == 0)
            {
                TraceReserve(TraceEvent.reserve_entered, call.Cpu);
            }

            ReserveInUse += pages;
            _vm.Count(VmCounter.reserve_pages_taken, zone, pages);
            _vm.Move(VmGauge.nr_reserve_in_use, pages);
        }
    }
}
