// From a schedule that failed to a counterexample.
using ClusterSwap.Blades.Actors;
using ClusterSwap.Blades.Replaying;
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
    public static Counterexample Record(
        ScheduleRunner runner, Snapshot from, ScheduleStrategy strategy, long atNs, CancellationToken stop)
    {
        // What decides late is recorded from then on: its decisions are counted from there.
        var (inner, fromNs) = strategy.Begin;
        fromNs = Math.Max(fromNs, from.TimeNs);
        var recording = new RecordingStrategy(inner);
        var outcome = runner.Run(from, recording.From(fromNs), new ScheduleLimits(atNs, long.MaxValue), stop);
        var trace = recording.Trace;
        return new Counterexample
        {
            Scenario = runner.Scenario,
            Strategy = trace.Switches.Count == 0
                ? ScheduleStrategy.Fifo.Describe()
                : ScheduleStrategy.Replay(trace).From(fromNs).Describe(),
            Verdict = outcome.Verdict,
            AtNs = outcome.AtNs,
            Fingerprint = outcome.Fingerprint,
            Steps = StepsOf(runner, recording),
            Story = runner.Fault is { } fault ? [fault] : StoryOf(runner.Look()),
        };
    }

    private static string[] StepsOf(ScheduleRunner runner, RecordingStrategy recording)
    {
        var simulation = runner.Cluster.Simulation;
        var kinds = simulation.MessageKinds.ToDictionary(kind => kind.Kind, kind => kind.Name);
        string Task(int host, ScheduleChoice choice) =>
            RunNotes.TaskName(runner.Blades.Single(blade => blade.Place.Host == host), choice.Sender);
        string Message(int host, ScheduleChoice choice) =>
            $"{kinds[choice.Kind]} to {simulation.ActorName(host, choice.Receiver)}";
        string Switch(SwitchedDecision at) => at.First.Kind switch
        {
            ScheduleChoice.Cpu => $"a CPU goes to {Task(at.Host, at.First)}, not to {Task(at.Host, at.Instead)}",
            ScheduleChoice.Late => $"{Task(at.Host, at.First)} takes {KernelTimes.LatenessNs / 1_000} us longer",
            _ => $"{Message(at.Host, at.First)} comes before {Message(at.Host, at.Instead)}",
        };
        return
        [
            .. recording.Switched.Select(at =>
                $"{Moments.Seconds(at.TimeNs)} {simulation.Host(at.Host).Name}: {Switch(at)}"),
        ];
    }

    private static IReadOnlyList<string> StoryOf(Sighting sighting) =>
        sighting.Hang is { } hang ? [hang.Banner, .. hang.Cycle] : sighting.Note is { } note ? [note] : [];
}
