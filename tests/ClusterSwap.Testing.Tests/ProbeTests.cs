// Probes in the places of actors: what they get, when, and how they answer.
using Akka.TestKit;
using ClusterSwap.Engine;
using Xunit.Abstractions;

namespace ClusterSwap.Testing.Tests;

public sealed class ProbeTests(ITestOutputHelper output) : SimulationTestKit(output)
{
    private TestProbe Server => _server ??= CreateTestProbe("server");

    private TestProbe? _server;

    [Fact]
    public void A_probe_in_the_place_of_a_server_gets_every_request_at_its_virtual_time()
    {
        BuildWithProbe();
        RunToQuiet();
        for (int attempt = 1; attempt <= Caller.Attempts; attempt++)
        {
            long arrivesNs = (attempt - 1) * Caller.RetryNs + Toys.LatencyNs;
            Assert.Equal(attempt, ExpectMsgAt<Ping>(Server, arrivesNs).Number);
        }

        Server.ExpectNoMsg();
        Assert.Equal(1, Actor<Caller>(0, 0).Inspect.GaveUp);
        Assert.Equal(Caller.Attempts * Caller.RetryNs, LastEventNs);
    }

    [Fact]
    public void A_pilot_answers_within_the_turn_in_the_name_of_the_probes_address()
    {
        BuildWithProbe();
        var turns = new List<long>();
        AutoPilot(Server, (sender, message) =>
        {
            turns.Add(TurnNs);
            sender.Tell(new Pong { Number = ((Ping)message).Number }, Server);
        });
        TestProbe answers = CreateTestProbe();
        StandIn(0, 0, answers);
        Simulation.PostAs(0, 0, 1, 0, 0, new Ping { Number = 9 });
        RunToQuiet();
        Assert.Equal([0], turns);
        answers.ExpectMsg<Wake>();
        Assert.Equal(9, ExpectMsgAt<Pong>(answers, Toys.LatencyNs).Number);
        var sender = Assert.IsType<AddressRef>(answers.LastSender);
        Assert.Equal((1, 0), (sender.Host, sender.Actor));
        Assert.EndsWith("/server/disk", sender.Path.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void The_caller_stops_asking_once_the_pilot_has_answered()
    {
        BuildWithProbe();
        int asked = 0;
        AutoPilot(Server, (sender, message) =>
        {
            if (++asked == 2)
            {
                sender.Tell(new Pong(), Server);
            }
        });
        RunToQuiet();
        Assert.Equal((2, 1), (Actor<Caller>(0, 0).Inspect.Sent, Actor<Caller>(0, 0).Inspect.Answered));
    }

    [Fact]
    public void A_pilot_that_ends_itself_answers_no_more_and_Akkas_own_pilots_work()
    {
        BuildWithProbe();
        AutoPilot(Server, new Once());
        RunToQuiet();
        Assert.Equal(1, Actor<Caller>(0, 0).Inspect.Answered);
    }

    [Fact]
    public void What_a_pilot_throws_fails_the_run_and_tells_how_to_see_it_again()
    {
        BuildWithProbe();
        AutoPilot(Server, (_, _) => throw new FormatException("no such request"));
        var failure = Assert.Throws<SimulationTestException>(() => RunToQuiet());
        Assert.IsType<FormatException>(failure.InnerException);
        Assert.Contains("no such request", failure.Message, StringComparison.Ordinal);
        Assert.Contains("server/disk", failure.Message, StringComparison.Ordinal);
        Assert.Contains("dotnet test --filter", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Between_two_runs_a_probe_sends_in_the_name_of_its_address()
    {
        BuildWithProbe();
        RunTo(2 * Toys.LatencyNs);
        Server.ExpectMsg<Ping>();
        Server.Reply(new Pong());
        TestProbe caller = CreateTestProbe();
        StandIn(0, 0, caller);
        RunFor(1);
        ExpectMsgAt<Pong>(caller, 2 * Toys.LatencyNs);
        Assert.Equal((1, 0), (((AddressRef)caller.LastSender).Host, ((AddressRef)caller.LastSender).Actor));
    }

    [Fact]
    public void A_request_that_its_sender_uses_again_is_kept_as_it_was()
    {
        // All three requests are one object, which the caller changes: the probe's queue holds copies.
        NewSimulation(Toys.Registry());
        HostBuilder host = AddHost("alone");
        host.AddActor("caller", (context, index) => new Caller(context, index, serverHost: 0, server: 1));
        AddProbe(host, "disk", Server);
        host.Post(0, 0, new Wake());
        RunToQuiet();
        Assert.Equal([1, 2, 3], Enumerable.Range(0, 3).Select(_ => Server.ExpectMsg<Ping>().Number));
    }

    [Fact]
    public void Silence_is_virtual_time_and_takes_none_of_ours()
    {
        BuildWithProbe();
        RunTo(Toys.LatencyNs + 1);
        Server.ExpectMsg<Ping>();
        ExpectQuiet(Server, Caller.RetryNs - Toys.LatencyNs);
        RunToQuiet();
        Server.ExpectMsg<Ping>();
        Server.ExpectMsg<Ping>();
        ExpectQuiet(Server, 1_000 * VirtualTime.Second);
    }

    [Fact]
    public void An_expectation_that_fails_tells_seed_schedule_time_events_and_command()
    {
        BuildWithProbe();
        RunTo(Toys.LatencyNs + 1);
        var failure = Assert.Throws<SimulationTestException>(() => Server.ExpectMsg<Pong>());
        string[] lines = failure.Message.Split(Environment.NewLine);
        Assert.Contains("seed 1, schedule fifo, virtual time 5,001 ns", lines);
        Assert.Contains(lines, line => line.Contains("0 ns  client/caller") && line.EndsWith("Wake"));
        Assert.Contains(lines, line => line.Contains("5,000 ns  server/disk", StringComparison.Ordinal));
        Assert.Contains(
            "again: CLUSTERSWAP_SEED=1 dotnet test --filter 'FullyQualifiedName=ClusterSwap.Testing.Tests.ProbeTests."
            + $"{nameof(An_expectation_that_fails_tells_seed_schedule_time_events_and_command)}'",
            lines);
        RunTo(2 * Caller.RetryNs);
        Assert.Contains("arrived at 1,005,000 ns", Assert.Throws<SimulationTestException>(
            () => ExpectMsgAt<Ping>(Server, 7)).What, StringComparison.Ordinal);
    }

    [Fact]
    public void Asking_a_silent_system_to_be_quiet_earlier_than_it_can_fails()
    {
        BuildWithProbe();
        var failure = Assert.Throws<SimulationTestException>(() => RunToQuiet(Caller.RetryNs));
        Assert.Contains("not quiet by 1,000,000 ns: the next event is at 1,000,000 ns", failure.What);
        Assert.Equal(2 * VirtualTime.Ms, RunUntil(() => Actor<Caller>(0, 0).Inspect.Sent == 2));
    }

    [Fact]
    public void A_probe_that_stands_nowhere_has_no_pilot()
    {
        BuildWithProbe();
        Assert.Throws<InvalidOperationException>(() => AutoPilot(CreateTestProbe(), (_, _) => { }));
        Assert.Throws<InvalidOperationException>(() => AddHost("late"));
    }

    private void BuildWithProbe()
    {
        SimulationBuilder builder = NewSimulation(Toys.Registry());
        HostBuilder client = AddHost("client");
        HostBuilder server = AddHost("server");
        client.AddActor("caller", (context, index) => new Caller(context, index, server.Id, 0));
        AddProbe(server, "disk", Server);
        builder.AddEdge(client.Id, server.Id, Toys.LatencyNs);
        builder.AddEdge(server.Id, client.Id, Toys.LatencyNs);
        client.Post(0, 0, new Wake());
        Assert.Equal(0, Simulation.TimeNs);
    }

    private sealed class Once : AutoPilot
    {
        public override AutoPilot Run(Akka.Actor.IActorRef sender, object message)
        {
            sender.Tell(new Pong(), Akka.Actor.ActorRefs.NoSender);
            return NoAutoPilot.Instance;
        }
    }
}
