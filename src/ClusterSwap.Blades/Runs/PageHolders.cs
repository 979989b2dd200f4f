// Who holds each page of a blade: every present page is counted once.
using ClusterSwap.Kernel;
using ClusterSwap.Kernel.Memory;

namespace ClusterSwap.Blades.Runs;

/// <summary>
/// The pages of a blade by what holds them, and of these the ones that came from the reserve. The amounts add up to the
/// pages that are present. Looking changes nothing.
/// </summary>
public sealed class PageHolders
{
    private static readonly string[] s_names =
    [
        "free", "on per-CPU lists", "anonymous on the LRU lists", "being written to swap", "being read from swap",
        "isolated by reclaimers", "page cache", "slab", "data to be sent", "received data and ring buffers",
        "page tables", "the kernel's own",
    ];

    private readonly long[] _pages = new long[s_names.Length];
    private readonly long[] _reserve = new long[s_names.Length];
    private readonly MachineMemory _memory;

    /// <summary>Counts the pages of a machine, O(pages).</summary>
    public PageHolders(MachineMemory memory)
    {
        _memory = memory;
        var frames = memory.Pages.Frames;
        foreach (var zone in memory.Pages.Zones)
        {
            // Block by block: the frames behind the first one of a block know nothing.
            for (var page = zone.StartPfn; page < zone.EndPfn;)
            {
                ref readonly var frame = ref frames[page];
                var pages = 1 << frame.Order;
                var holder = HolderOf(in frame);
                _pages[holder] += pages;
                _reserve[holder] += frame.Has(PageFlags.FromReserve) ? pages : 0;
                page += pages;
            }
        }
    }

    /// <summary>Pages in all: as many as are present.</summary>
    public long Present => _pages.Sum();

    /// <summary>Pages of the reserve in all.</summary>
    public long Reserve => _reserve.Sum();

    /// <summary>Holders that have pages, with how many.</summary>
    public IReadOnlyList<KeyValuePair<string, long>> Pages => WithPages(_pages);

    /// <summary>Holders that have pages of the reserve, with how many.</summary>
    public IReadOnlyList<KeyValuePair<string, long>> ReservePages => WithPages(_reserve);

    /// <summary>The same in lines for a report.</summary>
    public IEnumerable<string> Tell()
    {
        yield return HangStory.Text($"of {Present:N0} pages: ") + Words(Pages);
        var caches = Enumerable.Range(0, _memory.Slabs.Count).Select(i => _memory.Slabs[i])
            .Where(cache => cache.PagesHeld > 0)
            .Select(cache => HangStory.Text(
                $"{cache.Name} {cache.PagesHeld:N0} ({cache.ObjectsInUse:N0} objects in use)"));
        yield return "pages of slab caches: " + string.Join(", ", caches);
        yield return Reserve == 0
            ? "no page of the reserve is in use"
            : HangStory.Text($"of {Reserve:N0} pages of the reserve in use: ") + Words(ReservePages);
    }

    private static string Words(IEnumerable<KeyValuePair<string, long>> holders) =>
        string.Join(", ", holders.Select(holder => HangStory.Text($"{holder.Value:N0} {holder.Key}")));

    private static KeyValuePair<string, long>[] WithPages(long[] pages) => s_names
        .Select((name, i) => KeyValuePair.Create(name, pages[i])).Where(holder => holder.Value > 0).ToArray();

    // An index into s_names. A page that is isolated and written at once is the writer's: it comes free with the write.
    private static int HolderOf(in PageFrame frame) => frame.Owner switch
    {
        PageOwner.Free => 0,
        PageOwner.PerCpu => 1,
        PageOwner.Anon when frame.Has(PageFlags.Writeback) => 3,
        PageOwner.Anon when frame.Has(PageFlags.Isolated) => 5,
        PageOwner.Anon when frame.Has(PageFlags.Locked) => 4,
        PageOwner.Anon => 2,
        PageOwner.File when frame.Has(PageFlags.Isolated) => 5,
        PageOwner.File => 6,
        PageOwner.Slab => 7,
        PageOwner.TxFragment => 8,
        PageOwner.RxFragment => 9,
        PageOwner.PageTable => 10,
        _ => 11,
    };
}
