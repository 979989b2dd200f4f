// `clusterswap explore --exhaustive`: every schedule within bounds.
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using ClusterSwap.Blades.Replaying;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Cli.Replaying;
using ClusterSwap.Engine;
using ClusterSwap.Exploration.Counterexamples;
using ClusterSwap.Exploration.Critical;
using ClusterSwap.Exploration.Exhaustive;
using ClusterSwap.Exploration.Schedules;

namespace ClusterSwap.Cli.Exploring;

/// <summary>Visits every state once and says that none fails, or shows the shortest way to one that does.</summary>
internal sealed class ExhaustiveRun(CliConsole console, ExploreOptions options, Scenario scenario, ReplayProgress progress)
{
    /// <summary>Searches; exit status of the shortest failure's verdict, 0 when complete without one, else 2.</summary>
    public int Run(AtomicFile? json, Func<Counterexample, ExploreOptions, string> save, CancellationToken stop)
    {
        using var runner = new ScheduleRunner(scenario, scenario.Seed);
        ExhaustiveResult result;
        Pressure pressure;
        try
        {
            pressure = Pressure.Find(runner, new ScheduleLimits(options.UntilNs ?? long.MaxValue, long.MaxValue), stop);
            var bounds = new ExhaustiveBounds
            {
                Switches = options.Switches,
                OnTime = options.OnTime,
                UntilNs = options.UntilNs ?? long.MaxValue,
                States = options.States,
                StopAtFirst = options.First,
                OnProgress = states => progress.Tell(string.Create(CultureInfo.InvariantCulture, $"{states:N0} states")),
            };
            result = ExhaustiveSearch.Run(runner, pressure.From, bounds, SearchOrder.BreadthFirst, stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            console.Error.WriteLine("clusterswap: stopped");
            return ExitStatus.Interrupted;
        }

        progress.End();
        var failure = result.Path is null ? null : CriticalOf.Named(
            CounterexampleFinder.Record(
                runner, pressure.From, ScheduleStrategy.Replay(result.Path), long.MaxValue, stop),
            stop);
        var saved = failure is null ? null : save(failure, options);
        json?.Commit(Json(result, failure, saved));
        Write(result, pressure, failure, saved);
        return result.PathVerdict is { } verdict ? VerdictWords.ExitStatus(verdict)
            : result.Complete ? ExitStatus.Success
            : VerdictWords.ExitStatus(Verdict.Unknown);
    }

    private void Write(ExhaustiveResult result, Pressure pressure, Counterexample? failure, string? saved)
    {
        var bounds = (options.Switches is { } switches
                ? string.Create(CultureInfo.InvariantCulture, $"at most {switches:N0} switches")
                : "any number of switches")
            + (options.OnTime ? ", sections on time" : "")
            + (options.UntilNs is { } until ? $", up to {Moments.Seconds(until)}" : "");
        var found = failure is null ? "no failure" : $"{VerdictWords.Word(failure.Verdict)} found";
        console.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{scenario.Name}, variant {scenario.Variant}, seed {scenario.Seed}: {found} within {bounds}: {result.States:N0} states, ")
            + (result.Complete ? "complete" : "not complete"));
        if (options.Quiet)
        {
            return;
        }

        Row("from", $"{Moments.Seconds(pressure.From.TimeNs)}, before memory becomes short");
        Row("transitions", result.Transitions.ToString("N0", CultureInfo.InvariantCulture));
        Row("ends", string.Join(", ", result.Ends.Select(pair =>
            string.Create(CultureInfo.InvariantCulture, $"{pair.Value:N0} {VerdictWords.Word(pair.Key)}"))));
        if (failure is not null)
        {
            ExploreText.Tell(console, failure, saved!);
        }
    }

    private byte[] Json(ExhaustiveResult result, Counterexample? failure, string? saved)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions
        {
            Indented = true,
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        }))
        {
            json.WriteStartObject();
            json.WriteNumber("schema", 1);
            json.WriteString("scenario", scenario.Name);
            json.WriteString("variant", scenario.Variant);
            json.WriteNumber("seed", scenario.Seed);
            json.WriteNumber("states", result.States);
            json.WriteNumber("transitions", result.Transitions);
            json.WriteBoolean("complete", result.Complete);
            json.WriteString("verdict", failure is null ? null : VerdictWords.Word(failure.Verdict));
            json.WriteString("fingerprint", failure?.Fingerprint);
            json.WriteString("strategy", failure?.Strategy);
            json.WriteString("critical", failure?.Critical);
            json.WriteString("saved", saved);
            json.WriteEndObject();
        }

        stream.WriteByte((byte)'\n');
        return stream.ToArray();
    }

    private void Row(string name, string value) => console.Out.WriteLine($"{name,-14}{value}");
}
