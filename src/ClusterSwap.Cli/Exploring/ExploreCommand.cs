// `clusterswap explore`: many orders of what a scenario does, and the first in which it fails.
using System.CommandLine;
using System.Text;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Cli.Replaying;
using ClusterSwap.Exploration.Counterexamples;
using ClusterSwap.Exploration.Critical;
using ClusterSwap.Exploration.Exploring;
using ClusterSwap.Exploration.Shrinking;

namespace ClusterSwap.Cli.Exploring;

/// <summary>Explores a scenario.</summary>
internal sealed class ExploreCommand
{
    private readonly CliConsole _console;
    private readonly TimeProvider _clock;
    private readonly CancellationToken _stop;

    /// <summary>The command with what it runs on.</summary>
    public ExploreCommand(CliConsole console, TimeProvider clock, CancellationToken stop)
    {
        _console = console;
        _clock = clock;
        _stop = stop;
        Command = new Command("explore", "Try many orders of what a scenario does, and tell the first that fails");
        ExploreOptions.AddTo(Command);
        Command.SetAction(parsed => Run(ExploreOptions.From(parsed)));
    }

    /// <summary>The command as the parser wants it.</summary>
    public Command Command { get; }

    private int Run(ExploreOptions options)
    {
        var scenario = ScenarioFile.Load(options.ScenarioPath).Resolve(options.Variant, options.Overrides);
        scenario = options.Seed is { } seed ? scenario with { Seed = seed } : scenario;
        using var json = options.JsonFile is null ? null : new AtomicFile(options.JsonFile, "--json");
        if (options.SaveFile is { } file)
        {
            // Only to see before the work, not after it, that it can be written.
            new AtomicFile(file, "--save").Dispose();
        }

        var progress = new ReplayProgress(_console, _clock, !options.Quiet);
        if (options.Exhaustive)
        {
            return new ExhaustiveRun(_console, options, scenario, progress).Run(json, Save, _stop);
        }

        var plan = new ExplorationPlan
        {
            Scenario = scenario,
            Strategy = options.Strategy,
            Schedules = options.Schedules,
            Threads = options.Threads,
            UntilNs = options.UntilNs,
            StopAtFirst = options.First,
            OnProgress = at => progress.Tell(ExploreText.Progress(at, progress.Elapsed)),
        };
        var result = Explore(plan, options);
        var wall = progress.Elapsed;
        progress.End();
        if (result is null)
        {
            _console.Error.WriteLine("clusterswap: stopped before the first schedule");
            return ExitStatus.Interrupted;
        }

        var failure = result.FirstFailures.Count > 0
            ? CounterexampleFinder.Of(plan, result.Pressure, result.FirstFailures[0])
            : null;
        var text = new ExploreText(_console, plan, result, wall);
        text.Write(options.Quiet);
        try
        {
            var shrunk = failure is null || !options.Shrink ? null : Shrink(failure, options, text);
            failure = shrunk is null ? failure : CriticalOf.Named(shrunk.Counterexample, _stop);
            var saved = failure is null ? null : Save(failure, options);
            json?.Commit(ExploreJson.Write(plan, result, failure, shrunk, saved, wall));
            if (failure is not null && !options.Quiet)
            {
                text.Tell(failure, saved!);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            return ExitStatus.Interrupted;
        }

        return StatusOf(result);
    }

    /// <summary>The verdict of the first failure; without one, completed if some did, and else unknown.</summary>
    internal static int StatusOf(ExplorationResult result)
    {
        var verdict = result.FirstFailures.Count > 0 ? result.FirstFailures[0].Outcome.Verdict
            : result.Verdicts.Any(pair => pair.Key == Verdict.Completed) ? Verdict.Completed
            : Verdict.Unknown;
        return VerdictWords.ExitStatus(verdict);
    }

    private ShrinkResult Shrink(Counterexample failure, ExploreOptions options, ExploreText text) =>
        Shrinker.Run(
            failure,
            new ShrinkOptions { Threads = options.Threads, OnStep = options.Quiet ? null : text.Tell },
            _stop);

    private ExplorationResult? Explore(ExplorationPlan plan, ExploreOptions options)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(_stop);
        using var timer = options.TimeNs is { } ns
            ? _clock.CreateTimer(_ => stop.Cancel(), null, TimeSpan.FromTicks(ns / 100), Timeout.InfiniteTimeSpan)
            : null;
        try
        {
            return Explorer.Run(plan, stop.Token);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return null;
        }
    }

    private static string Save(Counterexample failure, ExploreOptions options)
    {
        var path = options.SaveFile;
        if (path is null)
        {
            var folder = Directory.CreateDirectory(Path.Combine(options.RunsDir, "counterexamples"));
            var scenario = failure.Scenario;
            path = Path.Combine(
                folder.ToString(),
                $"{scenario.Name}-{scenario.Variant}-s{scenario.Seed}-{VerdictWords.Word(failure.Verdict)}.json");
        }

        using var file = new AtomicFile(path, "--save");
        file.Commit(Encoding.UTF8.GetBytes(failure.ToJson()));
        return path;
    }
}
