// Messages that are lost, late or changed, and schedules that are drawn.
using ClusterSwap.Engine;
using Xunit.Abstractions;

namespace ClusterSwap.Testing.Tests;

public sealed class InterceptionTests(ITestOutputHelper output) : SimulationTestKit(output, seed: 7)
{
    [Fact]
    public void Without_rules_the_caller_is_answered_at_once_and_the_kit_changes_nothing()
    {
        Build();
        RunToQuiet();
        Assert.Equal((1, 1), (Actor<Caller>(0, 0).Inspect.Sent, Actor<Caller>(0, 0).Inspect.Answered));
        UInt128 watched = Simulation.Fingerprint;
        using Simulation plain = Cluster(new SimulationBuilder(Seed, Toys.Registry())).Build();
        plain.Run(new RunOptions { UntilNs = VirtualTime.Second });
        Assert.Equal(plain.Fingerprint, watched);
    }

    [Fact]
    public void A_lost_request_is_sent_again()
    {
        Build();
        InterceptionRule rule = Drop<Ping>(d => d.Message.Number == 1);
        RunToQuiet();
        Assert.Equal(1, rule.Hits);
        Assert.Equal((2, 1), (Actor<Caller>(0, 0).Inspect.Sent, Actor<Caller>(0, 0).Inspect.Answered));
    }

    [Fact]
    public void A_rule_that_is_removed_lets_messages_pass()
    {
        Build();
        InterceptionRule rule = Drop<Ping>();
        RunTo(VirtualTime.Ms + 1);
        rule.Remove();
        RunToQuiet();
        Assert.Equal(1, rule.Hits);
        Assert.Equal((2, 1), (Actor<Caller>(0, 0).Inspect.Sent, Actor<Caller>(0, 0).Inspect.Answered));
    }

    [Fact]
    public void A_late_answer_comes_later_by_exactly_so_much()
    {
        Build();
        var caller = CreateTestProbe();
        StandIn(0, 0, caller);
        Post(1, 0, new Ping { Number = 4 });
        Delay<Pong>(30 * VirtualTime.Us, d => d.SenderHost == 1 && d.Sender == 0);
        RunToQuiet();
        caller.ExpectMsg<Wake>();
        Assert.Equal(4, ExpectMsgAt<Pong>(caller, Toys.LatencyNs + 30 * VirtualTime.Us).Number);
        caller.ExpectNoMsg();
    }

    [Fact]
    public void A_changed_message_is_what_the_receiver_sees_probe_or_not()
    {
        Build();
        Change<Ping>(d => new Ping { Number = d.Message.Number + 100 });
        var caller = CreateTestProbe();
        StandIn(0, 0, caller);
        Post(1, 0, new Ping { Number = 1 });
        RunToQuiet();
        caller.ExpectMsg<Wake>();
        Assert.Equal(101, caller.ExpectMsg<Pong>().Number);
        var server = CreateTestProbe();
        StandIn(1, 0, server);
        Post(1, 0, new Ping { Number = 1 });
        RunToQuiet();
        Assert.Equal(101, server.ExpectMsg<Ping>().Number);
    }

    [Fact]
    public void The_first_rule_that_does_not_pass_has_its_way()
    {
        Build();
        InterceptionRule first = Drop<Ping>(d => d.Message.Number == 2);
        InterceptionRule second = Drop<Ping>();
        RunToQuiet();
        Assert.Equal((1, 2), (first.Hits, second.Hits));
        Assert.Equal(1, Actor<Caller>(0, 0).Inspect.GaveUp);
    }

    [Fact]
    public void Drawn_schedules_reach_both_orders_of_two_writers_and_a_failure_names_its_schedule()
    {
        var orders = new HashSet<string>();
        UnderSchedules(20, () =>
        {
            RunWriters();
            orders.Add(string.Join(" ", Actor<Keeper>(0, 0).Inspect.Seen));
        });
        Assert.Equal(["1 2", "2 1"], orders.Order());

        var failure = Assert.Throws<SimulationTestException>(() => UnderSchedules(20, () =>
        {
            RunWriters();
            Assert.Equal([1, 2], Actor<Keeper>(0, 0).Inspect.Seen);
        }));
        Assert.StartsWith("under schedule random(seed ", failure.What, StringComparison.Ordinal);
        Assert.Contains("CLUSTERSWAP_SEED=7 CLUSTERSWAP_SCHEDULE='random(seed ", failure.Message);

        // What the failure prints can be read again, and shows the same.
        string schedule = failure.Message.Split("CLUSTERSWAP_SCHEDULE='")[1].Split('\'')[0];
        Schedule = TestCommand.ParseSchedule(schedule);
        RunWriters();
        Assert.Equal([2, 1], Actor<Keeper>(0, 0).Inspect.Seen);
    }

    [Theory]
    [InlineData("fifo", "fifo")]
    [InlineData("random 12", "random(seed 12)")]
    [InlineData("random(seed 3)", "random(seed 3)")]
    public void Schedules_are_read_as_they_are_written(string text, string described) =>
        Assert.Equal(described, TestCommand.ParseSchedule(text).Describe());

    [Theory]
    [InlineData("lifo")]
    [InlineData("random")]
    [InlineData("random x")]
    public void A_schedule_that_does_not_exist_is_an_error(string text) =>
        Assert.Contains("is no schedule", Assert.Throws<FormatException>(() => TestCommand.ParseSchedule(text)).Message);

    private void Build()
    {
        Cluster(NewSimulation(Toys.Registry()));
        Assert.False(Simulation.Quiet);
    }

    private static SimulationBuilder Cluster(SimulationBuilder builder)
    {
        HostBuilder client = builder.AddHost("client");
        HostBuilder server = builder.AddHost("server");
        client.AddActor("caller", (context, index) => new Caller(context, index, server.Id, 0));
        server.AddActor("echo", (context, index) => new Echo(context, index));
        builder.AddEdge(client.Id, server.Id, Toys.LatencyNs);
        builder.AddEdge(server.Id, client.Id, Toys.LatencyNs);
        client.Post(0, 0, new Wake());
        return builder;
    }

    private void RunWriters()
    {
        NewSimulation(Toys.Registry());
        HostBuilder host = AddHost("host");
        host.AddActor("keeper", (context, index) => new Keeper(context, index));
        host.AddActor("first", (context, index) => new Writer(context, index, 1));
        host.AddActor("second", (context, index) => new Writer(context, index, 2));
        host.Post(0, 1, new Wake());
        host.Post(0, 2, new Wake());
        RunToQuiet();
    }
}
