// From a schedule that failed to a counterexample.
using ClusterSwap.Blades.Runs;
using ClusterSwap.Engine;
using ClusterSwap.Exploration.Exploring;
using ClusterSwap.Exploration.Schedules;

namespace ClusterSwap.Exploration.Counterexamples;

/// <summary>Writes down what an exploration found.</summary>
public static class CounterexampleFinder
{
    /// <summary>The counterexample of a schedule of a plan, its decisions recorded one by one.</summary>
    public static Counterexample Of(
        ExplorationPlan plan, Pressure pressure, in ExploredSchedule schedule, CancellationToken stop = default)
    {
        using var runner = new ScheduleRunner(plan.Scenario, plan.Scenario.Seed);
        var strategy = schedule.Number == 0
            ? ScheduleStrategy.Fifo
            : plan.Strategy.For((ulong)schedule.Number, pressure.Decisions);
        return Record(runner, pressure.From, strategy, schedule.Outcome.AtNs, stop);
    }

    /// <summary>Runs a strategy from a state to a time, ns, and writes the run down.</summary>
    internal static Counterexample Record(
        ScheduleRunner runner, Snapshot from, ScheduleStrategy strategy, long atNs, CancellationToken stop)
    {
        var recording = new RecordingStrategy(strategy);
        var outcome = runner.Run(from, recording, new ScheduleLimits(atNs, long.MaxValue), stop);
        var trace = recording.Trace;
        return new Counterexample
        {
            Scenario = runner.Scenario,
            Strategy = trace.Switches.Count == 0
                ? ScheduleStrategy.Fifo.Describe()
                : ScheduleStrategy.Replay(trace).From(from.TimeNs).Describe(),
            Verdict = outcome.Verdict,
            AtNs = outcome.AtNs,
            Fingerprint = outcome.Fingerprint,
            Story = runner.Fault is { } fault ? [fault] : StoryOf(runner.Look()),
        };
    }

    private static IReadOnlyList<string> StoryOf(Sighting sighting) =>
        sighting.Hang is { } hang ? [hang.Banner, .. hang.Cycle] : sighting.Note is { } note ? [note] : [];
}
