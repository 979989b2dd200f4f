// Many schedules of one scenario, spread over threads.
using ClusterSwap.Blades.Runs;
using ClusterSwap.Exploration.Schedules;

namespace ClusterSwap.Exploration.Exploring;

/// <summary>
/// Tries schedules from the moment at which memory becomes short. All clusters live in one actor system and are
/// restored in place. With a number of schedules the result is the same on any number of threads; with
/// <see cref="ExplorationPlan.StopAtFirst"/> too, for what lies behind the first failure is left out.
/// </summary>
public sealed class Explorer
{
    private const long MessagesLeast = 1_000_000;
    private const int ProgressEvery = 64;

    private readonly ExplorationPlan _plan;
    private readonly CancellationToken _stop;
    private readonly object _gate = new();
    private readonly List<ExploredSchedule> _all = [];
    private readonly HashSet<UInt128> _ends = [];
    private readonly List<Exception> _errors = [];
    private Pressure _pressure = null!;
    private ScheduleLimits _limits;
    private long _taken;
    private long _failed;
    private long _last;
    private bool _interrupted;

    private Explorer(ExplorationPlan plan, CancellationToken stop)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(plan.Threads, 1);
        _plan = plan;
        _stop = stop;
        _last = plan.Schedules ?? long.MaxValue;
    }

    /// <summary>Explores; when stopped, the result is of what was done by then.</summary>
    public static ExplorationResult Run(ExplorationPlan plan, CancellationToken stop = default) =>
        new Explorer(plan, stop).Run();

    /// <summary>Bounds of the schedules of a plan whose default order took so many messages.</summary>
    internal static ScheduleLimits LimitsOf(ExplorationPlan plan, long messages) => new(
        plan.UntilNs ?? long.MaxValue,
        Math.Max(MessagesLeast, messages > long.MaxValue / plan.MessagesFactor ? long.MaxValue : messages * plan.MessagesFactor));

    private ExplorationResult Run()
    {
        using var runner = new ScheduleRunner(_plan.Scenario, _plan.Scenario.Seed);
        _pressure = Pressure.Find(runner, new ScheduleLimits(_plan.UntilNs ?? long.MaxValue, long.MaxValue), _stop);
        _limits = LimitsOf(_plan, _pressure.Default.Messages);
        var threads = new Thread[_plan.Threads - 1];
        for (var i = 0; i < threads.Length; i++)
        {
            threads[i] = new Thread(WorkOnOwnCluster) { IsBackground = true, Name = $"clusterswap explorer {i + 1}" };
            threads[i].Start();
        }

        Work(runner);
        Array.ForEach(threads, thread => thread.Join());
        if (_errors.Count > 0)
        {
            throw new AggregateException(_errors);
        }

        return Result();
    }

    private void WorkOnOwnCluster()
    {
        try
        {
            using var runner = new ScheduleRunner(_plan.Scenario, _plan.Scenario.Seed);
            Work(runner);
        }
        catch (Exception e)
        {
            Fail(e);
        }
    }

    private void Work(ScheduleRunner runner)
    {
        try
        {
            while (Take() is { } number)
            {
                var strategy = _plan.Strategy.For((ulong)number, _pressure.Decisions);
                Note(number, runner.Run(_pressure.From, strategy, _limits, _stop));
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            _interrupted = true;
        }
        catch (Exception e)
        {
            Fail(e);
        }
    }

    private long? Take()
    {
        if (_stop.IsCancellationRequested)
        {
            _interrupted = true;
            return null;
        }

        var number = Interlocked.Increment(ref _taken);
        return number <= Interlocked.Read(ref _last) ? number : null;
    }

    private void Note(long number, in ScheduleOutcome outcome)
    {
        lock (_gate)
        {
            if (number > _last)
            {
                return;
            }

            _all.Add(new ExploredSchedule(number, outcome));
            _ends.Add(outcome.Hash);
            if (outcome.Failed)
            {
                _failed++;
                _last = _plan.StopAtFirst ? number : _last;
            }

            if (_all.Count % ProgressEvery == 0)
            {
                _plan.OnProgress?.Invoke(new ExplorationProgress(_all.Count, _plan.Schedules, _ends.Count, _failed));
            }
        }
    }

    private void Fail(Exception error)
    {
        lock (_gate)
        {
            _errors.Add(error);
            _last = 0;
        }
    }

    // What a thread did beyond the first failure, because it was ahead, does not count.
    private ExplorationResult Result()
    {
        var counted = _all.Where(schedule => schedule.Number <= _last).OrderBy(schedule => schedule.Number).ToArray();
        return new ExplorationResult
        {
            Pressure = _pressure,
            Schedules = counted.Length,
            Verdicts =
            [
                .. counted.GroupBy(schedule => schedule.Outcome.Verdict).OrderBy(group => group.Key)
                    .Select(group => KeyValuePair.Create(group.Key, group.LongCount())),
            ],
            EndStates = counted.Select(schedule => schedule.Outcome.Hash).Distinct().LongCount(),
            FirstFailures =
            [
                .. counted.Where(schedule => schedule.Outcome.Failed).DistinctBy(schedule => schedule.Outcome.Verdict),
            ],
            Interrupted = _interrupted,
        };
    }
}
