// Every way out of virtual time is reported by the actor's name, with what to do instead.
using Akka.Actor;
using ClusterSwap.Engine;

namespace ClusterSwap.Testing.Tests.Escapes;

public sealed class EscapeTests : SimulationTestKit
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Task_Run_is_reported_even_if_it_tells_nobody()
    {
        Task? left = null;
        Build((_, _) => left = Task.Run(() => { }));
        try
        {
            RunToQuiet();
        }
        catch (EscapeFoundException early)
        {
            AssertNames(early, EscapeKind.OtherThread);
            return;
        }

        await left!.WaitAsync(s_patience);
        AssertNames(Assert.Throws<EscapeFoundException>(() => RunFor(1)), EscapeKind.OtherThread);
    }

    [Fact]
    public void Work_on_another_thread_that_sends_is_reported_under_its_actors_name()
    {
        Build((actor, _) =>
        {
            var thread = new Thread(() => actor.On.Send(1, new Ping()));
            thread.Start();
            thread.Join();
        });
        EscapeFoundException found = Assert.Throws<EscapeFoundException>(() => RunToQuiet());
        AssertNames(found, EscapeKind.OtherThread);
        Assert.Contains("let a cost in time pass with Host.Schedule", found.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Ask_is_reported()
    {
        Build((actor, message) =>
        {
            if (message is Wake)
            {
                _ = actor.On.Reference(1).Ask<Pong>(new Ping(), s_patience);
            }
        });
        EscapeFoundException found = Assert.Throws<EscapeFoundException>(() => RunToQuiet());
        AssertNames(found, EscapeKind.Ask);
        Assert.Contains("host/culprit uses Ask (to other). Instead: Host.Send(actor, request)", found.Message);
    }

    [Fact]
    public void Akkas_scheduler_is_reported_and_schedules_nothing()
    {
        Build((actor, message) => actor.Akka.System.Scheduler.ScheduleTellOnce(
            TimeSpan.FromMilliseconds(1), actor.Me, message, actor.Me));
        AssertNames(Assert.Throws<EscapeFoundException>(() => RunToQuiet()), EscapeKind.Scheduler);
    }

    [Fact]
    public void A_receive_timeout_of_Akka_is_reported()
    {
        Build((actor, _) => actor.Akka.SetReceiveTimeout(TimeSpan.FromSeconds(1)));
        AssertNames(Assert.Throws<EscapeFoundException>(() => RunToQuiet()), EscapeKind.Scheduler);
    }

    [Fact]
    public void Akkas_timers_are_reported()
    {
        NewSimulation(Toys.Registry());
        HostBuilder host = AddHost("host");
        host.AddActor("culprit", (context, index) => new Timed(context, index));
        host.Post(0, 0, new Wake());
        AssertNames(Assert.Throws<EscapeFoundException>(() => RunToQuiet()), EscapeKind.Scheduler);
    }

    [Fact]
    public void PipeTo_is_reported_when_its_task_has_ended_already()
    {
        Build((actor, message) =>
        {
            if (message is Wake)
            {
                Task.FromResult(new Ping()).PipeTo(actor.Me);
            }
        });
        AssertNames(Assert.Throws<EscapeFoundException>(() => RunToQuiet()), EscapeKind.PipeTo);
    }

    [Fact]
    public async Task PipeTo_is_reported_when_its_task_ends_later()
    {
        var task = new TaskCompletionSource<Ping>();
        Task? told = null;
        Build((actor, _) => told = task.Task.PipeTo(actor.Me));
        RunToQuiet();
        task.SetResult(new Ping());
        await told!.WaitAsync(s_patience);
        AssertNames(Assert.Throws<EscapeFoundException>(() => RunFor(1)), EscapeKind.PipeTo);
    }

    [Fact]
    public void A_subscription_to_the_event_stream_is_reported_without_an_event()
    {
        Build((actor, _) => actor.Akka.System.EventStream.Subscribe(actor.Me, typeof(Ping)));
        AssertNames(Assert.Throws<EscapeFoundException>(() => RunToQuiet()), EscapeKind.EventStream);
    }

    [Fact]
    public void An_event_of_the_event_stream_is_reported()
    {
        Build((actor, message) =>
        {
            if (message is Wake)
            {
                actor.Akka.System.EventStream.Subscribe(actor.Me, typeof(Ping));
                actor.Akka.System.EventStream.Publish(new Ping());
            }
        });
        AssertNames(Assert.Throws<EscapeFoundException>(() => RunToQuiet()), EscapeKind.EventStream);
    }

    [Fact]
    public void A_child_on_a_dispatcher_of_Akkas_is_reported()
    {
        Build((actor, _) => actor.Akka.ActorOf(Props.Create(() => new Bystander()), "worker"));
        EscapeFoundException found = Assert.Throws<EscapeFoundException>(() => RunToQuiet());
        AssertNames(found, EscapeKind.OtherDispatcher);
        Assert.Contains("its child worker", found.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_answer_of_an_actor_on_another_dispatcher_is_reported_with_its_name()
    {
        var answered = new ManualResetEventSlim();
        IActorRef outside = Sys.ActorOf(Props.Create(() => new Answering(answered)), "outside");
        Build((actor, message) => outside.Tell(message, actor.Me));
        EscapeFoundException found = Assert.Throws<EscapeFoundException>(() =>
        {
            RunToQuiet();
            Assert.True(answered.Wait(s_patience));
            RunFor(1);
        });
        AssertNames(found, EscapeKind.OtherDispatcher);
        Assert.Contains("outside sends it Ping from akka.actor.default-dispatcher", found.Message);
    }

    [Fact]
    public void An_async_handler_is_reported()
    {
        Build(async (_, _) => await Task.Yield());
        AssertNames(Assert.Throws<EscapeFoundException>(() => RunToQuiet()), EscapeKind.Async);
    }

    [Fact]
    public void A_tell_from_the_test_by_reference_is_reported_and_the_kits_own_is_not()
    {
        Build((_, _) => { });
        Ref(0, 0).Tell(new Ping(), TestActor);
        RunToQuiet();
        Simulation.Host(0).Reference(0).Tell(new Ping(), TestActor);
        AssertNames(Assert.Throws<EscapeFoundException>(() => RunFor(1)), EscapeKind.Outside);
    }

    [Fact]
    public void An_actor_that_stays_in_virtual_time_is_not_reported()
    {
        int left = 100;
        Build((actor, message) =>
        {
            if (left-- > 0)
            {
                actor.Me.Tell(message, ActorRefs.NoSender);
                actor.On.Schedule(actor.On.NowNs + 10, actor.Number, new Ping());
            }
        });
        RunToQuiet();
        Assert.True(left < 0);
    }

    private void Build(Action<Script, SimMessage> culprit)
    {
        NewSimulation(Toys.Registry());
        HostBuilder host = AddHost("host");
        host.AddActor("culprit", (context, index) => new Script(context, index, culprit));
        host.AddActor("other", (context, index) => new Script(context, index, (_, _) => { }));
        host.Post(0, 0, new Wake());
    }

    private static void AssertNames(EscapeFoundException found, EscapeKind kind)
    {
        Assert.All(found.Escapes, escape => Assert.Equal(("host", "culprit"), (escape.Host, escape.Actor)));
        Assert.Contains(found.Escapes, escape => escape.Kind == kind);
        Assert.Contains("Instead: ", found.Message, StringComparison.Ordinal);
    }

    private sealed class Timed(HostContext host, int index)
        : HostActor<CallerState>(host, index, new CallerState()), IWithTimers
    {
        public ITimerScheduler Timers { get; set; } = null!;

        protected override void Receive(SimMessage message) =>
            Timers.StartSingleTimer("retry", message, TimeSpan.FromSeconds(1));
    }

    private sealed class Bystander : UntypedActor
    {
        protected override void OnReceive(object message)
        {
        }
    }

    private sealed class Answering(ManualResetEventSlim answered) : UntypedActor
    {
        protected override void OnReceive(object message)
        {
            Sender.Tell(new Ping());
            answered.Set();
        }
    }
}
