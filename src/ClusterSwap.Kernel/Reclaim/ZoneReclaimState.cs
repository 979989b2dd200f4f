// What reclaim remembers about one zone between calls.
using MemoryPack;

namespace ClusterSwap.Kernel.Reclaim;

/// <summary>
/// Reclaim statistics and flags of a zone (<c>struct zone</c> and its <c>zone_reclaim_stat</c>, 3.6). Plain data.
/// </summary>
[MemoryPackable]
public sealed partial class ZoneReclaimState : Memory.IPagesFreed
{
    /// <summary>Index of the anonymous lists in the arrays below.</summary>
    public const int Anon = 0;

    /// <summary>Index of the file lists in the arrays below.</summary>
    public const int File = 1;

    /// <summary>Pages scanned recently, anonymous and file; halved when they exceed a quarter of the lists.</summary>
    public long[] RecentScanned = new long[2];

    /// <summary>Of those, pages that turned out to be in use.</summary>
    public long[] RecentRotated = new long[2];

    /// <summary>Pages that reclaimers of this zone hold off the lists, anonymous and file.</summary>
    public long[] Isolated = new long[2];

    /// <summary>Pages scanned since a page of the zone was last freed.</summary>
    public long PagesScanned;

    /// <summary>Six times everything reclaimable was scanned and nothing was freed; set by kswapd.</summary>
    public bool AllUnreclaimable;

    /// <summary>Cost of reclaiming anonymous and file pages lately (<c>lru_note_cost</c>, 5.8).</summary>
    public long[] Cost = new long[2];

    /// <summary>Pages evicted from or activated in the node (<c>nonresident_age</c>, 5.9).</summary>
    public uint NonresidentAge;

    /// <summary>Pages that were active at once when they came back (WORKINGSET_ACTIVATE_ANON).</summary>
    public long RefaultsActivated;

    /// <summary>Its value when reclaim last ended (<c>snapshot_refaults</c>).</summary>
    public long RefaultsSeen;

    /// <summary>PGDAT_WRITEBACK: a whole visit of kswapd found nothing but pages under writeback (3.11).</summary>
    public bool Crowded;

    /// <summary>Rounds of kswapd in a row that freed nothing (4.12).</summary>
    public int KswapdFailures;

    /// <summary>
    /// ZONE_CONGESTED. Anonymous pages never set it (their pseudo device is never congested); kswapd clears it.
    /// </summary>
    public bool Congested;

    /// <summary>
    /// Pages of the zone reached the buddy lists: the zone is worth scanning again (<c>free_one_page</c>, 3.6).
    /// </summary>
    public void PagesFreed()
    {
        PagesScanned = 0;
        AllUnreclaimable = false;
    }

    /// <summary><c>update_page_reclaim_stat</c>: one page was looked at and was, or was not, in use.</summary>
    internal void CountSeen(int file, bool rotated)
    {
        RecentScanned[file]++;
        if (rotated)
        {
            RecentRotated[file]++;
        }
    }

    /// <summary>Throws when a count is negative.</summary>
    public void AssertInvariants()
    {
        for (var file = 0; file < 2; file++)
        {
            if (RecentScanned[file] < 0 || RecentRotated[file] < 0 || Isolated[file] < 0)
            {
                throw new InvalidOperationException(
                    $"zone statistics below zero: list {file}, scanned {RecentScanned[file]}, "
                    + $"rotated {RecentRotated[file]}, isolated {Isolated[file]}");
            }
        }

        if (PagesScanned < 0)
        {
            throw new InvalidOperationException($"pages_scanned below zero: {PagesScanned}");
        }
    }
}
