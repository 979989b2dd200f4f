// What must go together within one group of blades: memory, swap, zones, network card, traffic.
using ClusterSwap.Kernel.Block;
using ClusterSwap.Kernel.Net;

namespace ClusterSwap.Blades.Scenarios;

/// <summary>Checks the values of a group against each other.</summary>
internal static class GroupCheck
{
    private const long PagesIn4GiB = 1L << 20;
    private const long DmaPages = 4_096;
    private const int UdpAndIpHeaderBytes = 28;
    private const int ModelledMtu = 1_500;

    // What slab caches keep that booting warmed with 256 objects or more (SLAB: up to a mebibyte a CPU).
    private const long WarmPages = 384;
    private const long WarmPagesPerCpu = 256;
    private const long WarmObjects = 256;

    // A receive buffer of an ordinary frame takes half a page.
    private const long RingBuffersPerPage = 2;

    /// <summary>Adds every problem of <paramref name="group"/> to <paramref name="problems"/>.</summary>
    public static void Run(CheckedTable group, List<ScenarioProblem> problems)
    {
        var ram = group.Get<long>("ram");
        Memory(group, ram, problems);
        Zones(group, ram, problems);
        NodesCheck.Run(group, problems);
        Swap(group, ram, problems);
        Block(group, problems);
        Network(group, problems);
        Streams(group, ram, problems);
    }

    private static void Block(CheckedTable group, List<ScenarioProblem> problems)
    {
        var rules = ReleaseCheck.Rules(group);
        if (!BlockRules.Knows(rules, (IoScheduler)SchedulerWords.Of(group.Get<string>("scheduler"), rules)))
        {
            Add(problems, group, "scheduler", "unknown to the kernel", SchedulerWords.KnownBy(rules));
        }

        if (BlockRules.IsMultiQueue(rules) && group.Get<long>("nr_requests") > RequestQueue.NrRequests)
        {
            Add(problems, group, "nr_requests", "more than the device has tags", $"at most {RequestQueue.NrRequests}");
        }
    }

    /// <summary>
    /// Smallest swap, pages, with which the workload is run at full size: MMTests caps the mapping at 70 % of RAM and
    /// swap together. Rounded up.
    /// </summary>
    public static long SwapNeededPages(long mappingPages, long ramPages) =>
        Math.Max(0, (mappingPages * 10 + 6) / 7 - ramPages);

    private static void Memory(CheckedTable group, long ram, List<ScenarioProblem> problems)
    {
        const int kibPerPage = 4;
        var set = group.Get<long>("min_free_kbytes");
        var ramKib = ram * kibPerPage;

        // init_per_zone_wmark_min (3.6): the root of 16 x lowmem in KiB, within 128 KiB and 64 MiB.
        var reserve = set > 0 ? set : Math.Clamp(Root(16 * ramKib), 128, 65_536);
        if (reserve >= ramKib)
        {
            Add(problems, group, "min_free_kbytes", "the reserve is larger than RAM",
                $"less than ram, {Units.Pages(ram)} = {ramKib} KiB");
            return;
        }

        var boot = group.Get<long>("kernel_resident") + group.Get<long>("page_cache");
        var warm = Math.Min(group.Get<long>("warm_objects"), WarmObjects);
        var buffers = group.Below("nic").Get<long>("ring") / RingBuffersPerPage
            + (WarmPages + WarmPagesPerCpu * group.Get<long>("cpus")) * warm / WarmObjects;
        var free = ram - reserve / kibPerPage - buffers;
        if (boot > free)
        {
            problems.Add(new ScenarioProblem(
                group.Place("kernel_resident"), group.Path("kernel_resident"), "the blade cannot boot",
                $"kernel_resident {group.Show("kernel_resident")} and page_cache {group.Show("page_cache")}",
                $"together at most {Units.Pages(free)}: ram {Units.Pages(ram)} less a reserve of {reserve} KiB and "
                + $"{Units.Pages(buffers)} for slabs and the receive ring", null));
        }
    }

    private static void Zones(CheckedTable group, long ram, List<ScenarioProblem> problems)
    {
        var layout = group.Get<string>("zones");
        var normal = layout == "dma-dma32-normal";
        if (layout == "flat" || (normal ? ram > PagesIn4GiB : ram is > DmaPages and <= PagesIn4GiB))
        {
            return;
        }

        Add(problems, group, "zones", $"impossible with ram {Units.Pages(ram)}",
            "flat with any size, dma-dma32 above 16 MiB and up to 4 GiB, dma-dma32-normal above 4 GiB");
    }

