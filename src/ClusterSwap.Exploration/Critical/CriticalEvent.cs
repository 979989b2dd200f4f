// The event that made a hang unavoidable, found by trying other orders from ever later moments.
using ClusterSwap.Blades;
using ClusterSwap.Blades.Actors;
using ClusterSwap.Blades.Replaying;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Engine;

namespace ClusterSwap.Exploration.Critical;

/// <summary>How the search goes.</summary>
public sealed record CriticalSearch
{
    /// <summary>Other orders that are tried from each moment.</summary>
    public int Schedules { get; init; } = 8;

    /// <summary>Virtual time after the hang's begin within which a continuation must get on, ns.</summary>
    public long BoundNs { get; init; } = 30 * KernelTimes.SecondNs;

    /// <summary>
    /// How much later than in the run that hung a blade must get on, ns of virtual time. Default: TCP's shortest
    /// retransmission time; what moves sooner is the tail of the same stall.
    /// </summary>
    public long PastNs { get; init; } = KernelTimes.SecondNs / 5;

    /// <summary>Trace events that count as decisions, a bit each.</summary>
    public ulong Decisions { get; init; }

    /// <summary>Told how far it is: moments tried.</summary>
    public Action<int>? Tell { get; init; }
}

/// <summary>What the search found.</summary>
/// <param name="Blade">The blade that hangs.</param>
/// <param name="SinceNs">When it last got on, ns of virtual time.</param>
/// <param name="LastRecoverableNs">Latest moment from which some order got on; −1 when there is none.</param>
/// <param name="CriticalNs">The instant whose events made the difference: behind it no order got on.</param>
/// <param name="Order">The order that got on from <paramref name="LastRecoverableNs"/>; empty when none did.</param>
/// <param name="Items">What happened on the blade and on servers in that instant.</param>
/// <param name="Schedules">Orders tried from each moment, the recorded one besides.</param>
/// <param name="BoundNs">Virtual time after the begin of the hang that each had.</param>
/// <param name="Tried">Moments tried.</param>
public sealed record CriticalResult(
    string Blade, long SinceNs, long LastRecoverableNs, long CriticalNs, string Order, IReadOnlyList<TrailItem> Items,
    int Schedules, long BoundNs, int Tried);

/// <summary>
/// A continuation recovers if its blade gets a page or ends an I/O later than it did in the run that hung, or ends its
/// work, before the bound. Other orders exchange what a kernel may do in either order, or let a section take a little longer. Bisecting takes
/// for granted that a run which cannot be saved at one moment cannot be saved later: true of what was tried, not proven
/// of what was not. The search goes backward from the hang, so the moment that it finds is the last of those tried.
/// Every order begins anew at each moment, so what is said of one can be tried again by itself.
/// </summary>
public sealed class CriticalEvent : IDisposable
{
    private const long FirstStepNs = 50_000;

    // How often a continuation that does not get on is looked at.
    private const long LookNs = 20_000_000;

    private readonly Reexecution _run;
    private readonly CriticalSearch _search;
    private readonly CancellationToken _stop;
    private readonly BladePlace _place;
    private readonly long _sinceNs;
    private Cluster? _branch;
    private string _order = "";
    private int _tried;

    private CriticalEvent(
        Reexecution run, BladePlace place, long sinceNs, CriticalSearch search, CancellationToken stop)
    {
        _run = run;
        _place = place;
        _sinceNs = sinceNs;
        _search = search;
        _stop = stop;
    }

    /// <summary>Searches a run that hung.</summary>
    /// <param name="run">The run.</param>
    /// <param name="hang">How it hung.</param>
    /// <param name="search">How to search.</param>
    /// <param name="stop">Ends the search with an <see cref="OperationCanceledException"/>.</param>
    public static CriticalResult Find(Reexecution run, HangReport hang, CriticalSearch search, CancellationToken stop)
    {
        var place = run.Cluster.Blades.Single(blade => blade.Name == hang.Blade);
        using var critical = new CriticalEvent(run, place, hang.SinceNs, search, stop);
        return critical.Find();
    }

    /// <inheritdoc/>
    public void Dispose() => _branch?.Dispose();

    // Backward from the last progress in steps that double: what is found is near the hang if anything near it recovers.
    private CriticalResult Find()
    {
        var high = _sinceNs + 1;
        if (Recovers(high))
        {
            return Behind(high);
        }

        for (var back = FirstStepNs; high > 0; back *= 2)
        {
            var low = Math.Max(0, _sinceNs - back);
            if (Recovers(low))
            {
                return Within(low, high);
            }

            high = low;
        }

        return Result(-1, 0);
    }

