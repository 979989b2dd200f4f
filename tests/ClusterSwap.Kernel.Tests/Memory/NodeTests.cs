// Two nodes in the page allocator: layout, marks, zonelists, policies, counters.
using ClusterSwap.Kernel.Memory;

namespace ClusterSwap.Kernel.Tests.Memory;

public sealed class NodeTests
{
    private const int GiB = Machine.GiB;
    private const int MiB = Machine.MiB;

    [Fact]
    public void Two_GiB_have_DMA_on_node_0_and_half_of_DMA32_on_each()
    {
        var memory = Nodes(ZoneLayout.DmaDma32, 2 * GiB);
        Assert.Equal(
            ["0 DMA 0 3976", "0 DMA32 4096 258048", "1 DMA 262144 0", "1 DMA32 262144 261952"],
            memory.Zones.Select(zone => $"{zone.Node} {zone.Name} {zone.StartPfn} {zone.Present}"));

        // pages_min 1,447 of 5,790 KiB, by share of 523,976 pages.
        Assert.Equal([10, 712, 0, 723], memory.Zones.Select(zone => zone.Min));
        Assert.Equal([0, 258_048 / 256], memory.Zones[0].LowmemReserve);
        Assert.Equal([0, 0], memory.Zones[3].LowmemReserve);
        memory.AssertInvariants();
    }

    [Theory]
    [InlineData(ZoneLayout.Flat, 2 * GiB, "0 1", "1 0")]
    [InlineData(ZoneLayout.DmaDma32, 2 * GiB, "1 0 3", "3 1 0")]

    // Node 0 ends at 2 GiB and has no NORMAL: node order.
    [InlineData(ZoneLayout.DmaDma32Normal, 4 * GiB, "1 0 5 4", "5 4 1 0")]

    // Low zones are 3 of the 4 GiB of node 0: node order.
    [InlineData(ZoneLayout.DmaDma32Normal, 8 * GiB, "2 1 0 5", "5 2 1 0")]

    // 3 of 8 GiB: zone order spares them.
    [InlineData(ZoneLayout.DmaDma32Normal, 16 * GiB, "2 5 1 0", "5 2 1 0")]
    public void A_node_tries_its_own_zones_first_in_node_order_by_default(
        ZoneLayout layout, long ram, string first, string second)
    {
        var memory = Nodes(layout, ram);
        Assert.StartsWith(first, string.Join(' ', memory.ZonelistOf(0).ToArray()), StringComparison.Ordinal);
        Assert.Equal(second, string.Join(' ', memory.ZonelistOf(1).ToArray()));
    }

    [Fact]
    public void A_request_takes_from_the_node_of_its_CPU_and_below_the_low_mark_from_the_other()
    {
        var memory = Nodes(ZoneLayout.Flat, 64 * MiB);
        var call = Machine.Request(Gfp.Kernel, cpu: 3);
        Assert.Equal(1, NodeOf(memory, ref call));
        Empty(memory, node: 1, memory.Zones[1].Low);
        call = Machine.Request(Gfp.Kernel, cpu: 3);
        Assert.Equal(0, NodeOf(memory, ref call));
        Assert.False(memory.KswapdWanted);
        Assert.Equal(1, memory.VmStat.InZone(VmCounter.numa_miss, 0));
        Assert.Equal(1, memory.VmStat.InZone(VmCounter.numa_foreign, 1));
        Assert.Equal(1, memory.VmStat.InZone(VmCounter.numa_other, 0));
    }

    [Theory]
    [InlineData("preferred", 1, 1)]
    [InlineData("bind", 1, 1)]
    [InlineData("bind", 0, 0)]
    public void A_policy_chooses_the_node_of_a_task_that_has_one(string mode, byte named, int node)
    {
        var memory = Nodes(ZoneLayout.Flat, 64 * MiB, Policy(mode, named));
        var call = Machine.Request(Gfp.Kernel, TaskFlags.MemPolicy, cpu: 0);
        Assert.Equal(node, NodeOf(memory, ref call));
        call = Machine.Request(Gfp.Kernel, TaskFlags.None, cpu: 0);
        Assert.Equal(0, NodeOf(memory, ref call));
        call = Machine.Request(Gfp.Atomic, TaskFlags.MemPolicy, AllocContext.Softirq, cpu: 0);
        Assert.Equal(0, NodeOf(memory, ref call));
    }

