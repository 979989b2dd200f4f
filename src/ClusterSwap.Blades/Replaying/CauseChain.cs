// One event with what led to it and what it led to.
using ClusterSwap.Engine;

namespace ClusterSwap.Blades.Replaying;

/// <summary>
/// Follows causes: each delivery knows the delivery during which its message was sent. Backwards there is one way, as
/// far as a window of virtual time reaches; forwards everything that follows, up to a limit.
/// </summary>
public static class CauseChain
{
    /// <summary>How far back causes are looked for, ns of virtual time.</summary>
    public const long WindowNs = 2_000_000_000;

    /// <summary>The virtual time, ns, of a host's delivery of this number; null when the run has none up to a
    /// time.</summary>
    public static long? Find(Reexecution run, int host, long number, int checkpoints, long endNs)
    {
        // The last checkpoint at which the host had not got there yet.
        var (low, high) = (-1, checkpoints);
        while (high - low > 1)
        {
            var middle = low + (high - low) / 2;
            (low, high) = run.Begin(middle).Simulation.Host(host).Messages < number ? (middle, high) : (low, middle);
        }

        var cluster = run.Begin(low);
        var finder = new Finder(number);
        cluster.Simulation.Host(host).Observer = finder;
        run.RunTo(endNs, _ => finder.TimeNs is null);
        run.Cluster.Simulation.Host(host).Observer = null;
        return finder.TimeNs;
    }

    /// <summary>Causes of a delivery, the delivery itself, and what it led to before <paramref name="toNs"/>.</summary>
    /// <param name="run">The run; it is moved.</param>
    /// <param name="host">The host of the delivery.</param>
    /// <param name="number">Its number.</param>
    /// <param name="timeNs">Its virtual time, ns.</param>
    /// <param name="toNs">Nothing from here on, ns of virtual time.</param>
    /// <param name="most">Items at most.</param>
    public static IReadOnlyList<TrailItem> Of(Reexecution run, int host, long number, long timeNs, long toNs, int most)
    {
        // Half of what is wanted looks back, the nearest causes.
        var wanted = Ancestors(run, host, number, timeNs, most / 2);
        var firstNs = wanted.Values.Min();
        var cluster = run.GoTo(firstNs);
        var known = wanted.Keys.ToHashSet();
        bool Belongs(int on, Delivery delivery)
        {
            if (known.Contains((on, delivery.Number)))
            {
                return true;
            }

            // What the ancestors led to besides is of no interest.
            var follows = delivery.TimeNs >= timeNs && known.Contains((delivery.CauseHost, delivery.Cause))
                && !(wanted.ContainsKey((delivery.CauseHost, delivery.Cause))
                    && (delivery.CauseHost, delivery.Cause) != (host, number));
            return follows && known.Add((on, delivery.Number));
        }

        // Hosts of one partition run one after another, and this is one: the set needs no lock.
        using var trail = new Trail(cluster, new TrailFilter { Only = Belongs, Most = most });
        run.RunTo(Math.Max(toNs, timeNs + 1));
        return trail.Items;
    }

    private static Dictionary<(int Host, long Number), long> Ancestors(
        Reexecution run, int host, long number, long timeNs, int most)
    {
        var cluster = run.GoTo(Math.Max(0, timeNs - WindowNs));
        var hosts = Enumerable.Range(0, cluster.Simulation.HostCount).Select(_ => new Causes()).ToArray();
        for (var id = 0; id < hosts.Length; id++)
        {
            cluster.Simulation.Host(id).Observer = hosts[id];
        }

        run.RunTo(timeNs + 1);
        for (var id = 0; id < hosts.Length; id++)
        {
            cluster.Simulation.Host(id).Observer = null;
        }

        var chain = new Dictionary<(int, long), long>();
        var at = (Host: host, Number: number);
        while (hosts[at.Host].Find(at.Number) is { } found)
        {
            chain[at] = found.TimeNs;
            if (found.Cause == 0 || chain.Count > most)
            {
                break;
            }

            at = (found.CauseHost, found.Cause);
        }

        return chain;
    }

    private sealed class Finder(long number) : HostObserver
    {
        public long? TimeNs { get; private set; }

        public override void Delivered(in Delivery delivery)
        {
            if (delivery.Number == number)
            {
                TimeNs = delivery.TimeNs;
            }
        }
    }

    /// <summary>Times and causes of the deliveries of a host, which are numbered without a gap.</summary>
    private sealed class Causes : HostObserver
    {
        private readonly List<(long TimeNs, int CauseHost, long Cause)> _all = [];
        private long _first;

        public override void Delivered(in Delivery delivery)
        {
            _first = _all.Count == 0 ? delivery.Number : _first;
            _all.Add((delivery.TimeNs, delivery.CauseHost, delivery.Cause));
        }

        public (long TimeNs, int CauseHost, long Cause)? Find(long number) =>
            number >= _first && number < _first + _all.Count ? _all[(int)(number - _first)] : null;
    }
}
