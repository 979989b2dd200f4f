// What the kernel facts say is seen without one patch, as a question to a pair of runs.
using ClusterSwap.Exploration.Generators;
using CsCheck;

namespace ClusterSwap.Exploration.Pairs;

/// <summary>A prediction of kernel facts, section 9.1, column "without it (others on)" and "testable prediction".</summary>
public sealed record Prediction
{
    /// <summary>The patch that is taken away.</summary>
    public required int Patch { get; init; }

    /// <summary>Short name, unique; the name of its file.</summary>
    public required string Name { get; init; }

    /// <summary>What the facts predict, a sentence.</summary>
    public required string Facts { get; init; }

    /// <summary>How it is told in a pair of runs, a sentence.</summary>
    public required string Told { get; init; }

    /// <summary>
    /// Whether the side without the patch may show it; for what is measured, whether the patch would have acted at all. Asked
    /// first: most pairs need no second run.
    /// </summary>
    public required Func<Observation, bool> MayShow { get; init; }

    /// <summary>Whether the pair shows it: the side with all patches, then the side without.</summary>
    public required Func<Observation, Observation, bool> Shows { get; init; }

    /// <summary>Whether the pair shows the contrary: it is better off without the patch.</summary>
    public required Func<Observation, Observation, bool> ShowsContrary { get; init; }

    /// <summary>What is drawn to look for it.</summary>
    public Gen<Deployment> Draws { get; init; } = Deployments.Any();
}
