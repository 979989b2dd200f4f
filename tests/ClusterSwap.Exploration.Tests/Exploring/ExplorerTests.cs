// Many schedules: the same result on any number of threads, and failures that can be shown again.
using ClusterSwap.Blades.Runs;
using ClusterSwap.Exploration.Counterexamples;
using ClusterSwap.Exploration.Exploring;
using ClusterSwap.Exploration.Schedules;

namespace ClusterSwap.Exploration.Tests.Exploring;

public sealed class ExplorerTests
{
    private static ExplorationPlan Plan(string variant, long schedules, int threads = 1, string strategy = "random") => new()
    {
        Scenario = Tiny.Scenario(variant),
        Schedules = schedules,
        Threads = threads,
        Strategy = StrategyKind.Parse(strategy)!,
    };

    [Fact]
    public void The_result_is_the_same_on_one_and_two_threads()
    {
        var one = Explorer.Run(Plan("no14", 60));
        var two = Explorer.Run(Plan("no14", 60, threads: 2));

        Assert.Equal(60, one.Schedules);
        Assert.Equal(one.Verdicts, two.Verdicts);
        Assert.Equal(one.FirstFailures, two.FirstFailures);
        Assert.Equal(one.EndStates, two.EndStates);
    }

    [Theory]
    [InlineData("random")]
    [InlineData("pct:3")]
    [InlineData("delay:2")]
    public void Without_patch_14_some_order_hangs_and_its_counterexample_hangs_alike(string strategy)
    {
        var plan = Plan("no14", 30, strategy: strategy);
        var result = Explorer.Run(plan);
        var hang = result.FirstFailures.Single(failure => failure.Outcome.Verdict == Verdict.Deadlock);

        var example = CounterexampleFinder.Of(plan, result.Pressure, hang);
        Assert.Equal(hang.Outcome.Fingerprint, example.Fingerprint);
        Assert.NotEmpty(example.Story);

        var again = example.Reproduce();
        Assert.True(again.Same, $"{again.Found} {again.Divergence}");
        Assert.Null(again.Divergence);
    }

    [Fact]
    public void The_first_failure_ends_an_exploration_that_wants_no_more()
    {
        var all = Explorer.Run(Plan("no14", 60));
        var first = Explorer.Run(Plan("no14", 60, threads: 2) with { StopAtFirst = true });

        Assert.Equal(all.FirstFailures[0], Assert.Single(first.FirstFailures));
        Assert.Equal(all.FirstFailures[0].Number, first.Schedules);
    }

    [Fact]
    public void What_is_stopped_tells_what_it_did()
    {
        using var stop = new CancellationTokenSource();
        var result = Explorer.Run(
            Plan("no14", 1_000_000) with { OnProgress = at => stop.Cancel() }, stop.Token);

        Assert.True(result.Interrupted);
        Assert.InRange(result.Schedules, 64, 1_000);
    }
}
