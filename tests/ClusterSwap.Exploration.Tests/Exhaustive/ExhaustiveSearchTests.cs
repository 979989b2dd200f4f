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

    private static (ScheduleRunner Runner, Snapshot From) Ready(string variant)
    {
        var runner = new ScheduleRunner(Tiny.Scenario(variant), 1);
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

    [Fact]
    public void Without_patch_14_the_shortest_way_to_a_hang_can_be_run_again()
    {
        var (runner, from) = Ready("no14");
        using (runner)
        {
            var found = ExhaustiveSearch.Run(
                runner, from, s_oneSwitch with { StopAtFirst = true }, SearchOrder.BreadthFirst);

            Assert.False(found.Complete);
            var outcome = runner.Run(from, ScheduleStrategy.Replay(found.Path!), ScheduleLimits.None);
            Assert.Equal(found.PathVerdict, outcome.Verdict);
            Assert.True(outcome.Failed);
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
