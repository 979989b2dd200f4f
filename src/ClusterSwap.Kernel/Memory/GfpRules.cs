// What a request may do: from request flags, task flags and context to the flags of an allocation pass.
namespace ClusterSwap.Kernel.Memory;

/// <summary>Flags of one pass over the zones, with the values of <c>mm/internal.h</c>, Linux 3.6.</summary>
[Flags]
public enum AllocFlags : uint
{
    /// <summary>Test against the min watermark.</summary>
    WmarkMin = 0,

    /// <summary>Test against the low watermark.</summary>
    WmarkLow = 1,

    /// <summary>Test against the high watermark.</summary>
    WmarkHigh = 2,

    /// <summary>No test at all: the reserve is open.</summary>
    NoWatermarks = 0x04,

    /// <summary>A quarter below the mark.</summary>
    Harder = 0x10,

    /// <summary>Half below the mark.</summary>
    High = 0x20,

    /// <summary>Half below the mark for a victim of the OOM killer (4.14).</summary>
    Oom = 0x08,

    /// <summary>Page blocks set aside for atomic requests of high order are open (4.4; 6.1.192 names the
    /// bit).</summary>
    HighAtomic = 0x200,

    /// <summary>Those that go below the min mark (ALLOC_RESERVES, 6.1.192).</summary>
    Reserves = Harder | High | HighAtomic | Oom,

    /// <summary>Enforce the cpuset; without effect here, where every cpuset has all nodes.</summary>
    Cpuset = 0x40,

    /// <summary>The bits that say which watermark.</summary>
    WmarkMask = 0x03,
}

/// <summary>
/// Who may go how low. Patches 3, 4 and 5 of the series are these rules, and are asked for nowhere else.
/// </summary>
public static class GfpRules
{
    /// <summary><c>gfp_to_alloc_flags</c>, 3.6; with none of the patches the rule of 3.5.</summary>
    /// <param name="gfp">Request flags.</param>
    /// <param name="task">Flags of the task.</param>
    /// <param name="context">Context of the call.</param>
    /// <param name="rules">The kernel's rules.</param>
    /// <param name="order">Order of the block.</param>
    public static AllocFlags ToAllocFlags(
        Gfp gfp, TaskFlags task, AllocContext context, KernelRules rules, int order = 0)
    {
        var flags = AllocFlags.WmarkMin | AllocFlags.Cpuset;
        if ((gfp & Gfp.High) != 0)
        {
            flags |= AllocFlags.High;
        }

        if ((gfp & Gfp.Wait) == 0)
        {
            flags &= ~AllocFlags.Cpuset;
            if ((gfp & Gfp.NoMemAlloc) == 0)
            {
                flags |= AllocFlags.Harder;
                if (order > 0 && (gfp & Gfp.High) != 0 && rules.Has(KernelChange.HighAtomic))
                {
                    flags |= AllocFlags.HighAtomic;
                }
            }
        }
        else if ((task & TaskFlags.RealTime) != 0 && context == AllocContext.Task)
        {
            flags |= OnlyHighGoesBelowMin(rules) ? AllocFlags.High : AllocFlags.Harder;
        }

        if (!PfMemAllocAllowed(gfp, task, context, rules))
        {
            return flags;
        }

        return flags | (IsVictimOnly(gfp, task, context, rules) ? AllocFlags.Oom : AllocFlags.NoWatermarks);
    }

    /// <summary>
    /// <c>__zone_watermark_ok</c>: the quarter for a request that cannot wait; since 6.3 (6.1.192) only on top of the
    /// half of __GFP_HIGH.
    /// </summary>
    public static bool GetsExtraQuarter(AllocFlags flags, KernelRules rules) => (flags & AllocFlags.Harder) != 0
        && ((flags & AllocFlags.High) != 0 || !OnlyHighGoesBelowMin(rules));

    // 6.3 (6.1.192): the quarter only together with the half, and the half for real-time tasks.
    private static bool OnlyHighGoesBelowMin(KernelRules rules) => rules.Has(KernelChange.MinReserve);

    // __gfp_pfmemalloc_flags, 4.14: who is entitled only as a victim gets ALLOC_OOM.
    private static bool IsVictimOnly(Gfp gfp, TaskFlags task, AllocContext context, KernelRules rules) =>
        rules.Has(KernelChange.OomReserve)
        && !PfMemAllocAllowed(gfp, task & ~TaskFlags.MemDie, context, rules);

    /// <summary>
    /// <c>gfp_pfmemalloc_allowed</c>: the one predicate that opens pages, slabs and the second try of skb data.
    /// NOMEMALLOC beats everything; a task flag never counts in a hard interrupt or while bottom halves are disabled.
    /// </summary>
    public static bool PfMemAllocAllowed(Gfp gfp, TaskFlags task, AllocContext context, KernelRules rules)
    {
        if ((gfp & Gfp.NoMemAlloc) != 0)
        {
            return false;
        }

        if ((gfp & Gfp.MemAlloc) != 0 && rules.Has(3))
        {
            return true;
        }

        return context switch
        {
            AllocContext.Task => (task & (TaskFlags.MemAlloc | TaskFlags.MemDie)) != 0,
            AllocContext.Softirq => (task & TaskFlags.MemAlloc) != 0 && SoftirqHasItsOwnFlag(rules),
            _ => false,
        };
    }

    /// <summary>
    /// Flags of the interrupted task as the softirq sees them (<c>__do_softirq</c>, 3.6): patch 4 takes PF_MEMALLOC
    /// away for the time of the softirq, so that a packet does not inherit kswapd's privilege. The caller restores
    /// the task's own flags afterwards.
    /// </summary>
    public static TaskFlags OnSoftirqEntry(TaskFlags task, KernelRules rules) =>
        SoftirqHasItsOwnFlag(rules) ? task & ~TaskFlags.MemAlloc : task;

    // Patch 4: PF_MEMALLOC counts in softirq, and the flag of the task that it interrupted does not.
    private static bool SoftirqHasItsOwnFlag(KernelRules rules) => rules.Has(4);

    /// <summary>
    /// What page->pfmemalloc says of a page (<c>get_page_from_freelist</c>, 3.6): with patch 5, that the pass that
    /// gave it ignored the watermarks; before, that the caller of the slow path was entitled to, whichever pass gave
    /// the page.
    /// </summary>
    /// <param name="pass">Flags of the pass that gave the page.</param>
    /// <param name="slowPath">Flags computed at the start of the slow path; of the fast pass its own.</param>
    /// <param name="rules">The kernel's rules.</param>
    public static bool TagsPage(AllocFlags pass, AllocFlags slowPath, KernelRules rules) =>
        ((OnlyUnmarkedPassCounts(rules) ? pass : slowPath) & AllocFlags.NoWatermarks) != 0;

    /// <summary>
    /// Flags of the pass after direct reclaim: patch 5 takes NO_WATERMARKS out, because an entitled caller meets the
    /// reserve again in the next round, where the page is tagged; 3.5 kept it (<c>__alloc_pages_direct_reclaim</c>).
    /// </summary>
    public static AllocFlags AfterReclaim(AllocFlags slowPath, KernelRules rules) =>
        OnlyUnmarkedPassCounts(rules) ? slowPath & ~AllocFlags.NoWatermarks : slowPath;

    // Patch 5: reserve is what a pass without watermarks gave, and nothing else.
    private static bool OnlyUnmarkedPassCounts(KernelRules rules) => rules.Has(5);
}
