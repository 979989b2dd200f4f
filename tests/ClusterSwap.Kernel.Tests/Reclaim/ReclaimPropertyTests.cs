using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Reclaim;
using CsCheck;

namespace ClusterSwap.Kernel.Tests.Reclaim;

/// <summary>Conservation under any interleaving, and continuation from written state.</summary>
public class ReclaimPropertyTests
{
    private const int Pages = 300;

    // Whatever the order of events, each page is on one list, in one batch, or freed; never two of these.
    [Fact]
    public void Every_page_is_in_exactly_one_place_whatever_happens()
    {
        Gen.Int[0, 99].Array[200, 600].Sample(
            actions =>
            {
                var blade = Populated();
                foreach (var action in actions)
                {
                    Act(blade, action);
                    AssertPlaces(blade);
                }
            },
            iter: 40);
    }

    // The state is written and read back before every step; what follows is the same to the byte.
    [Fact]
    public void Reclaim_goes_on_identically_from_written_state_anywhere()
    {
        Gen.Int[0, 99].Array[50, 250].Sample(
            actions =>
            {
                var blade = Populated();
                var twin = Populated();
                foreach (var action in actions)
                {
                    Act(blade, action);
                    twin = twin.Restored();
                    Act(twin, action);
                }

                Assert.Equal(blade.Bytes(), twin.Bytes());
            },
            iter: 15);
    }

    [Fact]
    public void A_call_written_in_the_middle_of_a_batch_ends_the_same()
    {
        var blade = Populated();
        blade.Swap.SlotStep = 7;
        blade.Begin();
        blade.Call.Phase = DirectPhase.PriorityStart;
        blade.Call.Priority = 0;
        while (blade.Call.Position < 3)
        {
            Assert.NotEqual(ReclaimStepKind.Done, blade.Vm.Step(blade.Call));
        }

        Assert.True(blade.Call.Taken > blade.Call.Position);
        var twin = blade.Restored();
        Finish(blade);
        Finish(twin);
        Assert.Equal(blade.Bytes(), twin.Bytes());

        static void Finish(FakeBlade one)
        {
            while (one.Vm.Step(one.Call) != ReclaimStepKind.Done)
            {
            }
        }
    }

    [Fact]
    public void A_kswapd_written_in_the_middle_of_its_loop_goes_on_the_same()
    {
        var blade = Populated();
        blade.Zones.FreePages[0] = 1400;
        blade.K.Phase = KswapdPhase.TakeRequest;
        while (blade.K.Scan.Priority > 6)
        {
            blade.Vm.StepKswapd(blade.K);
        }

        var twin = blade.Restored();
        for (var i = 0; i < 200; i++)
        {
            Assert.Equal(blade.Vm.StepKswapd(blade.K), twin.Vm.StepKswapd(twin.K));
        }

        Assert.Equal(blade.Bytes(), twin.Bytes());
    }

    private static FakeBlade Populated()
    {
        var blade = new FakeBlade([new(Pages, 524288, 1448, 1810, 2172)]);
        for (var i = 0; i < Pages; i++)
        {
            if (i % 5 == 0)
            {
                blade.File(i % 2 == 0 ? LruList.InactiveFile : LruList.ActiveFile);
            }
            else
            {
                blade.Anon(i % 3 == 0 ? LruList.ActiveAnon : LruList.InactiveAnon, young: i % 7 == 0);
            }
        }

        blade.Zones.FreePages[0] = 900;
        return blade;
    }

    private static void Act(FakeBlade blade, int action)
    {
        var page = action * 37 % Pages;
        ref var frame = ref blade.Frames[page];
        switch (action % 10)
        {
            case 0 or 1 or 2 or 3:
                StepDirect(blade);
                break;
            case 4 or 5:
                blade.Vm.StepKswapd(blade.K);
                break;
            case 6:
                EndSomeWriteback(blade, page, failed: action % 20 > 9);
                break;
            case 7:
                blade.Swap.Young[page] = true;
                blade.Lru.Activate(page);
                break;
            case 8:
                blade.Zones.FreePages[0] = action * 30;
                blade.Vm.WakeupKswapd(blade.K, 0, action % 3, 0);
                break;
            case 9 when action > 90:
                blade.Vm.PutbackAll(blade.Call);
                break;
            case 9 when !frame.Has(PageFlags.Writeback) && frame.Owner == PageOwner.Anon:
                // A fault maps the page again and writes to it.
                frame.Mapping = 5000 + page;
                break;
        }
    }

    private static void StepDirect(FakeBlade blade)
    {
        if (blade.Call.Phase == DirectPhase.Ended)
        {
            blade.Begin();
        }

        blade.Vm.Step(blade.Call);
    }

    private static void EndSomeWriteback(FakeBlade blade, int from, bool failed)
    {
        for (var i = 0; i < Pages; i++)
        {
            var page = (from + i) % Pages;
            if (blade.Frames[page].Has(PageFlags.Writeback))
            {
                blade.Vm.EndWriteback(page, failed);
                return;
            }
        }
    }

    private static void AssertPlaces(FakeBlade blade)
    {
        blade.AssertInvariants();
        var places = new int[Pages];
        foreach (var page in blade.Zones.Freed)
        {
            places[page]++;
        }

        for (var i = 0; i < blade.Call.Taken; i++)
        {
            places[blade.Call.Isolated[i]]++;
        }

        for (var i = 0; i < blade.K.Scan.Taken; i++)
        {
            places[blade.K.Scan.Isolated[i]]++;
        }

        for (var list = 0; list < LruLists.ListsPerZone; list++)
        {
            for (var page = blade.Lru.Head[list]; page != PageFrame.None; page = blade.Frames[page].Next)
            {
                places[page]++;
            }
        }

        Assert.Equal(-1, Array.FindIndex(places, count => count != 1));
        Assert.Equal(blade.Frames.Count(f => f.Has(PageFlags.Writeback)), blade.Stat[VmGauge.nr_writeback]);
        Assert.Equal(blade.Frames.Count(f => f.Has(PageFlags.Isolated)), blade.Stat[VmGauge.nr_isolated_anon]
            + blade.Stat[VmGauge.nr_isolated_file]);
    }
}
