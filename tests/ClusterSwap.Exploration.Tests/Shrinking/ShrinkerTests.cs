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
        var plan = new ExplorationPlan { Scenario = Tiny.Scenario("no14", overrides), Schedules = 8 };
        var result = Explorer.Run(plan);
        return CounterexampleFinder.Of(
            plan, result.Pressure, result.FirstFailures.Single(failure => failure.Outcome.Verdict == Verdict.Deadlock));
    }

    [Fact]
    public void Switches_that_a_deadlock_does_not_need_are_left_out()
    {
        // The default order hangs too, so it needs none.
        var failure = Failure();
        Assert.True(failure.Steps.Count > 10, $"{failure.Steps.Count} steps");

        var shrunk = Shrinker.Run(failure, new ShrinkOptions { ScheduleOnly = true }).Counterexample;

        Assert.Equal("fifo", shrunk.Strategy);
        Assert.Equal(Verdict.Deadlock, shrunk.Verdict);
        Assert.Empty(shrunk.Steps);
    }

    [Fact]
    public void Faults_that_a_deadlock_does_not_need_are_left_out()
    {
        var failure = Failure(
            "faults.slow={kind=\"server-delay\", delay=\"20 us\", at=\"0 ns\"}",
            "faults.late={kind=\"partition\", at=\"1 s\", for=\"1 s\"}");
        Assert.Equal(2, DeploymentSize.Of(failure.Scenario).Faults);

        var shrunk = Shrinker.Run(failure, new ShrinkOptions { Schedules = 1, Threads = 2 });

        Assert.Equal("faults 2 to 0", shrunk.Steps[0].What);
        Assert.Equal(0, DeploymentSize.Of(shrunk.Counterexample.Scenario).Faults);
        Assert.Equal(Verdict.Deadlock, shrunk.Counterexample.Verdict);
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
        Assert.Equal(Verdict.Deadlock, failure.Verdict);
        Assert.Equal(1, DeploymentSize.Of(one.Counterexample.Scenario).Blades);
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
