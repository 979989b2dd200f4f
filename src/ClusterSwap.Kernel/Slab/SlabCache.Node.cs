// SLAB's node: full, partial and free slabs, refill and flush of the arrays.
using ClusterSwap.Kernel.Memory;
using MemoryPack;

namespace ClusterSwap.Kernel.Slab;

public sealed partial class SlabCache
{
    /// <inheritdoc/>
    [MemoryPackIgnore]
    public long PagesHeld => Slabs << _order;

    /// <summary>Slabs that carry the reserve flag now.</summary>
    [MemoryPackIgnore]
    public int FlaggedSlabs
    {
        get
        {
            var flagged = 0;
            foreach (var node in _nodes)
            {
                flagged += node.FlaggedSlabs;
            }

            return flagged;
        }
    }

    private long Slabs
    {
        get
        {
            var slabs = 0L;
            foreach (var node in _nodes)
            {
                slabs += node.Slabs;
            }

            return slabs;
        }
    }

    private SlabNode NodeOfSlab(int slab) => _nodes[HasNodes ? _pages.NodeOf(slab) : 0];

    private void AddSlab(int slab, bool fromReserve)
    {
        var flagged = fromReserve && (_reserve.Bypasses ? _reserve.Checks : _reserve.FlagsSlabs);
        SlabPages.Begin(_pages.Frames, slab, _order, Index, flagged);
        var node = NodeOfSlab(slab);
        if (flagged)
        {
            _reserve.PfMemAllocActive = true;
            node.FlaggedSlabs++;
        }

        node.Free.AddTail(_pages.Frames, slab);
        node.FreeObjects += ObjectsPerSlab;
        AccountPages(1);
    }

    /// <summary>Gives a slab that is on no list back.</summary>
    private void Destroy(SlabNode node, int slab, int cpu)
    {
        if (_pages.Frames[slab].Has(PageFlags.SlabPfMemAlloc))
        {
            node.FlaggedSlabs--;
        }

        node.FreeObjects -= ObjectsPerSlab;
        SlabPages.End(_pages, slab, cpu);
        AccountPages(-1);
    }

    private void AccountPages(int sign)
    {
        if (!_reclaimable)
        {
            _stat.Move(VmGauge.nr_slab_unreclaimable, sign << _order);
        }
    }

    /// <summary>Takes the flag off the slab, and recomputes whether there may be others.</summary>
    /// <remarks>
    /// <c>recheck_pfmemalloc_active</c> looks through this cache alone, on the CPU's node, and yet decides for all of
    /// them: objects of another cache's flagged slabs are then put without a tag until the next reserve page arrives.
    /// </remarks>
    private void Unreserve(int slab, SlabNode local)
    {
        ref var frame = ref _pages.Frames[slab];
        if (frame.Has(PageFlags.SlabPfMemAlloc))
        {
            frame.Clear(PageFlags.SlabPfMemAlloc);
            NodeOfSlab(slab).FlaggedSlabs--;
        }

        Unreserved++;
        if (local.FlaggedSlabs == 0)
        {
            _reserve.PfMemAllocActive = false;
        }
    }

    /// <summary>
    /// <c>cache_alloc_refill</c> without its growing: a batch from the shared array, or else from partial, then free
    /// slabs.
    /// </summary>
    private void Refill(SlabNode node, ArrayCache array)
    {
        var wanted = BatchOf(array);
        if (array.TransferFrom(node.Shared, wanted) > 0)
        {
            node.Shared.Touched = true;
            return;
        }

        while (wanted > 0)
        {
            var slab = FirstSlab(node, mayBeReserve: !_reserve.Bypasses);
            if (slab == PageFrame.None)
            {
                return;
            }

            wanted -= TakeObjects(node, array, slab, wanted);
        }
    }

    // A refill of an array that was not used lately is small.
    private int BatchOf(ArrayCache array) =>
        array.Touched ? _batch : Math.Min(_batch, SlabGeometry.BatchRefillLimit);

    /// <summary>
    /// <c>get_first_slab</c>: a partial slab, or else a free one. Since 4.6 a flagged one is passed over for a refill,
    /// or loses its flag when the node has more free objects than it needs (<c>get_valid_first_slab</c>).
    /// </summary>
    private int FirstSlab(SlabNode node, bool mayBeReserve)
    {
        var slab = node.Partial.Head;
        if (slab == PageFrame.None)
        {
            node.FreeTouched = true;
            slab = node.Free.Head;
        }

        if (slab == PageFrame.None || mayBeReserve || !Checks() || !_pages.Frames[slab].Has(PageFlags.SlabPfMemAlloc))
        {
            return slab;
        }

        if (node.FreeObjects > node.FreeLimit)
        {
            Unreserve(slab, node);
            return slab;
        }

        ref var list = ref ListOf(node, in _pages.Frames[slab]);
        list.Remove(_pages.Frames, slab);
        list.AddTail(_pages.Frames, slab);
        slab = FirstOrdinary(in node.Partial);
        if (slab == PageFrame.None)
        {
            node.FreeTouched = true;
            slab = FirstOrdinary(in node.Free);
        }

        return slab;
    }

