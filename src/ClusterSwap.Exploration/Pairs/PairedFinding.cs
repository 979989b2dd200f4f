// The same deployment and schedule twice: with all patches, and with all but one.
using ClusterSwap.Engine;
using ClusterSwap.Exploration.Generators;
using ClusterSwap.Exploration.Properties;

namespace ClusterSwap.Exploration.Pairs;

/// <summary>One side of a pair: how it ended, and what was counted.</summary>
public sealed record Observation(Finding Finding, Measures Measures)
{
    /// <summary>Somebody waits for ever.</summary>
    public bool Hangs => Finding.Outcome is Outcome.Deadlock or Outcome.Livelock;

    /// <summary>Everybody got on.</summary>
    public bool GotOn => Finding.Outcome == Outcome.GotOn;

    /// <summary>Runs a deployment and takes its measures.</summary>
    public static Observation Of(PressureThenCalm shape, Deployment deployment, ScheduleStrategy schedule)
    {
        var watch = new MeasuringWatch();
        return new Observation(shape.Run(deployment, schedule, watch), watch.Measures);
    }
}

/// <summary>Both sides of a pair. They differ in one patch and in nothing else.</summary>
/// <param name="Deployment">The deployment, with all patches.</param>
/// <param name="Patch">The patch that the other side lacks.</param>
/// <param name="Schedule">Order among the messages of one instant, on both sides.</param>
/// <param name="With">With all patches.</param>
/// <param name="Without">With all but one.</param>
public sealed record PairedFinding(
    Deployment Deployment, int Patch, ScheduleStrategy Schedule, Observation With, Observation Without)
{
    /// <summary>The deployment with these patches on all of its blades.</summary>
    public static Deployment WithPatches(Deployment deployment, string patches) => deployment with
    {
        Blades = new(deployment.Blades.Select(blade => blade with { Patches = patches })),
    };

    /// <summary>The deployment of the side that lacks a patch.</summary>
    public static Deployment AllBut(Deployment deployment, int patch) =>
        WithPatches(deployment, FormattableString.Invariant($"all - {patch}"));
}
