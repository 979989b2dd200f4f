// Tests of actors in virtual time: what a test class derives from.
using Akka.Actor;
using Akka.Configuration;
using Akka.TestKit;
using ClusterSwap.Engine;
using Xunit.Abstractions;

namespace ClusterSwap.Testing;

/// <summary>
/// A test kit for actors that run on the engine's host dispatcher. A test builds hosts and actors, drives the
/// simulation
/// to a virtual time or to quiet, and then looks: probes have received by then whatever they will have received, so
/// every
/// expectation has a timeout of zero. Nothing waits for a wall clock, and a failure names the seed, the schedule, the
/// virtual time, the last events, and the command that repeats the test.
/// </summary>
/// <remarks>
/// Guaranteed: the same test with the same seed and schedule sees the same messages at the same virtual times. Not
/// guaranteed for a test whose actors escape from virtual time; these are reported by name (<see cref="Escape"/>), at
/// the
/// latest at the end of the test. Runs use one thread, the test's.
/// </remarks>
public abstract partial class SimulationTestKit : Akka.TestKit.Xunit2.TestKit
{
    private static readonly Config s_config = ConfigurationFactory.ParseString($$"""
        akka {
          loglevel = OFF
          stdout-loglevel = OFF
          log-dead-letters = off
          log-dead-letters-during-shutdown = off
          coordinated-shutdown.run-by-clr-shutdown-hook = off
          scheduler.implementation = "{{typeof(WatchedScheduler).AssemblyQualifiedName}}"
          test.single-expect-default = 0s
        }
        """);

    private readonly EscapeDetector _escapes;
    private readonly HostPool _pool;
    private EventLog _log = new();
    private SimulationBuilder? _builder;
    private Simulation? _simulation;
    private MessageRegistry _registry = new();
    private string _test = string.Empty;

    /// <summary>
    /// A kit with a seed, which the environment may replace (<see cref="TestCommand.SeedVariable"/>).
    /// </summary>
    /// <param name="output">xunit's output; the story of the run goes there when the test ends.</param>
    /// <param name="seed">Seed of the simulations that the test builds.</param>
    protected SimulationTestKit(ITestOutputHelper? output = null, ulong seed = 1)
        : base(s_config.WithFallback(DefaultConfig), "simulation")
    {
        Lines = output;
        Seed = TestCommand.SeedOr(seed);
        Schedule = TestCommand.ScheduleOr(ScheduleStrategy.Fifo);
        _escapes = new EscapeDetector(this);
        _pool = new HostPool(Sys);
    }

    /// <summary>Seed of the simulation.</summary>
    public ulong Seed { get; protected set; }

    /// <summary>Order among the messages of one instant; to be set before the simulation is built.</summary>
    public ScheduleStrategy Schedule { get; protected set; }

    /// <summary>The simulation, alive from the first look at it.</summary>
    /// <exception cref="InvalidOperationException">There are no hosts yet.</exception>
    public Simulation Simulation => _simulation ?? Begin(Builder.Build());

    /// <summary>Virtual time, ns: every event before it has happened, and none at it.</summary>
    public long NowNs => Simulation.TimeNs;

    /// <summary>Virtual time of the last event, ns; 0 before the first.</summary>
    public long LastEventNs => _log.LastNs;

    /// <summary>Messages that were delivered to actors and probes, dropped and delayed so far.</summary>
    public long Events => _log.Count;

    internal IEnumerable<HostContext> Hosts => _simulation is null
        ? []
        : Enumerable.Range(0, _simulation.HostCount).Select(_simulation.Host);

    /// <summary>Where the kit writes for people; null for nowhere.</summary>
    protected ITestOutputHelper? Lines { get; }

    /// <summary>What the simulation will consist of, until it is alive.</summary>
    /// <exception cref="InvalidOperationException">There is none, or it is alive already.</exception>
    protected SimulationBuilder Builder => _simulation is null && _builder is { } builder
        ? builder
        : throw new InvalidOperationException(_simulation is null
            ? "there is no simulation yet: NewSimulation(registry) begins one"
            : "the simulation is alive already: hosts and actors are added before the first run");

