// From a failure to the smallest that still ends the same way.
using ClusterSwap.Blades.Runs;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Engine;
using ClusterSwap.Exploration.Counterexamples;
using ClusterSwap.Exploration.Schedules;

namespace ClusterSwap.Exploration.Shrinking;

/// <summary>How shrinking goes.</summary>
public sealed record ShrinkOptions
{
    /// <summary>Threads, 1 or more. The result does not depend on them.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>
    /// Orders that are tried of each smaller deployment, the default one besides: it is given up only when none of them
    /// ends like the failure.
    /// </summary>
    public int Schedules { get; init; } = 8;

    /// <summary>Leaves the deployment as it is.</summary>
    public bool ScheduleOnly { get; init; }

    /// <summary>Told each step that was taken.</summary>
    public Action<ShrinkStep>? OnStep { get; init; }
}

/// <summary>A step that made a failure smaller.</summary>
/// <param name="What">What was made smaller.</param>
/// <param name="Size">The deployment after it.</param>
/// <param name="Switches">Decisions away from the default order after it.</param>
/// <param name="AtNs">Virtual time at which the failure is seen after it, ns.</param>
public readonly record struct ShrinkStep(string What, DeploymentSize Size, int Switches, long AtNs);

/// <summary>A shrunk failure.</summary>
/// <param name="Counterexample">The smallest that was found.</param>
/// <param name="Steps">How it was come to.</param>
/// <param name="Tried">Runs that this took.</param>
public sealed record ShrinkResult(Counterexample Counterexample, IReadOnlyList<ShrinkStep> Steps, long Tried);

/// <summary>
/// Delta debugging in two parts. First the deployment: of the changes that make it smaller, the first in a fixed order
/// that still fails is taken, until none does. Then the schedule: parts of its switches are left out, ever smaller ones
/// (Zeller and Hildebrandt's ddmin), until no single one can be. What ends with the same verdict counts as the same
/// failure. Deterministic: threads only try several candidates at once.
/// </summary>
public sealed class Shrinker
{
    private const long MessagesLeast = 200_000;
    private const long SlackNs = 1_000_000_000;

    private readonly ShrinkOptions _options;
    private readonly CancellationToken _stop;
    private readonly List<ShrinkStep> _steps = [];
    private readonly Verdict _verdict;
    private Found _best;
    private long _tried;

    private Shrinker(Found first, Verdict verdict, ShrinkOptions options, CancellationToken stop)
    {
        _best = first;
        _verdict = verdict;
        _options = options;
        _stop = stop;
    }

    /// <summary>Shrinks a counterexample.</summary>
    /// <param name="example">What failed.</param>
    /// <param name="options">How to go on.</param>
    /// <param name="stop">Ends it with an <see cref="OperationCanceledException"/>.</param>
    public static ShrinkResult Run(Counterexample example, ShrinkOptions options, CancellationToken stop = default)
    {
        using var runner = new ScheduleRunner(example.Scenario, example.Scenario.Seed);
        var (strategy, fromNs) = StrategyText.Parse(example.Strategy).Begin;
        var recording = new RecordingStrategy(strategy);
        var outcome = runner.Run(runner.Start, recording.From(fromNs), new ScheduleLimits(example.AtNs, long.MaxValue), stop);
        if (outcome.Verdict != example.Verdict)
        {
            throw new CounterexampleException(
                $"it ends as {VerdictWords.Word(outcome.Verdict)} now, not as {VerdictWords.Word(example.Verdict)}: nothing to shrink");
        }

        var first = new Found(example.Scenario, fromNs, recording.Trace, outcome);
        return new Shrinker(first, example.Verdict, options, stop).Run();
    }

    private ShrinkResult Run()
    {
        if (!_options.ScheduleOnly)
        {
            while (SmallerDeployment())
            {
                _stop.ThrowIfCancellationRequested();
            }
        }

        FewerSwitches();
        using var runner = new ScheduleRunner(_best.Scenario, _best.Scenario.Seed);
        var strategy = ScheduleStrategy.Replay(_best.Trace).From(_best.FromNs);
        var smallest = CounterexampleFinder.Record(runner, runner.Start, strategy, _best.Outcome.AtNs, _stop);
        return new ShrinkResult(smallest, _steps, _tried);
    }

    private bool SmallerDeployment()
    {
        var edits = DeploymentEdits.Of(_best.Scenario).ToArray();
        var taken = First(edits, edit => Try(edit.Result));
        if (taken is not { } smaller)
        {
            return false;
        }

        Take(smaller.Result, edits[smaller.Place].What);
        return true;
    }

