// Who comes first: order within a pair, order at an instant, and no favour between sources.
using ClusterSwap.Engine;

namespace ClusterSwap.Engine.Tests;

public sealed class OrderTests
{
    [Fact]
    public void Messages_of_one_instant_are_delivered_as_they_were_sent()
    {
        using Simulation simulation = Toys.Script((actor, message) =>
        {
            if (actor.Number == 0)
            {
                for (int i = 0; i < 5; i++)
                {
                    actor.Context_.Send(1, new Work { Id = i });
                }
            }
        });
        simulation.Post(0, 10, 0, new Token());
        SimulationResult result = simulation.Run(new RunOptions { UntilNs = 100 });
        Assert.Equal([0, 1, 2, 3, 4], simulation.Actor<ScriptActor>(0, 1).Inspect.Seen);
        Assert.Equal((6, 1), (result.Messages, result.Events));
    }

    [Fact]
    public void What_was_scheduled_for_an_instant_comes_before_what_is_sent_at_it()
    {
        // Actor 0 schedules 1 for time 20 and is woken at 20 itself, by whatever draw; it sends 2 then.
        for (ulong seed = 0; seed < 16; seed++)
        {
            using Simulation simulation = Toys.Script(
                (actor, message) =>
                {
                    if (actor.Number == 0 && actor.Context_.NowNs == 10)
                    {
                        actor.Context_.Schedule(20, 1, new Work { Id = 1 });
                    }
                    else if (actor.Number == 0)
                    {
                        actor.Context_.Send(1, new Work { Id = 2 });
                    }
                },
                seed: seed);
            simulation.Post(0, 10, 0, new Token());
            simulation.Post(0, 20, 0, new Token());
            simulation.Run(new RunOptions { UntilNs = 100 });
            Assert.Equal([1, 2], simulation.Actor<ScriptActor>(0, 1).Inspect.Seen);
        }
    }

    [Fact]
    public void What_is_scheduled_for_now_never_enters_the_heap()
    {
        using Simulation simulation = Toys.Script((actor, message) =>
        {
            if (actor.Number == 0)
            {
                actor.Context_.Schedule(actor.Context_.NowNs, 1, new Work { Id = 5 });
            }
        });
        simulation.Post(0, 10, 0, new Token());
        Assert.Equal(1, simulation.Run(new RunOptions { UntilNs = 100 }).Events);
        Assert.Equal([5], simulation.Actor<ScriptActor>(0, 1).Inspect.Seen);
    }

    [Fact]
    public void Events_of_one_source_at_one_time_keep_their_sequence()
    {
        using Simulation simulation = Toys.Script((actor, message) =>
        {
            for (int i = 0; actor.Number == 0 && i < 50; i++)
            {
                actor.Context_.Schedule(1_000, 1, new Work { Id = i });
            }
        });
        simulation.Post(0, 10, 0, new Token());
        simulation.Run(new RunOptions { UntilNs = 2_000 });
        Assert.Equal(Enumerable.Range(0, 50), simulation.Actor<ScriptActor>(0, 1).Inspect.Seen);
    }

    [Fact]
    public void Ties_between_sources_favour_none_of_them()
    {
        // Actors 1 and 2 schedule for actor 0 at the same 2,000 times; each should be first about half of the time.
        // The limits are 5 standard deviations (22.4) from 1,000.
        const int Times = 2_000;
        using Simulation simulation = Toys.Script(
            (actor, message) =>
            {
                for (int i = 0; actor.Number > 0 && i < Times; i++)
                {
                    actor.Context_.Schedule(1_000 + (i * 7), 0, new Work { Id = actor.Number });
                }
            },
            actors: 3);
        simulation.Post(0, 10, 1, new Token());
        simulation.Post(0, 10, 2, new Token());
        simulation.Run(new RunOptions { UntilNs = 1_000_000 });
        List<int> seen = simulation.Actor<ScriptActor>(0, 0).Inspect.Seen;
        int firsts = Enumerable.Range(0, Times).Count(i => seen[2 * i] == 1);
        Assert.Equal(2 * Times, seen.Count);
        Assert.InRange(firsts, 888, 1_112);
    }

    [Fact]
    public void A_barrier_has_all_before_it_and_nothing_at_it()
    {
        using Simulation simulation = Toys.Script((_, _) => { });
        foreach (long atNs in (long[])[99, 100, 101])
        {
            simulation.Post(0, atNs, 0, new Work { Id = (int)atNs });
        }

        simulation.Run(new RunOptions { UntilNs = 100 });
        Assert.Equal([99], simulation.Actor<ScriptActor>(0, 0).Inspect.Seen);
        Assert.Equal([100, 101], simulation.Pending(0).Select(pending => pending.AtNs));
        Assert.Equal(100, simulation.Host(0).NowNs);
        Assert.False(simulation.Quiet);
        SimulationResult end = simulation.Run(new RunOptions { UntilNs = 5_000_000_000 });
        Assert.Equal([99, 100, 101], simulation.Actor<ScriptActor>(0, 0).Inspect.Seen);

        // Quiet is seen at the next barrier, at 1 s, and ends the run there.
        Assert.Equal((StopReason.Quiet, 1_000_000_000), (end.Reason, end.TimeNs));
    }

    [Fact]
    public void An_observer_ends_the_run_at_its_barrier()
    {
        using Simulation simulation = Toys.TokenRing(1);
        var seen = new List<long>();
        SimulationResult result = simulation.Run(new RunOptions
        {
            UntilNs = 1_000_000,
            OnBarrier = barrier =>
            {
                seen.Add(barrier.TimeNs);
                return barrier.TimeNs < 300_000;
            },
        });
        Assert.Equal([100_000, 200_000, 300_000], seen);
        Assert.Equal((StopReason.Observer, 300_000), (result.Reason, result.TimeNs));
    }

    [Fact]
    public void Cancelling_ends_the_run_at_the_next_barrier()
    {
        using Simulation simulation = Toys.TokenRing(1);
        using var cancel = new CancellationTokenSource();
        SimulationResult result = simulation.Run(new RunOptions
        {
            UntilNs = 1_000_000,
            Threads = 2,
            Cancel = cancel.Token,
            OnBarrier = barrier =>
            {
                cancel.Cancel();
                return true;
            },
        });
        Assert.Equal((StopReason.Cancelled, 100_000), (result.Reason, result.TimeNs));
    }

    [Fact]
    public void Random_draws_below_a_bound_are_even_and_differ_between_actors()
    {
        var draws = new int[2, 10];
        var first = new ulong[2];
        using Simulation simulation = Toys.Script((actor, message) =>
        {
            first[actor.Number] = actor.Context_.NextRandom();
            for (int i = 0; i < 10_000; i++)
            {
                draws[actor.Number, actor.Context_.NextRandom(10)]++;
            }
        });
        simulation.Post(0, 1, 0, new Token());
        simulation.Post(0, 1, 1, new Token());
        simulation.Run(new RunOptions { UntilNs = 2 });
        Assert.NotEqual(first[0], first[1]);

        // 1,000 expected, standard deviation 30.
        Assert.All(draws.Cast<int>(), count => Assert.InRange(count, 850, 1_150));
    }
}
