// Runs a scenario: builds its cluster, watches it from barrier to barrier, and reports.
using ClusterSwap.Blades.Monitors;
using ClusterSwap.Blades.ProcFiles;
using ClusterSwap.Blades.Tracing;
using ClusterSwap.Engine;

namespace ClusterSwap.Blades.Runs;

/// <summary>The runner behind the program: everything in this process.</summary>
public sealed class BladeRunner : IRunner
{
    /// <summary>Barriers between two full walks over all memory; counters are compared at every one.</summary>
    public int InvariantInterval { get; init; } = 256;

    /// <summary>Ticks of a wall clock, for the share of time spent waiting; null when nobody wants it.</summary>
    public Func<long>? Clock { get; init; }

    /// <inheritdoc/>
    public RunReport Run(RunRequest request, CancellationToken cancel)
    {
        using var cluster = ClusterBuilder.Build(request.Scenario, request.Seed);
        if (request.RestoreFile is { } restore)
        {
            using var file = File.OpenRead(restore);
            cluster.Simulation.Restore(file);
        }

        if (request.Checkpoint is { } checkpoint)
        {
            cluster.Simulation.Restore(checkpoint);
        }

        // A run starts at a moment too: what booting left.
        var proc = request.ProcDir is { } folder ? new ProcTree(folder, cluster) : null;
        proc?.Write(cluster.Simulation.TimeNs);
        using var trace = request.FtraceFile is { } ftrace
            ? new FtraceFiles(cluster, ftrace, request.FtraceEvents)
            : null;
        var partitions = cluster.Simulation.PartitionsFor(request.Threads);
        request.Recorder?.Begin(cluster, request, partitions);
        var watch = new ClusterWatch(cluster, request, proc, trace);
        var until = watch.IsOver()
            ? cluster.Simulation.TimeNs
            : Math.Min(request.UntilNs ?? long.MaxValue, request.Scenario.TimeLimitNs);
        SimulationResult result;
        try
        {
            result = cluster.Simulation.Run(new RunOptions
            {
                UntilNs = until,
                Threads = request.Threads,
                Partitions = partitions,
                OnBarrier = watch.OnBarrier,
                Cancel = cancel,
                InvariantInterval = InvariantInterval,
                Clock = Clock,
            });

            proc?.Write(result.TimeNs);

            // Short runs never come to the interval; no report leaves without having been looked over.
            cluster.Simulation.AssertInvariants();
            Conservation.Check(cluster);
        }
        catch (Exception fault) when (fault is InvalidOperationException
            || (fault is SimulationFaultException && fault.InnerException is InvalidOperationException))
        {
            trace?.Drain();
            return Recorded(request, RunReports.Safety(cluster, fault));
        }

        var verdict = watch.Verdict ?? (result.Reason == StopReason.Cancelled ? Verdict.Interrupted : Verdict.Unknown);
        return Recorded(request, RunReports.Of(cluster, verdict, result, watch));
    }

    private static RunReport Recorded(RunRequest request, RunReport report)
    {
        request.Recorder?.End(report);
        return report;
    }
}