    // The other orders go on even from behind the last progress: forward, until they do not.
    private CriticalResult Behind(long low)
    {
        for (var step = FirstStepNs; step < _search.BoundNs; step *= 2)
        {
            if (!Recovers(low + step))
            {
                return Within(low, low + step);
            }

            low += step;
        }

        return Result(low, low);
    }

    /// <summary>The instants between two moments: the last from before which some order gets on.</summary>
    private CriticalResult Within(long fromNs, long toNs)
    {
        var instants = InstantsOf(fromNs, toNs);
        var low = -1;
        var high = instants.Count;
        while (high - low > 1)
        {
            _stop.ThrowIfCancellationRequested();
            var middle = low + (high - low) / 2;
            (low, high) = Recovers(instants[middle]) ? (middle, high) : (low, middle);
        }

        return low < 0 ? Result(fromNs, fromNs) : Result(instants[low], instants[low]);
    }

    private CriticalResult Result(long lastNs, long criticalNs)
    {
        var cluster = _run.GoTo(criticalNs);
        using var trail = new Trail(
            cluster, new TrailFilter { Hosts = [.. Hosts(cluster)], Decisions = _search.Decisions, FromNs = criticalNs });
        _run.RunTo(criticalNs + 1);
        return new CriticalResult(
            _place.Name, _sinceNs, lastNs, criticalNs, _order, trail.Items, _search.Schedules, _search.BoundNs, _tried);
    }

    private List<long> InstantsOf(long fromNs, long toNs)
    {
        var cluster = _run.GoTo(fromNs);
        var lists = Hosts(cluster).ToDictionary(host => host, _ => new InstantList());
        foreach (var (host, list) in lists)
        {
            cluster.Simulation.Host(host).Observer = list;
        }

        _run.RunTo(toNs);
        foreach (var host in lists.Keys)
        {
            cluster.Simulation.Host(host).Observer = null;
        }

        return [.. lists.Values.SelectMany(list => list.Times).Where(ns => ns >= fromNs && ns < toNs).Distinct().Order()];
    }

    // The blade and the servers. Another blade has no part in the hang but through these.
    private IEnumerable<int> Hosts(Cluster cluster) => Enumerable.Range(0, cluster.Simulation.HostCount)
        .Where(host => host == _place.Host || cluster.Blades.All(blade => blade.Host != host));

    private bool Recovers(long fromNs)
    {
        _tried++;
        _search.Tell?.Invoke(_tried);
        var state = _run.GoTo(fromNs).Simulation.TakeSnapshot();
        for (var schedule = 0; schedule < _search.Schedules; schedule++)
        {
            _stop.ThrowIfCancellationRequested();
            var order = ScheduleStrategy.Random((ulong)schedule + 1);
            if (Recovers(state, order))
            {
                _order = order.Describe();
                return true;
            }
        }

        return false;
    }

    private bool Recovers(Snapshot state, ScheduleStrategy order)
    {
        var cluster = _branch ??= ClusterBuilder.Build(_run.Scenario, _run.Cluster.Simulation.Seed);
        cluster.Simulation.Restore(state, follow: order);
        var states = new BladeStates(cluster.Simulation, _place);
        bool GotOn() => states.Unfinished() == 0 || states.Blade.ProgressNs > _sinceNs + _search.PastNs;
        var watch = new Branch(cluster, _run.Scenario with { TimeLimitNs = long.MaxValue });
        var interval = _run.Scenario.BarrierIntervalNs;
        var endNs = _sinceNs + _search.BoundNs;
        while (cluster.Simulation.TimeNs < endNs && !GotOn())
        {
            _stop.ThrowIfCancellationRequested();
            var barrier = (cluster.Simulation.TimeNs / interval + 1) * interval;
            var next = Math.Min(barrier, cluster.Simulation.TimeNs + LookNs);
            if (watch.RunTo(next, _stop) is not null || IsStuck(cluster, states))
            {
                break;
            }
        }

        return GotOn();
    }

    // A knot is final: there is no need to wait until a run would call it a deadlock.
    private static bool IsStuck(Cluster cluster, BladeStates states) =>
        cluster.Simulation.TimeNs - states.Blade.ProgressNs >= LookNs
        && states.Unfinished() > 0 && WaitForGraph.Of(cluster.Simulation, states).IsKnot;

    private sealed class InstantList : HostObserver
    {
        public List<long> Times { get; } = [];

        public override void Delivered(in Delivery delivery)
        {
            if (Times.Count == 0 || Times[^1] != delivery.TimeNs)
            {
                Times.Add(delivery.TimeNs);
            }
        }
    }
}
