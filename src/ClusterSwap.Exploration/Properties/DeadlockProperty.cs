// A property over drawn deployments: every waiter gets on, and nothing that must not be is seen.
using ClusterSwap.Engine;
using ClusterSwap.Exploration.Generators;
using CsCheck;

namespace ClusterSwap.Exploration.Properties;

/// <summary>
/// "In every drawn deployment every waiter gets on once the load ends." The shape is pressure and then calm
/// (<see cref="PressureThenCalm"/>); safety monitors run all the time. A failure is made smaller and told with the
/// scenario that shows it. A sample that never reached its goals is unknown, and that does not pass.
/// </summary>
public sealed class DeadlockProperty
{
    private readonly Gen<Deployment> _deployments;

    private DeadlockProperty(Gen<Deployment> deployments) => _deployments = deployments;

    /// <summary>What every sample must have reached; memory pressure by default.</summary>
    public Goal Sometimes { get; init; } = Goal.Pressure;

    /// <summary>Causes of hangs that count as known, and pass; none by default.</summary>
    public IReadOnlyList<HangCause> Known { get; init; } = [];

    /// <summary>How deployments are run.</summary>
    public PressureThenCalm Shape { get; init; } = new();

    /// <summary>Schedules drawn for each deployment beside fifo.</summary>
    public int Schedules { get; init; }

    /// <summary>Gets a line before each deployment is run: what was drawn.</summary>
    public Action<string>? Print { get; init; }

    /// <summary>A property of these deployments; <see cref="Deployments.Any"/> draws them.</summary>
    public static DeadlockProperty Of(Gen<Deployment> deployments) => new(deployments);

    /// <summary>The same, with other settings.</summary>
    public DeadlockProperty With(
        Goal? sometimes = null,
        IReadOnlyList<HangCause>? known = null,
        int? schedules = null,
        Action<string>? print = null) =>
        new(_deployments)
        {
            Sometimes = sometimes ?? Sometimes,
            Known = known ?? Known,
            Shape = Shape,
            Schedules = schedules ?? Schedules,
            Print = print ?? Print,
        };

    /// <summary>Runs so many deployments, from number <paramref name="first"/> on.</summary>
    /// <exception cref="PropertyFailedException">One hangs, runs out of memory, or breaks an invariant.</exception>
    /// <exception cref="PropertyUnknownException">A goal was never reached.</exception>
    public void Holds(int deployments = 20, ulong first = 1)
    {
        var reached = Goal.None;
        for (var number = first; number < first + (ulong)deployments; number++)
        {
            var deployment = _deployments.Draw(number);
            Print?.Invoke($"{number}: {deployment}");
            for (var schedule = 0; schedule <= Schedules; schedule++)
            {
                var strategy = StrategyOf(number, schedule);
                var finding = Shape.Run(deployment, strategy);
                reached |= finding.Goals;
                if (IsFailure(finding))
                {
                    var smallest = Smallest(finding, strategy);
                    throw new PropertyFailedException(Message(number, strategy, finding, smallest), finding, smallest);
                }
            }
        }

        var missing = Sometimes & ~reached;
        if (missing != Goal.None)
        {
            throw new PropertyUnknownException(
                $"unknown: no deployment of {deployments} reached {GoalWords.Of(missing)}, "
                + "so the sample says nothing of it",
                missing);
        }
    }

    // Most of a hung run is the wait for certainty: on the way a hint will do, and what it leads to is made sure of.
    private Finding Smallest(Finding found, ScheduleStrategy strategy)
    {
        var quick = new PressureThenCalm { SuspicionNs = Shape.SuspicionNs / 10, BoundNs = Shape.BoundNs };
        var smallest = SmallerDeployments.Smallest(d => quick.Run(d, strategy), found).Deployment;
        var finding = Shape.Run(smallest, strategy);
        return finding.IsLike(found) ? finding : found;
    }

    private bool IsFailure(Finding finding) => finding.Outcome != Outcome.GotOn && !Known.Contains(finding.Cause);

    private static ScheduleStrategy StrategyOf(ulong number, int schedule) =>
        schedule == 0 ? ScheduleStrategy.Fifo : ScheduleStrategy.Random((number << 16) + (ulong)schedule);

    private static string Message(ulong number, ScheduleStrategy strategy, Finding found, Finding smallest)
    {
        string[] lines =
        [
            $"deployment {number}, schedule {strategy.Describe()}: {found.Outcome}",
            $"drawn:    {found.Deployment}",
            $"smallest: {smallest.Deployment}",
            .. smallest.Story.Select(line => "  " + line),
            $"the smallest as a scenario, for run (Deployments.Draw({number}) draws the first one again):",
            .. smallest.Deployment.ToToml().TrimEnd().Split('\n').Select(line => "  " + line),
        ];
        return string.Join(Environment.NewLine, lines);
    }
}
