// A failure becomes smaller and stays the same failure.
using ClusterSwap.Blades.Runs;
using ClusterSwap.Exploration.Counterexamples;
using ClusterSwap.Exploration.Exploring;
using ClusterSwap.Exploration.Shrinking;

namespace ClusterSwap.Exploration.Tests.Shrinking;

public sealed class ShrinkerTests
{
    private static Counterexample Failure(params string[] overrides)
    {
        var plan = new ExplorationPlan { Scenario = Tiny.Scenario("no14", overrides), Schedules = 100, StopAtFirst = true };
        var result = Explorer.Run(plan);
        return CounterexampleFinder.Of(plan, result.Pressure, result.FirstFailures[0]);
    }

    [Fact]
    public void Eight_blades_become_one_that_still_hangs_whatever_the_threads()
    {
        var failure = Failure("blades.blade.count=8");
        Assert.Equal(8, DeploymentSize.Of(failure.Scenario).Blades);

        var one = Shrinker.Run(failure, new ShrinkOptions { Schedules = 2 });
        var two = Shrinker.Run(failure, new ShrinkOptions { Schedules = 2, Threads = 2 });

        Assert.Equal(one.Counterexample.ToJson(), two.Counterexample.ToJson());
        Assert.Equal(one.Steps, two.Steps);
        Assert.Equal(failure.Verdict, one.Counterexample.Verdict);
        Assert.InRange(DeploymentSize.Of(one.Counterexample.Scenario).Blades, 1, 2);
        Assert.True(one.Counterexample.Reproduce().Same);
        Assert.NotEmpty(one.Steps);
    }

    [Fact]
    public void What_does_not_fail_any_more_is_not_shrunk()
    {
        var healed = Failure() with { Verdict = Verdict.Starvation };
        Assert.Contains("nothing to shrink", Assert.Throws<CounterexampleException>(
            () => Shrinker.Run(healed, new ShrinkOptions())).Message, StringComparison.Ordinal);
    }
}
