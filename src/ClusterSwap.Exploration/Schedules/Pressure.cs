// The moment from which schedules are worth trying: just before memory becomes short.
using ClusterSwap.Engine;
using ClusterSwap.Kernel;

namespace ClusterSwap.Exploration.Schedules;

/// <summary>A state just before reclaim begins, and what the default order does from there.</summary>
/// <param name="From">The state.</param>
/// <param name="Default">How the default order ends.</param>
/// <param name="Decisions">Decisions that it takes from there, on the host that takes most; at least 1.</param>
public sealed record Pressure(Snapshot From, ScheduleOutcome Default, long Decisions)
{
    private const long CoarseNs = ScheduleRunner.LookNs;
    private const long FineNs = CoarseNs / 16;

    /// <summary>
    /// Runs in the default order to the last moment, by sixteenths of a millisecond, at which no blade has scanned a page
    /// yet, and from there to the end. Before that no order matters to memory. What never comes under pressure begins at
    /// its start.
    /// </summary>
    public static Pressure Find(ScheduleRunner runner, in ScheduleLimits limits, CancellationToken stop = default)
    {
        var simulation = runner.Cluster.Simulation;
        var from = LastBefore(runner, runner.Start, CoarseNs, limits, stop);
        from = from is null ? runner.Start : LastBefore(runner, from, FineNs, limits, stop) ?? from;
        var recording = new RecordingStrategy(ScheduleStrategy.Fifo);
        simulation.Restore(from, recording);
        var end = runner.RunOn(limits, stop);
        return new Pressure(from, end, Math.Max(1, recording.MostDecisions));
    }

    private static Snapshot? LastBefore(
        ScheduleRunner runner, Snapshot from, long stepNs, in ScheduleLimits limits, CancellationToken stop)
    {
        var simulation = runner.Cluster.Simulation;
        simulation.Restore(from, ScheduleStrategy.Fifo);
        var last = from;
        var endNs = Math.Min(limits.UntilNs, runner.Scenario.TimeLimitNs);
        while (simulation.TimeNs < endNs && !simulation.Quiet)
        {
            stop.ThrowIfCancellationRequested();
            last = simulation.TakeSnapshot();
            var nextNs = Math.Max(simulation.NextNs, simulation.TimeNs);
            runner.RunTo((nextNs / stepNs + 1) * stepNs);
            if (Scanned(runner))
            {
                return last;
            }

            if (runner.Blades.All(blade => blade.Unfinished() == 0))
            {
                return null;
            }
        }

        return null;
    }

    private static bool Scanned(ScheduleRunner runner)
    {
        foreach (var blade in runner.Blades)
        {
            var stat = blade.Memory.Stat;
            if (stat[VmCounter.pageoutrun] > 0 || stat[VmCounter.allocstall] > 0 || stat[VmCounter.pswpout] > 0)
            {
                return true;
            }
        }

        return false;
    }
}
