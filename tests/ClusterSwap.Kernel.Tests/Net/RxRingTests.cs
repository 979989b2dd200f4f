using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Net;
using MemoryPack;

namespace ClusterSwap.Kernel.Tests.Net;

public class RxRingTests
{
    private static RxRing Ring(FakeMachine m, RxPath path)
    {
        var ring = new RxRing(path);
        ring.Attach(m.Skbs);
        ring.Refill(0);
        return ring;
    }

    [Fact]
    public void A_full_ring_of_fragments_holds_128_pages_and_256_heads()
    {
        var m = new FakeMachine(PatchSet.All);
        var ring = Ring(m, RxPath.Fragment);
        Assert.Equal(256, ring.Filled.Count);
        Assert.Equal(1024 - 128, m.Pages.FreePages);
        Assert.Equal(256, m.Head.ObjectsInUse);
    }

    [Fact]
    public void Refill_comes_after_sixteen_frames_and_at_the_end_of_a_poll()
    {
        var m = new FakeMachine(PatchSet.All);
        var ring = Ring(m, RxPath.Fragment);
        for (var i = 0; i < 15; i++)
        {
            Assert.True(ring.Take(16, 0, out _));
        }

        Assert.Equal(241, ring.Filled.Count);
        ring.Take(16, 0, out _);
        Assert.Equal(256, ring.Filled.Count);
        ring.Take(16, 0, out _);
        Assert.Equal(1, ring.Refill(0));
    }

    [Fact]
    public void A_ring_that_cannot_be_refilled_runs_dry_and_only_the_watchdog_brings_it_back()
    {
        var m = new FakeMachine(PatchSet.All);
        var ring = Ring(m, RxPath.Fragment);
        m.Head.Short = true;
        var frames = new List<SkBuff>();
        while (ring.Take(1448, 0, out var skb))
        {
            frames.Add(skb);
        }

        Assert.Equal(256, frames.Count);
        Assert.Equal(1, ring.RxMissed);
        Assert.Equal(16, ring.RxAllocFailed);
        frames.ForEach(f => m.Skbs.Free(f, 0));
        Assert.Equal(0, ring.OnWatchdog(1_999_999_999, 0));
        Assert.Equal(0, ring.OnWatchdog(2_000_000_000, 0));
        Assert.Equal(17, ring.RxAllocFailed);
        m.Head.Short = false;
        Assert.Equal(256, ring.OnWatchdog(4_000_000_000, 0));
        Assert.Equal(6_000_000_000, ring.NextWatchdogNs);
    }

    [Fact]
    public void A_paged_descriptor_keeps_the_second_half_of_its_page()
    {
        var m = new FakeMachine(PatchSet.All);
        var ring = Ring(m, RxPath.Paged);
        Assert.Equal(1024 - 256, m.Pages.FreePages);
        Assert.True(ring.Take(1448, 0, out var skb));
        Assert.Equal(2, m.Pages.Frames[skb.Fragment].Count);
        ring.Refill(0);
        Assert.Equal(1024 - 256, m.Pages.FreePages);
        ring.AssertInvariants();
        m.Skbs.Free(skb, 0);
        Assert.Equal(1024 - 256, m.Pages.FreePages);
    }

    [Fact]
    public void A_frame_without_payload_leaves_the_page_with_its_descriptor()
    {
        var m = new FakeMachine(PatchSet.All);
        var ring = Ring(m, RxPath.Paged);
        ring.Take(0, 0, out var skb);
        Assert.Equal(PageFrame.None, skb.Fragment);
        Assert.Equal(1280, skb.TrueSize);
        Assert.Equal(1, ring.KeptPages.Count);
        Assert.True(ring.KeptPages[0] >= 0);
    }

    [Fact]
    public void A_header_waits_in_its_descriptor_when_its_page_cannot_be_had()
    {
        var m = new FakeMachine(PatchSet.All.Without(11), pages: 300);
        var ring = new RxRing(RxPath.Paged);
        ring.Attach(m.Skbs);
        m.Pages.Floor = 290;
        Assert.Equal(10, ring.Refill(0));
        Assert.Equal(11, m.Head.ObjectsInUse);
        m.Pages.Floor = 0;
        Assert.Equal(246, ring.Refill(0));
        Assert.Equal(256, m.Head.ObjectsInUse);
    }

    [Fact]
    public void A_copying_driver_drops_the_frame_and_keeps_its_ring()
    {
        var m = new FakeMachine(PatchSet.All);
        var ring = Ring(m, RxPath.CopyBreak);
        m.Head.Short = true;
        Assert.False(ring.Take(1448, 0, out _));
        Assert.Equal(1, ring.RxDropped);
        m.Head.Short = false;
        Assert.True(ring.Take(1448, 0, out var skb));
        Assert.Equal(2176, skb.TrueSize);
        Assert.Equal(1448, skb.Length);
    }

    [Fact]
    public void The_ring_survives_a_round_trip()
    {
        var m = new FakeMachine(PatchSet.All);
        var ring = Ring(m, RxPath.Paged);
        ring.Take(100, 0, out _);
        var bytes = MemoryPackSerializer.Serialize(ring);
        var copy = MemoryPackSerializer.Deserialize<RxRing>(bytes)!;
        copy.Attach(m.Skbs);
        Assert.Equal(bytes, MemoryPackSerializer.Serialize(copy));
        Assert.Equal(255, copy.Filled.Count);
        copy.AssertInvariants();
    }
}
