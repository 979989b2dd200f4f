// Time as the budget counts it: CPU time of this process, and wall time where threads are compared.
using System.Diagnostics;

namespace ClusterSwap.Benchmarks;

/// <summary>CPU and wall time of a piece of work, ns.</summary>
/// <param name="CpuNs">CPU time of all threads of the process, garbage collection and compilation included.</param>
/// <param name="WallNs">Wall time.</param>
public readonly record struct Cpu(long CpuNs, long WallNs)
{
    /// <summary>Times a piece of work.</summary>
    public static Cpu Of(Action work)
    {
        using var process = Process.GetCurrentProcess();
        var before = process.TotalProcessorTime;
        var clock = Stopwatch.StartNew();
        work();
        var wall = clock.Elapsed;
        process.Refresh();
        return new Cpu((process.TotalProcessorTime - before).Ticks * 100, wall.Ticks * 100);
    }

    /// <summary>Best CPU time of one operation of several rounds, after one round that is not counted.</summary>
    public static double BestNs(int operations, Action round)
    {
        round();
        var best = double.MaxValue;
        for (var i = 0; i < 5; i++)
        {
            best = Math.Min(best, (double)Of(round).CpuNs / operations);
        }

        return best;
    }
}
