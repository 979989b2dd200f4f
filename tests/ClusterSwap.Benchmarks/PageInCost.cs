// What one page-in costs with its share of everything: write-out, reclaim, TCP, server, engine.
using ClusterSwap.Blades;
using ClusterSwap.Blades.Actors;
using ClusterSwap.Engine;
using ClusterSwap.Kernel;

namespace ClusterSwap.Benchmarks;

/// <summary>Figures of a stretch of virtual time in which blades swap.</summary>
/// <param name="CpuNs">CPU time of one page-in with its share of everything.</param>
/// <param name="Messages">Messages of one page-in.</param>
/// <param name="Events">Events of one page-in.</param>
/// <param name="Requests">Messages of a request of eight pages.</param>
/// <param name="PageIns">Page-ins that were measured.</param>
public readonly record struct PageInCost(double CpuNs, double Messages, double Events, double Requests, long PageIns)
{
    // The first pass writes what was never swapped; page-ins begin with the second. Warm is who has read so much.
    private const int WarmPageIns = 2_000;

    /// <summary>Measures with so many blades for so much virtual time.</summary>
    public static PageInCost Of(int blades, long virtualNs)
    {
        using var cluster = ClusterBuilder.Build(Scenarios.Blades(blades), seed: 1);
        var simulation = cluster.Simulation;
        simulation.Run(new RunOptions
        {
            UntilNs = 60_000_000_000,
            InvariantInterval = 0,
            OnBarrier = _ => PswpinOf(cluster) < (long)blades * WarmPageIns,
        });
        var (pageIns, messages, events) = (PswpinOf(cluster), simulation.Messages, simulation.Events);
        var until = simulation.TimeNs + virtualNs;
        var cpu = Cpu.Of(() => simulation.Run(new RunOptions { UntilNs = until, InvariantInterval = 0 }));
        pageIns = PswpinOf(cluster) - pageIns;
        double perPage = Math.Max(pageIns, 1);
        return new PageInCost(
            cpu.CpuNs / perPage,
            (simulation.Messages - messages) / perPage,
            (simulation.Events - events) / perPage,
            8 * (simulation.Messages - messages) / perPage,
            pageIns);
    }

    private static long PswpinOf(Cluster cluster) => cluster.Blades.Sum(blade =>
        cluster.Simulation.Actor<Blade>(blade.Host, BladeActors.Blade).Inspect.Memory.Stat[VmCounter.pswpin]);
}