    private static void Swap(CheckedTable group, long ram, List<ScenarioProblem> problems)
    {
        var mapping = group.Get<MappingSize>("mapping").On(ram);
        var processes = group.Get<long>("cpus") * group.Get<long>("processes_per_cpu");
        if (mapping < processes)
        {
            Add(problems, group, "mapping", "less than a page for each process",
                $"at least {Units.Pages(processes)} for {processes} processes");
        }

        var needed = SwapNeededPages(mapping, ram);
        if (group.Get<long>("swap") < needed)
        {
            const int pagesPerMib = 256;
            var mib = (needed + pagesPerMib - 1) / pagesPerMib;
            Add(problems, group, "swap", $"too small for a mapping of {Units.Pages(mapping)}",
                $"at least \"{mib} MiB\", so that the mapping is at most 70 % of RAM and swap together");
        }
    }

    private static void Network(CheckedTable group, List<ScenarioProblem> problems)
    {
        var nic = group.Below("nic");
        if (nic.Get<bool>("tso") && !nic.Get<bool>("sg"))
        {
            Add(problems, nic, "tso", "segmentation offload needs scatter-gather", "false, or sg = true");
        }

        if (nic.Get<long>("mtu") != ModelledMtu)
        {
            Add(problems, nic, "mtu", "segments and receive buffers are modelled at one size", $"{ModelledMtu}");
        }

        if (!nic.Get<bool>("sg") && nic.Get<string>("rx_path") != "per-frame"
            && SocketRules.AlwaysGathers(ReleaseCheck.Rules(group)))
        {
            Add(problems, nic, "sg", "below TCP this kernel copies segments, which is modelled only for a NIC without rings",
                "true, or rx_path = \"per-frame\", or changes = \"auto - tcp-always-sg\"");
        }

        var traffic = group.Below("background");
        var bystanders = traffic.Get<long>("bystanders");
        if (traffic.Get<long>("stalled_readers") > bystanders)
        {
            Add(problems, traffic, "stalled_readers", "more than there are sockets",
                $"at most bystanders, {bystanders}");
        }

        if (traffic.Get<long>("packets_per_second") > 0 && bystanders == 0)
        {
            Add(problems, traffic, "packets_per_second", "no socket to send to", "0, or bystanders of 1 or more");
        }

        if (traffic.Get<bool>("tap_stalled") && !traffic.Get<bool>("tap"))
        {
            Add(problems, traffic, "tap_stalled", "no tap to stall", "false, or tap = true");
        }

        var largest = nic.Get<long>("mtu") - UdpAndIpHeaderBytes;
        if (traffic.Get<long>("packet_bytes") > largest)
        {
            Add(problems, traffic, "packet_bytes", "does not fit in a packet",
                $"at most {largest}, which is mtu less 28");
        }
    }

    private static void Streams(CheckedTable group, long ram, List<ScenarioProblem> problems)
    {
        var traffic = group.Below("background");
        var streams = traffic.Get<long>("tcp_streams");
        if (traffic.Get<long>("tcp_stalled_readers") > streams)
        {
            Add(problems, traffic, "tcp_stalled_readers", "more than there are streams", $"at most tcp_streams, {streams}");
        }

        if (traffic.Get<long>("tcp_messages_per_second") > 0 && streams == 0)
        {
            Add(problems, traffic, "tcp_messages_per_second", "no stream to write to", "0, or tcp_streams of 1 or more");
        }

        // All address spaces of a blade are equally large.
        var most = group.Get<MappingSize>("mapping").On(ram)
            / (group.Get<long>("cpus") * group.Get<long>("processes_per_cpu"));
        if (streams > 0 && traffic.Get<long>("tcp_reader") > most)
        {
            Add(problems, traffic, "tcp_reader", "a reader larger than a process of the workload",
                $"at most {Units.Pages(most)}, which is mapping by the number of processes");
        }
    }

    private static void Add(
        List<ScenarioProblem> problems, CheckedTable table, string key, string what, string allowed) =>
        problems.Add(new ScenarioProblem(table.Place(key), table.Path(key), what, table.Show(key), allowed, null));

    // Whole square root, rounded down.
    private static long Root(long value)
    {
        long root = 0;
        for (var bit = 1L << 31; bit > 0; bit >>= 1)
        {
            root = (root | bit) * (root | bit) <= value ? root | bit : root;
        }

        return root;
    }
}
