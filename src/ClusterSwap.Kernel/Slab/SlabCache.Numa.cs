// SLAB on several nodes: objects of the own node first, those of others by hand, and where freed ones go.
using ClusterSwap.Kernel.Memory;

namespace ClusterSwap.Kernel.Slab;

public sealed partial class SlabCache
{
    private const byte FallbackOfPolicy = 3;
    private const byte Fallback = 4;

    private bool HasNodes => _nodes.Length > 1;

    /// <summary>
    /// <c>__do_cache_alloc</c> with NUMA, 3.6: where the task's policy wants the object from, then the CPU's array,
    /// then the node by hand. The requests for pages in between are for one node alone: they neither wait nor reclaim.
    /// </summary>
    private AllocOutcome AllocOnNodes(ref SlabCall call)
    {
        var local = _pages.NodeOfCpu(call.Cpu);
        var wanted = _pages.SlabNode(call.Task, call.Context, call.Cpu);
        return wanted == local ? AllocLocally(ref call) : AllocFromNode(ref call, wanted, FallbackOfPolicy);
    }

    private AllocOutcome AllocLocally(ref SlabCall call)
    {
        var entry = FromArray(ref call);
        return entry == NoEntry
            ? AllocFromNode(ref call, _pages.NodeOfCpu(call.Cpu), Fallback)
            : Grant(entry, ref call);
    }

    // ____cache_alloc and cache_alloc_refill.
    private int FromArray(ref SlabCall call)
    {
        var array = _arrays[call.Cpu];
        var local = _pages.NodeOfCpu(call.Cpu);
        if (array.Avail == 0)
        {
            Refill(_nodes[local], array);
            if (array.Avail == 0 && GrowNode(ref call, local))
            {
                Refill(_nodes[local], array);
            }

            if (array.Avail == 0)
            {
                return NoEntry;
            }
        }

        array.Touched = true;
        var entry = Get(array, in call, forced: false);
        return entry == NoEntry && GrowNode(ref call, local) ? Get(array, in call, forced: true) : entry;
    }

    /// <summary>
    /// <c>____cache_alloc_node</c>: straight from a slab of the node, flagged or not, for whoever asks; else from a new
    /// slab there, else from anywhere.
    /// </summary>
    private AllocOutcome AllocFromNode(ref SlabCall call, int node, byte stage) =>
        TryTakeFrom(node, ref call) || (GrowNode(ref call, node) && TryTakeFrom(node, ref call))
            ? AllocOutcome.Granted
            : FallBack(ref call, stage);

    /// <summary>
    /// <c>fallback_alloc</c>: free objects of any node, the policy's first; then a page from anywhere, with the
    /// request's own flags and so with all that these allow.
    /// </summary>
    private AllocOutcome FallBack(ref SlabCall call, byte stage)
    {
        var first = _pages.SlabNode(call.Task, call.Context, call.Cpu);
        for (var step = 0; step < _nodes.Length; step++)
        {
            if (TryTakeFrom((first + step) % _nodes.Length, ref call))
            {
                return AllocOutcome.Granted;
            }
        }

        call.Stage = stage;
        call.Pages = SlabPages.Request(in call, Account, Gfp.None, _order);
        call.Pages.OnNode = (byte)(_pages.NodeOfCpu(call.Cpu) + 1);
        return ContinueFallback(ref call);
    }

    private AllocOutcome ContinueFallback(ref SlabCall call)
    {
        var outcome = SlabPages.Continue(_pages, ref call);
        switch (outcome)
        {
            case AllocOutcome.Granted:
                AddSlab(call.Pages.Page, call.Pages.PfMemAlloc);
                TryTakeFrom(_pages.NodeOf(call.Pages.Page), ref call);
                return AllocOutcome.Granted;
            case AllocOutcome.Failed:
                return call.Stage == FallbackOfPolicy ? AllocLocally(ref call) : Fail(ref call);
            default:
                return outcome;
        }
    }

    // cache_grow with GFP_THISNODE.
    private bool GrowNode(ref SlabCall call, int node)
    {
        var pages = SlabPages.Request(in call, Account | Gfp.OneNode, Gfp.NoFail, _order);
        pages.OnNode = (byte)(node + 1);
        if (_pages.Continue(ref pages) != AllocOutcome.Granted)
        {
            return false;
        }

        AddSlab(pages.Page, pages.PfMemAlloc);
        return true;
    }

    private bool TryTakeFrom(int number, ref SlabCall call)
    {
        var node = _nodes[number];
        var slab = node.Partial.Head;
        if (slab == PageFrame.None)
        {
            node.FreeTouched = true;
            slab = node.Free.Head;
            if (slab == PageFrame.None)
            {
                return false;
            }
        }

        ref var frame = ref _pages.Frames[slab];
        ListOf(node, in frame).Remove(_pages.Frames, slab);
        frame.Private++;
        node.FreeObjects--;
        ListOf(node, in frame).AddHead(_pages.Frames, slab);
        Grant(slab << 1, ref call);
        return true;
    }

    /// <summary>
    /// <c>cache_free_alien</c>: an object of another node never enters a CPU's array. It waits with up to a dozen
    /// others to go home.
    /// </summary>
    private bool TryFreeAlien(int slab, in PageFrame frame, int cpu)
    {
        var home = _pages.NodeOf(slab);
        var local = _pages.NodeOfCpu(cpu);
        if (home == local)
        {
            return false;
        }

        var alien = _nodes[local].Alien[home];
        if (alien.Avail == alien.Limit)
        {
            SendHome(alien, home, cpu);
        }

        _objectsInUse--;
        Put(alien, slab, in frame);
        return true;
    }

    // __drain_alien_cache: into the shared array of their node as far as there is room, then into their slabs.
    private void SendHome(ArrayCache alien, int home, int cpu)
    {
        var node = _nodes[home];
        node.Shared.TransferFrom(alien, alien.Limit);
        FreeOldest(node, alien, alien.Avail, cpu);
    }

    // Arrays of CPUs and nodes hold objects of their own node, alien ones those of the other.
    private void RequireHomes()
    {
        for (var cpu = 0; cpu < _arrays.Length; cpu++)
        {
            RequireHome(_arrays[cpu], _pages.NodeOfCpu(cpu));
        }

        for (var node = 0; node < _nodes.Length; node++)
        {
            RequireHome(_nodes[node].Shared, node);
            for (var home = 0; home < _nodes.Length; home++)
            {
                RequireHome(_nodes[node].Alien[home], home);
            }
        }
    }

    private void RequireHome(ArrayCache array, int home)
    {
        for (var i = 0; i < array.Avail; i++)
        {
            var slab = array.Entries[i] >> 1;
            Require(_pages.NodeOf(slab) == home, $"an object of slab {slab} in an array of objects of node {home}");
        }
    }
}
