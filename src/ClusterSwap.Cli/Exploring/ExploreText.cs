// What `explore` prints.
using System.Globalization;
using ClusterSwap.Blades.Replaying;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Exploration.Counterexamples;
using ClusterSwap.Exploration.Exploring;
using ClusterSwap.Exploration.Shrinking;

namespace ClusterSwap.Cli.Exploring;

/// <summary>The report of an exploration as text.</summary>
internal sealed class ExploreText(CliConsole console, ExplorationPlan plan, ExplorationResult result, TimeSpan wall)
{
    /// <summary>One line while it goes on.</summary>
    public static string Progress(in ExplorationProgress at, TimeSpan elapsed) => string.Create(
        CultureInfo.InvariantCulture,
        $"{at.Done:N0} schedules, {PerSecond(at.Done, elapsed):N0} per second, {at.EndStates:N0} different ends, ")
        + string.Create(CultureInfo.InvariantCulture, $"{at.Failed:N0} failed")
        + (at.Total is { } total ? string.Create(CultureInfo.InvariantCulture, $", {total:N0} in all") : "");

    /// <summary>Writes what was explored; one line when <paramref name="quiet"/>.</summary>
    public void Write(bool quiet)
    {
        var scenario = plan.Scenario;
        Line($"{scenario.Name}, variant {scenario.Variant}, seed {scenario.Seed}: {Verdicts()}");
        if (quiet)
        {
            return;
        }

        Row("deployment", DeploymentSize.Of(scenario).ToString());
        Row("schedules", string.Create(
            CultureInfo.InvariantCulture,
            $"{result.Schedules:N0} of {plan.Strategy}, {result.EndStates:N0} different ends")
            + (result.Interrupted ? ", stopped before all were done" : ""));
        Row("from", $"{Moments.Seconds(result.Pressure.From.TimeNs)}, before memory becomes short");
        var fifo = result.Pressure.Default;
        Row("default order", $"{VerdictWords.Word(fifo.Verdict)} at {Moments.Seconds(fifo.AtNs)}, "
            + string.Create(CultureInfo.InvariantCulture, $"{result.Pressure.Decisions:N0} decisions"));
        Row("speed", string.Create(
            CultureInfo.InvariantCulture, $"{PerSecond(result.Schedules, wall):N0} schedules per second on {plan.Threads} threads"));
        if (result.FirstFailures.Count > 0)
        {
            var first = result.FirstFailures[0];
            console.Out.WriteLine();
            Line($"schedule {first.Number}: {VerdictWords.Word(first.Outcome.Verdict)} at {Moments.Seconds(first.Outcome.AtNs)}");
        }
    }

    /// <summary>Writes a step that made the failure smaller.</summary>
    public void Tell(ShrinkStep step) =>
        Line($"  smaller: {step.What}; {step.Size}, {step.Switches:N0} switches, at {Moments.Seconds(step.AtNs)}");

    /// <summary>Writes the failure in the end.</summary>
    public void Tell(Counterexample failure, string saved) => Tell(console, failure, saved);

    /// <summary>Writes a failure.</summary>
    public static void Tell(CliConsole console, Counterexample failure, string saved)
    {
        const int Shown = 30;
        console.Out.WriteLine();
        console.Out.WriteLine(
            $"{VerdictWords.Word(failure.Verdict)} at {Moments.Seconds(failure.AtNs)}: {DeploymentSize.Of(failure.Scenario)}, "
            + (failure.Steps.Count == 0 ? "in the default order" : "in the default order but for"));
        foreach (var step in failure.Steps.Take(Shown))
        {
            console.Out.WriteLine("  " + step);
        }

        if (failure.Steps.Count > Shown)
        {
            console.Out.WriteLine($"  and {failure.Steps.Count - Shown} more");
        }

        foreach (var line in failure.Story)
        {
            console.Out.WriteLine("  " + line);
        }

        console.Out.WriteLine();
        if (failure.Critical is { } critical)
        {
            Row(console, "critical", critical);
        }

        Row(console, "fingerprint", failure.Fingerprint);
        Row(console, "saved", saved);
        Row(console, "again", $"{Invocation.Program} replay {RunOptions.Quote(saved)}");
    }

    private string Verdicts() => string.Join(", ", result.Verdicts.Select(pair =>
        string.Create(CultureInfo.InvariantCulture, $"{pair.Value:N0} {VerdictWords.Word(pair.Key)}")));

    private void Row(string name, string value) => Row(console, name, value);

    private static void Row(CliConsole console, string name, string value) => console.Out.WriteLine($"{name,-14}{value}");

    private void Line(FormattableString text) => console.Out.WriteLine(FormattableString.Invariant(text));

    private static double PerSecond(long count, TimeSpan elapsed) => count / Math.Max(elapsed.TotalSeconds, 1e-9);
}
