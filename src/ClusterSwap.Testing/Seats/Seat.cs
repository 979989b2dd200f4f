// The place of an actor that a probe has taken.
using System.Buffers;
using Akka.Actor;
using Akka.TestKit;
using ClusterSwap.Engine;

namespace ClusterSwap.Testing;

/// <summary>
/// An actor's address that belongs to a probe. Whatever arrives is first shown to the pilot, which may answer within
/// the
/// turn, and then copied into the probe's queue: a request object that its owner uses again is kept as it was.
/// </summary>
internal sealed class Seat(TestProbe probe, MessageRegistry registry)
{
    private readonly ArrayBufferWriter<byte> _buffer = new();

    public TestProbe Probe => probe;

    /// <summary>Answers during a run; null for a probe that only listens.</summary>
    public AutoPilot? Pilot { get; set; }

    public void Hand(SimMessage message, AddressRef sender)
    {
        if (Pilot is { } pilot)
        {
            // Not by the probe's own actor: what a pilot throws there ends in Akka's supervision, here it faults the
            // run.
            AutoPilot next = pilot.Run(sender, message);
            Pilot = next is KeepRunning ? pilot : next is NoAutoPilot ? null : next;
        }

        ((ICanTell)probe.Ref).Tell(Copy(message), sender);
    }

    private SimMessage Copy(SimMessage message)
    {
        if (!registry.Knows(message.Kind, message.GetType()))
        {
            return message;
        }

        _buffer.ResetWrittenCount();
        registry.Serialize(_buffer, message);
        return registry.Deserialize(message.Kind, _buffer.WrittenSpan);
    }
}

/// <summary>A pilot made of a function of the sender and the message.</summary>
internal sealed class FunctionPilot(Action<IActorRef, object> answer) : AutoPilot
{
    public override AutoPilot Run(IActorRef sender, object message)
    {
        answer(sender, message);
        return KeepRunning;
    }
}
