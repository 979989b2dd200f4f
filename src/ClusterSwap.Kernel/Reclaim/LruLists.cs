// The LRU lists of a blade: four per zone (since 4.8 four in all), linked through the page frames.
using ClusterSwap.Kernel.Memory;
using MemoryPack;

namespace ClusterSwap.Kernel.Reclaim;

/// <summary>
/// The LRU lists (<c>struct lruvec</c>, 3.6) of every zone. A page is on at most one list; new pages enter at the
/// head, reclaim takes from the tail. Keeps the <c>nr_(in)active_*</c> gauges exact. Pages enter at once: there are no
/// per-CPU page vectors.
/// </summary>
[MemoryPackable]
public sealed partial class LruLists : ILruLists
{
    /// <summary>Lists per zone.</summary>
    public const int ListsPerZone = 4;

    private PageFrame[] _frames = [];
    private VmStat _stat = new();

    /// <summary>For deserialization; <see cref="Attach"/> must follow.</summary>
    [MemoryPackConstructor]
    public LruLists()
    {
    }

    /// <summary>Empty lists for zones that end before the given page frame numbers (ascending).</summary>
    public LruLists(ReadOnlySpan<int> zoneEnds)
    {
        ZoneEnds = zoneEnds.ToArray();
        Head = new int[zoneEnds.Length * ListsPerZone];
        Tail = new int[zoneEnds.Length * ListsPerZone];
        Sizes = new long[zoneEnds.Length * ListsPerZone];
        Array.Fill(Head, PageFrame.None);
        Array.Fill(Tail, PageFrame.None);
        Zones = new ZoneReclaimState[zoneEnds.Length];
        for (var zone = 0; zone < Zones.Length; zone++)
        {
            Zones[zone] = new ZoneReclaimState();
        }
    }

    /// <summary>
    /// Where the parts of memory end that have lists of their own: each zone (<c>struct zone</c>, 3.6), or the node
    /// as a whole (<c>struct pglist_data</c>, 4.8).
    /// </summary>
    public static int[] EndsOf(Zone[] zones, KernelRules rules) => new ReclaimRules(rules).ByNode
        ? [zones[^1].EndPfn]
        : Array.ConvertAll(zones, zone => zone.EndPfn);

    /// <summary>First page frame number after each zone.</summary>
    public int[] ZoneEnds = [];

    /// <summary>First page of each list, at zone × 4 + list; −1 when empty.</summary>
    public int[] Head = [];

    /// <summary>Last page of each list.</summary>
    public int[] Tail = [];

    /// <summary>Pages on each list.</summary>
    public long[] Sizes = [];

    /// <summary>Reclaim statistics by zone.</summary>
    public ZoneReclaimState[] Zones = [];

    /// <summary>
    /// Grows whenever a page enters, leaves or changes its list, or changes its state so that a scan would treat it
    /// differently. A reclaimer that takes pages and puts all of them back as they were does not change it, so a full
    /// scan between two equal values would come to nothing again.
    /// </summary>
    public long Generation;

    /// <summary>Connects the lists with the page frames and counters of their blade.</summary>
    public void Attach(PageFrame[] frames, VmStat stat)
    {
        _frames = frames;
        _stat = stat;
    }

    /// <summary>What reclaim remembers about the zone, or about its node where that has the lists.</summary>
    public ZoneReclaimState StateOf(int zone) => Zones[Math.Min(zone, Zones.Length - 1)];

    /// <summary>The zone of a page.</summary>
    public int ZoneOf(int page)
    {
        var zone = 0;
        while (page >= ZoneEnds[zone])
        {
            zone++;
        }

        return zone;
    }

    /// <inheritdoc/>
    public long Size(int zone, LruList list) => Sizes[zone * ListsPerZone + (int)list];

    /// <summary>The gauge that counts a list over all zones: both enums have the kernel's order.</summary>
    public static VmGauge GaugeOf(LruList list) => (VmGauge)list;

    /// <summary>Indicates an active list.</summary>
    public static bool IsActive(LruList list) => ((int)list & 1) != 0;

    /// <summary><see cref="ZoneReclaimState.Anon"/> or <see cref="ZoneReclaimState.File"/>.</summary>
    public static int FileOf(LruList list) => (int)list >> 1;

    /// <summary><c>page_lru</c>: the list that a page is on or belongs to.</summary>
    public static LruList ListOf(in PageFrame frame) =>
        (LruList)((frame.Owner == PageOwner.File ? 2 : 0) + (frame.Has(PageFlags.Active) ? 1 : 0));

    /// <inheritdoc/>
    public void Add(int page, LruList list)
    {
        ref var frame = ref _frames[page];
        var owner = FileOf(list) == ZoneReclaimState.File ? PageOwner.File : PageOwner.Anon;
        if (frame.Owner != owner || (frame.Flags & (PageFlags.Lru | PageFlags.Isolated)) != 0)
        {
            throw new InvalidOperationException(
                $"page {page} cannot enter {list}: owner {frame.Owner}, flags {frame.Flags}");
        }

        var zone = ZoneOf(page);
        Link(zone, list, page, atTail: false);
        Zones[zone].CountSeen(FileOf(list), IsActive(list));
        Generation++;
    }

    /// <inheritdoc/>
    public void Delete(int page)
    {
        Unlink(ZoneOf(page), page);
        _frames[page].Clear(PageFlags.Active);
        Generation++;
    }

    /// <inheritdoc/>
    public void Activate(int page)
    {
        ref var frame = ref _frames[page];
        if ((frame.Flags & (PageFlags.Lru | PageFlags.Active)) != PageFlags.Lru)
        {
            return;
        }

        var zone = ZoneOf(page);
        var list = ListOf(frame);
        Unlink(zone, page);
        Link(zone, list + 1, page, atTail: false);
        Zones[zone].CountSeen(FileOf(list), rotated: true);
        _stat.Count(VmCounter.pgactivate);
        Generation++;
    }

    /// <summary>
    /// <c>mark_page_accessed</c>, 3.6: the first use marks an inactive page, the second activates it.
    /// </summary>
    public void MarkAccessed(int page)
    {
        ref var frame = ref _frames[page];
        if ((frame.Flags & (PageFlags.Lru | PageFlags.Active | PageFlags.Referenced))
            == (PageFlags.Lru | PageFlags.Referenced))
        {
            Activate(page);
            frame.Clear(PageFlags.Referenced);
        }
        else if (!frame.Has(PageFlags.Referenced))
        {
            frame.Set(PageFlags.Referenced);
            Generation++;
        }
    }

    /// <inheritdoc/>
    public void RotateReclaimable(int page) =>
        Rotate(page, PageFlags.Locked | PageFlags.Dirty | PageFlags.Active);

    /// <summary>
    /// <c>folio_rotate_reclaimable</c>, 4.11: as <see cref="RotateReclaimable"/>, and from the active list too.
    /// </summary>
    public void RotateWritten(int page) => Rotate(page, PageFlags.Locked | PageFlags.Dirty);

    private void Rotate(int page, PageFlags barring)
    {
        ref var frame = ref _frames[page];
        if ((frame.Flags & (PageFlags.Lru | barring)) != PageFlags.Lru)
        {
            return;
        }

        var zone = ZoneOf(page);
        Unlink(zone, page);
        frame.Clear(PageFlags.Active);
        Link(zone, ListOf(frame), page, atTail: true);
        _stat.Count(VmCounter.pgrotated);
        Generation++;
    }
}
