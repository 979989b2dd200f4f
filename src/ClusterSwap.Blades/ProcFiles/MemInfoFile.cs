// /proc/meminfo.
using System.Globalization;
using System.Text;
using ClusterSwap.Kernel;
using ClusterSwap.Kernel.Memory;

namespace ClusterSwap.Blades.ProcFiles;

/// <summary>/proc/meminfo (<c>meminfo_proc_show</c>): name and colon in 16 columns, the value in 8, then kB.</summary>
public static class MemInfoFile
{
    private const long KiBPerPage = 4;
    private const int LabelColumns = 16;
    private const int LineColumns = 24;

    // VMALLOC_TOTAL of x86-64.
    private const long VmallocTotalKiB = 34_359_738_367;

    // overcommit_ratio: 50 %.
    private const long OvercommitDivisor = 2;

    private static readonly string[] Names36 = ProcText.Words("""
        MemTotal MemFree Buffers Cached SwapCached Active Inactive Active(anon) Inactive(anon) Active(file)
        Inactive(file) Unevictable Mlocked SwapTotal SwapFree Dirty Writeback AnonPages Mapped Shmem Slab SReclaimable
        SUnreclaim KernelStack PageTables NFS_Unstable Bounce WritebackTmp CommitLimit Committed_AS VmallocTotal
        VmallocUsed VmallocChunk HardwareCorrupted AnonHugePages
        """);

    private static readonly string[] Names61 = ProcText.Words("""
        MemTotal MemFree MemAvailable Buffers Cached SwapCached Active Inactive Active(anon) Inactive(anon) Active(file)
        Inactive(file) Unevictable Mlocked SwapTotal SwapFree Dirty Writeback AnonPages Mapped Shmem KReclaimable Slab
        SReclaimable SUnreclaim KernelStack PageTables SecPageTables NFS_Unstable Bounce WritebackTmp CommitLimit
        Committed_AS VmallocTotal VmallocUsed VmallocChunk Percpu HardwareCorrupted AnonHugePages ShmemHugePages
        ShmemPmdMapped FileHugePages FilePmdMapped
        """);

    private static readonly string[] HugePages =
        ["HugePages_Total", "HugePages_Free", "HugePages_Rsvd", "HugePages_Surp"];

    /// <summary>Names of the lines, without those of huge pages.</summary>
    public static IReadOnlyList<string> Names(ProcForm form) => form == ProcForm.Linux36 ? Names36 : Names61;

    /// <summary>The file.</summary>
    public static string Write(ProcMoment moment, ProcForm form)
    {
        var values = Values(moment);
        var text = new StringBuilder();
        foreach (var name in Names(form))
        {
            Line(text, name, values[name]);
        }

        foreach (var name in HugePages)
        {
            text.Line($"{name + ":",-16}{0,8}");
        }

        text.Line($"{"Hugepagesize:",-16}{2048,8} kB");
        if (form == ProcForm.Linux61)
        {
            text.Line($"{"Hugetlb:",-16}{0,8} kB");
        }

        return text.ToString();
    }

    // The one name that is too long for its column has a narrower value.
    private static void Line(StringBuilder text, string name, long value)
    {
        var label = (name + ":").PadRight(LabelColumns);
        var number = value.ToString(CultureInfo.InvariantCulture).PadLeft(LineColumns - label.Length);
        text.Line($"{label}{number} kB");
    }

    /// <summary>Every value that the model has, KiB.</summary>
    public static NamedCounters Values(ProcMoment moment)
    {
        var memory = moment.Memory;
        var pages = memory.Stat;
        var slab = memory.Pages.CountOwned(PageOwner.Slab);
        var total = memory.Pages.Zones.Sum(zone => moment.ManagedPages(zone.Index));
        var values = new NamedCounters
        {
            ["MemTotal"] = total,
            ["MemFree"] = memory.Pages.FreePages,
            ["MemAvailable"] = Available(memory),
            ["Cached"] = pages[VmGauge.nr_file_pages],
            ["SwapCached"] = pages[VmGauge.nr_swapcached],
            ["Active"] = pages[VmGauge.nr_active_anon] + pages[VmGauge.nr_active_file],
            ["Inactive"] = pages[VmGauge.nr_inactive_anon] + pages[VmGauge.nr_inactive_file],
            ["Active(anon)"] = pages[VmGauge.nr_active_anon],
            ["Inactive(anon)"] = pages[VmGauge.nr_inactive_anon],
            ["Active(file)"] = pages[VmGauge.nr_active_file],
            ["Inactive(file)"] = pages[VmGauge.nr_inactive_file],
            ["SwapTotal"] = memory.Slots.TotalSlots,
            ["SwapFree"] = memory.Slots.FreeSlots,
            ["Dirty"] = pages[VmGauge.nr_dirty],
            ["Writeback"] = pages[VmGauge.nr_writeback],
            ["AnonPages"] = pages[VmGauge.nr_anon_pages],
            ["Slab"] = slab,
            ["SReclaimable"] = slab - pages[VmGauge.nr_slab_unreclaimable],
            ["KReclaimable"] = slab - pages[VmGauge.nr_slab_unreclaimable],
            ["SUnreclaim"] = pages[VmGauge.nr_slab_unreclaimable],
            ["PageTables"] = pages[VmGauge.nr_page_table_pages],
            ["CommitLimit"] = total / OvercommitDivisor + memory.Slots.TotalSlots,
            ["Committed_AS"] = (long)memory.Spaces.Processes * memory.Spaces.PagesPerProcess,
        };
        foreach (var name in values.Known.ToArray())
        {
            values[name] *= KiBPerPage;
        }

        values["VmallocTotal"] = VmallocTotalKiB;
        return values;
    }

    // si_mem_available, 6.1: free pages that nobody keeps back, and what of the page cache can be given up.
    private static long Available(MachineMemory memory)
    {
        long reserved = 0, low = 0;
        foreach (var zone in memory.Pages.Zones)
        {
            reserved += Math.Min(zone.High + zone.LowmemReserve.Max(), zone.Present);
            low += zone.Low;
        }

        var cache = memory.Stat[VmGauge.nr_active_file] + memory.Stat[VmGauge.nr_inactive_file];
        var slab = memory.Pages.CountOwned(PageOwner.Slab) - memory.Stat[VmGauge.nr_slab_unreclaimable];
        return Math.Max(0, memory.Pages.FreePages - reserved
            + cache - Math.Min(cache / 2, low) + slab - Math.Min(slab / 2, low));
    }
}
