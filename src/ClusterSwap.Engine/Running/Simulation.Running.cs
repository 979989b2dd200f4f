// From barrier to barrier, on one thread or several.
namespace ClusterSwap.Engine;

public sealed partial class Simulation
{
    /// <summary>
    /// Runs on from the present barrier. What happens does not depend on threads or partitions. Throws
    /// <see cref="SimulationFaultException"/>, <see cref="FaultElsewhereException"/> or
    /// <see cref="SimulationEscapeException"/>; the simulation cannot go on then.
    /// </summary>
    public SimulationResult Run(RunOptions options)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Threads, 1);
        if (_running || _failed)
        {
            throw new InvalidOperationException(_failed ? "the run has failed" : "the simulation is running already");
        }

        _running = true;
        try
        {
            IReadOnlyList<int[]> partitions = options.Partitions ?? PartitionPlan.Default(_edges, options.Threads);
            int threads = Math.Max(1, Math.Min(options.Threads, partitions.Count));
            var plan = new RunPlan(this, _edges, partitions, threads, options);
            long events = Events;
            long messages = Messages;
            using var crew = new Crew(plan, threads, options);
            StopReason reason = RunBarriers(crew, plan, options);
            crew.Dispose();
            EngineStatistics statistics = crew.Statistics(Events - events, Messages - messages);
            return new SimulationResult(reason, TimeNs, Fingerprint, Messages, Events, statistics);
        }
        finally
        {
            _running = false;
        }
    }

    private StopReason RunBarriers(Crew crew, RunPlan plan, RunOptions options)
    {
        int invariantCountdown = options.InvariantInterval;
        while (TimeNs < options.UntilNs)
        {
            if (options.Cancel.IsCancellationRequested)
            {
                return StopReason.Cancelled;
            }

            long barrierNs = Math.Min(options.UntilNs, NextBarrierAfter(TimeNs));
            crew.RunTo(barrierNs);
            ThrowOnTrouble();
            ThrowIfStopped(plan);
            TimeNs = barrierNs;
            foreach (HostContext host in LocalHosts)
            {
                host.StandAt(barrierNs);
            }

            ThrowOnTrouble();

            if (invariantCountdown > 0 && --invariantCountdown == 0)
            {
                AssertInvariants();
                invariantCountdown = options.InvariantInterval;
            }

            if (options.OnBarrier is { } observer && !observer(new Barrier(barrierNs, this)))
            {
                return StopReason.Observer;
            }

            ThrowOnTrouble();

            // Frames from elsewhere may be under way only within a barrier interval, yet others may still send some.
            if (Quiet && options.Exchange is null)
            {
                return StopReason.Quiet;
            }
        }

        return StopReason.Until;
    }

    /// <summary>The hosts do not stand at the barrier: something outside this simulation ended the run.</summary>
    private void ThrowIfStopped(RunPlan plan)
    {
        if (_abandoned)
        {
            _failed = true;
            throw new OperationCanceledException("the run was abandoned");
        }

        if (plan.Trouble is { } trouble)
        {
            _failed = true;
            trouble.Throw();
        }

        if (plan.FaultElsewhereNs < long.MaxValue)
        {
            _failed = true;
            throw new FaultElsewhereException(plan.FaultElsewhereNs);
        }
    }

    private long NextBarrierAfter(long timeNs)
        => Partition.Later(timeNs / BarrierIntervalNs * BarrierIntervalNs, BarrierIntervalNs);

    /// <summary>Asserts the invariants of all actors; a broken one is a fault.</summary>
    public void AssertInvariants()
    {
        foreach (HostContext host in LocalHosts)
        {
            host.AssertInvariants();
        }

        ThrowOnTrouble();
    }
}
