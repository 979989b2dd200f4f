// Two nodes with a thread each against one process with two threads, on this machine.
using System.Diagnostics;
using System.Globalization;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Clustering;
using ClusterSwap.Journal;

namespace ClusterSwap.Benchmarks;

/// <summary>
/// Runs one scenario by turns in one process and on two nodes, and compares the time from the first barrier to the last:
/// starting nodes and building hosts is no part of it. Both nodes and both threads have the runtime's settings of this
/// program. Nothing is recorded.
/// </summary>
public static class NodesSpeed
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(5);

    /// <summary>Prints each pair and the median ratios; 1 when nodes have less than 0.8 of the speed.</summary>
    public static int Run(string scenarioFile, int pairs, long untilNs)
    {
        Scenario scenario = ScenarioFile.Load(Path.Combine(Scenarios.Folder, scenarioFile)).Resolve();
        var request = new RunRequest
        {
            Scenario = scenario,
            Variant = scenario.Variant,
            Seed = scenario.Seed,
            UntilNs = untilNs,
        };
        var walls = new List<double>();
        var cpus = new List<double>();
        for (int pair = 1; pair <= pairs; pair++)
        {
            // Who comes first changes: the other one finds caches and clocks as the first left them.
            (Turn threads, Turn nodes) = pair % 2 == 1
                ? (Threads(request), Nodes(request))
                : Swap(Nodes(request), Threads(request));
            if (threads.Fingerprint != nodes.Fingerprint)
            {
                throw new InvalidOperationException($"two threads: {threads.Fingerprint}, two nodes: {nodes.Fingerprint}");
            }

            walls.Add(threads.WallSeconds / nodes.WallSeconds);
            cpus.Add(threads.CpuSeconds / nodes.CpuSeconds);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"pair {pair}: two threads {threads.WallSeconds:F2} s (CPU {threads.CpuSeconds:F2} s), two nodes {nodes.WallSeconds:F2} s "
                + $"(CPU {nodes.CpuSeconds:F2} s, waiting {nodes.WaitPerMille / 10.0:F1} %, {nodes.Windows} windows, "
                + $"{nodes.SentBytes / 1e6:F1} MB); speed of nodes {walls[^1]:F2}, by CPU time {cpus[^1]:F2}"));
        }

        double ratio = Median(walls);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{scenario.Name}, from the first barrier to {untilNs / 1e9:F2} s, {pairs} pairs: two nodes have {ratio:F2} of the speed of "
            + $"two threads (median; wanted 0.80), {Median(cpus):F2} by CPU time"));
        return ratio >= 0.8 ? 0 : 1;
    }

    /// <summary>The second node: takes part until its input ends.</summary>
    public static int Node(string seed)
    {
        using NodeHost node = NodeHost.Start(new NodeHostOptions { Program = "benchmark", SeedNodes = [seed] });
        Console.Error.WriteLine($"node {node.Address}");
        Console.OpenStandardInput().CopyTo(Stream.Null);
        return 0;
    }

    private static Turn Threads(RunRequest request)
    {
        var meter = new Meter(child: null);
        RunReport report = new BladeRunner().Run(
            request with { Threads = 2, OnProgress = meter.OnBarrier }, CancellationToken.None);
        return meter.Of(report);
    }

    private static Turn Nodes(RunRequest request)
    {
        using NodeHost host = NodeHost.Start(new NodeHostOptions { Program = "benchmark" });
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardInput = true };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
        {
            start.ArgumentList.Add(typeof(NodesSpeed).Assembly.Location);
        }

        start.ArgumentList.Add("--node");
        start.ArgumentList.Add(host.Address[(host.Address.IndexOf('@') + 1)..]);
        using Process child = Process.Start(start)!;
        try
        {
            var meter = new Meter(child);
            var runner = new ClusterRunner(host, new ClusterRunOptions
            {
                RunId = "speed",
                Nodes = 2,
                Level = JournalLevel.Off,
                CheckpointEvery = TimeSpan.FromHours(1),
                NodesPatience = s_patience,
                Tell = Console.Error.WriteLine,
            });
            return meter.Of(runner.Run(request with { OnProgress = meter.OnBarrier }, CancellationToken.None));
        }
        finally
        {
            child.StandardInput.Close();
            child.WaitForExit();
        }
    }

    private static (Turn, Turn) Swap(Turn nodes, Turn threads) => (threads, nodes);

    private static double Median(List<double> values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    private sealed record Turn(
        string Fingerprint, double WallSeconds, double CpuSeconds, long WaitPerMille, long Windows, long SentBytes);

    /// <summary>Time between the first barrier and the last, of this process and of another.</summary>
    private sealed class Meter(Process? child)
    {
        private (long Tick, TimeSpan Cpu)? _first;
        private (long Tick, TimeSpan Cpu) _last;

        public bool OnBarrier(RunProgress progress)
        {
            _last = (Stopwatch.GetTimestamp(), CpuOf(Process.GetCurrentProcess()) + CpuOf(child));
            _first ??= _last;
            return true;
        }

        public Turn Of(RunReport report)
        {
            long Statistic(string name) => report.Statistics.FirstOrDefault(statistic => statistic.Key == name).Value;
            var first = _first!.Value;
            return new Turn(
                report.Fingerprint, Stopwatch.GetElapsedTime(first.Tick, _last.Tick).TotalSeconds,
                (_last.Cpu - first.Cpu).TotalSeconds, Statistic("wait_per_mille"), Statistic("windows"),
                Statistic("bytes_between_nodes"));
        }

        private static TimeSpan CpuOf(Process? process)
        {
            process?.Refresh();
            return process?.TotalProcessorTime ?? TimeSpan.Zero;
        }
    }
}
