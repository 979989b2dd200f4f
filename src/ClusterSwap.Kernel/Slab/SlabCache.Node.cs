// SLAB's node: full, partial and free slabs, refill and flush of the arrays, and the reaping worker.
using ClusterSwap.Kernel.Memory;
using MemoryPack;

namespace ClusterSwap.Kernel.Slab;

public sealed partial class SlabCache
{
    [MemoryPackInclude] private SlabList _full;
    [MemoryPackInclude] private SlabList _partial;
    [MemoryPackInclude] private SlabList _free;

    /// <summary>Free objects inside slabs; those in arrays do not count.</summary>
    [MemoryPackInclude] private long _freeObjects;

    /// <summary>A refill has looked for a free slab since the worker came by.</summary>
    [MemoryPackInclude] private bool _freeTouched;
    [MemoryPackInclude] private long _nextNodeReapNs;

    /// <summary>Slabs that carry the reserve flag.</summary>
    [MemoryPackInclude] private int _flaggedSlabs;

    /// <inheritdoc/>
    [MemoryPackIgnore]
    public long PagesHeld => Slabs << _order;

    /// <summary>Slabs that carry the reserve flag now.</summary>
    [MemoryPackIgnore]
    public int FlaggedSlabs => _flaggedSlabs;

    private long Slabs => _full.Count + _partial.Count + _free.Count;

    private void AddSlab(int slab, bool fromReserve)
    {
        var flagged = _reserve.FlagsSlabs && fromReserve;
        SlabPages.Begin(_pages.Frames, slab, _order, Index, flagged);
        if (flagged)
        {
            _reserve.PfMemAllocActive = true;
            _flaggedSlabs++;
        }

        _free.AddTail(_pages.Frames, slab);
        _freeObjects += ObjectsPerSlab;
        AccountPages(1);
    }

