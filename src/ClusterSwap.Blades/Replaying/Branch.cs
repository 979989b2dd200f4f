// A cluster in the middle of a run, taken to its end.
using ClusterSwap.Blades.Monitors;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Engine;
using Barrier = ClusterSwap.Engine.Barrier;

namespace ClusterSwap.Blades.Replaying;

/// <summary>Runs on from where a cluster stands and judges as a run does: at barriers only.</summary>
public sealed class Branch
{
    private readonly Cluster _cluster;
    private readonly Scenario _scenario;
    private readonly ClusterWatch _watch;
    private readonly RunRequest _request;

    /// <summary>A branch of this scenario.</summary>
    public Branch(Cluster cluster, Scenario scenario)
    {
        _cluster = cluster;
        _scenario = scenario;
        _request = new RunRequest { Scenario = scenario, Variant = scenario.Variant, Seed = scenario.Seed };
        _watch = new ClusterWatch(cluster, _request);
    }

    /// <summary>The cluster.</summary>
    public Cluster Cluster => _cluster;

    /// <summary>How it ended; null while it goes on.</summary>
    public RunReport? Report { get; private set; }

    /// <summary>Runs to a virtual time, ns, or to a verdict. Stops between barriers do not count as barriers.</summary>
    public RunReport? RunTo(long timeNs, CancellationToken stop, Action<Barrier>? onBarrier = null)
    {
        if (Report is not null || timeNs <= _cluster.Simulation.TimeNs)
        {
            return Report;
        }

        try
        {
            var result = _cluster.Simulation.Run(new RunOptions
            {
                UntilNs = Math.Min(timeNs, _scenario.TimeLimitNs),
                Cancel = stop,
                InvariantInterval = 0,
                OnBarrier = barrier =>
                {
                    if (barrier.TimeNs % _scenario.BarrierIntervalNs != 0)
                    {
                        return true;
                    }

                    onBarrier?.Invoke(barrier);
                    return _watch.OnBarrier(barrier);
                },
            });
            Report = ReportOf(result);
        }
        catch (Exception fault) when (fault is InvalidOperationException
            || (fault is SimulationFaultException && fault.InnerException is InvalidOperationException))
        {
            Report = RunReports.Safety(_cluster, fault);
        }

        return Report;
    }

    /// <summary>Runs to the end.</summary>
    public RunReport RunToEnd(CancellationToken stop, Action<Barrier>? onBarrier = null) =>
        RunTo(long.MaxValue, stop, onBarrier)!;

    private RunReport? ReportOf(SimulationResult result)
    {
        if (_watch.Verdict is { } verdict)
        {
            // What a run looks at before it reports.
            _cluster.Simulation.AssertInvariants();
            Conservation.Check(_cluster);
            return RunReports.Of(_cluster, verdict, result, _watch);
        }

        return result.Reason switch
        {
            StopReason.Cancelled => RunReports.Of(_cluster, Verdict.Interrupted, result, _watch),
            StopReason.Until when result.TimeNs < _scenario.TimeLimitNs => null,
            _ => RunReports.Of(_cluster, Verdict.Unknown, result, _watch),
        };
    }
}
