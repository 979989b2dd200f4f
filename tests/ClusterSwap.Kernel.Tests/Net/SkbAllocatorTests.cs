using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Net;
using MemoryPack;

namespace ClusterSwap.Kernel.Tests.Net;

public class SkbAllocatorTests
{
    private static readonly TcpParameters Tcp = new();

    [Fact]
    public void Two_full_frames_share_a_page_and_are_charged_2176_bytes()
    {
        var m = new FakeMachine(PatchSet.All);
        Assert.Equal(AllocOutcome.Granted, m.Skbs.AllocRx(0, out var a));
        Assert.Equal(AllocOutcome.Granted, m.Skbs.AllocRx(0, out var b));
        Assert.Equal(AllocOutcome.Granted, m.Skbs.AllocRx(0, out var c));
        Assert.Equal(2176, a.TrueSize);
        Assert.Equal(a.Fragment, b.Fragment);
        Assert.NotEqual(a.Fragment, c.Fragment);
        Assert.Equal(3, m.Head.ObjectsInUse);
        var free = m.Pages.FreePages;
        m.Skbs.Free(a, 0);
        Assert.Equal(free, m.Pages.FreePages);
        m.Skbs.Free(b, 0);
        Assert.Equal(free + 1, m.Pages.FreePages);
        m.Skbs.AssertInvariants();
    }

    [Fact]
    public void A_fragment_page_whose_frames_are_gone_is_cut_anew()
    {
        var m = new FakeMachine(PatchSet.All);
        for (var i = 0; i < 100; i++)
        {
            m.Skbs.AllocRx(0, out var skb);
            m.Skbs.Free(skb, 0);
        }

        Assert.Single(m.Pages.Requests);
        Assert.Equal(1023, m.Pages.FreePages);
    }

    [Fact]
    public void Copied_frames_take_what_they_need_eight_ACKs_to_a_page()
    {
        var m = new FakeMachine(PatchSet.All);
        for (var i = 0; i < 8; i++)
        {
            m.Skbs.AllocRx(0, 66, out var skb);
            Assert.Equal(512 + 256, skb.TrueSize);
        }

        Assert.Single(m.Pages.Requests);
        m.Skbs.AllocRx(0, 66, out _);
        Assert.Equal(2, m.Pages.Requests.Count);
    }

    [Theory]
    [InlineData(true, 9, false, false)]   // no grant without patch 9
    [InlineData(false, 1, false, false)]  // no grant without a memalloc socket
    [InlineData(true, 1, true, false)]    // grant, and the gap of 3.6: no tag
    public void The_fragment_path_may_use_the_reserve_with_the_key_and_never_tags(
        bool key, int without, bool granted, bool tagged)
    {
        var m = new FakeMachine(PatchSet.All.Without(without), key: key);
        m.Pages.Floor = 1024;
        Assert.Equal(granted ? AllocOutcome.Granted : AllocOutcome.Failed, m.Skbs.AllocRx(0, out var skb));
        Assert.Equal(tagged, skb.PfMemAlloc);
        Assert.Equal((m.Pages.Requests[0] & Gfp.MemAlloc) != 0, granted);
    }

    [Fact]
    public void The_head_of_a_fragment_is_plain_GFP_ATOMIC_and_its_failure_gives_the_fragment_back()
    {
        var m = new FakeMachine(PatchSet.All, key: true);
        m.Head.Short = true;
        Assert.Equal(AllocOutcome.Failed, m.Skbs.AllocRx(0, out _));
        Assert.Equal((Gfp.Atomic, TaskFlags.None), m.Head.Requests[0]);
        m.Head.Short = false;
        m.Skbs.AllocRx(0, out var skb);
        Assert.Equal(2, m.Pages.Frames[skb.Fragment].Count);
    }

    [Theory]
    [InlineData(0, true, true)]
    [InlineData(9, false, false)]
    public void The_header_of_a_paged_ring_is_tagged_when_its_data_came_from_the_reserve(
        int without, bool granted, bool tagged)
    {
        var patches = without == 0 ? PatchSet.All : PatchSet.All.Without(without);
        var m = new FakeMachine(patches, key: true);
        m.Kmalloc1024.Short = true;
        Assert.Equal(granted ? AllocOutcome.Granted : AllocOutcome.Failed, m.Skbs.AllocRxHeader(0, out var skb));
        Assert.Equal(tagged, skb.PfMemAlloc);
        Assert.Equal(granted ? 2 : 0, m.ObjectsInUse);
    }

