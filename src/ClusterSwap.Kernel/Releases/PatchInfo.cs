// What there is to say about one patch of the series.
namespace ClusterSwap.Kernel;

/// <summary>A patch of the swap-over-NBD series (V15, July 2012), explained.</summary>
public sealed record PatchInfo
{
    /// <summary>Its number in the series, 1 to 16.</summary>
    public required int Number { get; init; }

    /// <summary>A short name for tables.</summary>
    public required string Name { get; init; }

    /// <summary>Its title as posted.</summary>
    public required string Title { get; init; }

    /// <summary>The commit that merged it, or "" where the id was not found.</summary>
    public required string Commit { get; init; }

    /// <summary>The commit id was seen in source material; otherwise it is from memory.</summary>
    public required bool CommitSeen { get; init; }

    /// <summary>Patches that it builds on.</summary>
    public required IReadOnlyList<int> Needs { get; init; }

    /// <summary>Those of <see cref="Needs"/> without which it does nothing at all.</summary>
    public IReadOnlyList<int> IdleWithout { get; init; } = [];

    /// <summary>The rule that it brings.</summary>
    public required string Rule { get; init; }

    /// <summary>What happens when all others are in and this one is not.</summary>
    public required string Without { get; init; }

    /// <summary>What can be observed, with it and without it.</summary>
    public required string Prediction { get; init; }

    /// <summary>Overrides of the study's scenario that its effect needs, as <c>--set</c> takes them.</summary>
    public IReadOnlyList<string> Setting { get; init; } = [];

    /// <summary>The commit as it is printed: with <c>unverified</c> where it is.</summary>
    public string CommitText => (Commit, CommitSeen) switch
    {
        ("", _) => "unverified",
        (var id, true) => id,
        var (id, _) => id + " (unverified)",
    };
}
