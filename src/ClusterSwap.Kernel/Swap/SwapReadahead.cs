// Which slots a swap fault reads together.
namespace ClusterSwap.Kernel.Swap;

/// <summary>
/// The aligned block of slots around a fault (<c>swapin_readahead</c>, 3.6; the adaptive window came in 3.8 and
/// later, the one by virtual address in 4.14).
/// </summary>
public static class SwapReadahead
{
    /// <summary>Most slots that one fault reads.</summary>
    public const int MaxSlots = 1 << PageCluster;

    /// <summary>The default of /proc/sys/vm/page-cluster.</summary>
    public const int PageCluster = 3;

    private const long SmallPages = 16L << 20 >> 12;

    /// <summary>The default <c>page_cluster</c>: 2 below 16 MiB of memory, else 3 (<c>swap_setup</c>, 3.6).</summary>
    public static int DefaultPageCluster(long ramPages) => ramPages < SmallPages ? PageCluster - 1 : PageCluster;

    /// <summary>
    /// Slots to read for a fault on <paramref name="slot"/>, ascending: of its aligned block of
    /// 2^<paramref name="pageCluster"/> slots those that a page table entry needs and that are not cached. Returns
    /// how many; the target is among them unless it was cached meanwhile. (3.6 allocates a page for an unused slot as
    /// well, and frees it at once: left out.)
    /// </summary>
    public static int Window(SwapMap map, int pageCluster, int slot, Span<int> slots)
    {
        var block = 1 << pageCluster;
        var start = slot & ~(block - 1);
        var end = Math.Min(start + block, map.Pages);
        var count = 0;
        for (var next = Math.Max(start, 1); next < end; next++)
        {
            if (map.IsUsedByPte(next) && !map.IsCached(next))
            {
                slots[count++] = next;
            }
        }

        return count;
    }
}