    [Theory]
    [InlineData(0, true, true)]
    [InlineData(11, false, false)]  // no MEMALLOC: no page
    [InlineData(9, true, false)]    // the grant is not gated, but there is no tag to set
    [InlineData(10, true, true)]    // patch 11 tags by itself
    public void Patch_11_lets_a_driver_page_come_from_the_reserve_and_tags(int without, bool granted, bool tagged)
    {
        var patches = without == 0 ? PatchSet.All : PatchSet.All.Without(without);
        var m = new FakeMachine(patches);
        m.Pages.Floor = 1024;
        m.Skbs.AllocRxHeader(0, out var skb);
        Assert.Equal(granted, m.Skbs.AllocRxPage(0, ref skb) >= 0);
        Assert.Equal(tagged, skb.PfMemAlloc);
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(10, false)]
    public void Patch_10_tags_a_buffer_that_takes_over_half_a_reserve_page(int without, bool tagged)
    {
        var m = new FakeMachine(without == 0 ? PatchSet.All : PatchSet.All.Without(without));
        m.Pages.Floor = 1024;
        m.Skbs.AllocRxHeader(0, out var first);
        var page = m.Skbs.AllocRxPage(0, ref first);
        m.Skbs.AllocRxHeader(0, out var second);
        m.Skbs.FillPage(ref second, page, 1448);
        Assert.Equal(tagged, second.PfMemAlloc);
        Assert.Equal(1024 + 256 + 2048, second.TrueSize);
    }

    [Fact]
    public void An_ACK_takes_a_head_and_512_bytes_with_two_tries_for_its_data()
    {
        var m = new FakeMachine(PatchSet.All);
        m.Kmalloc512.Short = true;
        var outcome = m.Skbs.AllocAck(
            Gfp.NoIo | Gfp.MemAlloc, TaskFlags.None, AllocContext.Softirq, 0, out var ack);
        Assert.Equal(AllocOutcome.Granted, outcome);
        Assert.True(ack.PfMemAlloc);
        Assert.Equal(768, ack.TrueSize);
        Assert.Equal(Gfp.Atomic | Gfp.MemAlloc, m.Head.Requests[0].Gfp);
        Assert.Equal(Gfp.Atomic | Gfp.MemAlloc | Gfp.NoMemAlloc | Gfp.NoWarn, m.Kmalloc512.Requests[0].Gfp);
        Assert.Equal(Gfp.Atomic | Gfp.MemAlloc, m.Kmalloc512.Requests[1].Gfp);
    }

    [Fact]
    public void Patch_9_costs_the_unprivileged_their_second_try()
    {
        var with = new FakeMachine(PatchSet.All);
        with.Kmalloc512.Short = true;
        Assert.Equal(
            AllocOutcome.Failed, with.Skbs.AllocAck(Gfp.NoIo, TaskFlags.None, AllocContext.Softirq, 0, out _));
        Assert.Equal(Gfp.Atomic | Gfp.NoMemAlloc | Gfp.NoWarn, Assert.Single(with.Kmalloc512.Requests).Gfp);
        Assert.Equal(0, with.ObjectsInUse);

        var without = new FakeMachine(PatchSet.All.Without(9));
        without.Skbs.AllocAck(Gfp.NoIo, TaskFlags.None, AllocContext.Softirq, 0, out _);
        Assert.Equal(Gfp.Atomic, Assert.Single(without.Kmalloc512.Requests).Gfp);
    }

    [Fact]
    public void A_copy_of_a_tagged_buffer_inherits_the_tag_and_MEMALLOC()
    {
        var m = new FakeMachine(PatchSet.All);
        var parent = SkBuff.None with { PfMemAlloc = true };
        m.Skbs.AllocCopy(
            parent, 1600, Gfp.Atomic, TaskFlags.None, AllocContext.BottomHalvesDisabled, 0, out var copy);
        Assert.True(copy.PfMemAlloc);
        Assert.Equal(2304, copy.TrueSize);
        m.Skbs.AllocClone(parent, Gfp.Atomic, TaskFlags.None, AllocContext.Softirq, 0, out var clone);
        Assert.True(clone.PfMemAlloc);
        Assert.All(m.Head.Requests, r => Assert.Equal(Gfp.Atomic | Gfp.MemAlloc, r.Gfp));
        m.Skbs.Free(clone, 0);
        m.Skbs.Free(copy, 0);
        Assert.Equal(0, m.ObjectsInUse);
    }

