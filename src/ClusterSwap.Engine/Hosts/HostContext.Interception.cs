// Messages that a test drops, delays, changes or answers in an actor's name.
using System.Runtime.CompilerServices;
using Akka.Actor;

namespace ClusterSwap.Engine;

public sealed partial class HostContext
{
    private HostInterceptor? _interceptor;
    private Dictionary<SimMessage, int>? _origins;
    private Arrival _arrival;
    private bool _takenOver;

    /// <summary>
    /// Decides about every delivery on this host, if somebody does. Set before a run or at a barrier; it is no state of
    /// the host.
    /// </summary>
    public HostInterceptor? Interceptor
    {
        get => _interceptor;
        set
        {
            _interceptor = value;
            _origins = value is null ? null : new Dictionary<SimMessage, int>(ReferenceEqualityComparer.Instance);
        }
    }

    /// <summary>
    /// An actor of this host as Akka knows it. Its identity is random in every process: it must reach neither state nor
    /// order.
    /// </summary>
    public IActorRef Reference(int actor) => _refs[actor];

    /// <summary>Latency of the edge to another host, ns; -1 when there is none.</summary>
    public long LatencyTo(int host) => _edges.LatencyTo(host);

    /// <summary>False when the message is not to be delivered now.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool Intercepted(ref SimMessage message, int actor, int sender)
    {
        // A sender of the own host says so by its index; others are written as -2 - host, and nobody as -1.
        int senderHost = sender < -1 ? -2 - sender : HostId;
        int origin = sender < -1 && _origins!.Remove(message, out int remote) ? remote : Math.Max(sender, -1);
        CurrentActor = actor;
        _arrival = new Arrival(NowNs, actor, message, senderHost, origin);
        Interception decision = _interceptor!.Decide(this, in _arrival);
        switch (decision.Kind)
        {
            case InterceptionKind.Drop:
                CurrentActor = -1;
                return false;
            case InterceptionKind.Delay:
                CurrentActor = -1;
                PushDelayed(decision.DelayNs, actor, message);
                return false;
            default:
                _takenOver = decision.Kind == InterceptionKind.TakeOver;
                message = decision.Message ?? message;
                _arrival = _arrival with { Message = message };
                return true;
        }
    }

    // It comes again from outside: whoever delayed it is no actor.
    private void PushDelayed(long delayNs, int actor, SimMessage message)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(delayNs, 1);
        if (Registered(message))
        {
            Post(NowNs + delayNs, actor, message);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void HandleIntercepted(ActorCell cell, SimMessage message)
    {
        if (_takenOver)
        {
            _interceptor!.TakeOver(this, in _arrival);
        }
        else
        {
            cell.Invoke(new Envelope(message, ActorRefs.NoSender));
        }

        _interceptor!.Handled(this, in _arrival);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void NoteOrigin(SimMessage message, ulong source)
    {
        if ((int)(source >> 32) != HostId)
        {
            _origins![message] = (int)(uint)source - 1;
        }
    }
}
