// Files of a blade under pressure: they can be read back, and their numbers agree with one another.
using ClusterSwap.Blades.Actors;
using ClusterSwap.Blades.ProcFiles;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Kernel;

namespace ClusterSwap.Blades.Tests.ProcFiles;

public sealed class ProcFileTests
{
    [Theory]
    [InlineData(ProcForm.Linux36)]
    [InlineData(ProcForm.Linux61)]
    public void Numbers_of_a_blade_under_pressure_agree_with_one_another(ProcForm form)
    {
        using var trial = new Trial(Trial.Quick("swapnbd", Trial.OnePass));
        var moment = MomentOf(trial.Run(Trial.Second));
        var vmstat = ProcReader.VmStat(VmStatFile.Write(moment, form))
            .ToDictionary(pair => pair.Name, pair => pair.Value);
        var meminfo = ProcReader.MemInfo(MemInfoFile.Write(moment, form));
        Assert.True(vmstat["pswpout"] > 1000);
        Assert.True(vmstat["nr_writeback"] > 0);
        Assert.Equal(4 * vmstat["nr_free_pages"], meminfo["MemFree"]);
        Assert.Equal(4 * vmstat["pswpout"], vmstat["pgpgout"]);
        Assert.Equal(4 * vmstat["pswpin"], vmstat["pgpgin"]);
        Assert.Equal(4 * vmstat["nr_anon_pages"], meminfo["AnonPages"]);
        Assert.Equal(4 * vmstat["nr_file_pages"], meminfo["Cached"] + meminfo["SwapCached"]);
        Assert.Equal(meminfo["Active"], meminfo["Active(anon)"] + meminfo["Active(file)"]);
        Assert.Equal(64 * 1024 - MissingKiB(moment), meminfo["MemTotal"]);
        if (form == ProcForm.Linux36)
        {
            Assert.Equal(trial.Sum(VmCounter.pgalloc), vmstat["pgalloc_dma"] + vmstat["pgalloc_dma32"]);
            Assert.Equal(
                trial.Sum(VmCounter.pgscan_direct), vmstat["pgscan_direct_dma"] + vmstat["pgscan_direct_dma32"]);
            Assert.Equal(trial.Sum(VmCounter.pgrefill), vmstat["pgrefill_dma"] + vmstat["pgrefill_dma32"]);
        }
        else
        {
            Assert.Equal(
                vmstat["pgscan_kswapd"] + vmstat["pgscan_direct"], vmstat["pgscan_anon"] + vmstat["pgscan_file"]);
            Assert.Equal(
                vmstat["pgsteal_kswapd"] + vmstat["pgsteal_direct"], vmstat["pgsteal_anon"] + vmstat["pgsteal_file"]);
            Assert.Equal(
                trial.Sum(VmCounter.allocstall),
                vmstat["allocstall_dma"] + vmstat["allocstall_dma32"] + vmstat["allocstall_normal"]
                    + vmstat["allocstall_movable"]);
        }
    }

    [Fact]
    public void Zones_add_up_to_the_machine()
    {
        using var trial = new Trial(Trial.Quick("swapnbd", Trial.OnePass));
        var moment = MomentOf(trial.Run(Trial.Second));
        var vmstat = VmStatFile.Values(moment);
        var zones = ProcReader.ZoneInfo(ZoneInfoFile.Write(moment, ProcForm.Linux36));
        Assert.Equal(["DMA", "DMA32"], zones.Select(zone => zone.Zone));
        foreach (var name in VmStatNames.OfZone(ProcForm.Linux36))
        {
            Assert.Equal((name, vmstat[name]), (name, zones.Sum(zone => zone.Fields[name])));
        }

        Assert.All(zones, zone => Assert.Equal(zone.Fields["nr_free_pages"], zone.Fields["free"]));
        Assert.Equal(trial.Blade().Memory.Pages.PerCpuPages, zones.Sum(zone => zone.Fields["pcp"]));
        Assert.Equal([0, 47, 47, 47], zones[0].Protection);
        Assert.Equal([0, 0, 0, 0], zones[1].Protection);
    }

    [Fact]
    public void A_flat_machine_of_one_CPU_shows_what_booting_left()
    {
        using var trial = new Trial(Trial.Quick("base", "blade.zones=flat", "blade.cpus=1"));
        var counters = string.Concat(VmStatNames.OfZone(ProcForm.Linux36).Select(name => $"    {name,-12} 0\n"))
            .Replace("nr_free_pages 0", "nr_free_pages 12650", StringComparison.Ordinal)
            .Replace("nr_inactive_file 0", "nr_inactive_file 2048", StringComparison.Ordinal)
            .Replace("nr_file_pages 0", "nr_file_pages 2048", StringComparison.Ordinal)
            .Replace("nr_slab_reclaimable 0", "nr_slab_reclaimable 12", StringComparison.Ordinal)
            .Replace("nr_slab_unreclaimable 0", "nr_slab_unreclaimable 122", StringComparison.Ordinal);
        Assert.Equal(
            "Node 0, zone   Normal\n"
            + "  pages free     12650\n        min      256\n        low      320\n        high     384\n"
            + "        scanned  0\n        spanned  16384\n        present  16384\n"
            + counters
            + "        protection: (0, 0, 0, 0)\n  pagesets\n    cpu: 0\n"
            + "              count: 16\n              high:  18\n              batch: 3\n  vm stats threshold: 2\n"
            + "  all_unreclaimable: 0\n  start_pfn:         0\n  inactive_ratio:    1\n",
            ZoneInfoFile.Write(MomentOf(trial), ProcForm.Linux36));
    }

