// The event of a counterexample after which no schedule recovers.
using ClusterSwap.Blades.Runs;
using ClusterSwap.Engine;
using ClusterSwap.Exploration.Counterexamples;
using ClusterSwap.Exploration.Critical;
using ClusterSwap.Exploration.Exhaustive;
using ClusterSwap.Exploration.Schedules;

namespace ClusterSwap.Exploration.Tests.Critical;

public sealed class CriticalOfTests
{
    [Fact]
    public void A_deadlock_that_an_order_led_to_has_a_critical_event_which_its_file_keeps()
    {
        using var runner = new ScheduleRunner(Tiny.Of("exhaustive.toml", "no14"), 1);
        var pressure = Pressure.Find(runner, ScheduleLimits.None);
        Assert.Equal(Verdict.Completed, pressure.Default.Verdict);
        var found = ExhaustiveSearch.Run(
            runner, pressure.From, new ExhaustiveBounds { OnTime = true }, SearchOrder.BreadthFirst);
        var example = CounterexampleFinder.Record(
            runner, pressure.From, ScheduleStrategy.Replay(found.Path!), long.MaxValue, CancellationToken.None);

        var named = CriticalOf.Named(example);

        Assert.Matches(@"^0\.\d+ s, .+ to .+: before it an order still gets on \(random\(seed \d\)\), behind it none of 8$", named.Critical);
        Assert.Contains(named.Critical!, named.ToJson(), StringComparison.Ordinal);
        Assert.True(named.Reproduce().Same);
    }

    [Fact]
    public void What_does_not_hang_has_none()
    {
        using var runner = new ScheduleRunner(Tiny.Of("exhaustive.toml"), 1);
        var example = CounterexampleFinder.Record(
            runner, runner.Start, ScheduleStrategy.Fifo, 100_000_000, CancellationToken.None);

        Assert.Equal(Verdict.Completed, example.Verdict);
        Assert.Null(CriticalOf.Named(example).Critical);
    }
}
