// The runs of a comparison: every variant with every seed, several at a time.
using System.Collections.Concurrent;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Blades.Scenarios;
using Serilog;

namespace ClusterSwap.Cli.Comparing;

/// <summary>What became of one run.</summary>
/// <param name="Scenario">What ran, variant and seed included.</param>
/// <param name="Figures">Its figures; null when it was never begun or broke.</param>
/// <param name="Broken">The program's own error in it.</param>
internal sealed record VariantRun(Scenario Scenario, RunFigures? Figures, Exception? Broken);

/// <summary>
/// Runs scenarios, each on one thread and in a simulation of its own: they know nothing of each other, so the result
/// does not depend on how many run at a time, or in which order.
/// </summary>
internal sealed class VariantRuns(
    IRunner runner, TimeProvider clock, CompareOptions options, CancellationToken stop)
{
    private readonly object _gate = new();
    private int _ended;

    /// <summary>Called when a run has ended, one call at a time: the run, how many have ended, how many there
    /// are.</summary>
    public Action<VariantRun, int, int>? Ended { get; init; }

    /// <summary>Runs all, begun in the given order; the result is in that order. After a stop the rest is not
    /// begun.</summary>
    public VariantRun[] RunAll(IReadOnlyList<Scenario> scenarios)
    {
        var results = new VariantRun[scenarios.Count];
        var order = Partitioner.Create(Enumerable.Range(0, scenarios.Count), EnumerablePartitionerOptions.NoBuffering);
        Parallel.ForEach(order, new ParallelOptions { MaxDegreeOfParallelism = options.Threads }, i =>
        {
            results[i] = stop.IsCancellationRequested
                ? new VariantRun(scenarios[i], null, null)
                : RunOne(scenarios[i]);
            if (results[i] is { Figures: null, Broken: null })
            {
                return;
            }

            lock (_gate)
            {
                Ended?.Invoke(results[i], ++_ended, scenarios.Count);
            }
        });
        return results;
    }

    private VariantRun RunOne(Scenario scenario)
    {
        var command = $"{Invocation.Program} {options.RepeatOne(scenario.Variant, scenario.Seed)}";
        RunFolder folder;
        lock (_gate)
        {
            folder = RunFolder.Create(
                options.RunsDir, $"{scenario.Name}-{scenario.Variant}-s{scenario.Seed}", clock.GetUtcNow(),
                scenario.ToToml(),
                new RunManifest { Command = command, Program = Invocation.Version, Journal = "off", UntilNs = options.UntilNs });
        }

        using var log = new LoggerConfiguration().WriteTo.File(folder.LogPath).CreateLogger();
        log.Information("Version {Version}: {Command}", Invocation.Version, command);
        var began = clock.GetTimestamp();
        var request = new RunRequest
        {
            Scenario = scenario,
            Variant = scenario.Variant,
            Seed = scenario.Seed,
            UntilNs = options.UntilNs,
            OnProgress = _ => !stop.IsCancellationRequested,
        };
        try
        {
            var report = runner.Run(request, stop);
            var summary = RunSummary.Of(folder, request, report, clock.GetElapsedTime(began), command);
            folder.Keep(summary);
            return new VariantRun(scenario, RunFigures.Of(summary), null);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return new VariantRun(scenario, null, null);
        }
        catch (Exception e) when (e is not (UsageException or ScenarioException))
        {
            // One that breaks must not take hours of others with it: it is told at the end.
            log.Fatal(e, "The run broke");
            return new VariantRun(scenario, null, e);
        }
    }
}
