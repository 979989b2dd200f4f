// How a host runs: events of one time go into the ring, and the ring is emptied through Akka cells.
using System.Runtime.CompilerServices;
using Akka.Actor;
using Akka.Actor.Internal;

namespace ClusterSwap.Engine;

public sealed partial class HostContext
{
    private readonly EventHeap _heap = new();
    private readonly InstantRing _ring = new();
    private readonly ActorCell[] _cells;
    private readonly IActorRef[] _refs;
    private HostSchedule? _schedule;
    private ScheduleChoice[] _choices = [];
    private int[] _choiceOffsets = [];
    private Partition? _partition;
    private Fingerprint _fingerprint;
    private SimMessage? _message;
    private SimulationFault? _fault;
    private Exception? _faultCause;
    private HostObserver? _observer;
    private int _told = -1;
    private int _instantMessages;
    private int _root;

    /// <summary>The hash of all that was delivered here.</summary>
    public Fingerprint Fingerprint => _fingerprint;

    /// <summary>Messages delivered here.</summary>
    public long Messages { get; private set; }

    /// <summary>Events of these that took time to arrive: what came out of the heap.</summary>
    public long Events { get; private set; }

    /// <summary>
    /// Sees every delivery on this host, if somebody does. Set at a barrier only; it is no state of the host.
    /// </summary>
    public HostObserver? Observer
    {
        get => _observer;
        set => _observer = value;
    }

    internal HostActor[] Actors { get; }

    internal ActorSpec[] Specs { get; }

    /// <summary>Whether the root actor has created the others.</summary>
    internal bool RootStarted { get; set; }

    /// <summary>Whether the root actor and all under it have ended.</summary>
    internal bool RootStopped { get; set; }

    internal HostDispatcher Dispatcher { get; set; } = null!;

    internal SimulationFault? FaultOrNull => _fault;

    internal Exception? FaultCause => _faultCause;

    internal long NextNs => _heap.NextNs;

    /// <summary>
    /// The running slice ends before this; frames that this host sends within its partition pull it in.
    /// </summary>
    internal long SliceEndNs { get; set; }

    /// <summary>Smallest latency of an edge into this host from its partition.</summary>
    internal long InLatencyNs { get; set; }

    /// <summary>Position among the hosts of its partition.</summary>
    internal int Place { get; set; }

    internal Partition? Partition
    {
        get => _partition;
        set => _partition = value;
    }

    /// <summary>Binds an actor's cell; called once for each, when the host comes to life.</summary>
    internal void Bind(int actor, LocalActorRef reference)
    {
        _refs[actor] = reference;
        _cells[actor] = reference.Cell;
    }

    internal void PushFrame(in Frame frame) => _heap.Push(
        frame.ArrivalNs, frame.Draw, frame.Source, frame.Sequence, frame.TargetActor, frame.Message, frame.Cause);

    /// <summary>An event from outside the run, before it begins or at a barrier.</summary>
    internal void Post(long atNs, int actor, SimMessage message) => PostAs(this, -1, atNs, actor, message);

    /// <summary>The same, in the name of an actor of some host.</summary>
    internal void PostAs(HostContext sender, int senderActor, long atNs, int actor, SimMessage message)
    {
        atNs = InSteps(atNs);
        if (atNs < NowNs || (uint)actor >= (uint)_refs.Length || !_registry.Knows(message.Kind, message.GetType()))
        {
            throw new ArgumentException(
                $"{message.GetType().Name} cannot be posted at {atNs} ns to actor {actor} of {Name}: " +
                $"now is {NowNs} ns, there are {_refs.Length} actors, and its kind {message.Kind} must be registered");
        }

        ulong source = SourceOf(sender.HostId, senderActor + 1);
        ulong sequence = sender._sequences[senderActor + 1]++;
        _heap.Push(atNs, Mixing.Of(_seed, source, (ulong)atNs), source, sequence, actor, message, cause: 0);
    }

    /// <summary>Moves the clock to a barrier, before which nothing may be left.</summary>
    internal void StandAt(long nowNs)
    {
        NowNs = nowNs;
        if (_heap.NextNs < nowNs || _ring.Count > 0)
        {
            Fault($"the barrier at {nowNs} ns was passed with an event at {_heap.NextNs} ns " +
                $"and {_ring.Count} messages left");
        }
    }

    /// <summary>Runs all events before <see cref="SliceEndNs"/>, or up to a fault.</summary>
    internal void RunSlice()
    {
        t_running = this;
        try
        {
            while (_fault is null)
            {
                long nextNs = _heap.NextNs;
                if (nextNs >= SliceEndNs)
                {
                    break;
                }

                RunInstant(nextNs);
            }
        }
        catch (Exception e)
        {
            SetFault(e.Message, e);
        }
        finally
        {
            EndTurn();
        }
    }

    private void EndTurn()
    {
        CurrentActor = -1;
        t_running = null;
        InternalCurrentActorCellKeeper.Current = null;
    }

