// The budget of the design, line by line: limit, measured figure, ratio.
using System.Globalization;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Engine;
using ClusterSwap.Kernel.Slab;

namespace ClusterSwap.Benchmarks;

/// <summary>
/// Measures and prints. Run it on a machine that does nothing else: wall times of two threads mean little otherwise.
/// </summary>
public static class BudgetSummary
{
    private const long SecondNs = 1_000_000_000;

    private static double _messageNs;
    private static double _eventNs;

    /// <summary>Prints every line; quick leaves out the full run of the seed, thousand adds the 1,000 blades.</summary>
    public static int Run(bool quick, bool thousand)
    {
        Console.WriteLine(
            $"{Environment.ProcessorCount} processors, .NET {Environment.Version}; CPU time unless named wall");
        Console.WriteLine($"{"what",-58} {"budget",12} {"measured",12} {"ratio",6}");
        Engine();
        Kernel();
        PageIns(thousand);
        Share();
        Seed(quick);
        Threads("racks.toml", "two threads: 4 racks with their own servers, wall", 1.8);
        Threads("rack.toml", "two threads: one rack of 16 blades, wall", 1.3);
        Memory();
        return 0;
    }

    private static void Engine()
    {
        using (var ring = EmptyActor.Ring())
        {
            _messageNs = Cpu.BestNs(100 * EmptyActor.Round, () => Advance(ring, 100));
            Line("a message through the host's ring, empty actors", 35, "ns", _messageNs);
        }

        foreach (var pending in (int[])[8, 100, 1_000])
        {
            using var queue = EmptyActor.Pending(pending);
            var events = queue.Events;
            var cpuNs = Cpu.BestNs(1, () => Advance(queue, 200_000L * 500 / pending));
            var eventNs = cpuNs / ((queue.Events - events) / 6);
            Figure($"an event through the queue, {pending} pending", $"{eventNs:F1} ns");

            // About as many as a blade has pending.
            _eventNs = pending == 100 ? eventNs : _eventNs;
        }
    }

    private static void Kernel()
    {
        var slub = new Machine(SlabKind.Slub);
        var slab = new Machine(SlabKind.Slab);
        Pair("order-0 page allocated and freed", slub.PagePair);
        Pair("slab object allocated and freed, SLUB", slub.SlabPair);
        Pair("slab object allocated and freed, SLAB", slab.SlabPair);
        slub.FillAnonymous();
        slub.FruitlessReclaim();
        var scanned = slub.Scanned;
        var cost = Cpu.Of(() => Repeat(20, () => slub.FruitlessReclaim()));
        var perPageNs = (double)cost.CpuNs / (slub.Scanned - scanned);
        Figure("a page scanned by reclaim that may not write", $"{perPageNs:F1} ns");
    }

    private static void Pair(string what, Func<int> pair)
    {
        const int Pairs = 500_000;
        Figure(what, $"{Cpu.BestNs(Pairs, () => Repeat(Pairs, pair)):F1} ns");
    }

    private static void PageIns(bool thousand)
    {
        // The first run of a process pays for compilation.
        _ = PageInCost.Of(1, 4 * SecondNs);
        (int Blades, int Milliseconds)[] stretches = [(1, 4_000), (16, 500), (256, 40), (1_000, 20)];
        foreach (var (blades, milliseconds) in stretches)
        {
            if (blades == 1_000 && !thousand)
            {
                Figure("one page-in with its share of everything, 1,000 blades", "--thousand");
                continue;
            }

            var cost = PageInCost.Of(blades, milliseconds * 1_000_000L);
            Line($"one page-in with its share of everything, {blades} blades", 1_100, "ns", cost.CpuNs);
            Line($"  messages per request of 8 pages ({cost.PageIns} page-ins)", 60, "", cost.Requests);
        }
    }

    private static void Share()
    {
        var scenario = Scenarios.Of("seed.toml", "swapnbd");
        var share = EngineShare.Of(() => RunCost.Of(scenario, untilNs: 60 * SecondNs));
        Line($"engine's share of the run, {share.Samples} samples", 40, "%", share.Engine * 100);
        var run = RunCost.Of(scenario, untilNs: 60 * SecondNs);
        var computed = (run.Report.Messages - run.Report.Events) * _messageNs + run.Report.Events * _eventNs;
        Line("  the same computed: messages and events, empty actors", 40, "%", computed / run.Cost.CpuNs * 100);

        // Short leaf methods escape the sampler. A message is folded with time, actor, kind, and one or two words.
        var foldNs = 3 * Cpu.BestNs(1_000_000, FoldAMillion);
        var fold = run.Report.Messages * foldNs / run.Cost.CpuNs;
        Line("fingerprint's share, computed: three folds a message", 3, "%", fold * 100);
    }

    private static void FoldAMillion()
    {
        var fingerprint = default(Fingerprint);
        for (ulong i = 0; i < 1_000_000; i++)
        {
            fingerprint.Add(i, i << 32);
        }

        GC.KeepAlive(fingerprint);
    }

    private static void Seed(bool quick)
    {
        var hung = RunCost.Of(Scenarios.Of("seed.toml", "vanilla"), untilNs: 120 * SecondNs);
        Line($"seed, vanilla, 120 virtual s ({Told(hung)})", 5, "s", hung.Cost.CpuNs / 1e9);
        if (quick)
        {
            Figure("seed, patched, 5 passes", "left out");
            return;
        }

        var full = RunCost.Of(Scenarios.Of("seed.toml", "swapnbd"));
        Line($"seed, patched, 5 passes ({Told(full)})", 30, "s", full.Cost.CpuNs / 1e9);
        Line("  one page-in of it", 1_100, "ns", (double)full.Cost.CpuNs / Math.Max(full.Count("pswpin"), 1));
    }

    private static string Told(RunCost run) =>
        $"{VerdictWords.Word(run.Report.Verdict)} at {run.Report.VirtualNs / SecondNs} s";

    private static void Threads(string file, string what, double budget)
    {
        var scenario = Scenarios.Of(file, "swapnbd");
        var one = RunCost.Of(scenario, threads: 1, untilNs: 2 * SecondNs);
        var two = RunCost.Of(scenario, threads: 2, untilNs: 2 * SecondNs);
        var same = one.Report.Fingerprint == two.Report.Fingerprint;
        Line(what + (same ? "" : ", FINGERPRINTS DIFFER"), budget, "x", (double)one.Cost.WallNs / two.Cost.WallNs);
    }

    private static void Memory()
    {
        Line("memory of a simulated page of RAM or swap", 24, "bytes", MemoryCost.PerPage());
        Line("fixed memory of a blade of 8 processes, computed", 64, "KiB", MemoryCost.PerBlade() / 1024);
    }

    private static void Advance(Simulation simulation, long ns) =>
        simulation.Run(new RunOptions { UntilNs = simulation.TimeNs + ns, InvariantInterval = 0 });

    private static void Repeat<T>(int count, Func<T> work)
    {
        for (var i = 0; i < count; i++)
        {
            _ = work();
        }
    }

    private static void Line(string what, double budget, string unit, double measured)
    {
        var ratio = (measured / budget).ToString("F2", CultureInfo.InvariantCulture);
        Console.WriteLine($"{what,-58} {Quantity(budget, unit),12} {Quantity(measured, unit),12} {ratio,6}");
    }

    private static void Figure(string what, string measured) =>
        Console.WriteLine($"{what,-58} {"",12} {measured,12}");

    private static string Quantity(double value, string unit) =>
        string.Create(CultureInfo.InvariantCulture, $"{value:0.##} {unit}").TrimEnd();
}
