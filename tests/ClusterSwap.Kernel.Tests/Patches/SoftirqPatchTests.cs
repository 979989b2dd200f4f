// Patches 4, 7 and 12: what the processing of a packet may allocate when no page is above its floor.
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Net;
using ClusterSwap.Kernel.Slab;
using ClusterSwap.Kernel.Tests.Memory;

namespace ClusterSwap.Kernel.Tests.Patches;

public class SoftirqPatchTests
{
    // Below the floor of GFP_ATOMIC (96 on 64 MiB), above nothing.
    private const int FreePages = 60;

    /// <summary>A neighbour entry or a route: an atomic request without MEMALLOC of its own.</summary>
    [Theory]
    [InlineData(0, AllocOutcome.Granted)]
    [InlineData(4, AllocOutcome.Failed)]
    [InlineData(12, AllocOutcome.Failed)]
    public void What_processing_a_tagged_packet_allocates_needs_4_and_12(int without, AllocOutcome expected)
    {
        var rules = Rules(without);
        var memory = Machine.Small(rules);
        Machine.LeaveFree(memory, FreePages);
        var receive = SocketRules.Receive(rules, keyOn: true, tagged: true, EtherProtocol.Arp);
        var call = Machine.Request(Gfp.Atomic, receive.Task, AllocContext.Softirq, owner: PageOwner.Slab);
        Assert.Equal(expected, memory.Continue(ref call));
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(4, true)]
    public void With_4_a_softirq_does_not_inherit_the_flag_of_the_task_that_it_interrupts(int without, bool inherits) =>
        Assert.Equal(inherits, (GfpRules.OnSoftirqEntry(TaskFlags.MemAlloc, Rules(without)) & TaskFlags.MemAlloc) != 0);

    [Theory]
    [InlineData(0, true)]
    [InlineData(12, false)]
    public void With_12_packet_taps_do_not_hold_tagged_packets(int without, bool skipped) => Assert.Equal(
        skipped, SocketRules.Receive(Rules(without), keyOn: true, tagged: true, EtherProtocol.Ipv4).TapsSkipped);

    /// <summary>An ACK from the backlog or a timer, where no task flag counts: only the socket's own right is
    /// left.</summary>
    [Theory]
    [InlineData(0, AllocOutcome.Granted)]
    [InlineData(7, AllocOutcome.Failed)]
    public void ACKs_of_the_swap_socket_need_7_and_are_tried_again_after_200_ms(int without, AllocOutcome expected)
    {
        var rules = Rules(without);
        var memory = Machine.Small(rules);
        var slabs = new SlabCaches(SlabKind.Slub, 1, rules);
        slabs.Attach(memory, new VmStat());
        var skbs = new SkbAllocator(1);
        var caches = Enumerable.Range(0, slabs.Count).Select(i => slabs[i]).ToArray();
        skbs.Attach(memory, caches, new SkbCaches(0, 1, 2, 3, 4, 5), rules);
        Machine.LeaveFree(memory, FreePages);
        var outcome = skbs.AllocAck(
            Gfp.NoIo | Gfp.MemAlloc, TaskFlags.None, AllocContext.BottomHalvesDisabled, 0, out _);
        Assert.Equal(expected, outcome);

        var tcp = new TcpConnection(new TcpParameters());
        tcp.AckAllocationFailed(nowNs: 0);
        Assert.Equal(200_000_000, tcp.DelackDeadlineNs);
    }

    private static PatchSet Rules(int without) => without == 0 ? PatchSet.All : PatchSet.All.Without(without);
}
