// SLAB's worker that gives back what was not used lately.
namespace ClusterSwap.Kernel.Slab;

public sealed partial class SlabCache
{
    /// <summary>
    /// <c>cache_reap</c> of one CPU, due every 2 s: drains an array that was not used since the last time by a fifth,
    /// and every 4 s the shared array of its node and a fifth of the free slabs there too. Before that the objects of
    /// node <paramref name="alienOf"/> go home, where there are several nodes.
    /// </summary>
    public void Reap(int cpu, long nowNs, int alienOf = 0)
    {
        var node = NodeOfCpu(cpu);
        if (HasNodes && node.Alien[alienOf].Avail > 0)
        {
            SendHome(node.Alien[alienOf], alienOf, cpu);
        }

        DrainUntouched(node, _arrays[cpu], cpu);
        if (nowNs < node.NextReapNs)
        {
            return;
        }

        node.NextReapNs = nowNs + SlabGeometry.NodeReapPeriodNs;
        DrainUntouched(node, node.Shared, cpu);
        if (node.FreeTouched)
        {
            node.FreeTouched = false;
            return;
        }

        var most = (node.FreeLimit + 5 * ObjectsPerSlab - 1) / (5 * ObjectsPerSlab);
        for (var i = 0; i < most && node.Free.Count > 0; i++)
        {
            var slab = node.Free.Tail;
            node.Free.Remove(_pages.Frames, slab);
            Destroy(node, slab, cpu);
        }
    }

    private void DrainUntouched(SlabNode node, ArrayCache array, int cpu)
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
        FreeOldest(node, array, count > array.Avail ? (array.Avail + 1) / 2 : count, cpu);
    }
}
