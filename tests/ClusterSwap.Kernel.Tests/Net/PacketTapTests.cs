using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Net;
using MemoryPack;

namespace ClusterSwap.Kernel.Tests.Net;

public class PacketTapTests
{
    [Fact]
    public void A_tapped_frame_stays_allocated_until_protocol_and_tap_have_both_freed_it()
    {
        var m = new FakeMachine(PatchSet.All);
        var tap = new PacketTap();
        m.Skbs.AllocRx(0, out var a);
        m.Skbs.AllocRx(0, out var b);
        m.Skbs.AllocRx(0, out var c);
        Assert.True(tap.Take(ref a, default, m.Skbs, 0));
        Assert.Equal(4, m.Head.ObjectsInUse);
        var free = m.Pages.FreePages;
        m.Skbs.Free(b, 0);
        m.Skbs.Free(a, 0);
        Assert.Equal((free, 2L), (m.Pages.FreePages, m.Head.ObjectsInUse));
        Assert.True(tap.TryRead(out var clone));
        Assert.Equal((a.Fragment, a.TrueSize), (clone.Fragment, clone.TrueSize));
        m.Skbs.Free(clone, 0);
        Assert.Equal((free + 1, 1L), (m.Pages.FreePages, m.Head.ObjectsInUse));
        tap.AssertInvariants();
    }

    [Fact]
    public void The_last_holder_frees_a_shared_data_object_whoever_that_is()
    {
        var m = new FakeMachine(PatchSet.All);
        m.Skbs.AllocRxHeader(0, out var first);
        m.Skbs.AllocRxHeader(0, out var second);
        m.Skbs.CloneReceived(ref first, 0, out var clone);
        m.Skbs.CloneReceived(ref first, 0, out var another);
        m.Skbs.CloneReceived(ref second, 0, out var third);
        m.Skbs.Free(clone, 0);
        m.Skbs.Free(third, 0);
        m.Skbs.Free(first, 0);
        Assert.Equal(2, m.Kmalloc1024.ObjectsInUse);
        m.Skbs.Free(another, 0);
        Assert.Equal(1, m.Kmalloc1024.ObjectsInUse);
        m.Skbs.Free(second, 0);
        Assert.Equal(0, m.ObjectsInUse);
        Assert.All(m.Skbs.SharedData, count => Assert.Equal(0, count));
        Assert.Throws<InvalidOperationException>(() => m.Skbs.Free(second, 0));
    }

    [Fact]
    public void A_tap_takes_98_full_frames_and_drops_the_next()
    {
        // 212,992 bytes at a truesize of 2,176: the test looks at what is there before the frame.
        var m = new FakeMachine(PatchSet.All);
        var tap = new PacketTap();
        for (var i = 0; i < 100; i++)
        {
            m.Skbs.AllocRx(0, out var skb);
            tap.Take(ref skb, default, m.Skbs, 0);
            m.Skbs.Free(skb, 0);
        }

        Assert.Equal((98, 98L, 2L), (tap.Queue.Count, tap.Queued, tap.RcvbufDrops));
        Assert.Equal(98, m.Head.ObjectsInUse);
    }

    [Fact]
    public void A_frame_for_which_no_header_can_be_had_goes_past_the_tap_and_is_not_shared()
    {
        var m = new FakeMachine(PatchSet.All);
        var tap = new PacketTap();
        m.Skbs.AllocRx(0, out var skb);
        m.Head.Short = true;
        Assert.False(tap.Take(ref skb, default, m.Skbs, 0));
        Assert.Equal((1L, 0, 0), (tap.CloneFailures, skb.SharedData, tap.RmemAlloc));
    }

    [Fact]
    public void Patch_12_keeps_tagged_frames_from_taps_and_nothing_else_does()
    {
        var m = new FakeMachine(PatchSet.All);
        foreach (var (patches, skipped) in new[] { (PatchSet.All, 1L), (PatchSet.All.Without(12), 0L) })
        {
            var tap = new PacketTap();
            m.Skbs.AllocRxHeader(0, out var skb);
            skb.PfMemAlloc = true;
            m.Head.Requests.Clear();
            tap.Take(ref skb, SocketRules.Receive(patches, keyOn: true, tagged: true, EtherProtocol.Ipv4), m.Skbs, 0);
            Assert.Equal((skipped, 1 - skipped), (tap.Skipped, tap.Queued));

            // The clone of a tagged buffer inherits tag and entitlement: the tap eats the reserve twice.
            Assert.All(m.Head.Requests, request => Assert.True((request.Gfp & Gfp.MemAlloc) != 0));
            Assert.Equal(skipped == 0, tap.Queue.Count == 1 && tap.Queue[0].PfMemAlloc);
        }
    }

    [Fact]
    public void Shared_data_is_still_shared_after_a_checkpoint()
    {
        var m = new FakeMachine(PatchSet.All);
        m.Skbs.AllocRxHeader(0, out var skb);
        m.Skbs.CloneReceived(ref skb, 0, out var clone);
        var restored = MemoryPackSerializer.Deserialize<SkbAllocator>(MemoryPackSerializer.Serialize(m.Skbs))!;
        m.Attach(restored, PatchSet.All);
        restored.Free(skb, 0);
        Assert.Equal(1, m.Kmalloc1024.ObjectsInUse);
        restored.Free(clone, 0);
        Assert.Equal(0, m.Kmalloc1024.ObjectsInUse);
    }
}