    /// <summary>Gives a slab that is on no list back.</summary>
    private void Destroy(int slab, int cpu)
    {
        if (_pages.Frames[slab].Has(PageFlags.SlabPfMemAlloc))
        {
            _flaggedSlabs--;
        }

        _freeObjects -= ObjectsPerSlab;
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
    /// <c>recheck_pfmemalloc_active</c> looks through this cache alone and yet decides for all of them: objects of
    /// another cache's flagged slabs are then put without a tag until the next reserve page arrives.
    /// </remarks>
    private void Unreserve(int slab)
    {
        ref var frame = ref _pages.Frames[slab];
        if (frame.Has(PageFlags.SlabPfMemAlloc))
        {
            frame.Clear(PageFlags.SlabPfMemAlloc);
            _flaggedSlabs--;
        }

        Unreserved++;
        if (_flaggedSlabs == 0)
        {
            _reserve.PfMemAllocActive = false;
        }
    }

    /// <summary>
    /// <c>cache_alloc_refill</c> without its growing: a batch from the shared array, or else from partial, then free
    /// slabs.
    /// </summary>
    private void Refill(ArrayCache array)
    {
        var wanted = array.Touched ? _batch : Math.Min(_batch, SlabGeometry.BatchRefillLimit);
        if (array.TransferFrom(_shared, wanted) > 0)
        {
            _shared.Touched = true;
            return;
        }

        while (wanted > 0)
        {
            var slab = _partial.Head;
            if (slab == PageFrame.None)
            {
                _freeTouched = true;
                slab = _free.Head;
                if (slab == PageFrame.None)
                {
                    return;
                }
            }

            wanted -= TakeObjects(array, slab, wanted);
        }
    }

    private int TakeObjects(ArrayCache array, int slab, int most)
    {
        ref var frame = ref _pages.Frames[slab];
        ListOf(in frame).Remove(_pages.Frames, slab);
        var taken = Math.Min(most, ObjectsPerSlab - frame.Private);
        for (var i = 0; i < taken; i++)
        {
            Put(array, slab, in frame);
        }

        frame.Private += taken;
        _freeObjects -= taken;
        ListOf(in frame).AddHead(_pages.Frames, slab);
        return taken;
    }

    /// <summary>The list on which a slab with so many objects outside belongs; Private counts them.</summary>
    private ref SlabList ListOf(in PageFrame frame)
    {
        if (frame.Private == 0)
        {
            return ref _free;
        }

        return ref frame.Private == ObjectsPerSlab ? ref _full : ref _partial;
    }

    /// <summary>
    /// <c>cache_flusharray</c>: the oldest batch goes to the shared array, or to its slabs when that is full.
    /// </summary>
    private void FlushArray(ArrayCache array, int cpu)
    {
        var count = _batch;
        var room = _shared.Limit - _shared.Avail;
        if (room > 0)
        {
            count = Math.Min(count, room);
            array.Entries.AsSpan(0, count).CopyTo(_shared.Entries.AsSpan(_shared.Avail));
            _shared.Avail += count;
            array.DropOldest(count);
            return;
        }

        FreeOldest(array, count, cpu);
    }

    /// <summary>
    /// <c>free_block</c>: returns the oldest objects to their slabs; empty slabs beyond the limit go back.
    /// </summary>
    private void FreeOldest(ArrayCache array, int count, int cpu)
    {
        for (var i = 0; i < count; i++)
        {
            var slab = array.Entries[i] >> 1;
            ref var frame = ref _pages.Frames[slab];
            SlabPages.RequireSlabOf(in frame, slab, Index, Name);
            if (frame.Private == 0)
            {
                throw new InvalidOperationException($"{Name}: slab {slab} got back more objects than it gave");
            }

            ListOf(in frame).Remove(_pages.Frames, slab);
            frame.Private--;
            _freeObjects++;
            if (frame.Private > 0)
            {
                _partial.AddTail(_pages.Frames, slab);
            }
            else if (_freeObjects > _freeLimit)
            {
                Destroy(slab, cpu);
            }
            else
            {
                _free.AddHead(_pages.Frames, slab);
            }
        }

        array.DropOldest(count);
    }

    /// <summary>
    /// <c>cache_reap</c> of one CPU, due every 2 s: drains an array that was not used since the last time by a fifth,
    /// and every 4 s the shared array and a fifth of the free slabs too.
    /// </summary>
    public void Reap(int cpu, long nowNs)
    {
        DrainUntouched(_arrays[cpu], cpu);
        if (nowNs < _nextNodeReapNs)
        {
            return;
        }

        _nextNodeReapNs = nowNs + SlabGeometry.NodeReapPeriodNs;
        DrainUntouched(_shared, cpu);
        if (_freeTouched)
        {
            _freeTouched = false;
            return;
        }

        var most = (_freeLimit + 5 * ObjectsPerSlab - 1) / (5 * ObjectsPerSlab);
        for (var i = 0; i < most && _free.Count > 0; i++)
        {
            var slab = _free.Tail;
            _free.Remove(_pages.Frames, slab);
            Destroy(slab, cpu);
        }
    }

    private void DrainUntouched(ArrayCache array, int cpu)
    {
        if (array.Avail == 0)
        {
            return;
        }

        if (array.Touched)
        {
            array.Touched = false;
            return;
        }

        var count = (array.Limit + 4) / 5;
        FreeOldest(array, count > array.Avail ? (array.Avail + 1) / 2 : count, cpu);
    }

    /// <summary>Free objects that arrays hold, of all CPUs and shared.</summary>
    [MemoryPackIgnore]
    public int ObjectsInArrays
    {
        get
        {
            var sum = _shared.Avail;
            foreach (var array in _arrays)
            {
                sum += array.Avail;
            }

            return sum;
        }
    }

    /// <summary>Checks lists against counters: objects are in use, in an array or in a slab. O(slabs).</summary>
    public void AssertInvariants()
    {
        var outside = Walk(in _full, ObjectsPerSlab, ObjectsPerSlab, out var flaggedFull)
            + Walk(in _partial, 1, ObjectsPerSlab - 1, out var flaggedPartial)
            + Walk(in _free, 0, 0, out var flaggedFree);
        var flagged = flaggedFull + flaggedPartial + flaggedFree;
        Require(outside == _objectsInUse + ObjectsInArrays,
            $"{outside} objects outside slabs, {_objectsInUse} in use, {ObjectsInArrays} in arrays");
        Require(_freeObjects == Slabs * ObjectsPerSlab - outside,
            $"{_freeObjects} free objects, {Slabs} slabs, {outside} objects outside");
        Require(flagged == _flaggedSlabs, $"{flagged} flagged slabs, count says {_flaggedSlabs}");
        Require(_objectsInUse >= 0, $"{_objectsInUse} objects in use");
        Require(_reserve.FlagsSlabs || flagged == 0, $"{flagged} flagged slabs without patch 1");
    }

    private long Walk(in SlabList list, int least, int most, out int flagged)
    {
        long outside = 0;
        var slabs = 0;
        flagged = 0;
        for (var slab = list.Head; slab != PageFrame.None; slab = _pages.Frames[slab].Next)
        {
            ref var frame = ref _pages.Frames[slab];
            SlabPages.RequireSlabOf(in frame, slab, Index, Name);
            Require(frame.Private >= least && frame.Private <= most, $"slab {slab} of {frame.Private} on a wrong list");
            outside += frame.Private;
            flagged += frame.Has(PageFlags.SlabPfMemAlloc) ? 1 : 0;
            slabs++;
        }

        Require(slabs == list.Count, $"a list has {slabs} slabs, its count says {list.Count}");
        return outside;
    }

    private void Require(bool holds, string what)
    {
        if (!holds)
        {
            throw new InvalidOperationException($"{Name}: {what}");
        }
    }
}
