// A machine of 2 GiB without actors, for benchmarks of single rules.
using ClusterSwap.Kernel;
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Reclaim;
using ClusterSwap.Kernel.Slab;

namespace ClusterSwap.Benchmarks;

/// <summary>Memory of one machine, and the operations that are timed on it.</summary>
public sealed class Machine
{
    private readonly ReclaimCall _reclaim = new();

    /// <summary>A machine with four CPUs and one process, patched.</summary>
    public Machine(SlabKind slab = SlabKind.Slub) => Memory = new MachineMemory(new MachineSpec
    {
        RamPages = 524_288,
        Zones = ZoneLayout.DmaDma32,
        Cpus = 4,
        Slab = slab,
        Rules = PatchSet.All,
        Hz = 250,
        Costs = CostModel.Hw2012,
        Processes = 1,
        PagesPerProcess = 65_536,
        SwapPages = 262_144,
        SwapStart = 1,
        KernelPages = 12_288,
        PageCachePages = 0,
    });

    /// <summary>The memory.</summary>
    public MachineMemory Memory { get; }

    /// <summary>Pages that reclaim has looked at.</summary>
    public long Scanned =>
        Memory.Stat[VmCounter.pgscan_direct] + Memory.Stat[VmCounter.pgrefill];

    /// <summary>An order-0 page allocated and freed.</summary>
    public int PagePair()
    {
        var call = AllocCall.For(PageOwner.Anon, Gfp.HighUserMovable, TaskFlags.None, AllocContext.Task, cpu: 0);
        Memory.Pages.Continue(ref call);
        Memory.Pages.Free(call.Page, 0, 0);
        return call.Page;
    }

    /// <summary>A socket buffer head allocated and freed.</summary>
    public int SlabPair()
    {
        var call = SlabCall.For(Gfp.Atomic, TaskFlags.None, AllocContext.Softirq, cpu: 0);
        var cache = Memory.Slabs.SkbHead;
        cache.Alloc(ref call);
        cache.Free(call.Slab, 0);
        return call.Slab;
    }

    /// <summary>Maps anonymous pages, all dirty and old.</summary>
    public void FillAnonymous()
    {
        for (var vpn = 0; vpn < Memory.Spaces.PagesPerProcess; vpn++)
        {
            if (!Memory.Spaces.HasTable(vpn))
            {
                Memory.Spaces.AddPageTable(vpn, Page(PageOwner.PageTable));
            }

            Memory.Spaces.MapNewAnon(vpn, Page(PageOwner.Anon), write: true, stamp: 0);
        }
    }

    /// <summary>
    /// One direct reclaim of GFP_NOIO, as the stuck sender does it: it may not write, so it looks at pages of every
    /// priority and keeps them all.
    /// </summary>
    public long FruitlessReclaim()
    {
        Memory.Vmscan.BeginDirect(_reclaim, Gfp.NoIo, 0, TaskFlags.KThread, 0);
        while (Memory.Vmscan.Step(_reclaim) != ReclaimStepKind.Done)
        {
            _reclaim.CostNs = 0;
        }

        return _reclaim.NrReclaimed;
    }

    private int Page(PageOwner owner)
    {
        var call = AllocCall.For(owner, Gfp.HighUserMovable, TaskFlags.None, AllocContext.Task, cpu: 0);
        return Memory.Pages.Continue(ref call) == AllocOutcome.Granted
            ? call.Page
            : throw new InvalidOperationException($"no page for {owner}: {Memory.Pages.FreePages} are free");
    }
}
