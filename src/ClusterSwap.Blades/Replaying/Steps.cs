// Going back by events: where in virtual time the last events of a host lie.
using ClusterSwap.Engine;

namespace ClusterSwap.Blades.Replaying;

/// <summary>
/// Finds events backwards. An event of a host is a message that took time to arrive; what follows from it within the
/// same instant belongs to it. A moment is always before an instant or behind it, never inside.
/// </summary>
public static class Steps
{
    /// <summary>
    /// The moment just before the <paramref name="count"/>-th last event of a host before <paramref name="timeNs"/>;
    /// null when the run has fewer. Moves the re-execution.
    /// </summary>
    public static long? Back(Reexecution run, int host, long timeNs, int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        var endNs = timeNs;
        var place = run.CheckpointBefore(timeNs - 1);
        while (true)
        {
            var cluster = run.Begin(place);
            var fromNs = cluster.Simulation.TimeNs;
            var counter = new EventCounter(host, count);
            cluster.Simulation.Host(host).Observer = counter;
            run.RunTo(endNs);
            run.Cluster.Simulation.Host(host).Observer = null;
            if (counter.Seen >= count)
            {
                return counter.TimeOfLast(count);
            }

            if (place < 0)
            {
                return null;
            }

            count -= (int)counter.Seen;
            endNs = fromNs;
            place--;
        }
    }

    /// <summary>Remembers when the last events of a host were.</summary>
    private sealed class EventCounter(int host, int memory) : HostObserver
    {
        private readonly long[] _times = new long[memory];
        private readonly InstantTeller _instants = new(host);

        public long Seen { get; private set; }

        public override void Delivered(in Delivery delivery)
        {
            if (_instants.IsEvent(in delivery))
            {
                _times[Seen++ % _times.Length] = delivery.TimeNs;
            }
        }

        public long TimeOfLast(int count) => _times[(Seen - count) % _times.Length];
    }
}

/// <summary>Tells the messages that took time to arrive from those that were sent within the instant.</summary>
public sealed class InstantTeller(int host)
{
    private long _instantNs = -1;
    private long _first;

    /// <summary>Asked for each delivery of the host in order.</summary>
    public bool IsEvent(in Delivery delivery)
    {
        if (delivery.TimeNs != _instantNs)
        {
            _instantNs = delivery.TimeNs;
            _first = delivery.Number;
        }

        return delivery.CauseHost != host || delivery.Cause < _first;
    }
}
