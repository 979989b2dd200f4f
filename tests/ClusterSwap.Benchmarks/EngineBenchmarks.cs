// The engine without a simulation: messages within an instant, and events that wait for their time.
using BenchmarkDotNet.Attributes;
using ClusterSwap.Engine;

namespace ClusterSwap.Benchmarks;

/// <summary>One message through the host's ring, actor to actor.</summary>
public class RingBenchmark
{
    private const int Messages = 100 * EmptyActor.Round;
    private Simulation _simulation = null!;

    /// <summary>Builds the ring.</summary>
    [GlobalSetup]
    public void SetUp() => _simulation = EmptyActor.Ring();

    /// <summary>Ends the actors.</summary>
    [GlobalCleanup]
    public void CleanUp() => _simulation.Dispose();

    /// <summary>A message: dispatch, Akka's cell, fingerprint.</summary>
    [Benchmark(OperationsPerInvoke = Messages)]
    public long Message() => _simulation.Run(new RunOptions { UntilNs = _simulation.TimeNs + 100 }).Messages;
}

/// <summary>One event through the queue and its actor.</summary>
public class EventQueueBenchmark
{
    private Simulation _simulation = null!;

    /// <summary>Events pending at any time.</summary>
    [Params(8, 100, 1_000)]
    public int Pending { get; set; }

    /// <summary>Builds the host.</summary>
    [GlobalSetup]
    public void SetUp() => _simulation = EmptyActor.Pending(Pending);

    /// <summary>Ends the actors.</summary>
    [GlobalCleanup]
    public void CleanUp() => _simulation.Dispose();

    /// <summary>About a hundred thousand events: each waits 500 ns of virtual time on average.</summary>
    [Benchmark(OperationsPerInvoke = 100_000)]
    public long Event() =>
        _simulation.Run(new RunOptions { UntilNs = _simulation.TimeNs + 100_000L * 500 / Pending }).Events;
}
