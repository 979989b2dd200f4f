// The steps of an allocation: fast pass, slow path, reclaim, OOM, retry. The letters are those of AllocStep.
namespace ClusterSwap.Kernel.Memory;

public sealed partial class PageAllocator
{
    // PAGE_ALLOC_COSTLY_ORDER: up to this order a request that may wait is tried for ever.
    private const int CostlyOrder = 3;

    /// <summary>MAX_RECLAIM_RETRIES (4.7).</summary>
    public const int MostFruitlessRounds = 16;

    /// <summary>
    /// Step B of some request since the caller last cleared this: kswapd should be woken for the zones of a zonelist.
    /// Which of them need it is for <c>wakeup_kswapd</c> to see.
    /// </summary>
    public bool KswapdWanted { get; set; }

    /// <summary>Greatest order among those requests.</summary>
    public int KswapdWantedOrder { get; set; }

    /// <summary>Class zone of those requests; lowered only by a request of a greater order.</summary>
    public int KswapdWantedClasszone { get; set; }

    /// <summary>Type of the highest zone that one of them may use.</summary>
    public int KswapdWantedHighest { get; set; }

    /// <summary>Of which node's zonelist.</summary>
    public int KswapdWantedList { get; set; }

    /// <summary>The watermark test, <see cref="ZoneWatermarks.Ok"/>.</summary>
    public bool ZoneWatermarkOk(Zone zone, int order, long mark, int classzoneIdx, AllocFlags flags) =>
        ZoneWatermarks.Ok(zone, order, mark, classzoneIdx, flags, _rules);

    /// <inheritdoc/>
    public bool PfMemAllocAllowed(Gfp gfp, TaskFlags task, AllocContext context) =>
        GfpRules.PfMemAllocAllowed(gfp, task, context, _rules);

    /// <summary>
    /// Runs a call to its end or to the next thing that its task has to do, and sets <see cref="AllocCall.Step"/> to
    /// where it goes on afterwards: <c>__alloc_pages_nodemask</c> and <c>__alloc_pages_slowpath</c>, 3.6.
    /// <list type="bullet">
    /// <item>NeedsReclaim: reclaim directly, set <see cref="AllocCall.Reclaimed"/>, continue.</item>
    /// <item>NeedsWait: wait_iff_congested(HZ/50), continue. A request of order 3 or less that may wait but has no FS
    /// bit (GFP_NOIO, GFP_NOFS) never ends any other way than with a page.</item>
    /// <item>OutOfMemory: kill somebody, continue; kswapd is woken again.</item>
    /// </list>
    /// Not modelled: direct compaction moves nothing, so it is counted (compact_stall, compact_fail) and fails.
    /// </summary>
    public AllocOutcome Continue(ref AllocCall call)
    {
        if (call.Step == AllocStep.FastPass)
        {
            CheckRequest(call);
            if (_nodes > 1)
            {
                ApplyMempolicy(ref call);
            }

            const AllocFlags Fast = AllocFlags.WmarkLow | AllocFlags.Cpuset;
            if (Pass(ref call, Fast, Fast))
            {
                return call.Outcome = AllocOutcome.Granted;
            }

            if (_nodes > 1 && (call.Gfp & Gfp.OneNode) == Gfp.OneNode)
            {
                // Slab asks so: it will look at other nodes before it lets anybody reclaim.
                return call.Outcome = Fail(ref call);
            }

            call.Step = AllocStep.SlowPath;
        }

        return call.Outcome = ContinueSlowly(ref call);
    }

    /// <summary>
    /// Up to <paramref name="pages"/>.Length single pages for requests of the same kind one after another, each a full
    /// request of its own. A call that has ended begins anew. Returns how many were granted; when that is fewer than
    /// asked,
    /// <see cref="AllocCall.Outcome"/> says why, and <see cref="Continue"/> goes on with the one that stopped.
    /// </summary>
    public int AllocBulk(ref AllocCall call, Span<int> pages)
    {
        if (call.Order != 0)
        {
            throw new InvalidOperationException($"single pages only, not order {call.Order}");
        }

        for (var i = 0; i < pages.Length; i++)
        {
            if (call.Step == AllocStep.Ended)
            {
                call.Restart();
            }

            if (Continue(ref call) != AllocOutcome.Granted)
            {
                return i;
            }

            pages[i] = call.Page;
        }

        return pages.Length;
    }