    [Fact]
    public void A_bound_task_has_to_reclaim_while_the_other_node_is_empty_of_users()
    {
        var memory = Nodes(ZoneLayout.Flat, 64 * MiB, Policy("bind", 0));
        Empty(memory, node: 0, memory.Zones[0].Min);
        var call = Machine.Request(Gfp.Kernel, TaskFlags.MemPolicy, cpu: 3);
        Assert.Equal(AllocOutcome.NeedsReclaim, memory.Continue(ref call));
        Assert.Equal((1, 1), (call.ListNode, call.Nodes));
        call = Machine.Request(Gfp.Kernel, TaskFlags.None, cpu: 0);
        Assert.Equal(1, NodeOf(memory, ref call));
    }

    [Fact]
    public void Interleaving_goes_by_the_place_in_the_mapping_or_by_turns()
    {
        var memory = Nodes(ZoneLayout.Flat, 64 * MiB, new Mempolicy(MempolicyMode.Interleave));
        for (var turn = 0; turn < 6; turn++)
        {
            var call = Machine.Request(Gfp.Kernel, TaskFlags.MemPolicy);
            Assert.Equal(turn % 2, NodeOf(memory, ref call));
            call = Machine.Request(Gfp.HighUserMovable, TaskFlags.MemPolicy);
            call.SpreadBy = turn + 1;
            Assert.Equal(turn % 2, NodeOf(memory, ref call));
        }

        Assert.Equal(12, memory.VmStat[VmCounter.numa_interleave]);
        Assert.Equal(12, memory.VmStat[VmCounter.numa_hit]);
        Assert.Equal(6, memory.VmStat[VmCounter.numa_local]);
    }

    [Fact]
    public void A_request_for_one_node_fails_where_others_begin_to_reclaim()
    {
        var memory = Nodes(ZoneLayout.Flat, 64 * MiB);
        Empty(memory, node: 1, memory.Zones[1].Low);
        var call = Machine.Request(Gfp.Kernel | Gfp.OneNode, TaskFlags.MemAlloc, cpu: 3);
        call.OnNode = 2;
        Assert.Equal(AllocOutcome.Failed, memory.Continue(ref call));
        Assert.False(memory.KswapdWanted);
    }

    [Theory]
    [InlineData(ZoneLayout.Flat, 8 * MiB - 1)]
    [InlineData(ZoneLayout.DmaDma32, 40 * MiB - 1)]
    public void Too_little_memory_cannot_be_split(ZoneLayout layout, long ram) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Nodes(layout, ram));

    internal static PageAllocator Nodes(
        ZoneLayout layout, long ram, Mempolicy policy = default, KernelRules? rules = null) =>
        new(layout, ram, null, 4, rules ?? PatchSet.All, nodes: 2, policy);

    internal static Mempolicy Policy(string mode, byte node) =>
        new(mode == "bind" ? MempolicyMode.Bind : MempolicyMode.Preferred, node);

    /// <summary>Runs a request that must be granted, and says where.</summary>
    internal static int NodeOf(PageAllocator memory, ref AllocCall call)
    {
        Assert.Equal(AllocOutcome.Granted, memory.Continue(ref call));
        return memory.NodeOf(call.Page);
    }

    /// <summary>Takes single pages of a flat node until so many are free there.</summary>
    internal static void Empty(PageAllocator memory, int node, long free)
    {
        var zone = memory.Zones[node];
        while (zone.NrFree > free)
        {
            var frame = zone.TakeBlock(memory.Frames, 0, MigrateType.Movable);
            memory.Frames[frame].SetOwnerAndOrder(PageOwner.Anon, 0);
        }
    }
}
