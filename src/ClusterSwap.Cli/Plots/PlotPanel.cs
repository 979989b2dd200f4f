// One panel of a plot: one blade of one run.
using System.Globalization;
using ClusterSwap.Cli.Comparing;

namespace ClusterSwap.Cli.Plots;

/// <summary>What is drawn in one panel.</summary>
/// <param name="Title">What stands above it.</param>
/// <param name="Hang">What stands at the moment of the hang; empty when there is none.</param>
/// <param name="Track">What is drawn; null when the run kept no samples.</param>
public sealed record PlotPanel(string Title, string Hang, FreePagesTrack? Track)
{
    /// <summary>
    /// The panel of a run: the blade that hangs, or else the one that came nearest to having no free page.
    /// </summary>
    public static PlotPanel Of(RunFigures run, string? name = null)
    {
        var track = run.Tracks.FirstOrDefault(each => each.HangSeconds is not null)
            ?? run.Tracks.MinBy(each => each.Samples.Min(sample => sample.LeastPages));
        var blade = run.BladeCount > 1 && track is not null ? $", {track.Blade}" : "";
        var hang = track?.HangSeconds is { } seconds
            ? string.Create(CultureInfo.InvariantCulture, $"{run.Verdict}: no progress after {seconds:N2} s")
            : "";
        return new PlotPanel(
            string.Create(CultureInfo.InvariantCulture,
                $"{name ?? $"{run.Scenario}, variant {run.Variant}"}, seed {run.Seed}{blade}: {run.Verdict}"),
            hang, track);
    }
}
