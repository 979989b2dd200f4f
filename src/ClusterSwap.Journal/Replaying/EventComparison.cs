// Recorded events beside those that come now, host by host.
using ClusterSwap.Blades;
using ClusterSwap.Blades.Replaying;
using ClusterSwap.Blades.Tracing;
using ClusterSwap.Engine;
using ClusterSwap.Kernel.Tracing;

namespace ClusterSwap.Journal;

/// <summary>A place where what came is not what was recorded. One of the two may be missing.</summary>
/// <param name="Host">The host.</param>
/// <param name="TimeNs">The earlier of the two, ns of virtual time.</param>
/// <param name="Recorded">What was recorded; null when nothing was.</param>
/// <param name="Now">What came; null when nothing did.</param>
/// <param name="NowText">What came, in words.</param>
public sealed record EventDifference(int Host, long TimeNs, RecordedEvent? Recorded, RecordedEvent? Now, string NowText);

/// <summary>Listens to a cluster and compares with what is expected, window by window.</summary>
internal sealed class EventComparison : IDisposable
{
    private readonly Cluster _cluster;
    private readonly bool _messages;
    private readonly HostComparison[] _hosts;

    /// <summary>A comparison from where the cluster stands on.</summary>
    public EventComparison(Cluster cluster, bool messages)
    {
        _cluster = cluster;
        _messages = messages;
        _hosts = new HostComparison[cluster.Simulation.HostCount];
        for (int id = 0; id < _hosts.Length; id++)
        {
            HostContext host = cluster.Simulation.Host(id);
            BladePlace? place = cluster.Blades.FirstOrDefault(blade => blade.Host == id);
            _hosts[id] = new HostComparison(host, place, messages);
            if (messages)
            {
                host.Observer = _hosts[id];
            }

            if (place is not null)
            {
                FtraceFiles.LogOf(cluster, place).Listen(DecisionEvents.Mask, _hosts[id]);
            }
        }
    }

    /// <summary>The first event that differs.</summary>
    public EventDifference? FirstEvent => First(_hosts.Select(host => host.Event));

    /// <summary>The first decision that differs.</summary>
    public EventDifference? FirstDecision => First(_hosts.Select(host => host.Decision));

    /// <summary>What is recorded of the next window.</summary>
    public void Expect(IEnumerable<RecordedEvent> events)
    {
        foreach (RecordedEvent one in events)
        {
            Expect(in one);
        }
    }

    /// <summary>One event of the next window.</summary>
    public void Expect(in RecordedEvent one) => _hosts[one.Host].Expect(in one);

    /// <summary>Whether anything of a host differs so far.</summary>
    public bool Differs(int host) => _hosts[host].Event is not null || _hosts[host].Decision is not null;

    /// <summary>The window has been run: what is still expected did not come.</summary>
    public void CloseWindow(long timeNs) => Array.ForEach(_hosts, host => host.CloseWindow(timeNs));

    /// <inheritdoc/>
    public void Dispose()
    {
        for (int id = 0; id < _hosts.Length; id++)
        {
            if (_messages)
            {
                _cluster.Simulation.Host(id).Observer = null;
            }

            if (_hosts[id].Place is { } place)
            {
                FtraceFiles.LogOf(_cluster, place).Listen(0, null);
            }
        }
    }

    private static EventDifference? First(IEnumerable<EventDifference?> differences) =>
        differences.Where(one => one is not null).MinBy(one => one!.TimeNs);

    private sealed class HostComparison(HostContext host, BladePlace? place, bool messages) : HostObserver, ITraceListener
    {
        private readonly Queue<RecordedEvent> _messages = new();
        private readonly Queue<RecordedEvent> _decisions = new();
        private readonly TraceText? _text = place is null ? null : TraceText.For(place);

        public BladePlace? Place => place;

        public EventDifference? Event { get; private set; }

        public EventDifference? Decision { get; private set; }

        public void Expect(in RecordedEvent one) => (one.IsDecision ? _decisions : _messages).Enqueue(one);

        public override void Delivered(in Delivery delivery)
        {
            if (!messages || Event is not null)
            {
                return;
            }

            var now = new RecordedMessage(
                delivery.TimeNs, host.HostId, delivery.Number, delivery.Actor, delivery.Message.Kind, delivery.CauseHost,
                delivery.Cause, (ushort)delivery.Digest);
            RecordedEvent? recorded = _messages.TryDequeue(out RecordedEvent next) ? next : null;
            if (recorded?.Message != now)
            {
                Event = new EventDifference(
                    host.HostId, Math.Min(now.TimeNs, recorded?.TimeNs ?? now.TimeNs), recorded, new RecordedEvent(in now),
                    $"{delivery.Message.GetType().Name} {MessageText.Of(delivery.Message)}".TrimEnd());
            }
        }

        public void Traced(in TraceRecord record)
        {
            if (Decision is not null)
            {
                return;
            }

            RecordedEvent? recorded = _decisions.TryDequeue(out RecordedEvent next) ? next : null;
            if (recorded is not { } wanted || wanted.Number != host.Messages
                || !TrailItem.SameDecision(wanted.Decision.Record, in record))
            {
                var now = new RecordedDecision(host.HostId, host.Messages, record);
                Decision = new EventDifference(
                    host.HostId, Math.Min(record.TimeNs, recorded?.TimeNs ?? record.TimeNs), recorded, new RecordedEvent(in now),
                    $"{record.Event}: {_text!.CommOf(record.Task)} {_text.Fields(in record)}");
            }
        }

        public void CloseWindow(long timeNs)
        {
            if (Event is null && _messages.TryDequeue(out RecordedEvent message))
            {
                Event = new EventDifference(host.HostId, Math.Min(timeNs, message.TimeNs), message, null, "");
            }

            if (Decision is null && _decisions.TryDequeue(out RecordedEvent decision))
            {
                Decision = new EventDifference(host.HostId, Math.Min(timeNs, decision.TimeNs), decision, null, "");
            }

            _messages.Clear();
            _decisions.Clear();
        }
    }
}
