// The declared edges out of one host.
namespace ClusterSwap.Engine;

/// <summary>Latencies of the edges out of one host. Most hosts have one edge or few, a server has many.</summary>
internal sealed class EdgeTable
{
    private readonly int[] _targets;
    private readonly long[] _latenciesNs;
    private int _last;

    /// <summary>Takes edges sorted by target, each target once.</summary>
    public EdgeTable(int[] targets, long[] latenciesNs)
    {
        _targets = targets;
        _latenciesNs = latenciesNs;
    }

    public int Count => _targets.Length;

    public int TargetAt(int position) => _targets[position];

    public long LatencyAt(int position) => _latenciesNs[position];

    /// <summary>Latency to a host in nanoseconds; -1 when there is no edge.</summary>
    public long LatencyTo(int target)
    {
        int[] targets = _targets;
        if ((uint)_last < (uint)targets.Length && targets[_last] == target)
        {
            return _latenciesNs[_last];
        }

        int found = Array.BinarySearch(targets, target);
        if (found < 0)
        {
            return -1;
        }

        _last = found;
        return _latenciesNs[found];
    }
}
