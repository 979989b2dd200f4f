// Patch 6 in the allocator: one request on two nodes, the patch in and out.
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Tests.Memory;

namespace ClusterSwap.Kernel.Tests.Patches;

public sealed class ReservePolicyPatchTests
{
    private const TaskFlags Entitled = TaskFlags.MemAlloc | TaskFlags.MemPolicy;

    [Theory]
    [InlineData(true, 0)]
    [InlineData(false, 1)]
    public void With_6_the_reserve_of_the_own_node_comes_before_that_of_the_preferred_one(bool has, int node)
    {
        var memory = AtMin(has, new Mempolicy(MempolicyMode.Preferred, 1));
        Assert.Equal(node, Take(memory, cpu: 0).Node);
    }

    [Theory]
    [InlineData(true, "0 0 0 0")]
    [InlineData(false, "0 1 0 1")]
    public void With_6_interleaving_ends_where_the_reserve_begins(bool has, string nodes)
    {
        var memory = AtMin(has, new Mempolicy(MempolicyMode.Interleave));
        Assert.Equal(nodes, string.Join(' ', Enumerable.Range(0, 4).Select(_ => Take(memory, cpu: 0).Node)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_mask_of_a_bind_policy_holds_with_6_as_without(bool has)
    {
        var memory = AtMin(has, new Mempolicy(MempolicyMode.Bind, 1));
        NodeTests.Empty(memory, node: 1, 0);
        Assert.Equal(AllocOutcome.Failed, Take(memory, cpu: 0).Outcome);
        Assert.True(memory.FreeOn(0) > 0);
    }

    [Theory]
    [InlineData(true, AllocOutcome.Granted)]
    [InlineData(false, AllocOutcome.Failed)]
    public void Once_the_mask_goes_too_a_task_bound_to_an_empty_node_gets_the_reserve_of_the_other(
        bool has, AllocOutcome outcome)
    {
        var memory = AtMin(has, new Mempolicy(MempolicyMode.Bind, 1), KernelChange.ReserveNodemask);
        NodeTests.Empty(memory, node: 1, 0);
        var taken = Take(memory, cpu: 3);
        Assert.Equal(outcome, taken.Outcome);
        Assert.Equal(has ? 1 : 0, memory.VmStat.InZone(VmCounter.reserve_pages_taken, 0));
    }

    [Fact]
    public void Who_may_not_use_the_reserve_stays_with_the_policy()
    {
        var memory = AtMin(has: true, new Mempolicy(MempolicyMode.Preferred, 1));
        var call = Machine.Request(Gfp.NoIo, TaskFlags.MemPolicy);
        Assert.Equal(AllocOutcome.NeedsReclaim, memory.Continue(ref call));
        Assert.Equal(1, call.ListNode);
    }

    // Both nodes of 32 MiB at their min marks.
    private static PageAllocator AtMin(bool has, Mempolicy policy, KernelChange? change = null)
    {
        KernelRules rules = has ? PatchSet.All : PatchSet.All.Without(6);
        rules = change is { } more ? rules with { Changes = rules.Changes.With(more) } : rules;
        var memory = NodeTests.Nodes(ZoneLayout.Flat, 64 * Machine.MiB, policy, rules);
        NodeTests.Empty(memory, 0, memory.Zones[0].Min);
        NodeTests.Empty(memory, 1, memory.Zones[1].Min);
        return memory;
    }

    private static (AllocOutcome Outcome, int Node) Take(PageAllocator memory, int cpu)
    {
        var call = Machine.Request(Gfp.NoIo, Entitled, cpu: cpu);
        var outcome = memory.Continue(ref call);
        return (outcome, outcome == AllocOutcome.Granted ? memory.NodeOf(call.Page) : -1);
    }
}