    /// <summary>
    /// Begins a simulation with this kit's seed and schedule; the one before it, its probes' seats and its rules of
    /// interception end.
    /// </summary>
    /// <param name="registry">Messages that may wait for their time, by kind.</param>
    protected SimulationBuilder NewSimulation(MessageRegistry registry)
    {
        EndSimulation();
        _registry = registry;
        _builder = Prepare(new SimulationBuilder(Seed, registry) { BarrierIntervalNs = VirtualTime.Ms });
        return _builder;
    }

    /// <summary>Adds a host to the simulation that is being built.</summary>
    protected HostBuilder AddHost(string name) => Builder.AddHost(name);

    /// <summary>Adds an actor to a host that is nothing but a probe; returns its index.</summary>
    protected int AddProbe(HostBuilder host, string name, TestProbe probe)
    {
        int actor = host.AddActor(name, (context, index) => new SilentActor(context, index));
        StandIn(host.Id, actor, probe);
        return actor;
    }

    /// <summary>The state of an actor, to be looked at and not to be changed.</summary>
    protected T Actor<T>(int host, int actor)
        where T : HostActor => Simulation.Actor<T>(host, actor);

    /// <summary>
    /// An actor's address: what is told to it arrives at the present virtual time, in the name of the actor that the
    /// sender stands for. It means nothing outside this kit.
    /// </summary>
    protected IActorRef Ref(int host, int actor) => new AddressRef(this, host, actor, NowNs);

    /// <summary>A message from outside, at a virtual time that has not passed.</summary>
    protected void Post(int host, int actor, SimMessage message, long? atNs = null) =>
        Simulation.Post(host, atNs ?? NowNs, actor, message);

    /// <inheritdoc/>
    public override TestProbe CreateTestProbe(ActorSystem system, string? name = null) =>
        new(system, new StoryAssertions(this), name);

    /// <summary>The story of the run so far: what a failure prints.</summary>
    public string Story()
    {
        if (_simulation is not { } simulation)
        {
            return "no simulation has been built";
        }

        string time = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{simulation.TimeNs:N0}");
        IEnumerable<string> events = _log.Lines();
        return string.Join(Environment.NewLine,
        [
            $"seed {simulation.Seed}, schedule {simulation.Strategy.Describe()}, virtual time {time} ns",
            .. MoreStory(),
            "the last events, oldest first:",
            .. events.DefaultIfEmpty("  none"),
            $"again: {TestCommand.For(_test, simulation.Seed, simulation.Strategy)}",
        ]);
    }

    /// <summary>What a kit for certain actors adds to the story, a line each.</summary>
    protected virtual IEnumerable<string> MoreStory() => [];

    /// <summary>Sets the schedule, the pool and whatever else every simulation of the kit has.</summary>
    protected SimulationBuilder Prepare(SimulationBuilder builder)
    {
        builder.Strategy = Schedule;
        builder.Pool = _pool;
        return builder;
    }

    /// <summary>Takes over a simulation that was built with <see cref="Prepare"/>.</summary>
    protected Simulation Begin(Simulation simulation)
    {
        _simulation = simulation;
        _builder = null;
        _registry = simulation.Registry;
        _log = new EventLog();
        _test = TestCommand.NameOfRunningTest(GetType());
        simulation.EscapeObserver = _escapes.Escaped;
        foreach (HostContext host in Hosts)
        {
            host.Interceptor = new KitInterceptor(this, _escapes, _log);
        }

        return simulation;
    }

    /// <inheritdoc/>
    protected override void AfterAll()
    {
        try
        {
            if (_simulation is not null)
            {
                Lines?.WriteLine(Story());
            }

            ThrowOnEscape();
        }
        finally
        {
            EndSimulation();
        }
    }

    internal bool IsOwnActor(IActorRef reference) => reference.Equals(TestActor) || _seats.Values.Any(
        seat => seat.Probe.Ref.Equals(reference));

    private void EndSimulation()
    {
        _simulation?.Dispose();
        _simulation = null;
        _builder = null;
        _seats.Clear();
        _rules.Clear();
    }
}
