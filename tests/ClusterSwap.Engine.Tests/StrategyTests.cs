// Schedule strategies permute between sender-receiver pairs, never within one.
using ClusterSwap.Engine;

namespace ClusterSwap.Engine.Tests;

public sealed class StrategyTests
{
    private static UInt128 Run(ScheduleStrategy strategy, int threads = 1)
        => Toys.FingerprintAt(() => Toys.Phold(9, strategy: strategy, load: 30), 200_000, threads);

    [Fact]
    public void A_random_schedule_differs_from_fifo_and_repeats_by_its_seed()
    {
        UInt128 fifo = Run(ScheduleStrategy.Fifo);
        UInt128 first = Run(ScheduleStrategy.Random(1));
        Assert.NotEqual(fifo, first);
        Assert.Equal(first, Run(ScheduleStrategy.Random(1)));
        Assert.NotEqual(first, Run(ScheduleStrategy.Random(2)));
    }

    [Fact]
    public void A_random_schedule_is_the_same_on_two_threads()
        => Assert.Equal(Run(ScheduleStrategy.Random(4)), Run(ScheduleStrategy.Random(4), threads: 2));

    [Fact]
    public void A_random_schedule_keeps_the_order_of_every_pair_and_changes_that_between_pairs()
    {
        // Actors 1 and 2 send 0..19 to actor 3 each, at one instant; over some seeds their messages interleave in
        // many ways.
        var interleavings = new HashSet<string>();
        for (ulong seed = 0; seed < 20; seed++)
        {
            using Simulation simulation = Toys.Script(
                (actor, message) =>
                {
                    for (int i = 0; actor.Number is 1 or 2 && i < 20; i++)
                    {
                        actor.Context_.Send(3, new Work { Id = (actor.Number * 100) + i });
                    }
                },
                actors: 4,
                strategy: ScheduleStrategy.Random(seed));
            simulation.Post(0, 1, 1, new Token());
            simulation.Post(0, 1, 2, new Token());
            simulation.Run(new RunOptions { UntilNs = 2 });
            List<int> seen = simulation.Actor<ScriptActor>(0, 3).Inspect.Seen;
            Assert.Equal(Enumerable.Range(100, 20), seen.Where(id => id < 200));
            Assert.Equal(Enumerable.Range(200, 20), seen.Where(id => id >= 200));
            interleavings.Add(string.Concat(seen.Select(id => id / 100)));
        }

        Assert.True(interleavings.Count > 15, $"{interleavings.Count} interleavings of 20 seeds");
    }

    [Fact]
    public void Strategies_say_what_they_are()
    {
        Assert.Equal("fifo", ScheduleStrategy.Fifo.Describe());
        Assert.Equal("random(seed 42)", ScheduleStrategy.Random(42).Describe());
    }
}
