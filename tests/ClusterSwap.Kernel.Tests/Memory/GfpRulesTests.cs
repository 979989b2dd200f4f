// Who gets which allocation flags, with and without patches 3, 4 and 5.
using ClusterSwap.Kernel.Memory;

namespace ClusterSwap.Kernel.Tests.Memory;

public class GfpRulesTests
{
    private const AllocFlags Plain = AllocFlags.WmarkMin | AllocFlags.Cpuset;

    [Theory]
    [InlineData(Gfp.Kernel, Plain)]
    [InlineData(Gfp.NoIo, Plain)]
    [InlineData(Gfp.NoFs, Plain)]
    [InlineData(Gfp.HighUserMovable, Plain)]
    [InlineData(Gfp.Atomic, AllocFlags.High | AllocFlags.Harder)]
    [InlineData(Gfp.None, AllocFlags.Harder)]
    [InlineData(Gfp.High | Gfp.NoMemAlloc, AllocFlags.High)]
    [InlineData(Gfp.Wait | Gfp.High, Plain | AllocFlags.High)]
    public void Request_flags_give_allocation_flags(Gfp gfp, AllocFlags expected) =>
        Assert.Equal(expected, GfpRules.ToAllocFlags(gfp, TaskFlags.None, AllocContext.Task, PatchSet.All));

    [Theory]
    [InlineData(AllocContext.Task, true)]
    [InlineData(AllocContext.BottomHalvesDisabled, false)]
    [InlineData(AllocContext.Softirq, false)]
    [InlineData(AllocContext.HardIrq, false)]
    public void A_real_time_task_tries_harder_outside_interrupts(AllocContext context, bool harder)
    {
        var flags = GfpRules.ToAllocFlags(Gfp.Kernel, TaskFlags.RealTime, context, PatchSet.All);
        Assert.Equal(harder, (flags & AllocFlags.Harder) != 0);
    }

    [Theory]

    // Patch 3: the request's flag counts in every context.
    [InlineData(Gfp.MemAlloc, TaskFlags.None, AllocContext.Task, 3)]
    [InlineData(Gfp.MemAlloc, TaskFlags.None, AllocContext.BottomHalvesDisabled, 3)]
    [InlineData(Gfp.MemAlloc, TaskFlags.None, AllocContext.Softirq, 3)]
    [InlineData(Gfp.MemAlloc, TaskFlags.None, AllocContext.HardIrq, 3)]

    // Patch 4: the task's flag counts in a softirq too.
    [InlineData(Gfp.None, TaskFlags.MemAlloc, AllocContext.Softirq, 4)]
    public void A_patch_opens_the_reserve(Gfp more, TaskFlags task, AllocContext context, int patch)
    {
        var gfp = Gfp.Atomic | more;
        Assert.True(GfpRules.PfMemAllocAllowed(gfp, task, context, PatchSet.All));
        Assert.True(GfpRules.PfMemAllocAllowed(gfp, task, context, PatchSet.None.With(patch)));
        Assert.False(GfpRules.PfMemAllocAllowed(gfp, task, context, PatchSet.All.Without(patch)));
        Assert.False(GfpRules.PfMemAllocAllowed(gfp, task, context, PatchSet.None));
    }

    [Theory]
    [InlineData(TaskFlags.MemAlloc, AllocContext.Task, true)]
    [InlineData(TaskFlags.MemDie, AllocContext.Task, true)]
    [InlineData(TaskFlags.None, AllocContext.Task, false)]
    [InlineData(TaskFlags.Kswapd | TaskFlags.KThread | TaskFlags.RealTime, AllocContext.Task, false)]
    [InlineData(TaskFlags.MemDie, AllocContext.Softirq, false)]
    [InlineData(TaskFlags.MemAlloc | TaskFlags.MemDie, AllocContext.BottomHalvesDisabled, false)]
    [InlineData(TaskFlags.MemAlloc | TaskFlags.MemDie, AllocContext.HardIrq, false)]
    public void Task_flags_count_alike_with_and_without_patches(TaskFlags task, AllocContext context, bool allowed)
    {
        Assert.Equal(allowed, GfpRules.PfMemAllocAllowed(Gfp.Atomic, task, context, PatchSet.None));
        Assert.Equal(allowed, GfpRules.PfMemAllocAllowed(Gfp.Atomic, task, context, PatchSet.All));
    }

    [Fact]
    public void NOMEMALLOC_beats_everything_and_the_predicate_is_the_flag()
    {
        foreach (var context in Enum.GetValues<AllocContext>())
        {
            foreach (var task in new[] { TaskFlags.None, TaskFlags.MemAlloc, TaskFlags.MemDie })
            {
                Gfp[] requests = [Gfp.Kernel, Gfp.Atomic, Gfp.Atomic | Gfp.MemAlloc, Gfp.NoIo | Gfp.MemAlloc];
                foreach (var gfp in requests)
                {
                    Assert.False(GfpRules.PfMemAllocAllowed(gfp | Gfp.NoMemAlloc, task, context, PatchSet.All));
                    var flags = GfpRules.ToAllocFlags(gfp, task, context, PatchSet.All);
                    Assert.Equal(
                        GfpRules.PfMemAllocAllowed(gfp, task, context, PatchSet.All),
                        (flags & AllocFlags.NoWatermarks) != 0);
                }
            }
        }
    }

    [Fact]
    public void A_softirq_does_not_inherit_PF_MEMALLOC_with_patch_4()
    {
        const TaskFlags Kswapd = TaskFlags.MemAlloc | TaskFlags.Kswapd | TaskFlags.SwapWrite;
        Assert.Equal(TaskFlags.Kswapd | TaskFlags.SwapWrite, GfpRules.OnSoftirqEntry(Kswapd, PatchSet.None.With(4)));
        Assert.Equal(Kswapd, GfpRules.OnSoftirqEntry(Kswapd, PatchSet.All.Without(4)));
    }

    [Theory]
    [InlineData(AllocFlags.NoWatermarks, AllocFlags.NoWatermarks, true, true)]
    [InlineData(AllocFlags.WmarkMin, AllocFlags.NoWatermarks, false, true)]
    [InlineData(AllocFlags.WmarkHigh, AllocFlags.NoWatermarks, false, true)]
    [InlineData(AllocFlags.WmarkLow, AllocFlags.WmarkLow, false, false)]
    [InlineData(AllocFlags.WmarkMin, AllocFlags.High, false, false)]
    public void Patch_5_tags_only_what_ignored_the_watermarks(AllocFlags pass, AllocFlags slow, bool with, bool without)
    {
        Assert.Equal(with, GfpRules.TagsPage(pass, slow, PatchSet.All));
        Assert.Equal(without, GfpRules.TagsPage(pass, slow, PatchSet.All.Without(5)));
    }

    [Fact]
    public void The_pass_after_reclaim_keeps_the_watermarks_with_patch_5()
    {
        const AllocFlags Entitled = Plain | AllocFlags.NoWatermarks;
        Assert.Equal(Plain, GfpRules.AfterReclaim(Entitled, PatchSet.All));
        Assert.Equal(Entitled, GfpRules.AfterReclaim(Entitled, PatchSet.All.Without(5)));
    }
}
