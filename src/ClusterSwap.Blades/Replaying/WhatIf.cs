// The same run twice from one moment on, once under other rules: what differs first, and how each ends.
using ClusterSwap.Blades.Runs;
using ClusterSwap.Blades.Scenarios;

namespace ClusterSwap.Blades.Replaying;

/// <summary>The first decision that two branches do not have in common. One of them may have none at that
/// place.</summary>
/// <param name="Host">The host that decides.</param>
/// <param name="Original">What the run decided.</param>
/// <param name="Changed">What came instead.</param>
public sealed record DecisionDifference(int Host, TrailItem? Original, TrailItem? Changed)
{
    /// <summary>The earlier of the two, ns of virtual time.</summary>
    public long TimeNs => Math.Min(Original?.TimeNs ?? long.MaxValue, Changed?.TimeNs ?? long.MaxValue);

    /// <summary>The first difference between two lists of decisions, each in order within a host; null when they are
    /// equal.</summary>
    public static DecisionDifference? First(IReadOnlyList<TrailItem> original, IReadOnlyList<TrailItem> changed)
    {
        DecisionDifference? first = null;
        foreach (var host in original.Concat(changed).Select(item => item.Host).Distinct())
        {
            TrailItem[] a = [.. original.Where(item => item.Host == host)];
            TrailItem[] b = [.. changed.Where(item => item.Host == host)];
            var at = 0;
            while (at < a.Length && at < b.Length && TrailItem.SameDecision(a[at].Record!.Value, b[at].Record!.Value))
            {
                at++;
            }

            if (at == a.Length && at == b.Length)
            {
                continue;
            }

            var found = new DecisionDifference(host, a.ElementAtOrDefault(at), b.ElementAtOrDefault(at));
            first = first is null || found.TimeNs < first.TimeNs ? found : first;
        }

        return first;
    }
}

/// <summary>What became of a fork.</summary>
/// <param name="AtNs">Where the branches part, ns of virtual time.</param>
/// <param name="First">The first decision that differs; null when all are the same.</param>
/// <param name="Original">How the run as it was recorded ends.</param>
/// <param name="Changed">How the other one ends.</param>
public sealed record ForkResult(long AtNs, DecisionDifference? First, RunReport Original, RunReport Changed);

/// <summary>Forks runs.</summary>
public static class WhatIf
{
    /// <summary>
    /// Goes to a moment of a run, ns, and from there on both as it was and with the values of
    /// <paramref name="changed"/>. What can be another value is up to <see cref="Forks.Check"/>.
    /// </summary>
    /// <param name="run">The run as it was recorded.</param>
    /// <param name="changed">The scenario with another value.</param>
    /// <param name="atNs">The moment.</param>
    /// <param name="decisions">Trace events that count as decisions, a bit each.</param>
    /// <param name="stop">Ends both branches at their next barriers.</param>
    /// <exception cref="ForkException">The values cannot change in flight.</exception>
    public static ForkResult Fork(Reexecution run, Scenario changed, long atNs, ulong decisions, CancellationToken stop)
    {
        Forks.Check(run.Scenario, changed);
        var cluster = run.GoTo(atNs);
        using var state = new MemoryStream();
        cluster.Simulation.Checkpoint(state, compress: false);
        state.Position = 0;
        using var other = ClusterBuilder.Build(changed, cluster.Simulation.Seed);
        other.Simulation.Restore(state);
        Forks.Apply(other, run.Scenario, changed);

        var filter = new TrailFilter { Decisions = decisions, DecisionsOnly = true, Most = int.MaxValue };
        var original = new Branch(cluster, run.Scenario);
        var branch = new Branch(other, changed);
        DecisionDifference? first = null;
        using (var was = new Trail(cluster, filter))
        using (var now = new Trail(other, filter))
        {
            for (var ns = atNs; first is null && original.Report is null && branch.Report is null;)
            {
                ns = (ns / changed.BarrierIntervalNs + 1) * changed.BarrierIntervalNs;
                original.RunTo(ns, stop);
                branch.RunTo(ns, stop);
                first = DecisionDifference.First(was.Items, now.Items);
                was.Clear();
                now.Clear();
            }
        }

        return new ForkResult(atNs, first, original.RunToEnd(stop), branch.RunToEnd(stop));
    }
}
