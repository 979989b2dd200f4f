// What happened on some hosts in a stretch of a run, message by message and decision by decision.
using ClusterSwap.Blades.Tracing;
using ClusterSwap.Engine;
using ClusterSwap.Kernel.Tracing;

namespace ClusterSwap.Blades.Replaying;

/// <summary>Something that happened: a message that was delivered, or a decision that was taken while one was
/// handled.</summary>
/// <param name="TimeNs">Virtual time.</param>
/// <param name="Host">The host.</param>
/// <param name="Number">Which delivery of the host it was; of a decision, the one during which it was taken.</param>
/// <param name="IsEvent">A message that took time to arrive.</param>
/// <param name="Actor">Index of the receiver.</param>
/// <param name="Kind">Name of the message's type, or of the decision.</param>
/// <param name="CauseHost">The host that sent it.</param>
/// <param name="Cause">Delivery there during which it was sent; 0 when it was posted from outside.</param>
/// <param name="Text">Its fields.</param>
/// <param name="Record">The decision as it was taken; null for a message.</param>
public sealed record TrailItem(
    long TimeNs, int Host, long Number, bool IsEvent, int Actor, string Kind, int CauseHost, long Cause, string Text,
    TraceRecord? Record)
{
    /// <summary>Whether two decisions are the same, wherever in the order of deliveries they were taken.</summary>
    public static bool SameDecision(in TraceRecord a, in TraceRecord b) =>
        (a.TimeNs, a.Event, a.Softirq, a.Task, a.Cpu) == (b.TimeNs, b.Event, b.Softirq, b.Task, b.Cpu)
        && (a.A, a.B, a.C, a.D, a.E, a.F) == (b.A, b.B, b.C, b.D, b.E, b.F);
}

/// <summary>What of a stretch is kept.</summary>
public sealed record TrailFilter
{
    /// <summary>Hosts; null for all.</summary>
    public IReadOnlyCollection<int>? Hosts { get; init; }

    /// <summary>Names of message types and decisions, any case; empty for all.</summary>
    public IReadOnlyCollection<string> Kinds { get; init; } = [];

    /// <summary>Nothing before this virtual time, ns.</summary>
    public long FromNs { get; init; }

    /// <summary>Trace events that count as decisions, a bit each.</summary>
    public ulong Decisions { get; init; }

    /// <summary>No messages, decisions only.</summary>
    public bool DecisionsOnly { get; init; }

    /// <summary>Which deliveries are kept, by host; null for all that pass the rest.</summary>
    public Func<int, Delivery, bool>? Only { get; init; }

    /// <summary>How many items are kept; those that come later are counted.</summary>
    public int Most { get; init; } = 100_000;
}

/// <summary>Listens to a cluster and keeps what the filter lets through. It changes nothing in the run.</summary>
public sealed class Trail : IDisposable
{
    private readonly Cluster _cluster;
    private readonly TrailFilter _filter;
    private readonly List<HostTrail> _hosts = [];

    /// <summary>Begins to listen, at the moment where the cluster stands.</summary>
    public Trail(Cluster cluster, TrailFilter filter)
    {
        _cluster = cluster;
        _filter = filter;
        for (var id = 0; id < cluster.Simulation.HostCount; id++)
        {
            if (filter.Hosts is { } hosts && !hosts.Contains(id))
            {
                continue;
            }

            var place = cluster.Blades.FirstOrDefault(blade => blade.Host == id);
            var host = new HostTrail(id, place, filter);
            _hosts.Add(host);
            cluster.Simulation.Host(id).Observer = host;
            if (place is not null)
            {
                FtraceFiles.LogOf(cluster, place).Listen(filter.Decisions, host);
            }
        }
    }

    /// <summary>How many items there were more than are kept.</summary>
    public long Dropped => Math.Max(0, _hosts.Sum(host => host.Dropped + host.Items.Count) - _filter.Most);

    /// <summary>What was kept, in order of time, then of hosts; of one host as it happened.</summary>
    public IReadOnlyList<TrailItem> Items =>
        [.. _hosts.SelectMany(host => host.Items).OrderBy(item => item.TimeNs).ThenBy(item => item.Host).Take(_filter.Most)];

    /// <summary>Forgets what was kept.</summary>
    public void Clear() => _hosts.ForEach(host => host.Clear());

    /// <summary>Ends the listening.</summary>
    public void Dispose()
    {
        foreach (var host in _hosts)
        {
            _cluster.Simulation.Host(host.Id).Observer = null;
            if (host.Place is { } place)
            {
                FtraceFiles.LogOf(_cluster, place).Listen(0, null);
            }
        }
    }

    private sealed class HostTrail(int id, BladePlace? place, TrailFilter filter)
        : HostObserver, ITraceListener
    {
        private readonly InstantTeller _instants = new(id);
        private readonly TraceText? _text = place is null
            ? null
            : TraceText.For(place);

        private long _number;
        private int _actor;

        public int Id => id;

        public BladePlace? Place => place;

        public List<TrailItem> Items { get; } = [];

        public long Dropped { get; private set; }

        public void Clear()
        {
            Items.Clear();
            Dropped = 0;
        }

        public override void Delivered(in Delivery delivery)
        {
            var isEvent = _instants.IsEvent(in delivery);
            _number = delivery.Number;
            _actor = delivery.Actor;
            var kind = delivery.Message.GetType().Name;
            if (!filter.DecisionsOnly && (filter.Only is null || filter.Only(id, delivery)) && Wanted(delivery.TimeNs, kind))
            {
                Items.Add(new TrailItem(
                    delivery.TimeNs, id, delivery.Number, isEvent, delivery.Actor, kind, delivery.CauseHost, delivery.Cause,
                    MessageText.Of(delivery.Message), null));
            }
        }

        public void Traced(in TraceRecord record)
        {
            var kind = record.Event.ToString();
            if (Wanted(record.TimeNs, kind))
            {
                Items.Add(new TrailItem(
                    record.TimeNs, id, _number, false, _actor, kind, id, _number,
                    $"{_text!.CommOf(record.Task)} {_text.Fields(in record)}", record));
            }
        }

        private bool Wanted(long timeNs, string kind)
        {
            if (timeNs < filter.FromNs
                || (filter.Kinds.Count > 0 && !filter.Kinds.Contains(kind, StringComparer.OrdinalIgnoreCase)))
            {
                return false;
            }

            if (Items.Count >= filter.Most)
            {
                Dropped++;
                return false;
            }

            return true;
        }
    }

}
