// Every schedule within bounds: complete, and the same however it is searched.
using ClusterSwap.Blades.Runs;
using ClusterSwap.Engine;
using ClusterSwap.Exploration.Counterexamples;
using ClusterSwap.Exploration.Exhaustive;
using ClusterSwap.Exploration.Schedules;

namespace ClusterSwap.Exploration.Tests.Exhaustive;

public sealed class ExhaustiveSearchTests
{
    private static readonly ExhaustiveBounds s_oneSwitch = new() { Switches = 1 };

    private static readonly ExhaustiveBounds s_everyOrder = new() { OnTime = true };

    private static (ScheduleRunner Runner, Snapshot From) Ready(string variant, string file = "tiny.toml")
    {
        var runner = new ScheduleRunner(Tiny.Of(file, variant), 1);
        return (runner, Pressure.Find(runner, ScheduleLimits.None).From);
    }

    [Fact]
    public void All_patches_have_no_failure_within_one_switch_and_both_orders_visit_as_many_states()
    {
        var (runner, from) = Ready("base");
        using (runner)
        {
            var broad = ExhaustiveSearch.Run(runner, from, s_oneSwitch, SearchOrder.BreadthFirst);
            var deep = ExhaustiveSearch.Run(runner, from, s_oneSwitch, SearchOrder.DepthFirst);

            Assert.True(broad.Complete && deep.Complete);
            Assert.Equal(Verdict.Completed, Assert.Single(broad.Ends).Key);
            Assert.Null(broad.Path);
            Assert.Equal(broad.States, deep.States);
            Assert.Equal(broad.Transitions, deep.Transitions);
            Assert.Equal(broad.Ends, deep.Ends);
            Assert.True(broad.States > 1_000, $"{broad.States} states");
        }
    }

    [Theory]
    [InlineData("base")]
    [InlineData("no14")]
    [InlineData("vanilla")]
    public void Every_order_of_a_tiny_blade_is_visited_and_both_searches_find_the_same(string variant)
    {
        var (runner, from) = Ready(variant, "exhaustive.toml");
        using (runner)
        {
            var broad = ExhaustiveSearch.Run(runner, from, s_everyOrder, SearchOrder.BreadthFirst);
            var deep = ExhaustiveSearch.Run(runner, from, s_everyOrder, SearchOrder.DepthFirst);

            Assert.True(broad.Complete && deep.Complete);
            Assert.Equal(broad.States, deep.States);
            Assert.Equal(broad.Transitions, deep.Transitions);
            Assert.Equal(broad.Ends, deep.Ends);
            Assert.Equal(variant == "no14", broad.Ends.Any(end => end.Key == Verdict.Deadlock));
            if (variant == "base")
            {
                Assert.Equal(Verdict.Completed, Assert.Single(broad.Ends).Key);
                Assert.InRange(broad.States, 100, 1_000);
            }
        }
    }

    [Fact]
    public void Without_patch_14_the_shortest_way_to_a_deadlock_is_a_counterexample()
    {
        var (runner, from) = Ready("no14", "exhaustive.toml");
        using (runner)
        {
            var found = ExhaustiveSearch.Run(runner, from, s_everyOrder, SearchOrder.BreadthFirst);
            Assert.Equal(Verdict.Deadlock, found.PathVerdict);

            var example = CounterexampleFinder.Record(
                runner, from, ScheduleStrategy.Replay(found.Path!), long.MaxValue, CancellationToken.None);
            Assert.Equal(Verdict.Deadlock, example.Verdict);
            Assert.Equal(found.Path!.Switches.Count, example.Steps.Count);
            Assert.True(example.Reproduce().Same);

            // The shortest: with one switch less there is none.
            var fewer = ExhaustiveSearch.Run(
                runner, from, s_everyOrder with { Switches = found.Path.Switches.Count - 1 }, SearchOrder.DepthFirst);
            Assert.True(fewer.Complete);
            Assert.DoesNotContain(fewer.Ends, end => end.Key == Verdict.Deadlock);
        }
    }

    [Fact]
    public void Event_by_event_is_the_run_itself()
    {
        var (runner, from) = Ready("base", "exhaustive.toml");
        using (runner)
        {
            var simulation = runner.Cluster.Simulation;
            const long UntilNs = 40_000_000;
            simulation.Restore(from, ScheduleStrategy.Fifo);
            runner.RunTo(UntilNs);
            var whole = simulation.Fingerprint;

            simulation.Restore(from, ScheduleStrategy.Fifo);
            while (simulation.NextNs < UntilNs)
            {
                simulation.StepEvent();
                simulation.Restore(simulation.TakeSnapshot());
                Assert.Equal(0, simulation.TimeNs % runner.Scenario.TimeStepNs);
            }

            Assert.Equal(whole, simulation.Fingerprint);
        }
    }

    [Fact]
    public void What_is_given_up_is_not_called_complete()
    {
        var (runner, from) = Ready("base");
        using (runner)
        {
            var cut = ExhaustiveSearch.Run(runner, from, s_oneSwitch with { States = 50 }, SearchOrder.DepthFirst);
            Assert.False(cut.Complete);
            Assert.InRange(cut.States, 50, 60);
        }
    }

    [Fact]
    public void A_state_is_the_same_however_often_it_is_left_and_come_to()
    {
        var (runner, from) = Ready("base");
        using (runner)
        {
            var simulation = runner.Cluster.Simulation;
            simulation.Restore(from, ScheduleStrategy.Fifo);
            var before = simulation.StateHash();
            runner.RunTo(from.TimeNs + 100_000);
            Assert.NotEqual(before, simulation.StateHash());
            simulation.Restore(from, ScheduleStrategy.Random(1));
            Assert.Equal(before, simulation.StateHash());
        }
    }
}
