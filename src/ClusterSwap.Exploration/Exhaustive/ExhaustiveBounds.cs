// How far an exhaustive search goes, and what it found within.
using ClusterSwap.Blades.Runs;
using ClusterSwap.Engine;

namespace ClusterSwap.Exploration.Exhaustive;

/// <summary>In which order a search visits states. What it visits does not depend on it.</summary>
public enum SearchOrder
{
    /// <summary>Fewest switches first, and among these the earliest in virtual time: the first hang is the shortest.</summary>
    BreadthFirst,

    /// <summary>To the end of each schedule before the next.</summary>
    DepthFirst,
}

/// <summary>Bounds of a search. Within them it is complete.</summary>
public sealed record ExhaustiveBounds
{
    /// <summary>Decisions that differ from the default order, in one schedule; null for as many as there are.</summary>
    public int? Switches { get; init; }

    /// <summary>Every section takes as long as its costs say; else each may take longer, which is a decision.</summary>
    public bool OnTime { get; init; }

    /// <summary>Virtual time, ns; what goes on there counts as cut off.</summary>
    public long UntilNs { get; init; } = long.MaxValue;

    /// <summary>States after which the search gives up, without having been complete.</summary>
    public long States { get; init; } = 1_000_000;

    /// <summary>Ends the search at the first failure, which in breadth-first order is the shortest.</summary>
    public bool StopAtFirst { get; init; }

    /// <summary>Told how many states there are so far, now and then.</summary>
    public Action<long>? OnProgress { get; init; }
}

/// <summary>What a search found.</summary>
public sealed record ExhaustiveResult
{
    /// <summary>Different states after decisions, the first one included.</summary>
    public required long States { get; init; }

    /// <summary>Steps from one to another that were tried.</summary>
    public required long Transitions { get; init; }

    /// <summary>How many different states were ends of which kind; unknown are those cut off by time.</summary>
    public required IReadOnlyList<KeyValuePair<Verdict, long>> Ends { get; init; }

    /// <summary>Everything within the bounds was visited.</summary>
    public required bool Complete { get; init; }

    /// <summary>
    /// The shortest way to a deadlock that was met, fewest switches and then least virtual time; without one, to another
    /// failure; null without any.
    /// </summary>
    public required ScheduleTrace? Path { get; init; }

    /// <summary>The verdict at its end.</summary>
    public Verdict? PathVerdict { get; init; }

    /// <summary>Virtual time of its end, ns; a run that takes it is looked at less often, and sees it later.</summary>
    public long PathAtNs { get; init; }
}
