// SLAB's lists held against its counters.
using ClusterSwap.Kernel.Memory;
using MemoryPack;

namespace ClusterSwap.Kernel.Slab;

public sealed partial class SlabCache
{
    /// <summary>Free objects that arrays hold, of all CPUs and nodes.</summary>
    [MemoryPackIgnore]
    public int ObjectsInArrays
    {
        get
        {
            var sum = 0;
            foreach (var node in _nodes)
            {
                sum += node.ObjectsInArrays;
            }

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
        var outside = 0L;
        foreach (var node in _nodes)
        {
            outside += Walk(node);
        }

        Require(outside == _objectsInUse + ObjectsInArrays,
            $"{outside} objects outside slabs, {_objectsInUse} in use, {ObjectsInArrays} in arrays");
        Require(_objectsInUse >= 0, $"{_objectsInUse} objects in use");
        if (HasNodes)
        {
            RequireHomes();
        }
    }

    private long Walk(SlabNode node)
    {
        var outside = Walk(in node.Full, ObjectsPerSlab, ObjectsPerSlab, out var flaggedFull)
            + Walk(in node.Partial, 1, ObjectsPerSlab - 1, out var flaggedPartial)
            + Walk(in node.Free, 0, 0, out var flaggedFree);
        var flagged = flaggedFull + flaggedPartial + flaggedFree;
        Require(node.FreeObjects == node.Slabs * ObjectsPerSlab - outside,
            $"{node.FreeObjects} free objects, {node.Slabs} slabs, {outside} objects outside");
        Require(flagged == node.FlaggedSlabs, $"{flagged} flagged slabs, count says {node.FlaggedSlabs}");
        Require(_reserve.FlagsSlabs || flagged == 0, $"{flagged} flagged slabs without patch 1");
        return outside;
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
