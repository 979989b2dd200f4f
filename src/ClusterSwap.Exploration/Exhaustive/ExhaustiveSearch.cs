// Every order of what may happen in any order, within bounds.
using ClusterSwap.Blades.Runs;
using ClusterSwap.Engine;
using ClusterSwap.Exploration.Schedules;

namespace ClusterSwap.Exploration.Exhaustive;

/// <summary>
/// A state is what a simulation is behind an event with a decision; a step is one way to decide all of the next such event.
/// Where time does not go in steps, all events of an instant count as one. States are told apart by
/// <see cref="Simulation.StateHash"/>: schedules that come to the same state go on as one. Partial-order reduction comes
/// from the engine: hosts have no order among each other, since one reaches another only by a frame that takes time, and
/// what one event leads to within an instant is one course. So orders that differ only in those are one order here.
/// </summary>
public sealed class ExhaustiveSearch
{
    private const int ProgressEvery = 4_096;

    private readonly ScheduleRunner _runner;
    private readonly ExhaustiveBounds _bounds;
    private readonly CancellationToken _stop;
    private readonly ForcedStrategy _forced;

    // Switches left with which a state was visited: more may lead to states that fewer do not.
    private readonly Dictionary<UInt128, int> _left = [];
    private readonly Dictionary<UInt128, Verdict> _ends = [];
    private long _transitions;
    private bool _givenUp;
    private bool _stoppedEarly;

    // The shortest way to each verdict that is a failure.
    private readonly Dictionary<Verdict, Path> _failures = [];

    private ExhaustiveSearch(ScheduleRunner runner, ExhaustiveBounds bounds, CancellationToken stop)
    {
        _runner = runner;
        _bounds = bounds;
        _forced = new ForcedStrategy(bounds.OnTime);
        _stop = stop;
    }

    /// <summary>Searches from a state on.</summary>
    public static ExhaustiveResult Run(
        ScheduleRunner runner, Snapshot from, ExhaustiveBounds bounds, SearchOrder order, CancellationToken stop = default)
    {
        var search = new ExhaustiveSearch(runner, bounds, stop);
        runner.Cluster.Simulation.Restore(from, search._forced);
        var simulation = runner.Cluster.Simulation;
        var root = new Node(simulation.TakeSnapshot(), null, bounds.Switches ?? int.MaxValue) { Hash = simulation.StateHash() };
        search.Visit(root);
        if (order == SearchOrder.BreadthFirst)
        {
            search.BreadthFirst(root);
        }
        else
        {
            search.DepthFirst(root);
        }

        return search.Result();
    }

    private void BreadthFirst(Node root)
    {
        var queue = new PriorityQueue<Node, (int Used, long TimeNs, long Number)>();
        var number = 0L;
        queue.Enqueue(root, default);
        while (queue.TryDequeue(out var node, out var place) && !_givenUp)
        {
            if (_bounds.StopAtFirst && Shortest is { } known && (place.Used, place.TimeNs).CompareTo(known.Length) >= 0)
            {
                _stoppedEarly = true;
                break;
            }

            // It may have been met again with fewer switches since it was put here.
            if (_left[node.Hash] > node.Left)
            {
                continue;
            }

            foreach (var next in Expand(node))
            {
                queue.Enqueue(next, (root.Left - next.Left, next.State.TimeNs, ++number));
            }
        }
    }

    private void DepthFirst(Node root)
    {
        var stack = new Stack<Node>();
        stack.Push(root);
        while (stack.TryPop(out var node) && !_givenUp)
        {
            if (_bounds.StopAtFirst && _failures.Count > 0)
            {
                _stoppedEarly = true;
                break;
            }

            if (_left[node.Hash] > node.Left)
            {
                continue;
            }

            foreach (var next in Expand(node))
            {
                stack.Push(next);
            }
        }
    }

