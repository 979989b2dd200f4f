// The actor system that simulations live in, with its reusable dispatchers.
using Akka.Actor;
using Akka.Configuration;

namespace ClusterSwap.Engine;

/// <summary>
/// One ActorSystem for any number of simulations, one after another or at once. Akka can add a dispatcher but never
/// remove one, so dispatchers are leased to hosts and come back when the simulation is disposed of.
/// </summary>
public sealed class HostPool : IDisposable
{
    internal const string MailboxId = "clusterswap-empty-mailbox";

    private static readonly Lazy<HostPool> s_shared = new(() => new HostPool());
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private readonly ActorSystem _system;
    private readonly bool _owned = true;
    private readonly object _gate = new();
    private readonly Stack<HostDispatcher> _idle = new();
    private int _dispatchers;
    private int _simulations;

    /// <summary>Starts an actor system that logs nothing.</summary>
    public HostPool()
        : this(string.Empty)
    {
    }

    /// <summary>Starts an actor system with this HOCON over the engine's own.</summary>
    public HostPool(string hocon)
    {
        Config config = ConfigurationFactory.ParseString(hocon)
            .WithFallback(Mailbox())
            .WithFallback(ConfigurationFactory.FromResource("engine.conf", typeof(HostPool).Assembly));
        _system = ActorSystem.Create("clusterswap", config);
    }

    /// <summary>
    /// Simulations live in an actor system of the caller, beside its own actors: in a test, beside its probes. The pool
    /// does not end it.
    /// </summary>
    public HostPool(ActorSystem system)
    {
        _system = system;
        _owned = false;
        system.Settings.InjectTopLevelFallback(Mailbox());
    }

    /// <summary>The pool that simulations use unless they are given another.</summary>
    public static HostPool Shared => s_shared.Value;

    /// <summary>Ends the actor system, if it is the pool's own. Simulations that still live in it are lost.</summary>
    public void Dispose()
    {
        if (_owned)
        {
            _system.Terminate().Wait(s_patience);
        }
    }

    private static Config Mailbox() => ConfigurationFactory.ParseString(
        $$"""{{MailboxId}} { mailbox-type = "{{typeof(EmptyMailbox).AssemblyQualifiedName}}" }""");

    /// <summary>Brings the actors of all hosts to life; throws when one of them cannot be created.</summary>
    internal IInternalActorRef[] Start(HostContext[] hosts)
    {
        int number = Interlocked.Increment(ref _simulations);
        var roots = new IInternalActorRef[hosts.Length];
        for (int i = 0; i < hosts.Length; i++)
        {
            HostContext host = hosts[i];
            host.Dispatcher = Lease(host);
            roots[i] = (IInternalActorRef)_system.ActorOf(HostRoot.PropsFor(host), $"sim-{number}-host-{host.HostId}");
        }

        foreach (HostContext host in hosts)
        {
            bool Started() => host.FaultOrNull is not null || AllAlive(host);
            AwaitWork(host.Dispatcher, Started, $"host {host.Name} to start");
        }

        return roots;
    }

    /// <summary>Ends the actors of a simulation and takes its dispatchers back.</summary>
    internal void Stop(HostContext[] hosts, IInternalActorRef[] roots)
    {
        foreach (IInternalActorRef root in roots)
        {
            root.Stop();
        }

        for (int i = 0; i < hosts.Length; i++)
        {
            HostDispatcher dispatcher = hosts[i].Dispatcher;
            HostContext host = hosts[i];
            AwaitWork(dispatcher, () => host.RootStopped, $"host {host.Name} to stop");
            dispatcher.Host = null;
            lock (_gate)
            {
                _idle.Push(dispatcher);
            }
        }
    }

    private static bool AllAlive(HostContext host)
    {
        foreach (HostActor? actor in host.Actors)
        {
            if (actor is null)
            {
                return false;
            }
        }

        return host.RootStarted && !host.Dispatcher.HasSystemWork;
    }

    private static void AwaitWork(HostDispatcher dispatcher, Func<bool> done, string what)
    {
        dispatcher.DrainSystemWork();
        while (!done())
        {
            if (!dispatcher.AwaitSystemWork(s_patience))
            {
                throw new TimeoutException(
                    $"Akka gave no work for {s_patience.TotalSeconds} s while waiting for {what}");
            }

            dispatcher.DrainSystemWork();
        }
    }

    private HostDispatcher Lease(HostContext host)
    {
        lock (_gate)
        {
            if (!_idle.TryPop(out HostDispatcher? dispatcher))
            {
                string id = $"host-{_dispatchers++}";
                var configurator = new HostDispatcherConfigurator(_system.Dispatchers.Prerequisites, id);
                if (!_system.Dispatchers.RegisterConfigurator(id, configurator))
                {
                    throw new InvalidOperationException(
                        $"a dispatcher {id} exists already, its actors would not be the host's");
                }

                dispatcher = configurator.Instance;
            }

            dispatcher.Host = host;
            return dispatcher;
        }
    }
}