    /// <summary>
    /// Everything that is due at one time goes into the ring before any of it is delivered: so what is sent at that
    /// time comes after it, and order between a pair holds.
    /// </summary>
    private void RunInstant(long nowNs)
    {
        NowNs = nowNs;
        _instantMessages = 0;
        if (_stepNs > 1)
        {
            RunDueEvents();
            return;
        }

        int roots = 0;
        do
        {
            SimMessage message = _heap.Pop(out int actor, out ulong source, out long cause);
            int sourceHost = (int)(source >> 32);
            int sender = sourceHost == HostId ? (int)(uint)source - 1 : -2 - sourceHost;
            _ring.Push(message, actor, sender, cause, roots++);
            Events++;
            if (_interceptor is not null)
            {
                NoteOrigin(message, source);
            }
        }
        while (_heap.NextNs == nowNs);

        while (_ring.Count > 0 && _fault is null)
        {
            if (_schedule is not null && _ring.Count > 1)
            {
                _ring.BringToHead(ChooseNext());
            }

            Deliver();
        }

        CurrentActor = -1;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Deliver()
    {
        if (Dispatcher.HasSystemWork)
        {
            Dispatcher.DrainSystemWork();
        }

        SimMessage message = _ring.Pop(out int actor, out int sender, out long cause, out _root);
        if (_interceptor is not null && !Intercepted(ref message, actor, sender))
        {
            return;
        }

        ushort kind = message.Kind;
        if (++_instantMessages > _simulation.LivelockWatchFrom && Livelocked(actor, kind))
        {
            return;
        }

        CurrentActor = actor;
        _fingerprint.Add((ulong)NowNs, (ulong)actor << 16 | kind);
        message.Fold(ref _fingerprint);
        Messages++;
        _message = message;
        if (_observer is not null)
        {
            Observe(message, actor, sender, cause);
        }

        // What ActorCell.UseThreadContext does for each message; the slice's end takes it back.
        ActorCell cell = _cells[actor];
        InternalCurrentActorCellKeeper.Current = cell;
        if (_interceptor is null)
        {
            cell.Invoke(new Envelope(message, ActorRefs.NoSender));
        }
        else
        {
            HandleIntercepted(cell, message);
        }
    }

    /// <summary>Called by the dispatcher for each Tell to an actor of this host.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Accept(ActorCell cell, in Envelope envelope)
    {
        object message = envelope.Message;
        int actor = _told;
        _told = -1;
        if (!ReferenceEquals(t_running, this))
        {
            _simulation.ReportEscape(Name, cell.Self.Path.Name, message, envelope.Sender);
        }
        else if (actor >= 0 && ReferenceEquals(_cells[actor], cell))
        {
            _ring.Push(Unsafe.As<SimMessage>(message), actor, CurrentActor, Messages, _root);
        }
        else
        {
            AcceptPlainTell(cell, message, envelope.Sender);
        }
    }

    /// <summary>
    /// A Tell by reference instead of <see cref="Send"/>: welcome within the host, if it is a simulation message.
    /// </summary>
    private void AcceptPlainTell(ActorCell cell, object message, IActorRef sender)
    {
        int actor = Array.IndexOf(_cells, cell);
        _interceptor?.ToldByReference(this, actor, message, sender);
        if (actor >= 0 && message is SimMessage simulated)
        {
            _ring.Push(simulated, actor, CurrentActor, Messages, _root);
        }
        else
        {
            Fault($"{message.GetType().Name} was told to {cell.Self.Path.Name}: " +
                "only simulation messages live in virtual time");
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Observe(SimMessage message, int actor, int sender, long cause)
    {
        // A sender of the own host says so by its index; others are written as -2 - host, and nobody as -1.
        int causeHost = sender < -1 ? -2 - sender : HostId;
        _observer!.Delivered(new Delivery(NowNs, Messages, actor, message, causeHost, cause, _fingerprint.Low));
    }

    private int ChooseNext()
    {
        GrowChoices();
        int reach = Math.Min(_ring.Count, ChoiceReach);
        int count = 0;
        for (int offset = 0; offset < reach; offset++)
        {
            ref RingEntry entry = ref _ring[offset];
            if (MayBeNext(in entry, offset))
            {
                _choices[count] = new ScheduleChoice(entry.Sender, entry.Actor, entry.Message.Kind);
                _choiceOffsets[count++] = offset;
            }
        }

        return _choiceOffsets[Choose(_choices.AsSpan(0, count))];
    }

    private void GrowChoices()
    {
        if (_choices.Length == 0)
        {
            _choices = new ScheduleChoice[ChoiceReach];
            _choiceOffsets = new int[ChoiceReach];
        }
    }

    /// <summary>
    /// Nothing before it comes from the same event, for that is one course of things, and nothing goes between the same
    /// two actors.
    /// </summary>
    private bool MayBeNext(in RingEntry entry, int offset)
    {
        for (int i = 0; i < offset; i++)
        {
            ref RingEntry before = ref _ring[i];
            if (before.Root == entry.Root || (before.Sender == entry.Sender && before.Actor == entry.Actor))
            {
                return false;
            }
        }

        return true;
    }

    internal void SetFault(string text, Exception? cause)
    {
        if (_fault is not null)
        {
            return;
        }

        string actor = CurrentActor < 0 ? string.Empty : ActorName(CurrentActor);
        string message = CurrentActor < 0 || _message is null ? string.Empty : _message.GetType().Name;
        _fault = new SimulationFault(_seed, NowNs, HostId, Name, actor, message, text);
        _faultCause = cause;
    }
}