    /// <summary>All states one step from a node that were not visited with as many switches left.</summary>
    private List<Node> Expand(Node node)
    {
        var next = new List<Node>();
        var pending = new Stack<int[]>();
        pending.Push([]);
        while (pending.TryPop(out var prefix) && !_givenUp)
        {
            _stop.ThrowIfCancellationRequested();
            var verdict = Step(node, prefix);
            var made = _forced.Made;
            var used = prefix.Count(pick => pick != 0);
            _transitions++;
            Note(next, node, made, _bounds.Switches is null ? node.Left : node.Left - used, verdict);
            if (used == node.Left)
            {
                continue;
            }

            for (var place = prefix.Length; place < made.Count; place++)
            {
                for (var pick = 1; pick < made[place].Choices; pick++)
                {
                    pending.Push([.. prefix, .. Enumerable.Repeat(0, place - prefix.Length), pick]);
                }
            }
        }

        return next;
    }

    /// <summary>From a node to behind the next event with a decision, or to an end.</summary>
    private Verdict? Step(Node node, int[] prefix)
    {
        var simulation = _runner.Cluster.Simulation;
        simulation.Restore(node.State);
        _forced.Force(prefix);
        while (_forced.Made.Count == 0)
        {
            var nextNs = simulation.NextNs;
            if (nextNs >= Math.Min(_bounds.UntilNs, _runner.Scenario.TimeLimitNs))
            {
                return Verdict.Unknown;
            }

            if (simulation.TimeStepNs > 1)
            {
                simulation.StepEvent();
            }
            else
            {
                _runner.RunTo(nextNs + 1);
            }

            if (_runner.Glance() is { } verdict)
            {
                return verdict;
            }
        }

        return null;
    }

    private void Note(List<Node> next, Node node, IReadOnlyList<ScheduleSwitch> made, int left, Verdict? verdict)
    {
        var simulation = _runner.Cluster.Simulation;
        var path = node.Way;
        foreach (var at in made.Where(at => at.Picked > 0))
        {
            path = new Path(path, at, simulation.TimeNs, null);
        }

        if (verdict is { } end)
        {
            _ends.TryAdd(simulation.StateHash(), end);
            var failure = new Path(path, null, simulation.TimeNs, end);
            if (IsFailure(end)
                && (!_failures.TryGetValue(end, out var known) || failure.Length.CompareTo(known.Length) < 0))
            {
                _failures[end] = failure;
            }

            return;
        }

        var reached = new Node(null!, path, left) { Hash = simulation.StateHash() };
        if (!Visit(reached))
        {
            return;
        }

        next.Add(reached with { State = simulation.TakeSnapshot() });
        if (_left.Count % ProgressEvery == 0)
        {
            _bounds.OnProgress?.Invoke(_left.Count);
        }

        _givenUp |= _left.Count >= _bounds.States;
    }

    private bool Visit(Node node)
    {
        if (_left.TryGetValue(node.Hash, out var known) && known >= node.Left)
        {
            return false;
        }

        _left[node.Hash] = node.Left;
        return true;
    }

    private static bool IsFailure(Verdict verdict) => verdict is not (Verdict.Completed or Verdict.Unknown);

    // A deadlock before anything else: for the rest somebody else than the order of events may be to blame.
    private Path? Shortest => _failures.TryGetValue(Verdict.Deadlock, out var deadlock)
        ? deadlock
        : _failures.Values.MinBy(failure => failure.Length);

    private ExhaustiveResult Result() => new()
    {
        States = _left.Count,
        Transitions = _transitions,
        Ends =
        [
            .. _ends.Values.GroupBy(verdict => verdict).OrderBy(group => group.Key)
                .Select(group => KeyValuePair.Create(group.Key, group.LongCount())),
        ],
        Complete = !_givenUp && !_stoppedEarly,
        Path = Shortest is { } shortest ? new ScheduleTrace(shortest.Switches()) : null,
        PathVerdict = Shortest?.Verdict,
        PathAtNs = Shortest?.TimeNs ?? 0,
    };

    // A state with the way to it, and the switches that are left.
    private sealed record Node(Snapshot State, Path? Way, int Left)
    {
        public UInt128 Hash { get; init; }
    }

    private sealed record Path(Path? Before, ScheduleSwitch? Switch, long TimeNs, Verdict? Verdict)
    {
        /// <summary>What makes it short: few switches, then an early end.</summary>
        public (int Switches, long TimeNs) Length => (Switches().Count(), TimeNs);

        public IEnumerable<ScheduleSwitch> Switches()
        {
            for (var at = this; at is not null; at = at.Before)
            {
                if (at.Switch is { } made)
                {
                    yield return made;
                }
            }
        }
    }
}
