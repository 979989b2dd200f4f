// What a look at blades at a barrier found, and how the looks of several nodes become one.
using MemoryPack;

namespace ClusterSwap.Blades.Runs;

/// <summary>
/// What the blades of one node, or of all, are at a barrier. The verdict on a run is that on the first blade, in order of
/// the scenario, that has one, so it is the same however the blades are spread.
/// </summary>
[MemoryPackable]
public sealed partial record Sighting
{
    /// <summary>How far they are.</summary>
    public required RunProgress Progress { get; init; }

    /// <summary>Blades with work left.</summary>
    public required int Working { get; init; }

    /// <summary>A page was swapped out somewhere.</summary>
    public required bool Swapped { get; init; }

    /// <summary>Place of the first blade that decides the run; <see cref="int.MaxValue"/> when none does.</summary>
    public int Blade { get; init; } = int.MaxValue;

    /// <summary>How it decides it.</summary>
    public Verdict? BladeVerdict { get; init; }

    /// <summary>The story of its hang.</summary>
    public HangReport? Hang { get; init; }

    /// <summary>A remark that belongs to its verdict.</summary>
    public string? BladeNote { get; init; }

    /// <summary>Processes that were killed because a page could not be read.</summary>
    public int Killed { get; init; }

    /// <summary>Place of the first blade that lost its swap or processes; <see cref="int.MaxValue"/> when none
    /// did.</summary>
    public int LossBlade { get; init; } = int.MaxValue;

    /// <summary>What that blade lost, a sentence.</summary>
    public string? LossNote { get; init; }

    /// <summary>How the run ends; null when it goes on. Only of all blades together.</summary>
    [MemoryPackIgnore]
    public Verdict? Verdict => BladeVerdict
        ?? (Working > 0 ? null : Killed > 0 ? Runs.Verdict.Killed : Swapped ? Runs.Verdict.Completed : Runs.Verdict.Unknown);

    /// <summary>A remark that belongs to the verdict, a sentence; null without one.</summary>
    [MemoryPackIgnore]
    public string? Note => (BladeNote, LossNote) is ({ } blade, { } loss) ? $"{blade}; {loss}" : BladeNote ?? LossNote
        ?? (Working == 0 && !Swapped && BladeVerdict is null ? RunNotes.NeverUnderPressure : null);

    /// <summary>What several nodes found at one barrier, as one.</summary>
    public static Sighting Join(IReadOnlyCollection<Sighting> sightings)
    {
        var first = sightings.MinBy(sighting => sighting.Blade)!;
        var firstLoss = sightings.MinBy(sighting => sighting.LossBlade)!;
        return first with
        {
            Progress = new RunProgress(
                first.Progress.VirtualNs,
                sightings.Sum(sighting => sighting.Progress.WorkDone),
                sightings.Sum(sighting => sighting.Progress.WorkTotal),
                sightings.Sum(sighting => sighting.Progress.Messages),
                sightings.Sum(sighting => sighting.Progress.Throttled)),
            Working = sightings.Sum(sighting => sighting.Working),
            Swapped = sightings.Any(sighting => sighting.Swapped),
            Killed = sightings.Sum(sighting => sighting.Killed),
            LossBlade = firstLoss.LossBlade,
            LossNote = firstLoss.LossNote,
        };
    }
}
