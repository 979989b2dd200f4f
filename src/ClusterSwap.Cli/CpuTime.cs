// Time that this process uses, for what is spaced by it.
using System.Diagnostics;
using ClusterSwap.Engine;

namespace ClusterSwap.Cli;

/// <summary>CPU time of this process.</summary>
internal static class CpuTime
{
    /// <summary>CPU time used so far, ns.</summary>
    public static long UsedNs() => Environment.CpuUsage.TotalTime.Ticks * TimeSpan.NanosecondsPerTick;

    /// <summary>CPU time that so many threads of a simulation use at most, from now on.</summary>
    public static SimulationTime OfThreads(int threads) => new(
        threads, UsedNs, () => (long)Stopwatch.GetElapsedTime(0).TotalNanoseconds);
}