    /// <summary>The failure in another deployment: in the default order, or in one of a few others.</summary>
    private Found? Try(Scenario scenario)
    {
        try
        {
            return FailureIn(scenario);
        }
        catch (SimulationFaultException)
        {
            // So small that the machine does not boot: no deployment.
            return null;
        }
    }

    private Found? FailureIn(Scenario scenario)
    {
        var limits = new ScheduleLimits(
            4 * _best.Outcome.AtNs + SlackNs, Math.Max(MessagesLeast, 2 * _best.Outcome.Messages));
        using var runner = new ScheduleRunner(scenario, scenario.Seed);
        Interlocked.Increment(ref _tried);
        var pressure = Pressure.Find(runner, limits, _stop);
        if (pressure.Default.Verdict == _verdict)
        {
            return new Found(scenario, 0, ScheduleTrace.Empty, pressure.Default);
        }

        for (ulong seed = 1; seed <= (ulong)_options.Schedules; seed++)
        {
            Interlocked.Increment(ref _tried);

            // Few delays: what fails needs few, and few are left out soon.
            var recording = new RecordingStrategy(
                ScheduleStrategy.DelayBounded(seed, 1 + (int)(seed % 4), pressure.Decisions));
            var outcome = runner.Run(pressure.From, recording, limits, _stop);
            if (outcome.Verdict == _verdict)
            {
                return new Found(scenario, pressure.From.TimeNs, recording.Trace, outcome);
            }
        }

        return null;
    }

    private void FewerSwitches()
    {
        if (_best.Trace.Switches.Count == 0)
        {
            return;
        }

        // Often none is needed.
        if (TryTrace([]) is { } plain)
        {
            Take(plain, "the default order");
            return;
        }

        var parts = 2;
        while (_best.Trace.Switches.Count >= 2)
        {
            _stop.ThrowIfCancellationRequested();
            var switches = _best.Trace.Switches;
            var size = (switches.Count + parts - 1) / parts;
            var left = Enumerable.Range(0, (switches.Count + size - 1) / size)
                .Select(part => switches.Where((_, i) => i / size != part).ToArray()).ToArray();
            if (First(left, TryTrace) is { } smaller)
            {
                Take(smaller.Result, $"switches {switches.Count} to {smaller.Result.Trace.Switches.Count}");
                parts = Math.Max(parts - 1, 2);
            }
            else if (size == 1)
            {
                return;
            }
            else
            {
                parts = Math.Min(parts * 2, switches.Count);
            }
        }
    }

    private Found? TryTrace(IReadOnlyList<ScheduleSwitch> switches)
    {
        Interlocked.Increment(ref _tried);
        var limits = new ScheduleLimits(
            4 * _best.Outcome.AtNs + SlackNs, Math.Max(MessagesLeast, 2 * _best.Outcome.Messages));
        using var runner = new ScheduleRunner(_best.Scenario, _best.Scenario.Seed);

        // Recorded anew: a switch that found other choices was not taken, and need not be kept.
        var recording = new RecordingStrategy(ScheduleStrategy.Replay(new ScheduleTrace(switches)));
        var outcome = runner.Run(runner.Start, recording.From(_best.FromNs), limits, _stop);
        return outcome.Verdict != _verdict ? null : new Found(_best.Scenario, _best.FromNs, recording.Trace, outcome);
    }

    private void Take(Found smaller, string what)
    {
        _best = smaller;
        var step = new ShrinkStep(
            what, DeploymentSize.Of(smaller.Scenario), smaller.Trace.Switches.Count, smaller.Outcome.AtNs);
        _steps.Add(step);
        _options.OnStep?.Invoke(step);
    }

    /// <summary>
    /// The first candidate for which something is found, whatever the threads: several are tried at once, and of those
    /// that succeed the one with the lowest place counts.
    /// </summary>
    private (int Place, Found Result)? First<T>(IReadOnlyList<T> candidates, Func<T, Found?> attempt)
    {
        for (var begin = 0; begin < candidates.Count; begin += _options.Threads)
        {
            var count = Math.Min(_options.Threads, candidates.Count - begin);
            var results = new Found?[count];
            try
            {
                Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = _options.Threads }, i =>
                    results[i] = attempt(candidates[begin + i]));
            }
            catch (AggregateException) when (_stop.IsCancellationRequested)
            {
                _stop.ThrowIfCancellationRequested();
            }

            var hit = Array.FindIndex(results, result => result is not null);
            if (hit >= 0)
            {
                return (begin + hit, results[hit]!);
            }
        }

        return null;
    }

    private sealed record Found(Scenario Scenario, long FromNs, ScheduleTrace Trace, ScheduleOutcome Outcome);
}
