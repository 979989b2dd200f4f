// The network of 6.1: where its buffers lie, what is cut below TCP, and what the repairs and the ablation change.
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Net;

namespace ClusterSwap.Kernel.Tests.Net;

public sealed class LaterNetTests
{
    private static readonly KernelRules Rules = KernelRules.Of(Era.Linux61);

    [Fact]
    public void TCP_data_of_a_NIC_without_gathering_lies_in_pages_and_is_cut_below()
    {
        var tcp = TcpParameters.ForMachine(10_000, sg: false, tso: false, rules: Rules);
        Assert.True(tcp is { Sg: true, Tso: true, PayloadInPages: true, SegmentsBelow: true });
        Assert.Equal(0, new SendQueue(tcp).LinearSize);
        Assert.Equal(65_536 / 1_448 * 1_448, tcp.MaxTrain);
        Assert.False(TcpParameters.ForMachine(10_000, rules: Rules).SegmentsBelow);
        var older = TcpParameters.ForMachine(10_000, sg: false, tso: false, rules: PatchSet.All);
        Assert.True(older is { Sg: false, Tso: false, PayloadInPages: false, SegmentsBelow: false });
    }

    [Fact]
    public void A_block_of_eight_pages_carries_32_KiB_of_a_write_queue()
    {
        var tcp = TcpParameters.ForMachine(10_000, rules: Rules);
        var queue = new SendQueue(tcp);
        Assert.Equal(SendNeed.Skb, queue.Need(0));
        queue.AddSkb(SkBuff.None with { Head = 1 });
        Assert.Equal(SendNeed.Page, queue.Need(0));
        queue.AddPage(page: 64, order: 3);
        Assert.Equal((32_768, 32_768), queue.Copy(40_000));
        Assert.Equal(SendNeed.Page, queue.Need(0));
        Assert.Equal(1, queue.Fragments);
        queue.AssertInvariants();

        List<SkBuff> skbs = [];
        List<int> pages = [];
        queue.AckedTo(32_768, skbs, pages);
        Assert.Equal([64], pages);
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void Packets_from_the_reserve_reach_ordinary_sockets_only_without_the_drop_rule(bool rule, bool reaches)
    {
        var rules = rule ? Rules : Rules with { Changes = Rules.Changes.With(KernelChange.NoReserveDrop) };
        Assert.Equal(!reaches, SocketRules.FilterDrops(rules, tagged: true, SocketFlags.None));
        Assert.False(SocketRules.FilterDrops(rules, tagged: true, SocketFlags.MemAlloc));
        Assert.False(SocketRules.FilterDrops(rules, tagged: false, SocketFlags.None));
    }

    [Fact]
    public void The_header_of_a_received_packet_may_use_the_reserve_only_when_repaired()
    {
        const Gfp Data = Gfp.Atomic | Gfp.MemAlloc;
        Assert.Equal(Gfp.Atomic, SocketRules.ReceiveHead(Rules, Data));
        var repaired = Rules with { Changes = Rules.Changes.With(KernelChange.RxHeadReserve) };
        Assert.Equal(Data, SocketRules.ReceiveHead(repaired, Data));
    }

    [Fact]
    public void User_mode_Linux_receives_in_hard_interrupt_unless_repaired()
    {
        Assert.Equal(AllocContext.HardIrq, SocketRules.PerFrameContext(Rules));
        var repaired = Rules with { Changes = Rules.Changes.With(KernelChange.RxInSoftirq) };
        Assert.Equal(AllocContext.Softirq, SocketRules.PerFrameContext(repaired));
    }

    [Fact]
    public void Fragments_from_the_reserve_are_tagged_and_their_page_is_given_back()
    {
        Assert.True(SocketRules.ReceiveFragmentTagsBuffer(Rules, pagePfMemAlloc: true));
        Assert.False(SocketRules.ReceiveFragmentTagsBuffer(Rules, pagePfMemAlloc: false));
        Assert.False(SocketRules.ReceiveFragmentTagsBuffer(PatchSet.All, pagePfMemAlloc: true));
        Assert.True(SocketRules.DiscardsFragmentPage(Rules, pagePfMemAlloc: true));
        Assert.False(SocketRules.DiscardsFragmentPage(PatchSet.All, pagePfMemAlloc: true));
    }

    [Fact]
    public void An_empty_receive_queue_takes_data_above_the_limits()
    {
        Assert.True(SocketRules.ForcesReceive(Rules, queueIsEmpty: true));
        Assert.False(SocketRules.ForcesReceive(Rules, queueIsEmpty: false));
        Assert.False(SocketRules.ForcesReceive(PatchSet.All, queueIsEmpty: true));
        var quota = MemoryQuota.ForMachine(0, knowsPressure: true);
        quota.AllocatedPages = quota.Max;
        var forward = 0;
        Assert.False(quota.TryCharge(ref forward, 2_176, belowGuarantee: true, socketBytes: 0));
        quota.ForceCharge(ref forward, 2_176);
        Assert.Equal((quota.Max + 1, 4_096 - 2_176), (quota.AllocatedPages, forward));
    }
}