    private int FirstOrdinary(in SlabList list)
    {
        var slab = list.Head;
        while (slab != PageFrame.None && _pages.Frames[slab].Has(PageFlags.SlabPfMemAlloc))
        {
            slab = _pages.Frames[slab].Next;
        }

        return slab;
    }

    /// <summary>
    /// <c>cache_alloc_pfmemalloc</c>, 4.6: an object of the first slab, reserve or not, past the arrays, for a request
    /// that is entitled to the reserve. <see cref="PageFrame.None"/>: none.
    /// </summary>
    private int TakeFromReserve(SlabNode node, in SlabCall call)
    {
        if (!Checks() || !_pages.PfMemAllocAllowed(call.Gfp, call.Task, call.Context))
        {
            return PageFrame.None;
        }

        var slab = FirstSlab(node, mayBeReserve: true);
        if (slab != PageFrame.None)
        {
            ref var frame = ref _pages.Frames[slab];
            ListOf(node, in frame).Remove(_pages.Frames, slab);
            frame.Private++;
            node.FreeObjects--;
            ListOf(node, in frame).AddHead(_pages.Frames, slab);
        }

        return slab;
    }

    private int TakeObjects(SlabNode node, ArrayCache array, int slab, int most)
    {
        ref var frame = ref _pages.Frames[slab];
        ListOf(node, in frame).Remove(_pages.Frames, slab);
        var taken = Math.Min(most, ObjectsPerSlab - frame.Private);
        for (var i = 0; i < taken; i++)
        {
            Put(array, slab, in frame);
        }

        frame.Private += taken;
        node.FreeObjects -= taken;
        ListOf(node, in frame).AddHead(_pages.Frames, slab);
        return taken;
    }

    /// <summary>The list on which a slab with so many objects outside belongs; Private counts them.</summary>
    private ref SlabList ListOf(SlabNode node, in PageFrame frame)
    {
        if (frame.Private == 0)
        {
            return ref node.Free;
        }

        return ref frame.Private == ObjectsPerSlab ? ref node.Full : ref node.Partial;
    }

    /// <summary>
    /// <c>cache_flusharray</c>: the oldest batch goes to the shared array, or to its slabs when that is full.
    /// </summary>
    private void FlushArray(SlabNode node, ArrayCache array, int cpu)
    {
        var count = _batch;
        var shared = node.Shared;
        var room = shared.Limit - shared.Avail;
        if (room > 0)
        {
            count = Math.Min(count, room);
            array.Entries.AsSpan(0, count).CopyTo(shared.Entries.AsSpan(shared.Avail));
            shared.Avail += count;
            array.DropOldest(count);
            return;
        }

        FreeOldest(node, array, count, cpu);
    }

    /// <summary>
    /// <c>free_block</c>: returns the oldest objects to their slabs, all of which are on one node; empty slabs beyond
    /// the limit go back.
    /// </summary>
    private void FreeOldest(SlabNode node, ArrayCache array, int count, int cpu)
    {
        for (var i = 0; i < count; i++)
        {
            ReturnObject(node, array.Entries[i] >> 1, cpu);
        }

        Trim(node, cpu);
        array.DropOldest(count);
    }

    private void ReturnObject(SlabNode node, int slab, int cpu)
    {
        ref var frame = ref _pages.Frames[slab];
        SlabPages.RequireSlabOf(in frame, slab, Index, Name);
        if (frame.Private == 0)
        {
            throw new InvalidOperationException($"{Name}: slab {slab} got back more objects than it gave");
        }

        ListOf(node, in frame).Remove(_pages.Frames, slab);
        frame.Private--;
        node.FreeObjects++;
        if (frame.Private > 0)
        {
            node.Partial.AddTail(_pages.Frames, slab);
        }
        else if (node.FreeObjects > node.FreeLimit && !_compact)
        {
            Destroy(node, slab, cpu);
        }
        else
        {
            node.Free.AddHead(_pages.Frames, slab);
        }
    }

    // The end of free_block, 4.10: free slabs above the limit, the oldest first.
    private void Trim(SlabNode node, int cpu)
    {
        while (_compact && node.FreeObjects > node.FreeLimit && node.Free.Count > 0)
        {
            var slab = node.Free.Tail;
            node.Free.Remove(_pages.Frames, slab);
            Destroy(node, slab, cpu);
        }
    }
}