    [Fact]
    public void Zoneinfo_of_6_1_lists_the_node_first_and_zones_without_memory_too()
    {
        using var trial = new Trial(Trial.Quick("swapnbd"));
        var text = ZoneInfoFile.Write(MomentOf(trial), ProcForm.Linux61);
        Assert.StartsWith("Node 0, zone      DMA\n  per-node stats\n      nr_inactive_anon ", text);
        var zones = ProcReader.ZoneInfo(text);
        Assert.Equal(["DMA", "DMA32", "Normal", "Movable"], zones.Select(zone => zone.Zone));
        Assert.Equal((0, 0), (zones[2].Fields["free"], zones[2].Fields["managed"]));
        Assert.True(zones[1].Fields["managed"] is > 10_000 and < 16_384);
    }

    [Fact]
    public void The_device_counts_requests_pages_and_time()
    {
        using var trial = new Trial(Trial.Quick("swapnbd", Trial.OnePass));
        var moment = MomentOf(trial.Run());
        var stat = ProcReader.Columns(BlockFiles.Stat(moment, ProcForm.Linux36));
        Assert.Equal(11, stat.Length);
        Assert.Equal(17, BlockFiles.Values(moment, ProcForm.Linux61).Count);
        var counters = trial.Nbd().Counters;
        Assert.Equal((counters.Reads, counters.PagesRead * 8), (stat[0], stat[2]));
        Assert.Equal((counters.Writes, counters.PagesWritten * 8), (stat[4], stat[6]));

        // Whatever did not make a request of its own joined one.
        Assert.Equal((counters.PagesRead, counters.PagesWritten), (stat[0] + stat[1], stat[4] + stat[5]));
        Assert.Equal(0, stat[8]);
        Assert.InRange(stat[9], 1, moment.TimeNs / 1_000_000);
        Assert.InRange(stat[10], stat[3] + stat[7] - 2, stat[3] + stat[7] + 2);
        var line = BlockFiles.DiskStats(moment, ProcForm.Linux36);
        Assert.StartsWith("  43       0 nbd0 ", line);
        Assert.Equal(stat, ProcReader.Columns(line[17..]));
    }

    [Fact]
    public void The_files_of_the_end_say_what_the_summary_says_and_writing_them_changes_nothing()
    {
        using var folder = new TemporaryFolder();
        var scenario = Trial.Quick("swapnbd", Trial.OnePass);
        var plain = Run(scenario, null);
        var report = Run(scenario, folder.Path);
        Assert.Equal(plain.Fingerprint, report.Fingerprint);
        var blade = report.Blades[0];
        var moments = Directory.GetDirectories(Path.Combine(folder.Path, blade.Name))
            .Order(StringComparer.Ordinal).ToArray();
        Assert.Equal(["000000", "000002"], moments.Take(2).Select(Path.GetFileName));
        Assert.Equal(ProcTree.NameOf(report.VirtualNs), Path.GetFileName(moments[^1]));
        var vmstat = ProcReader.VmStat(File.ReadAllText(Path.Combine(moments[^1], "proc/vmstat")))
            .ToDictionary(pair => pair.Name, pair => pair.Value);
        foreach (var (name, value) in blade.VmStat
            .Where(pair => vmstat.ContainsKey(pair.Key) && pair.Key != "nr_file_pages"))
        {
            Assert.Equal((name, value), (name, vmstat[name]));
        }

        var netstat = ProcReader.Tables(File.ReadAllText(Path.Combine(moments[^1], "proc/net/netstat")));
        foreach (var (name, value) in blade.NetStat.Where(pair => netstat.ContainsKey("TcpExt:" + pair.Key)))
        {
            Assert.Equal((name, value), (name, netstat["TcpExt:" + name]));
        }
    }

    [Fact]
    public void A_tree_that_cannot_be_written_is_no_fault_of_the_run()
    {
        using var folder = new TemporaryFolder();
        var scenario = Trial.Quick("swapnbd", Trial.OnePass);
        File.WriteAllText(Path.Combine(folder.Path, "blade"), "");
        var error = Assert.Throws<RunOutputException>(() => Run(scenario, folder.Path));
        Assert.StartsWith("--proc-dir: cannot write to \"", error.Message);
    }

    [Fact]
    public void CPUs_are_never_busy_longer_than_time_has_passed()
    {
        using var trial = new Trial(Trial.Quick("swapnbd", Trial.OnePass));
        var moment = MomentOf(trial.Run(Trial.Second));
        var lines = CpuStatFile.Write(moment).Split('\n');
        var all = ProcReader.Columns(lines[0]["cpu ".Length..]);
        Assert.Equal(10, all.Length);
        var cpus = lines.Skip(1).Take(4).Select(line => ProcReader.Columns(line["cpuN ".Length..])).ToArray();
        Assert.Equal(all[2], cpus.Sum(cpu => cpu[2]));
        Assert.All(cpus, cpu => Assert.InRange(cpu.Sum(), 95, 102));
    }

    private static RunReport Run(Blades.Scenarios.Scenario scenario, string? folder) =>
        new BladeRunner { InvariantInterval = 1 }.Run(
        new RunRequest
        {
            Scenario = scenario,
            Variant = scenario.Variant,
            Seed = 1,
            ProcDir = folder,
            ProcEveryNs = 2 * Trial.Second,
        },
        CancellationToken.None);

    private static ProcMoment MomentOf(Trial trial) => new(
        trial.Cluster.Simulation, new BladeStates(trial.Cluster.Simulation, trial.Cluster.Blades[0]),
        trial.Cluster.Simulation.TimeNs);

    // Holes that firmware leaves, and what the kernel holds for good.
    private static long MissingKiB(ProcMoment moment) =>
        4 * (16_384 - moment.Memory.Pages.Zones.Sum(zone => zone.Present) + moment.Place.Spec.KernelPages);
}
