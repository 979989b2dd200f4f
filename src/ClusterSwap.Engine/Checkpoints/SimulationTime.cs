// How much CPU time a simulation has used at most.
namespace ClusterSwap.Engine;

/// <summary>
/// CPU time that the threads of a simulation have used at most: no more than the process, and no more than there was time
/// for. What a recorder uses beside them does not count on an idle machine, and what others use does not on a busy one.
/// Used by one thread.
/// </summary>
/// <param name="threads">Threads that run the simulation.</param>
/// <param name="cpuNs">CPU time of the process, ns.</param>
/// <param name="wallNs">Wall-clock time, ns.</param>
public sealed class SimulationTime(int threads, Func<long> cpuNs, Func<long> wallNs)
{
    private long _lastCpuNs = cpuNs();
    private long _lastWallNs = wallNs();
    private long _usedNs;

    /// <summary>Time so far, ns. The more often it is asked for, the closer it is.</summary>
    public long UsedNs()
    {
        long cpu = cpuNs();
        long wall = wallNs();
        _usedNs += Math.Min(cpu - _lastCpuNs, (wall - _lastWallNs) * threads);
        _lastCpuNs = cpu;
        _lastWallNs = wall;
        return _usedNs;
    }
}
