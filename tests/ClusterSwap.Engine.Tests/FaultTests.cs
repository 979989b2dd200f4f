// What ends a run: exceptions, broken rules, livelocks, escapes.
using Akka.Actor;
using ClusterSwap.Engine;

namespace ClusterSwap.Engine.Tests;

public sealed class FaultTests
{
    private static readonly Func<HostContext, int, HostActor> s_thrower
        = (host, index) => new ScriptActor(host, index, (_, _) => throw new FormatException());

    [Fact]
    public void An_exception_in_an_actor_ends_the_run_and_names_the_place()
    {
        using Simulation simulation = Toys.Script(
            (_, _) => throw new InvalidOperationException("no page left"), seed: 77);
        simulation.Post(0, 123, 1, new Work { Id = 4 });
        var exception = Assert.Throws<SimulationFaultException>(
            () => simulation.Run(new RunOptions { UntilNs = 1_000 }));
        Assert.Equal(
            new SimulationFault(77, 123, 0, "solo", "a1", "Work", "InvalidOperationException: no page left"),
            exception.Fault);
        Assert.IsType<InvalidOperationException>(exception.InnerException);
        Assert.Throws<InvalidOperationException>(() => simulation.Run(new RunOptions { UntilNs = 2_000 }));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void The_first_fault_in_virtual_time_is_reported_whatever_ran_ahead(int threads)
    {
        // Hosts without a link run to the barrier one after another: the last has the earliest fault.
        var builder = new SimulationBuilder(1, Toys.Registry());
        for (int i = 0; i < 4; i++)
        {
            HostBuilder host = builder.AddHost($"h{i}");
            host.AddActor("a", s_thrower);
            host.Post(1_000 - (i * 100), 0, new Token());
        }

        builder.AddEdge(0, 1, 10_000);
        builder.AddEdge(1, 0, 10_000);
        using Simulation simulation = builder.Build();
        var options = new RunOptions { UntilNs = 5_000, Threads = threads, Partitions = [[0], [1], [2, 3]] };
        var exception = Assert.Throws<SimulationFaultException>(() => simulation.Run(options));
        Assert.Equal(("h3", 700), (exception.Fault.Host, exception.Fault.TimeNs));
    }

    [Fact]
    public void A_fault_within_a_window_group_is_the_first_one_too()
    {
        foreach (int[][] partitions in (int[][][])[[[0, 1, 2]], [[0], [1], [2]], [[2], [1, 0]]])
        {
            var builder = new SimulationBuilder(1, Toys.Registry());
            for (int i = 0; i < 3; i++)
            {
                HostBuilder host = builder.AddHost($"h{i}");
                host.AddActor("a", s_thrower);
                host.Post(new long[] { 900, 300, 600 }[i], 0, new Token());
            }

            builder.AddEdge(0, 1, 5_000);
            builder.AddEdge(1, 2, 5_000);
            builder.AddEdge(2, 0, 5_000);
            using Simulation simulation = builder.Build();
            var options = new RunOptions { UntilNs = 5_000, Threads = 2, Partitions = partitions };
            var exception = Assert.Throws<SimulationFaultException>(() => simulation.Run(options));
            Assert.Equal(("h1", 300), (exception.Fault.Host, exception.Fault.TimeNs));
        }
    }

    [Fact]
    public void A_livelock_is_found_and_its_cycle_is_shown()
    {
        using Simulation simulation = Toys.Script(
            (actor, message) => actor.Context_.Send((actor.Number + 1) % 3, message), actors: 3);
        simulation.Post(0, 5, 0, new Token());
        var exception = Assert.Throws<SimulationFaultException>(() => simulation.Run(new RunOptions { UntilNs = 10 }));
        Assert.Equal(5, exception.Fault.TimeNs);
        Assert.Contains("livelock: more than 1000000 messages at one instant; a cycle of 3: ", exception.Fault.Text);
        Assert.Contains("a1 Token -> a2 Token", exception.Fault.Text);
        Assert.Equal(1_000_000, simulation.Messages);
    }

    [Fact]
    public void Exactly_as_many_messages_as_the_cap_are_no_livelock()
    {
        int left = 0;
        using Simulation simulation = Toys.Script(
            (actor, message) =>
            {
                if (--left > 0)
                {
                    actor.Context_.Send(0, message);
                }
            },
            more: builder => builder.MessagesPerInstantMax = 100);
        left = 100;
        simulation.Post(0, 5, 0, new Token());
        Assert.Equal(100, simulation.Run(new RunOptions { UntilNs = 10 }).Messages);
        left = 101;
        simulation.Post(0, 15, 0, new Token());
        Assert.Throws<SimulationFaultException>(() => simulation.Run(new RunOptions { UntilNs = 20 }));
    }

    [Fact]
    public void Rules_of_time_space_and_types_are_kept()
    {
        AssertFault(host => host.Schedule(host.NowNs - 1, 0, new Token()), "which is past");
        AssertFault(host => host.Schedule(host.NowNs + 1, 9, new Token()), "no actor 9");
        AssertFault(host => host.Send(9, new Token()), "no actor 9");
        AssertFault(host => host.Send(-1, new Token()), "no actor -1");
        AssertFault(host => host.Schedule(host.NowNs + 1, 0, new Fleeting()), "not registered");
        AssertFault(host => host.Transmit(1, 0, host.NowNs + 49, new Token()), "the edge takes 50 ns");
        AssertFault(host => host.Transmit(2, 0, host.NowNs + 500, new Token()), "no edge to host 2");
        AssertFault(host => host.Transmit(1, 3, host.NowNs + 500, new Token()), "no actor 3");
        AssertFault(host => host.Fault("enough"), "enough");
        AssertFault(host => host.NextRandom(0), "below");
    }

    [Fact]
    public void A_message_told_from_another_thread_voids_the_run()
    {
        using Simulation simulation = Toys.Script((actor, message) =>
        {
            IActorRef self = SelfOf(actor);
            var thread = new Thread(() => self.Tell(new Work { Id = 1 }));
            thread.Start();
            thread.Join();
        });
        simulation.Post(0, 5, 1, new Token());
        var exception = Assert.Throws<SimulationEscapeException>(() => simulation.Run(new RunOptions { UntilNs = 10 }));
        Assert.Equal(["Work to solo/a1"], exception.Escapes);
    }

    [Fact]
    public void Using_a_host_from_outside_its_turn_voids_the_run()
    {
        using Simulation simulation = Toys.Script((_, _) => { });
        simulation.Host(0).Send(0, new Work());
        simulation.Host(0).Schedule(100, 1, new Token());
        var exception = Assert.Throws<SimulationEscapeException>(() => simulation.Run(new RunOptions { UntilNs = 10 }));
        Assert.Equal(["Work to solo/a0", "Token to solo/a1"], exception.Escapes);
    }

    [Fact]
    public void A_tell_to_an_actor_of_another_host_voids_the_run()
    {
        ScriptActor? other = null;
        var builder = new SimulationBuilder(1, Toys.Registry());
        HostBuilder first = builder.AddHost("first");
        first.AddActor("a", (host, index) => new ScriptActor(host, index, (_, _) => SelfOf(other!).Tell(new Work())));
        builder.AddHost("second").AddActor("b", (host, index) => other = new ScriptActor(host, index, (_, _) => { }));
        first.Post(1, 0, new Token());
        using Simulation simulation = builder.Build();
        var exception = Assert.Throws<SimulationEscapeException>(() => simulation.Run(new RunOptions { UntilNs = 10 }));
        Assert.Equal(["Work to second/b"], exception.Escapes);
    }

    [Fact]
    public void A_plain_tell_within_the_host_is_as_good_as_a_send()
    {
        using Simulation simulation = Toys.Script((actor, message) =>
        {
            if (message is Token)
            {
                SelfOf(actor).Tell(new Work { Id = 6 });
            }
        });
        simulation.Post(0, 5, 1, new Token { Value = 3 });
        simulation.Run(new RunOptions { UntilNs = 10 });
        Assert.Equal([3, 6], simulation.Actor<ScriptActor>(0, 1).Inspect.Seen);
    }

    [Fact]
    public void A_message_of_another_world_is_a_fault()
    {
        using Simulation simulation = Toys.Script((actor, _) => SelfOf(actor).Tell("hello"));
        simulation.Post(0, 5, 1, new Token());
        var exception = Assert.Throws<SimulationFaultException>(() => simulation.Run(new RunOptions { UntilNs = 10 }));
        Assert.Contains("String was told to a1", exception.Fault.Text);
    }

    [Fact]
    public void An_actor_that_cannot_be_created_is_reported_when_building()
    {
        var builder = new SimulationBuilder(1, Toys.Registry());
        builder.AddHost("h").AddActor("bad", (_, _) => throw new FormatException("no size"));
        var exception = Assert.Throws<SimulationFaultException>(() => builder.Build());
        Assert.Contains("bad could not be created: no size", exception.Fault.Text);
    }

    [Fact]
    public void A_broken_invariant_is_a_fault_at_its_barrier()
    {
        var builder = new SimulationBuilder(1, Toys.Registry()) { BarrierIntervalNs = 100 };
        HostBuilder host = builder.AddHost("h");
        host.AddActor("picky", (context, index) => new PickyActor(context, index));
        host.Post(250, 0, new Token());
        using Simulation simulation = builder.Build();
        var exception = Assert.Throws<SimulationFaultException>(
            () => simulation.Run(new RunOptions { UntilNs = 1_000 }));
        Assert.Equal(300, exception.Fault.TimeNs);
        Assert.Contains("invariant of picky: 1 is one too many", exception.Fault.Text);
    }

    private static void AssertFault(Action<HostContext> act, string text)
    {
        using Simulation simulation = Toys.Script(
            (actor, _) => act(actor.Context_),
            more: builder =>
            {
                builder.AddHost("next").AddActor("a", (host, index) => new ScriptActor(host, index, (_, _) => { }));
                builder.AddHost("far").AddActor("a", (host, index) => new ScriptActor(host, index, (_, _) => { }));
                builder.AddEdge(0, 1, 50);
            });
        simulation.Post(0, 100, 0, new Token());
        var exception = Assert.Throws<SimulationFaultException>(
            () => simulation.Run(new RunOptions { UntilNs = 1_000 }));
        Assert.Contains(text, exception.Fault.Text);
        Assert.Equal((100, "solo", "a0"), (exception.Fault.TimeNs, exception.Fault.Host, exception.Fault.Actor));
    }

    private static IActorRef SelfOf(ScriptActor actor) => actor.Reference;

    private sealed class PickyActor(HostContext host, int index) : HostActor<Tally>(host, index, new Tally())
    {
        public override void AssertInvariants()
        {
            if (State.Received > 0)
            {
                throw new InvalidOperationException($"{State.Received} is one too many");
            }
        }

        protected override void Receive(SimMessage message) => State.Received++;
    }
}
