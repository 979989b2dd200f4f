// The page tables of all processes of a blade, and what maps a page into them.
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Reclaim;
using ClusterSwap.Kernel.Slab;
using MemoryPack;

namespace ClusterSwap.Kernel.Swap;

/// <summary>
/// Page tables of all processes in one array: entry number = blade-wide virtual page (vpn) = process x pages per
/// process + offset. A page that is mapped keeps its vpn in <see cref="PageFrame.Mapping"/>, which is all of the
/// reverse mapping that is needed without fork. Page table pages are one per 512 entries; the upper levels are left
/// out.
/// </summary>
[MemoryPackable]
public sealed partial class AddressSpaces
{
    /// <summary>Entries of a page table page (PTRS_PER_PTE, x86-64).</summary>
    public const int EntriesPerTable = 512;

    [MemoryPackInclude]
    private readonly uint[] _entries;

    [MemoryPackInclude]
    private readonly int[] _tables;

    [MemoryPackIgnore]
    private PageFrame[] _frames = [];

    [MemoryPackIgnore]
    private ILruLists _lru = null!;

    [MemoryPackIgnore]
    private VmStat _stat = null!;

    [MemoryPackIgnore]
    private CostModel _cost = null!;

    [MemoryPackIgnore]
    private SwapMap _map = null!;

    [MemoryPackIgnore]
    private SwapCache _cache = null!;

    [MemoryPackIgnore]
    private LruList _newPages;

    [MemoryPackIgnore]
    private bool _readsNeighbours;

    /// <summary>Empty page tables for <paramref name="processes"/> processes of equal size.</summary>
    public AddressSpaces(int processes, int pagesPerProcess)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(processes, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(pagesPerProcess, 1);
        Processes = processes;
        PagesPerProcess = pagesPerProcess;
        _entries = new uint[checked(processes * pagesPerProcess)];
        _tables = new int[processes * TablesPerProcess];
        Array.Fill(_tables, PageFrame.None);
    }

    [MemoryPackConstructor]
    private AddressSpaces(int processes, int pagesPerProcess, uint[] _entries, int[] _tables)
    {
        Processes = processes;
        PagesPerProcess = pagesPerProcess;
        this._entries = _entries;
        this._tables = _tables;
    }

    /// <summary>How many processes there are.</summary>
    public int Processes { get; }

    /// <summary>Pages of each process.</summary>
    public int PagesPerProcess { get; }

    /// <summary>Page table pages that a process needs when every page has been touched.</summary>
    [MemoryPackIgnore]
    public int TablesPerProcess => (PagesPerProcess + EntriesPerTable - 1) / EntriesPerTable;

    /// <summary>
    /// Connects the page tables with what others own; attaches <paramref name="cache"/> as well.
    /// </summary>
    public void Attach(
        PageFrame[] frames, ILruLists lru, VmStat stat, CostModel cost, SwapMap map, SwapCache cache,
        ISlabCache radixNodes, KernelRules rules = default)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(frames.Length, PageTableEntry.MaxFrame + 1);
        _frames = frames;
        _lru = lru;
        _stat = stat;
        _cost = cost;
        _map = map;
        _cache = cache;
        _readsNeighbours = rules.Has(KernelChange.VmaReadahead);
        _newPages = new ReclaimRules(rules).NewPages;
        cache.Attach(frames, map, stat, radixNodes);
    }

    /// <summary>Blade-wide number of a page of a process.</summary>
    public int Vpn(int process, int offset) => process * PagesPerProcess + offset;

    /// <summary>The page table entry, encoded as in <see cref="PageTableEntry"/>.</summary>
    public uint Entry(int vpn) => _entries[vpn];

    /// <summary>Indicates that the page table page for this virtual page exists.</summary>
    public bool HasTable(int vpn) => _tables[Table(vpn)] != PageFrame.None;

    /// <summary>
    /// <c>__pte_alloc</c>: a page (owner PageTable) becomes the page table for <paramref name="vpn"/>. False when
    /// another task was faster: the caller frees its page, as the kernel does.
    /// </summary>
    public bool AddPageTable(int vpn, int page)
    {
        ref var table = ref _tables[Table(vpn)];
        if (table != PageFrame.None)
        {
            return false;
        }

        table = page;
        _stat.Move(VmGauge.nr_page_table_pages, 1);
        return true;
    }

    /// <summary>
    /// <c>do_anonymous_page</c> (or <c>do_wp_page</c> over the zero page), 3.6: maps a page that was allocated for a
    /// first write, at the head of the active list (of the inactive one since 5.9). <paramref name="stamp"/> is what it
    /// contains: 0 when it is to be written by the next <see cref="Touch"/> of the same offset. The caller charges
    /// MinorFaultNs and CopyPageNs.
    /// </summary>
    public void MapNewAnon(int vpn, int page, bool write, uint stamp)
    {
        var entry = _entries[vpn];
        Require(vpn, page, entry is PageTableEntry.Empty or PageTableEntry.ZeroPage, "is mapped a second time");
        Require(vpn, page, HasTable(vpn), "has no page table");
        ref var frame = ref _frames[page];
        Require(vpn, page, frame.Owner == PageOwner.Anon, "gets a page of another owner");
        frame.Mapping = vpn;
        frame.Private = 0;
        frame.Stamp = stamp;
        frame.Flags = (frame.Flags & (PageFlags.PfMemAlloc | PageFlags.FromReserve)) | PageFlags.Uptodate;
        var bits = PageTableEntry.Young | PageTableEntry.Writable | (write ? PageTableEntry.Dirty : 0);
        _entries[vpn] = PageTableEntry.ToFrame(page, bits);
        _lru.Add(page, _newPages);
        _stat.Move(VmGauge.nr_anon_pages, 1);
        _stat.Count(VmCounter.pgfault);
    }

    private int Table(int vpn)
    {
        var process = vpn / PagesPerProcess;
        return process * TablesPerProcess + (vpn - process * PagesPerProcess) / EntriesPerTable;
    }

    private void Require(int vpn, int page, bool holds, string what)
    {
        if (!holds)
        {
            throw new InvalidOperationException(
                $"virtual page {vpn} (process {vpn / PagesPerProcess}, entry {_entries[vpn]:x8}) {what}; "
                + $"page {page}, flags {((uint)page < (uint)_frames.Length ? _frames[page].Flags : PageFlags.None)}");
        }
    }
}
