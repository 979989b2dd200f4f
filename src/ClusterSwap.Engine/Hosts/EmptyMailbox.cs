// The mailbox of host actors: one empty queue that all share, since messages wait in the host's ring.
using Akka.Actor;
using Akka.Configuration;
using Akka.Dispatch;
using Akka.Dispatch.MessageQueues;

namespace ClusterSwap.Engine;

/// <summary>
/// A queue that is always empty. An actor with it takes a third of the memory of one with Akka's default.
/// </summary>
internal sealed class EmptyMessageQueue : IMessageQueue
{
    /// <summary>The only one.</summary>
    public static EmptyMessageQueue Shared { get; } = new();

    /// <inheritdoc/>
    public bool HasMessages => false;

    /// <inheritdoc/>
    public int Count => 0;

    /// <inheritdoc/>
    public void Enqueue(IActorRef receiver, Envelope envelope)
        => throw new InvalidOperationException($"{envelope.Message.GetType().Name} passed the host's dispatcher");

    /// <inheritdoc/>
    public bool TryDequeue(out Envelope envelope)
    {
        envelope = default;
        return false;
    }

    /// <inheritdoc/>
    public void CleanUp(IActorRef owner, IMessageQueue deadletters)
    {
    }
}

/// <summary>Akka's name for <see cref="EmptyMessageQueue"/>.</summary>
internal sealed class EmptyMailbox : MailboxType, IProducesMessageQueue<EmptyMessageQueue>
{
    /// <summary>The constructor that Akka calls.</summary>
    public EmptyMailbox(Settings settings, Config config)
        : base(settings, config)
    {
    }

    /// <inheritdoc/>
    public override IMessageQueue Create(IActorRef owner, ActorSystem system) => EmptyMessageQueue.Shared;
}
