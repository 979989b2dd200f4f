// Looks for pairs that show a prediction, and makes one smaller for as long as it shows it.
using ClusterSwap.Engine;
using ClusterSwap.Exploration.Generators;
using ClusterSwap.Exploration.Properties;

namespace ClusterSwap.Exploration.Pairs;

/// <summary>What a pair says of a prediction.</summary>
public enum PairVerdict
{
    /// <summary>Nothing: both sides are alike in what the prediction is about, or neither came so far.</summary>
    Nothing,

    /// <summary>What is predicted.</summary>
    Shown,

    /// <summary>The contrary: it is better off without the patch.</summary>
    Contrary,
}

/// <summary>A deployment under many seeds.</summary>
/// <param name="Tried">Seeds, from the deployment's own on.</param>
/// <param name="Shown">How many of them show what is predicted.</param>
/// <param name="Contrary">How many show the contrary.</param>
public readonly record struct SeedCount(int Tried, int Shown, int Contrary);

/// <summary>Runs pairs for one prediction. The same deployment, seed and schedule say the same in every process.</summary>
/// <param name="prediction">The prediction.</param>
/// <param name="shape">How deployments are run.</param>
public sealed class PairSearch(Prediction prediction, PressureThenCalm shape)
{
    // One lucky seed is not enough: of eight, so many must show what is kept, or as many as showed it before.
    private const int SeedsTried = 8;
    private const int SeedsEnough = 6;

    /// <summary>The prediction.</summary>
    public Prediction Prediction => prediction;

    /// <summary>Runs both sides.</summary>
    public PairedFinding Run(Deployment deployment, ScheduleStrategy schedule) => new(
        deployment,
        prediction.Patch,
        schedule,
        Observation.Of(shape, PairedFinding.WithPatches(deployment, "all"), schedule),
        Observation.Of(shape, PairedFinding.AllBut(deployment, prediction.Patch), schedule));

    /// <summary>
    /// What a deployment says. Where the side without the patch rules the prediction out, the other one is run only when
    /// <paramref name="inFull"/>: for the contrary, which is looked for as well then.
    /// </summary>
    public PairVerdict Judge(Deployment deployment, ScheduleStrategy schedule, bool inFull = false)
    {
        var without = Observation.Of(shape, PairedFinding.AllBut(deployment, prediction.Patch), schedule);
        if (!inFull && !prediction.MayShow(without))
        {
            return PairVerdict.Nothing;
        }

        var with = Observation.Of(shape, PairedFinding.WithPatches(deployment, "all"), schedule);
        return prediction.Shows(with, without) ? PairVerdict.Shown
            : prediction.ShowsContrary(with, without) ? PairVerdict.Contrary
            : PairVerdict.Nothing;
    }

    /// <summary>The deployment under so many seeds, its own and those that follow.</summary>
    public SeedCount Count(Deployment deployment, ScheduleStrategy schedule, int seeds)
    {
        var verdicts = new int[Enum.GetValues<PairVerdict>().Length];
        for (var i = 0; i < seeds; i++)
        {
            verdicts[(int)Judge(deployment with { Seed = deployment.Seed + (ulong)i }, schedule, inFull: true)]++;
        }

        return new SeedCount(seeds, verdicts[(int)PairVerdict.Shown], verdicts[(int)PairVerdict.Contrary]);
    }

    /// <summary>Of some deployments that show the prediction, the one that does so under most seeds; the first of
    /// those.</summary>
    public Deployment Steadiest(IEnumerable<Deployment> deployments, ScheduleStrategy schedule) =>
        deployments.MaxBy(deployment => Count(deployment, schedule, SeedsTried).Shown)!;

    /// <summary>
    /// The smallest deployment on a way of single steps, each of which shows the prediction with its own seed, and under
    /// as many seeds as before or most of those tried.
    /// </summary>
    /// <param name="deployment">One that shows it.</param>
    /// <param name="schedule">Under this schedule.</param>
    /// <param name="onStep">Told of each step.</param>
    /// <param name="triesMax">Deployments that it may try.</param>
    public Deployment Smallest(
        Deployment deployment, ScheduleStrategy schedule, Action<Deployment>? onStep = null, int triesMax = 96)
    {
        var smallest = deployment;
        var enough = Math.Min(SeedsEnough, Count(deployment, schedule, SeedsTried).Shown);
        for (var progress = true; progress;)
        {
            progress = false;
            foreach (var candidate in Smaller(smallest))
            {
                if (triesMax-- <= 0)
                {
                    return smallest;
                }

                if (IsShown(candidate, schedule, enough, out var shown))
                {
                    smallest = candidate;
                    enough = Math.Min(SeedsEnough, shown);
                    onStep?.Invoke(smallest);
                    progress = true;
                    break;
                }
            }
        }

        return smallest;
    }

    // With its own seed first, and no longer than it can still be enough.
    private bool IsShown(Deployment deployment, ScheduleStrategy schedule, int enough, out int shown)
    {
        shown = Judge(deployment, schedule) == PairVerdict.Shown ? 1 : 0;
        for (var i = 1; i < SeedsTried && shown > 0 && shown + SeedsTried - i >= enough; i++)
        {
            var other = deployment with { Seed = deployment.Seed + (ulong)i };
            shown += Judge(other, schedule) == PairVerdict.Shown ? 1 : 0;
        }

        return shown >= enough && shown > 0;
    }

    // What takes a blade or a feature away, and then a shorter time under pressure.
    private static IEnumerable<Deployment> Smaller(Deployment deployment)
    {
        foreach (var smaller in SmallerDeployments.Of(deployment))
        {
            yield return smaller;
        }

        foreach (var pressureMs in new[] { deployment.PressureMs / 2, deployment.PressureMs * 3 / 4 })
        {
            if (deployment.Fault is null && pressureMs > 0)
            {
                yield return deployment with { PressureMs = pressureMs };
            }
            else if (deployment.Fault is { } fault && pressureMs > fault.AtMs)
            {
                yield return deployment with
                {
                    PressureMs = pressureMs,
                    Fault = fault with { ForMs = pressureMs - fault.AtMs },
                };
            }
        }
    }
}
