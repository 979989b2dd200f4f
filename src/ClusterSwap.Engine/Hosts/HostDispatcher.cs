// Akka's dispatcher for the actors of one host: messages go into the host's ring, never to a thread.
using Akka.Actor;
using Akka.Configuration;
using Akka.Dispatch;

namespace ClusterSwap.Engine;

/// <summary>
/// Hands user messages to the host that has leased it, and keeps Akka's own work (create, supervise, terminate) until
/// the engine's thread drains it. Nothing ever runs on a thread of Akka's choosing.
/// </summary>
internal sealed class HostDispatcher : MessageDispatcher
{
    private readonly object _gate = new();
    private readonly Queue<IRunnable> _systemWork = new();
    private volatile HostContext? _host;
    private volatile bool _hasSystemWork;

    public HostDispatcher(MessageDispatcherConfigurator configurator, string id)
        : base(configurator) => Id = id;

    /// <summary>Whether Akka has work of its own waiting.</summary>
    public bool HasSystemWork => _hasSystemWork;

    /// <summary>The host that has leased this dispatcher.</summary>
    public HostContext? Host
    {
        get => _host;
        set => _host = value;
    }

    /// <inheritdoc/>
    public override void Dispatch(ActorCell cell, Envelope envelope)
    {
        // Whatever is told between two leases is for actors that have stopped.
        _host?.Accept(cell, in envelope);
    }

    /// <summary>Runs what Akka wants run, on this thread, until nothing is left.</summary>
    public void DrainSystemWork()
    {
        while (true)
        {
            IRunnable? work;
            lock (_gate)
            {
                if (!_systemWork.TryDequeue(out work))
                {
                    _hasSystemWork = false;
                    return;
                }
            }

            work.Run();
        }
    }

    /// <summary>
    /// Waits until Akka has work, at most this long. Only for building and tearing down, never within a run.
    /// </summary>
    public bool AwaitSystemWork(TimeSpan timeout)
    {
        lock (_gate)
        {
            return _systemWork.Count > 0 || Monitor.Wait(_gate, timeout);
        }
    }

    /// <inheritdoc/>
    protected override void ExecuteTask(IRunnable run)
    {
        lock (_gate)
        {
            _systemWork.Enqueue(run);
            _hasSystemWork = true;
            Monitor.PulseAll(_gate);
        }
    }

    /// <inheritdoc/>
    protected override void Shutdown()
    {
        // The dispatcher is reused; it owns no thread that would have to end.
    }
}

/// <summary>Gives Akka the one dispatcher it was made for.</summary>
internal sealed class HostDispatcherConfigurator : MessageDispatcherConfigurator
{
    private readonly HostDispatcher _dispatcher;

    public HostDispatcherConfigurator(IDispatcherPrerequisites prerequisites, string id)
        : base(ConfigurationFactory.ParseString($"id = {id}"), prerequisites)
        => _dispatcher = new HostDispatcher(this, id);

    public HostDispatcher Instance => _dispatcher;

    /// <inheritdoc/>
    public override MessageDispatcher Dispatcher() => _dispatcher;
}
