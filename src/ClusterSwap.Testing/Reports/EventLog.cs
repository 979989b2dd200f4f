// The last events of a test's simulation, for its failures.
using System.Globalization;
using ClusterSwap.Engine;

namespace ClusterSwap.Testing;

/// <summary>A ring of what was delivered, dropped or delayed last.</summary>
internal sealed class EventLog
{
    /// <summary>How many events are kept: what fits on a screen.</summary>
    public const int Kept = 24;

    private readonly (long TimeNs, string Actor, string Message, InterceptionKind Kind)[] _events =
        new (long, string, string, InterceptionKind)[Kept];
    private long _count;

    /// <summary>Events in all.</summary>
    public long Count => _count;

    /// <summary>Time of the last one; 0 before the first.</summary>
    public long LastNs => _count == 0 ? 0 : _events[(_count - 1) % Kept].TimeNs;

    public void Add(HostContext host, in Arrival arrival, Interception decision)
    {
        string message = (decision.Message ?? arrival.Message).GetType().Name;
        _events[_count++ % Kept] = (
            arrival.TimeNs, $"{host.Name}/{host.ActorName(arrival.Actor)}", message, decision.Kind);
    }

    /// <summary>One line each, oldest first.</summary>
    public IEnumerable<string> Lines()
    {
        for (long i = Math.Max(0, _count - Kept); i < _count; i++)
        {
            (long timeNs, string actor, string message, InterceptionKind kind) = _events[i % Kept];
            string fate = kind switch
            {
                InterceptionKind.Drop => ", dropped",
                InterceptionKind.Delay => ", delayed",
                _ => string.Empty,
            };
            yield return string.Create(CultureInfo.InvariantCulture, $"{timeNs,15:N0} ns  {actor,-24} {message}{fate}");
        }
    }
}
