// The critical event of a counterexample, in one sentence.
using ClusterSwap.Blades.Replaying;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Exploration.Counterexamples;

namespace ClusterSwap.Exploration.Critical;

/// <summary>Names the event of a counterexample after which no schedule that is tried recovers.</summary>
public static class CriticalOf
{
    private const int Shown = 3;

    /// <summary>
    /// The counterexample with <see cref="Counterexample.Critical"/>; as it is when it ends otherwise than in a hang.
    /// </summary>
    public static Counterexample Named(Counterexample example, CancellationToken stop = default)
    {
        if (example.Verdict is not (Verdict.Deadlock or Verdict.Livelock or Verdict.Starvation)
            || example.Reproduce(stop).Hang is not { } hang)
        {
            return example;
        }

        using var run = new Reexecution(
            example.Scenario, example.Scenario.Seed, new NoCheckpoints(), Engine.StrategyText.Parse(example.Strategy));
        var result = CriticalEvent.Find(run, hang, new CriticalSearch(), stop);
        return example with { Critical = Sentence(run, result) };
    }

    private static string Sentence(Reexecution run, CriticalResult result)
    {
        if (result.LastRecoverableNs < 0)
        {
            return $"none: of {result.Schedules} other orders from each of {result.Tried} moments none gets on, not even from the "
                + "beginning";
        }

        var events = result.Items.Where(item => item.IsEvent && item.Record is null)
            .Select(item => $"{item.Kind} to {run.Cluster.Simulation.ActorName(item.Host, item.Actor)}").ToArray();
        var what = string.Join(", ", events.Take(Shown))
            + (events.Length > Shown ? $" and {events.Length - Shown} more" : "");
        return $"{Moments.Seconds(result.CriticalNs)}, {what}: before it an order still gets on ({result.Order}), "
            + $"behind it none of {result.Schedules}";
    }
}