    private AllocOutcome ContinueSlowly(ref AllocCall call)
    {
        var flags = GfpRules.ToAllocFlags(call.Gfp, call.Task, call.Context, _rules, call.Order);
        switch (call.Step)
        {
            case AllocStep.SlowPath:
                WantKswapd(call);
                return TryBeforeReclaim(ref call, flags);
            case AllocStep.Rebalance:
                if (RetryRules.CountsFruitlessRounds(_rules))
                {
                    WantKswapd(call);
                }

                return TryBeforeReclaim(ref call, flags);
            case AllocStep.AfterReclaim:
                return TryAfterReclaim(ref call, flags);
            default:
                throw new InvalidOperationException($"a call of {call.Owner} at step {call.Step} cannot go on");
        }
    }

    // Steps C to I.
    private AllocOutcome TryBeforeReclaim(ref AllocCall call, AllocFlags flags)
    {
        if (Pass(ref call, flags & ~(AllocFlags.NoWatermarks | AllocFlags.Oom), flags))
        {
            return AllocOutcome.Granted;
        }

        // E.
        if ((flags & AllocFlags.NoWatermarks) != 0)
        {
            if (_nodes > 1)
            {
                IgnoreMempolicy(ref call);
            }

            if (Pass(ref call, AllocFlags.NoWatermarks, flags))
            {
                return AllocOutcome.Granted;
            }

            if ((call.Gfp & Gfp.NoFail) != 0)
            {
                return WaitAndRetry(ref call);
            }
        }

        if ((flags & AllocFlags.Oom) != 0 && Pass(ref call, AllocFlags.Oom, flags))
        {
            return AllocOutcome.Granted;
        }

        var mayNotReclaim = (call.Gfp & Gfp.Wait) == 0
            || (call.Task & TaskFlags.MemAlloc) != 0
            || ((call.Task & TaskFlags.MemDie) != 0 && (call.Gfp & Gfp.NoFail) == 0);
        if (mayNotReclaim)
        {
            return Fail(ref call);
        }

        // I. Compaction needs to write and to enter file systems.
        if (call.Order > 0 && (call.Gfp & (Gfp.Io | Gfp.Fs)) == (Gfp.Io | Gfp.Fs))
        {
            _vm.Count(VmCounter.compact_stall);
            _vm.Count(VmCounter.compact_fail);
        }

        call.Reclaimed = 0;
        call.Step = AllocStep.AfterReclaim;
        return AllocOutcome.NeedsReclaim;
    }

    // Steps J to L.
    private AllocOutcome TryAfterReclaim(ref AllocCall call, AllocFlags flags)
    {
        call.Rounds++;
        call.ReclaimedTotal += call.Reclaimed;
        if (call.Reclaimed > 0)
        {
            call.FruitlessRounds = 0;

            // The pages may be on other CPUs' lists: those are given back once before this round gives up.
            var pass = GfpRules.AfterReclaim(flags, _rules);
            if (Pass(ref call, pass, flags))
            {
                return AllocOutcome.Granted;
            }

            UnreserveHighAtomic(force: false);
            DrainPerCpu();
            if (Pass(ref call, pass, flags))
            {
                return AllocOutcome.Granted;
            }
        }
        else if (RetryRules.CountsFruitlessRounds(_rules))
        {
            return AfterFruitlessReclaim(ref call, flags);
        }
        else if ((call.Gfp & Gfp.Fs) != 0 && (call.Gfp & Gfp.NoRetry) == 0)
        {
            return RunOutOfMemory(ref call, flags);
        }

        return ShouldRetry(call) ? WaitAndRetry(ref call) : Fail(ref call);
    }

    // K. The last try at the high mark only catches memory that a parallel kill has just freed.
    private AllocOutcome RunOutOfMemory(ref AllocCall call, AllocFlags flags)
    {
        if (Pass(ref call, AllocFlags.WmarkHigh | AllocFlags.Cpuset, flags))
        {
            return AllocOutcome.Granted;
        }

        // A kill would not help a large block or a low zone.
        var killHelps = call.Order <= CostlyOrder && (call.Gfp & (Gfp.Dma | Gfp.Dma32)) == 0;
        if (!killHelps && (call.Gfp & Gfp.NoFail) == 0)
        {
            return Fail(ref call);
        }

        call.Step = AllocStep.SlowPath;
        return AllocOutcome.OutOfMemory;
    }