    [Fact]
    public void A_transmit_buffer_can_stop_for_reclaim_at_each_object_and_go_on()
    {
        var m = new FakeMachine(PatchSet.All);
        m.Fclone.Script.Enqueue(AllocOutcome.NeedsReclaim);
        m.Kmalloc2048.Script.Enqueue(AllocOutcome.NeedsWait);
        m.Kmalloc2048.Script.Enqueue(AllocOutcome.NeedsReclaim);
        var call = SkbCall.For(Gfp.NoIo, TaskFlags.None, AllocContext.Task, 0, 1488, Tcp);
        Assert.Equal(AllocOutcome.NeedsReclaim, m.Skbs.AllocTx(ref call));
        call = MemoryPackSerializer.Deserialize<SkbCall>(MemoryPackSerializer.Serialize(call));
        Assert.Equal(AllocOutcome.NeedsWait, m.Skbs.AllocTx(ref call));
        Assert.Equal(AllocOutcome.NeedsReclaim, m.Skbs.AllocTx(ref call));
        Assert.Equal(AllocOutcome.Granted, m.Skbs.AllocTx(ref call));
        Assert.Equal(2304, call.Result.TrueSize);
        Assert.False(call.Result.PfMemAlloc);
        Assert.Equal(2, m.ObjectsInUse);
        m.Skbs.Free(call.Result, 0);
        Assert.Equal(0, m.ObjectsInUse);
    }

    [Fact]
    public void A_privileged_sender_gets_its_data_from_the_reserve_with_the_tag()
    {
        var m = new FakeMachine(PatchSet.All);
        m.Kmalloc2048.Short = true;
        var call = SkbCall.For(
            Gfp.NoIo | Gfp.MemAlloc, TaskFlags.MemAlloc, AllocContext.Task, 0, 1488, Tcp);
        Assert.Equal(AllocOutcome.Granted, m.Skbs.AllocTx(ref call));
        Assert.True(call.Result.PfMemAlloc);
        Assert.Equal(2, m.Kmalloc2048.Requests.Count);
    }

    [Fact]
    public void At_an_empty_reserve_a_transmit_buffer_fails_at_once_and_leaves_nothing()
    {
        var m = new FakeMachine(PatchSet.All);
        m.Kmalloc2048.Empty = true;
        var call = SkbCall.For(
            Gfp.NoIo | Gfp.MemAlloc, TaskFlags.MemAlloc, AllocContext.Task, 0, 1488, Tcp);
        Assert.Equal(AllocOutcome.Failed, m.Skbs.AllocTx(ref call));
        Assert.Equal(0, m.ObjectsInUse);
        Assert.Equal(SkBuff.None, call.Result);
    }

    [Fact]
    public void A_segment_without_gather_fits_2048_bytes_up_to_240_bytes_of_headers()
    {
        var m = new FakeMachine(PatchSet.All);
        var small = SkbCall.For(Gfp.Kernel, TaskFlags.None, AllocContext.Task, 0, 1448, Tcp);
        m.Skbs.AllocTx(ref small);
        Assert.Equal(FakeMachine.Index.Kmalloc2048, small.Result.DataCache);
        var large = SkbCall.For(
            Gfp.Kernel, TaskFlags.None, AllocContext.Task, 0, 1448, Tcp with { MaxTcpHeader = 304 });
        m.Skbs.AllocTx(ref large);
        Assert.Equal(FakeMachine.Index.Kmalloc4096, large.Result.DataCache);
    }

    [Fact]
    public void The_state_of_the_allocator_survives_a_round_trip()
    {
        var m = new FakeMachine(PatchSet.All, key: true);
        m.Skbs.AllocRx(1, out var first);
        var copy = MemoryPackSerializer.Deserialize<SkbAllocator>(MemoryPackSerializer.Serialize(m.Skbs))!;
        m.Attach(copy, PatchSet.All);
        Assert.True(copy.MemallocSocketExists);
        copy.AllocRx(1, out var second);
        Assert.Equal(first.Fragment, second.Fragment);
        copy.AssertInvariants();
    }
}
