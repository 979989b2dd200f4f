// How fast events are written into a journal and read back.
using System.Diagnostics;
using ClusterSwap.Blades;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Engine;
using ClusterSwap.Journal;

namespace ClusterSwap.Benchmarks;

/// <summary>Writes the messages of a real run again and again, as fast as the journal takes them, and reads them.</summary>
public static class JournalSpeed
{
    private const int Rounds = 40;

    /// <summary>Prints events per second and bytes per event, to a file in a folder.</summary>
    public static int Run(string folder)
    {
        Scenario scenario = Scenarios.Of("quick.toml");
        (int Host, Delivery Delivery)[] events = Capture(scenario);
        string path = Path.Combine(folder, $"journal-speed-{Environment.ProcessId}.db");
        var store = JournalStore.Sqlite(path);
        long count = (long)events.Length * Rounds;
        long start = Stopwatch.GetTimestamp();
        TimeSpan packed;
        using (var recorder = new RunRecorder(
            store, new RecordingOptions { RunId = "speed", Level = JournalLevel.All }))
        using (Cluster cluster = ClusterBuilder.Build(scenario, scenario.Seed))
        {
            var request = new RunRequest { Scenario = scenario, Variant = scenario.Variant, Seed = scenario.Seed };
            recorder.Begin(cluster, request, cluster.Simulation.PartitionsFor(1));
            start = Stopwatch.GetTimestamp();
            Write(cluster.Simulation, events);
            packed = Stopwatch.GetElapsedTime(start);
        }

        TimeSpan written = Stopwatch.GetElapsedTime(start);
        var counter = new Counter();
        start = Stopwatch.GetTimestamp();
        using (IJournalReader journal = JournalReader.Open(store))
        {
            journal.Visit(counter);
        }

        TimeSpan read = Stopwatch.GetElapsedTime(start);
        long bytes = new FileInfo(path).Length;
        File.Delete(path);
        Console.WriteLine(
            $"{count:N0} events: packed at {count / packed.TotalSeconds / 1e6:F2} M/s, "
            + $"in the file at {count / written.TotalSeconds / 1e6:F2} M/s (aim 1), "
            + $"{(double)bytes / count:F2} bytes each; "
            + $"read at {counter.Messages / read.TotalSeconds / 1e6:F2} M/s (aim 2)");
        return counter.Messages == count ? 0 : 1;
    }

    private static (int Host, Delivery Delivery)[] Capture(Scenario scenario)
    {
        var events = new List<(int, Delivery)>();
        using Cluster cluster = ClusterBuilder.Build(scenario, scenario.Seed);
        for (int host = 0; host < cluster.Simulation.HostCount; host++)
        {
            cluster.Simulation.Host(host).Observer = new Keeper(host, events);
        }

        cluster.Simulation.Run(new RunOptions { UntilNs = 1_000_000_000 });
        return [.. events];
    }

    private static void Write(Simulation simulation, (int Host, Delivery Delivery)[] events)
    {
        HostObserver[] observers = [.. Enumerable.Range(0, simulation.HostCount)
            .Select(host => simulation.Host(host).Observer!)];
        long[] perRound = new long[observers.Length];
        foreach ((int host, _) in events)
        {
            perRound[host]++;
        }

        long lengthNs = events.Max(one => one.Delivery.TimeNs) + 1;
        for (int round = 0; round < Rounds; round++)
        {
            foreach ((int host, Delivery one) in events)
            {
                observers[host].Delivered(one with
                {
                    TimeNs = one.TimeNs + round * lengthNs,
                    Number = one.Number + round * perRound[host],
                    Cause = one.Cause == 0 ? 0 : one.Cause + round * perRound[one.CauseHost],
                });
            }
        }
    }

    private sealed class Keeper(int host, List<(int, Delivery)> events) : HostObserver
    {
        public override void Delivered(in Delivery delivery) => events.Add((host, delivery));
    }

    private sealed class Counter : JournalVisitor
    {
        public long Messages { get; private set; }

        public override void Message(in RecordedMessage message) => Messages++;
    }
}