    /// <summary>
    /// <c>should_reclaim_retry</c>, 4.7: after <see cref="MostFruitlessRounds"/> rounds without a page, or when even
    /// all that is reclaimable would not do, the OOM killer is asked. Without FS it does nothing and says that it did,
    /// so GFP_NOIO begins to count anew and goes on.
    /// </summary>
    private AllocOutcome AfterFruitlessReclaim(ref AllocCall call, AllocFlags flags)
    {
        if ((call.Gfp & Gfp.NoRetry) != 0 || call.Order > CostlyOrder)
        {
            return ShouldRetry(call) ? WaitAndRetry(ref call) : Fail(ref call);
        }

        call.FruitlessRounds++;
        var retries = call.FruitlessRounds > MostFruitlessRounds
            ? UnreserveHighAtomic(force: true)
            : WouldDo(call, flags);
        if (retries)
        {
            return WaitAndRetry(ref call);
        }

        call.FruitlessRounds = 0;
        return (call.Gfp & Gfp.Fs) == 0 ? WaitAndRetry(ref call) : RunOutOfMemory(ref call, flags);
    }

    // Would the request be met if everything reclaimable were free?
    private bool WouldDo(in AllocCall call, AllocFlags flags)
    {
        var reclaimable = _vm[VmGauge.nr_inactive_anon] + _vm[VmGauge.nr_active_anon]
            + _vm[VmGauge.nr_inactive_file] + _vm[VmGauge.nr_active_file];
        var classzone = HighestType(call.Gfp);
        var zone = _zones[call.ListNode * ZoneTypes + classzone];
        return ZoneWatermarks.Ok(zone, call.Order, zone.Min, classzone, flags, _rules, reclaimable);
    }

    /// <summary>
    /// <c>unreserve_highatomic_pageblock</c>: gives one page block that was set aside back to ordinary requests.
    /// Without
    /// <paramref name="force"/> a zone keeps its last one.
    /// </summary>
    private bool UnreserveHighAtomic(bool force)
    {
        for (var i = _zones.Length - 1; i >= 0; i--)
        {
            if (_zones[i].GiveUpSetAside(_frames, force))
            {
                return true;
            }
        }

        return false;
    }

    // L, should_alloc_retry.
    private static bool ShouldRetry(in AllocCall call)
    {
        if ((call.Gfp & Gfp.NoRetry) != 0)
        {
            return false;
        }

        if ((call.Gfp & Gfp.NoFail) != 0 || call.Order <= CostlyOrder)
        {
            return true;
        }

        return (call.Gfp & Gfp.Repeat) != 0 && call.ReclaimedTotal < 1 << call.Order;
    }

    private static AllocOutcome WaitAndRetry(ref AllocCall call)
    {
        call.Step = AllocStep.Rebalance;
        return AllocOutcome.NeedsWait;
    }

    private AllocOutcome Fail(ref AllocCall call)
    {
        _vm.Count(VmCounter.alloc_failed);
        call.Step = AllocStep.Ended;
        call.Page = PageFrame.None;
        call.PfMemAlloc = false;
        if (_trace is not null)
        {
            TraceRefusal(_trace, in call);
        }

        return AllocOutcome.Failed;
    }

    // B, wake_all_kswapd.
    private void WantKswapd(in AllocCall call)
    {
        if ((call.Gfp & Gfp.NoKswapd) != 0)
        {
            return;
        }

        var classzone = _nodes == 1 ? HighestType(call.Gfp) : _zones[call.Preferred].Type;
        if (_trace is not null)
        {
            _trace.WakerCpu = call.Cpu;
            _trace.WakerGfp = call.Gfp;
        }

        if (!KswapdWanted)
        {
            KswapdWanted = true;
            KswapdWantedOrder = call.Order;
            KswapdWantedClasszone = classzone;
            KswapdWantedHighest = HighestType(call.Gfp);
            KswapdWantedList = call.ListNode;
        }
        else if (KswapdWantedOrder < call.Order)
        {
            KswapdWantedOrder = call.Order;
            KswapdWantedClasszone = Math.Min(KswapdWantedClasszone, classzone);
        }
    }

    private void CheckRequest(in AllocCall call)
    {
        if (!IsOwned(call.Owner) || call.Order > PageBlock.MaxOrder || call.Cpu >= _cpus)
        {
            throw new InvalidOperationException(
                $"no such request: owner {call.Owner}, order {call.Order}, CPU {call.Cpu} of {_cpus}");
        }
    }
}
