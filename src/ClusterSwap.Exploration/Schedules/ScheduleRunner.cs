// One cluster that runs one schedule after another.
using ClusterSwap.Blades;
using ClusterSwap.Blades.Actors;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Engine;
using Barrier = ClusterSwap.Engine.Barrier;

namespace ClusterSwap.Exploration.Schedules;

/// <summary>
/// Actors of one scenario and seed into which states are put again and again. It judges as a run does, but looks more
/// often: a knot is final as soon as it is there. Not safe for use by several threads.
/// </summary>
public sealed class ScheduleRunner : IDisposable
{
    /// <summary>Virtual time between two looks, ns.</summary>
    public const long LookNs = 1_000_000;

    // A stall that is looked into first; then each time that it has doubled.
    private const long FirstSuspicionNs = 2 * LookNs;

    private readonly Scenario _scenario;
    private readonly BladeStates[] _blades;
    private readonly long[] _suspicionNs;

    /// <summary>A runner of a scenario under a seed, at virtual time 0.</summary>
    public ScheduleRunner(Scenario scenario, ulong seed)
    {
        _scenario = scenario with { Seed = seed };
        Cluster = ClusterBuilder.Build(_scenario, seed);
        _blades = [.. Cluster.Blades.Select(place => new BladeStates(Cluster.Simulation, place))];
        _suspicionNs = new long[_blades.Length];
        Start = Cluster.Simulation.TakeSnapshot();
    }

    /// <summary>The cluster where it stands.</summary>
    public Cluster Cluster { get; }

    /// <summary>The state at virtual time 0.</summary>
    public Snapshot Start { get; }

    /// <summary>The scenario, with the runner's seed.</summary>
    public Scenario Scenario => _scenario;

    /// <summary>The states of the blades, in the order of the scenario.</summary>
    public IReadOnlyList<BladeStates> Blades => _blades;

    /// <summary>What broke an invariant in the last schedule; null when nothing did.</summary>
    public string? Fault { get; private set; }

    /// <summary>Goes to a state and runs on from there under a strategy, to a verdict or a limit.</summary>
    public ScheduleOutcome Run(
        Snapshot from, ScheduleStrategy strategy, in ScheduleLimits limits, CancellationToken stop = default)
    {
        Cluster.Simulation.Restore(from, strategy);
        return RunOn(limits, stop);
    }

    /// <summary>Runs on from where it stands.</summary>
    public ScheduleOutcome RunOn(in ScheduleLimits limits, CancellationToken stop = default)
    {
        var simulation = Cluster.Simulation;
        var untilNs = Math.Min(limits.UntilNs, _scenario.TimeLimitNs);
        Array.Fill(_suspicionNs, FirstSuspicionNs);
        Fault = null;
        try
        {
            while (true)
            {
                stop.ThrowIfCancellationRequested();
                if (Judge() is { } verdict)
                {
                    return Outcome(verdict);
                }

                if (simulation.TimeNs >= untilNs || simulation.Messages >= limits.Messages)
                {
                    return Outcome(Verdict.Unknown);
                }

                RunTo(Math.Min(untilNs, NextLook()));
            }
        }
        catch (Exception fault) when (fault is InvalidOperationException
            || (fault is SimulationFaultException && fault.InnerException is InvalidOperationException))
        {
            Fault = fault.Message;
            return Outcome(Verdict.Safety);
        }
    }

    /// <summary>
    /// How it ends here, if it does. It depends on the state alone: whoever does not get on for a millisecond is looked
    /// into every time.
    /// </summary>
    public Verdict? Glance()
    {
        Array.Fill(_suspicionNs, FirstSuspicionNs);
        return Judge();
    }

    /// <summary>Runs to a virtual time, ns, without a look.</summary>
    public void RunTo(long timeNs)
    {
        if (timeNs > Cluster.Simulation.TimeNs)
        {
            Cluster.Simulation.Run(new RunOptions { UntilNs = timeNs, InvariantInterval = 0 });
        }
    }

    /// <summary>The story of where the cluster stands: who waits for whom, when somebody hangs.</summary>
    public Sighting Look()
    {
        var request = new RunRequest { Scenario = _scenario, Variant = _scenario.Variant, Seed = _scenario.Seed };
        var watch = new ClusterWatch(Cluster, request) { SuspicionNs = FirstSuspicionNs };
        return watch.Look(new Barrier(Cluster.Simulation.TimeNs, Cluster.Simulation));
    }

    /// <inheritdoc/>
    public void Dispose() => Cluster.Dispose();

    // Where nothing happens for a while there is nothing to look at either.
    private long NextLook()
    {
        var nextNs = Math.Max(Cluster.Simulation.NextNs, Cluster.Simulation.TimeNs);
        return nextNs > long.MaxValue - LookNs ? Cluster.Simulation.TimeNs + LookNs : (nextNs / LookNs + 1) * LookNs;
    }

    private ScheduleOutcome Outcome(Verdict verdict)
    {
        var simulation = Cluster.Simulation;
        return new ScheduleOutcome(verdict, simulation.TimeNs, simulation.Fingerprint, simulation.Messages);
    }

    private Verdict? Judge()
    {
        var working = false;
        var swapped = false;
        for (var i = 0; i < _blades.Length; i++)
        {
            var blade = _blades[i];
            if (blade.Blade.OutOfMemoryNs >= 0)
            {
                return Verdict.Oom;
            }

            swapped |= blade.Memory.Stat[Kernel.VmCounter.pswpout] > 0;
            if (blade.Unfinished() > 0)
            {
                working = true;
                if (JudgeWaiting(i) is { } verdict)
                {
                    return verdict;
                }
            }
        }

        return working ? null : swapped ? Verdict.Completed : Verdict.Unknown;
    }

    private Verdict? JudgeWaiting(int index)
    {
        var blade = _blades[index];
        var nowNs = Cluster.Simulation.TimeNs;
        var stallNs = nowNs - blade.Blade.ProgressNs;
        if (stallNs < FirstSuspicionNs)
        {
            _suspicionNs[index] = FirstSuspicionNs;
        }
        else if (stallNs >= _suspicionNs[index])
        {
            // In whole steps a loop has few phases, and not in each of them is it seen for what it is.
            _suspicionNs[index] = _scenario.TimeStepNs > 1 ? FirstSuspicionNs : 2 * stallNs;
            if (WaitForGraph.Of(Cluster.Simulation, blade).IsKnot)
            {
                return Verdict.Deadlock;
            }
        }

        if (stallNs >= _scenario.HangAfterNs)
        {
            return Verdict.Livelock;
        }

        return nowNs >= _scenario.HangAfterNs && Starves(blade, nowNs) ? Verdict.Starvation : null;
    }

    private bool Starves(BladeStates blade, long nowNs)
    {
        for (var process = 0; process < blade.Processes; process++)
        {
            var state = blade.Process(process);
            if (state.EndedNs < 0 && nowNs - state.LastProgressNs >= _scenario.HangAfterNs)
            {
                return true;
            }
        }

        return false;
    }
}
