// Where free pages could come from.
using ClusterSwap.Blades.Actors;
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Net;
using ClusterSwap.Kernel.Reclaim;
using ClusterSwap.Kernel.Slab;

namespace ClusterSwap.Blades.Runs;

public sealed partial class WaitForGraph
{
    // First try of mempool_alloc: neither waits nor uses the reserve.
    private const Gfp MempoolGfp = (Gfp.NoIo & ~Gfp.Wait) | Gfp.NoMemAlloc | Gfp.NoRetry | Gfp.NoWarn;

    private void ConnectMemory()
    {
        var policy = _states.Memory.Pages.Policy;
        var bound = policy.Mode == MempolicyMode.Bind ? 1 << policy.Node : 0;
        if (Available(Gfp.HighUserMovable, TaskFlags.None, AllocContext.Task, bound))
        {
            _pagesForProcesses.GoesOn("pages are free that a process may take");
        }

        var call = PendingAllocation(_states.Device);
        if (Available(call.Gfp == Gfp.None ? Gfp.NoIo : call.Gfp, call.Task, AllocContext.Task))
        {
            _pagesForSender.GoesOn("pages are free that the NBD sender may take");
        }

        if (AFrameFindsABuffer())
        {
            _ring.GoesOn();
        }

        _ring.Needs(_freeing);
        _pagesForProcesses.Needs(_freeing);
        _pagesForSender.Needs(_freeing);
        ConnectFreeing();
    }

    private void ConnectFreeing()
    {
        // Writes that end leave clean pages, ACKs free what was sent, and reading frees what was received.
        _reads.EndWaitOf(_freeing);
        _writes.EndWaitOf(_freeing);
        _freeing.Needs(_received);
        _freeing.Needs(_receiver);
        var (clean, emptySlabs) = CountFreeable();
        if (clean > 0)
        {
            _freeing.GoesOn(HangStory.Count(clean, "clean page", "clean pages") + " can be reclaimed without I/O");
        }

        if (_states.Memory.Slabs.Kind == SlabKind.Slab && (emptySlabs > 0 || ObjectsInArrays() > 0))
        {
            _freeing.GoesOn("the slab reaper still finds free objects");
        }
    }

    // A buffer that is filled already, or a new one. A driver that copies has none filled: its descriptors are not what a
    // frame goes up in.
    private bool AFrameFindsABuffer()
    {
        var ring = _states.Softirq.Ring;
        if (!ring.AllocatesPerFrame && _states.Softirq.Available > 0)
        {
            return true;
        }

        var skbs = _states.Memory.Skbs;
        var dataGfp = _states.Device.Socket.KeyRaised ? Gfp.Atomic | Gfp.MemAlloc : Gfp.Atomic;
        var data = Available(dataGfp, TaskFlags.None, AllocContext.Softirq)
            || (ring.Path != RxPath.Paged && skbs.FragmentHasRoom(Softirq.InterruptCpu));
        return data && (skbs.HasHeader(ring.Path, Softirq.InterruptCpu, out var header)
            || Available(header.Gfp, header.Task, header.Context));
    }

    // May such a request be granted by a zone of the nodes of the mask (0: all)?
    private bool Available(Gfp gfp, TaskFlags task, AllocContext context, int nodes = 0)
    {
        var pages = _states.Memory.Pages;
        var flags = GfpRules.ToAllocFlags(gfp, task, context, _states.Place.Spec.Rules);
        if ((flags & AllocFlags.NoWatermarks) != 0)
        {
            return pages.FreePages + pages.PerCpuPages > 0;
        }

        // What lies on per-CPU lists goes back to the zones as soon as some reclaimer makes progress (drain_all_pages).
        var classzone = pages.HighestType(gfp);
        foreach (var zone in pages.Zones)
        {
            var mark = zone.Mark(flags) - pages.PerCpuPages;
            if (zone.Type <= classzone && (nodes == 0 || (nodes >> zone.Node & 1) != 0)
                && pages.ZoneWatermarkOk(zone, 0, mark, classzone, flags))
            {
                return true;
            }
        }

        return false;
    }

    private bool BioCanBeHad() =>
        _states.Memory.Bios.Kept > 0 || Available(MempoolGfp, TaskFlags.None, AllocContext.Task);

    // pfmemalloc_watermark_ok.
    private bool HalfOfReserveIsFree(int node)
    {
        var pages = _states.Memory.Pages;
        var reserve = 0L;
        foreach (var zone in pages.Zones)
        {
            reserve += zone.Node == node ? zone.Min : 0;
        }

        return pages.FreeOn(node) > reserve / 2;
    }

    /// <summary>Pages that those who scan can free without I/O, and slabs without an object.</summary>
    private (long Clean, long EmptySlabs) CountFreeable()
    {
        var scanning = Scanning();
        long clean = 0, emptySlabs = 0;
        foreach (ref readonly var frame in _states.Memory.Pages.Frames.AsSpan())
        {
            if (frame.Owner == PageOwner.Slab)
            {
                emptySlabs += frame.Private == 0 ? 1 : 0;
            }
            else if (scanning.Count > 0 && frame.Has(PageFlags.Lru) && IsClean(in frame))
            {
                clean++;
            }
        }

        foreach (var call in scanning)
        {
            foreach (var page in call.Isolated.AsSpan(0, call.Taken))
            {
                clean += IsClean(in _states.Memory.Pages.Frames[page]) ? 1 : 0;
            }
        }

        return (clean, emptySlabs);
    }

    // Written out or never written: in the swap cache or of a file, and neither locked, under writeback nor dirty.
    private static bool IsClean(ref readonly PageFrame frame) =>
        (frame.Flags & (PageFlags.Locked | PageFlags.Writeback | PageFlags.Dirty)) == 0
        && (frame.Owner == PageOwner.File || frame.Has(PageFlags.SwapCache));

    /// <summary>
    /// Reclaimers that go on scanning. One that sleeps for a request or a bio scans nothing until I/O ends, and keeps
    /// what it has isolated.
    /// </summary>
    private List<ReclaimCall> Scanning()
    {
        var scanning = new List<ReclaimCall>();
        if (_states.Device.SenderPhase == SenderPhase.Memory)
        {
            scanning.Add(_states.SenderReclaimer.Call);
        }

        foreach (var node in _states.Memory.Kswapds)
        {
            var task = BladeTasks.KswapdOf(_states.Place.Group, node.Node);
            if (_states.KswapdOf(node.Node).Task.Wait is WaitKind.None or WaitKind.Timer || IsAwake(task))
            {
                scanning.Add(node.Scan);
            }
        }

        for (var process = 0; process < _states.UserTasks; process++)
        {
            if (_states.UserTask(process).EndedNs < 0
                && (IsLoop(_states.Innermost(process).Wait) || IsAwake(BladeTasks.Process(process))))
            {
                scanning.Add(_states.Reclaimer(process).Call);
            }
        }

        return scanning;
    }

    private long ObjectsInArrays()
    {
        var objects = 0L;
        var caches = _states.Memory.Slabs;
        for (var i = 0; i < caches.Count; i++)
        {
            objects += caches[i] is SlabCache slab ? slab.ObjectsInArrays : 0;
        }

        return objects;
    }
}
