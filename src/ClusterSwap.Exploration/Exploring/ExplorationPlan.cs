// What an exploration is asked to try.
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Exploration.Schedules;

namespace ClusterSwap.Exploration.Exploring;

/// <summary>A scenario and which orders of its events to try.</summary>
public sealed record ExplorationPlan
{
    /// <summary>What is explored, its own seed included.</summary>
    public required Scenario Scenario { get; init; }

    /// <summary>Which strategies.</summary>
    public StrategyKind Strategy { get; init; } = StrategyKind.Random;

    /// <summary>
    /// How many schedules. Schedule i, from 1, has i as the seed of its strategy, so the result does not depend on
    /// threads or time; null goes on until stopped.
    /// </summary>
    public long? Schedules { get; init; }

    /// <summary>Threads, 1 or more, each with a cluster of its own.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>Virtual time at which a schedule ends as unknown, ns; null for the scenario's own limit.</summary>
    public long? UntilNs { get; init; }

    /// <summary>
    /// Messages after which a schedule ends as unknown, as a multiple of what the default order takes: it goes round
    /// without end, or nearly so.
    /// </summary>
    public int MessagesFactor { get; init; } = 50;

    /// <summary>Stops at the first schedule that fails.</summary>
    public bool StopAtFirst { get; init; }

    /// <summary>Told about the state of things, a few times a second at most, on any thread.</summary>
    public Action<ExplorationProgress>? OnProgress { get; init; }
}

/// <summary>How far an exploration is.</summary>
/// <param name="Done">Schedules done.</param>
/// <param name="Total">Schedules in all; null when nobody knows.</param>
/// <param name="EndStates">Different ends that were seen.</param>
/// <param name="Failed">Schedules that failed.</param>
public readonly record struct ExplorationProgress(long Done, long? Total, long EndStates, long Failed);
