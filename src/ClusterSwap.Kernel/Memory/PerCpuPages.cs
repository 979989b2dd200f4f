// The per-CPU lists in front of the buddy allocator: single pages, without a lock, invisible to the watermarks.
using System.Numerics;
using System.Runtime.CompilerServices;

namespace ClusterSwap.Kernel.Memory;

/// <summary>One list for each mobility type.</summary>
[InlineArray(PageBlock.Types)]
public struct PageListPerType
{
    private PageList _first;
}

/// <summary>
/// Free single pages that one CPU keeps of one zone (<c>struct per_cpu_pages</c>, 3.6). They belong to nobody but do
/// not count as free: with four CPUs on 2 GiB up to 744 pages, half of min.
/// </summary>
public struct PerCpuPages
{
    /// <summary>Pages on all lists.</summary>
    public int Count;

    /// <summary>When so many pages have gathered, a batch goes back to the zone.</summary>
    public int High;

    /// <summary>Pages moved between zone and lists at a time.</summary>
    public int Batch;

    /// <summary>The rules of 5.14: short lists while kswapd works, and greater batches when pages are only
    /// freed.</summary>
    public bool Adapts;

    /// <summary>How often the batch to be given back was doubled since pages were last taken (5.14).</summary>
    public int FreeFactor;

    /// <summary>Lists by type: taken from and given to at the head, cold pages at the tail.</summary>
    public PageListPerType Lists;

    // Bounds of zone_batchsize: at most 512 KiB, before the division by four.
    private const long MostPages = 128;

    /// <summary>The same since 4.20: at most 1 MiB.</summary>
    public const long MostPages420 = 256;

    /// <summary>Empty lists for one CPU of a zone.</summary>
    /// <param name="zone">The zone, its marks set.</param>
    /// <param name="cpus">CPUs of the machine.</param>
    /// <param name="rules">The kernel's rules.</param>
    public static PerCpuPages For(Zone zone, int cpus, KernelRules rules)
    {
        var pages = new PerCpuPages { Adapts = rules.Has(KernelChange.PerCpuHigh) };
        pages.SetSizes(zone, cpus);
        for (var type = 0; type < PageBlock.Types; type++)
        {
            pages.Lists[type] = PageList.Empty;
        }

        return pages;
    }

    /// <summary>Sets batch and high from the zone's size and marks; pages on the lists stay.</summary>
    public void SetSizes(Zone zone, int cpus)
    {
        var batch = BatchSize(zone.Managed, Adapts ? MostPages420 : MostPages);
        Batch = Math.Max(1, batch);

        // zone_highsize, 5.14.
        High = Adapts ? (int)Math.Max(zone.Low / cpus, 4 * Batch) : 6 * batch;
    }

    /// <summary>
    /// <c>zone_batchsize</c>, 3.6, pages: one below a power of two, 31 on a zone of 512 MiB or more. 0 on ZONE_DMA,
    /// whose lists therefore stay empty.
    /// </summary>
    public static int BatchSize(long present, long most = MostPages)
    {
        var batch = (int)Math.Max(1, Math.Min(present / 1024, most) / 4);
        return (1 << BitOperations.Log2((uint)(batch + batch / 2))) - 1;
    }

    /// <summary>
    /// Takes a page for a request of the type, refilling from the zone if need be; −1 when the zone has none.
    /// </summary>
    public int Take(Zone zone, PageFrame[] frames, MigrateType type, bool cold)
    {
        ref var list = ref Lists[(int)type];
        if (list.Head < 0 && Refill(zone, frames, type) == 0)
        {
            return PageFrame.None;
        }

        Count--;
        FreeFactor >>= 1;
        if (!cold)
        {
            return list.TakeHead(frames);
        }

        var page = list.Tail;
        list.Remove(frames, page);
        return page;
    }

    /// <summary>
    /// Puts a page on the list of a type, and gives a batch back to the zone when that makes too many.
    /// </summary>
    public void Give(Zone zone, PageFrame[] frames, int page, MigrateType type, bool cold)
    {
        frames[page].Owner = PageOwner.PerCpu;

        // Pages of blocks that are set aside go where anybody may take them.
        ref var list = ref Lists[(int)(type == MigrateType.HighAtomic ? MigrateType.Movable : type)];
        if (cold)
        {
            list.AddTail(frames, page);
        }
        else
        {
            list.AddHead(frames, page);
        }

        Count++;
        if (Count >= HighNow(zone))
        {
            GiveBack(zone, frames, Math.Min(Adapts ? BatchToFree(HighNow(zone)) : Batch, Count));
        }
    }

    // nr_pcp_high, 5.14: four batches while kswapd works.
    private readonly int HighNow(Zone zone) => Adapts && zone.ReclaimActive ? Math.Min(4 * Batch, High) : High;

    // nr_pcp_free, 5.14: twice as much each time while nobody takes pages, but a batch stays.
    private int BatchToFree(int high)
    {
        var most = high - Batch;
        var pages = Batch << FreeFactor;
        if (pages < most)
        {
            FreeFactor++;
        }

        return Math.Clamp(pages, Batch, Math.Max(Batch, most));
    }

    /// <summary>
    /// Gives pages back to the zone (<c>free_pcppages_bulk</c>, in outline): from the tails, where the coldest lie,
    /// one page of each type in turn.
    /// </summary>
    public void GiveBack(Zone zone, PageFrame[] frames, int pages)
    {
        if (pages > Count)
        {
            throw new InvalidOperationException($"zone {zone.Name}: {pages} pages wanted back from lists of {Count}");
        }

        Count -= pages;
        for (var type = 0; pages > 0; type = (type + 1) % PageBlock.Types)
        {
            ref var list = ref Lists[type];
            var page = list.Tail;
            if (page < 0)
            {
                continue;
            }

            list.Remove(frames, page);
            frames[page].Owner = PageOwner.Free;
            var isSetAside = zone.BlockType(page) == MigrateType.HighAtomic;
            zone.GiveBlock(frames, page, 0, isSetAside ? MigrateType.HighAtomic : (MigrateType)type);
            pages--;
        }
    }

    // rmqueue_bulk: a whole batch after a watermark test that was made for one page, so free pages may end below the
    // mark.
    private int Refill(Zone zone, PageFrame[] frames, MigrateType type)
    {
        ref var list = ref Lists[(int)type];
        var taken = 0;
        while (taken < Batch)
        {
            var page = zone.TakeBlock(frames, 0, type);
            if (page < 0)
            {
                break;
            }

            frames[page].Owner = PageOwner.PerCpu;
            list.AddTail(frames, page);
            taken++;
        }

        Count += taken;
        return taken;
    }
}
