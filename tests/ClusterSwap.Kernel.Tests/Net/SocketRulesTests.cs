using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Net;

namespace ClusterSwap.Kernel.Tests.Net;

public class SocketRulesTests
{
    [Theory]
    [InlineData(false, SocketFlags.None, false)]
    [InlineData(false, SocketFlags.MemAlloc, false)]
    [InlineData(true, SocketFlags.None, true)]
    [InlineData(true, SocketFlags.MemAlloc, false)]
    public void A_tagged_packet_is_dropped_unless_its_socket_is_marked(bool tagged, SocketFlags flags, bool dropped) =>
        Assert.Equal(dropped, SocketRules.FilterDrops(tagged, flags));

    [Fact]
    public void The_nbd_socket_is_marked_and_sends_with_the_reserve()
    {
        var flags = SocketFlags.None;
        var allocation = Gfp.NoIo;
        Assert.True(SocketRules.MarkNbdSocket(PatchSet.All, ref flags, ref allocation));
        Assert.Equal(SocketFlags.MemAlloc, flags);
        Assert.Equal(Gfp.NoIo | Gfp.MemAlloc, allocation);
        Assert.Equal((Gfp.NoIo | Gfp.MemAlloc, TaskFlags.MemAlloc), SocketRules.NbdTransmit(flags));
    }

    [Theory]
    [InlineData(8)]
    [InlineData(14)]
    public void Without_patch_8_or_14_the_nbd_socket_stays_ordinary(int patch)
    {
        var flags = SocketFlags.None;
        var allocation = Gfp.NoIo;
        Assert.False(SocketRules.MarkNbdSocket(PatchSet.All.Without(patch), ref flags, ref allocation));
        Assert.Equal(SocketFlags.None, flags);
        Assert.Equal((Gfp.NoIo, TaskFlags.None), SocketRules.NbdTransmit(flags));
    }

    [Fact]
    public void Without_patch_9_the_socket_is_marked_but_the_key_stays_down()
    {
        var flags = SocketFlags.None;
        var allocation = Gfp.NoIo;
        Assert.False(SocketRules.MarkNbdSocket(PatchSet.All.Without(9), ref flags, ref allocation));
        Assert.Equal(SocketFlags.MemAlloc, flags);
    }

    [Fact]
    public void Patch_7_passes_only_the_sockets_MEMALLOC_to_atomic_requests()
    {
        var mode = Gfp.NoIo | Gfp.MemAlloc;
        Assert.Equal(Gfp.Atomic | Gfp.MemAlloc, SocketRules.SkGfpAtomic(PatchSet.All, mode, Gfp.Atomic));
        Assert.Equal(Gfp.Atomic, SocketRules.SkGfpAtomic(PatchSet.All.Without(7), mode, Gfp.Atomic));
        Assert.Equal(Gfp.Atomic, SocketRules.SkGfpAtomic(PatchSet.All, Gfp.Kernel, Gfp.Atomic));
    }

    [Theory]
    [InlineData(EtherProtocol.Arp, false)]
    [InlineData(EtherProtocol.Ipv4, false)]
    [InlineData(EtherProtocol.Ipv6, false)]
    [InlineData(EtherProtocol.Vlan, false)]
    [InlineData(EtherProtocol.Other, true)]
    public void Patch_12_gives_a_tagged_frame_PF_MEMALLOC_skips_taps_and_limits_protocols(EtherProtocol p, bool drop) =>
        Assert.Equal(
            new ReceiveRule(TaskFlags.MemAlloc, true, drop), SocketRules.Receive(PatchSet.All, true, true, p));

    [Theory]
    [InlineData(true, true, 12)]
    [InlineData(false, true, 9)]
    [InlineData(true, false, 1)]
    public void Without_key_tag_or_patch_12_a_frame_is_received_as_ever(bool key, bool tagged, int without) =>
        Assert.Equal(
            default,
            SocketRules.Receive(PatchSet.All.Without(without), key, tagged, EtherProtocol.Other));

    [Fact]
    public void A_tagged_buffer_in_the_backlog_of_an_ordinary_socket_is_a_bug()
    {
        Assert.Equal(
            TaskFlags.MemAlloc, SocketRules.ReceiveBacklog(PatchSet.All, true, true, SocketFlags.MemAlloc));
        Assert.Equal(TaskFlags.None, SocketRules.ReceiveBacklog(PatchSet.All, true, false, SocketFlags.None));
        Assert.Throws<InvalidOperationException>(
            () => SocketRules.ReceiveBacklog(PatchSet.All, true, true, SocketFlags.None));
    }
}
