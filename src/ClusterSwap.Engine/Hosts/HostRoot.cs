// The root actor of one host, which creates all others, and the producers that Akka calls for them.
using Akka.Actor;

namespace ClusterSwap.Engine;

/// <summary>Name and factory of an actor to be.</summary>
internal sealed record ActorSpec(string Name, Func<HostContext, int, HostActor> Factory);

/// <summary>
/// Creates the actors of its host, by name and in order of index, when it starts. It receives no messages.
/// </summary>
internal sealed class HostRoot : ActorBase
{
    private readonly HostContext _host;

    private HostRoot(HostContext host) => _host = host;

    public static Props PropsFor(HostContext host)
        => HostProps(new Producer<HostRoot>(() => new HostRoot(host)), host.Dispatcher);

    /// <inheritdoc/>
    protected override void PreStart()
    {
        for (int i = 0; i < _host.Specs.Length; i++)
        {
            int index = i;
            ActorSpec spec = _host.Specs[i];
            Props props = HostProps(new Producer<HostActor>(() => CreateActor(spec, index)), _host.Dispatcher);
            _host.Bind(i, (LocalActorRef)Context.ActorOf(props, spec.Name));
        }

        _host.RootStarted = true;
    }

    /// <inheritdoc/>
    protected override void PostStop() => _host.RootStopped = true;

    /// <inheritdoc/>
    protected override bool Receive(object message) => false;

    /// <inheritdoc/>
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(_ => Directive.Escalate);

    private HostActor CreateActor(ActorSpec spec, int index)
    {
        try
        {
            return _host.Actors[index] = spec.Factory(_host, index);
        }
        catch (Exception e)
        {
            _host.SetFault($"actor {spec.Name} could not be created: {e.Message}", e);
            throw;
        }
    }

    private static Props HostProps(IIndirectActorProducer producer, HostDispatcher dispatcher)
        => Props.CreateBy(producer).WithDispatcher(dispatcher.Id).WithMailbox(HostPool.MailboxId);

    private sealed class Producer<TActor>(Func<TActor> create) : IIndirectActorProducer
        where TActor : ActorBase
    {
        public Type ActorType => typeof(TActor);

        public ActorBase Produce() => create();

        public void Release(ActorBase actor)
        {
        }
    }
}
