// Finds actors that leave virtual time, and names them.
using System.Diagnostics;
using Akka.Actor;
using Akka.Actor.Internal;
using ClusterSwap.Engine;

namespace ClusterSwap.Testing;

/// <summary>
/// Marks the flow of execution with the actor whose turn it is. The mark goes wherever .NET takes the flow: to tasks,
/// timers and threads, so work that an actor leaves behind is known by its name as soon as it starts, whether it tells
/// anybody or not. What Akka does is caught where it does it.
/// </summary>
internal sealed class EscapeDetector(SimulationTestKit kit)
{
    private const int NoThread = -1;

    private static readonly AsyncLocal<Turn?> s_turn = new(OnFlow);

    private readonly object _gate = new();
    private readonly List<Escape> _found = [];
    private readonly List<Escape> _known = [];
    private readonly Dictionary<(int Host, int Actor), Turn> _turns = [];
    private readonly WatchingContext _context = new();
    private SynchronizationContext? _outer;
    private volatile int _thread = NoThread;

    /// <summary>An actor of the simulation has its turn.</summary>
    private sealed record Turn(EscapeDetector Detector, string Host, string Actor);

    /// <summary>Whoever has its turn on this flow of execution has escaped; false when nobody has.</summary>
    public static bool ReportRunningActor(EscapeKind kind, string detail)
    {
        if (s_turn.Value is not { } turn)
        {
            return false;
        }

        turn.Detector.Report(turn.Host, turn.Actor, kind, detail);
        return true;
    }

    /// <summary>A run is under way.</summary>
    public bool IsRunning => _thread != NoThread;

    public void RunBegins()
    {
        _thread = Environment.CurrentManagedThreadId;
        _outer = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(_context);
    }

    public void RunEnded()
    {
        s_turn.Value = null;
        _thread = NoThread;
        SynchronizationContext.SetSynchronizationContext(_outer);
        FindSubscribers();
    }

    public void TurnOf(HostContext host, int actor)
    {
        if (!_turns.TryGetValue((host.HostId, actor), out Turn? turn))
        {
            turn = new Turn(this, host.Name, host.ActorName(actor));
            _turns.Add((host.HostId, actor), turn);
        }

        s_turn.Value = turn;
    }

    public void TurnEnded(HostContext host, int actor)
    {
        s_turn.Value = null;
        foreach (IActorRef child in ((LocalActorRef)host.Reference(actor)).Children)
        {
            Report(host.Name, host.ActorName(actor), EscapeKind.OtherDispatcher, $"its child {child.Path.Name}");
        }
    }

    public void ToldByReference(HostContext host, int actor, IActorRef sender)
    {
        string name = actor < 0 ? "?" : host.ActorName(actor);
        string running = s_turn.Value?.Actor ?? name;
        if (IsPromise(sender))
        {
            Report(host.Name, running, EscapeKind.Ask, $"to {name}");
        }
        else if (CameThrough("PipeToSupport"))
        {
            Report(host.Name, running, EscapeKind.PipeTo, $"to {name}");
        }
        else if (CameThrough("EventStream"))
        {
            Report(host.Name, name, EscapeKind.EventStream, $"{running} publishes");
        }
    }

    /// <summary>Called on the thread that told something to an actor outside its host's turn.</summary>
    public void Escaped(EscapedMessage escaped)
    {
        string what = escaped.Message.GetType().Name;
        Turn? culprit = s_turn.Value;
        (string host, string actor) = culprit is null ? (escaped.Host, escaped.Actor) : (culprit.Host, culprit.Actor);
        if (CameThrough("PipeToSupport"))
        {
            Report(host, actor, EscapeKind.PipeTo, $"{what} to {escaped.Actor}");
        }
        else if (CameThrough("EventStream"))
        {
            Report(escaped.Host, escaped.Actor, EscapeKind.EventStream, what);
        }
        else if (culprit is not null && Environment.CurrentManagedThreadId != _thread)
        {
            Report(host, actor, EscapeKind.OtherThread, $"it sends {what} to {escaped.Actor}");
        }
        else if (InternalCurrentActorCellKeeper.Current is { } cell && !kit.IsOwnActor(cell.Self) && culprit is null)
        {
            Report(escaped.Host, escaped.Actor, EscapeKind.OtherDispatcher,
                $"{cell.Self.Path.Name} sends it {what} from {cell.Dispatcher.Id}");
        }
        else
        {
            Report(escaped.Host, escaped.Actor, EscapeKind.Outside, what);
        }
    }

    /// <summary>Everything found since the last call.</summary>
    public IReadOnlyList<Escape> Take()
    {
        lock (_gate)
        {
            Escape[] found = [.. _found];
            _found.Clear();
            return found;
        }
    }

    private void Report(string host, string actor, EscapeKind kind, string detail)
    {
        lock (_gate)
        {
            // That work went on elsewhere says less than how it did, and may come after it.
            bool saysLittle = kind == EscapeKind.OtherThread && detail.Length == 0;
            if (!_known.Exists(escape => escape.Host == host && escape.Actor == actor
                && (saysLittle || escape.Kind == kind)))
            {
                _known.Add(new Escape(host, actor, kind, detail));
                _found.Add(_known[^1]);
            }
        }
    }

    // A subscription without an event says nothing by itself: the stream is asked.
    private void FindSubscribers()
    {
        foreach (HostContext host in kit.Hosts)
        {
            for (int actor = 0; actor < host.ActorCount; actor++)
            {
                if (kit.Sys.EventStream.Unsubscribe(host.Reference(actor)))
                {
                    Report(host.Name, host.ActorName(actor), EscapeKind.EventStream, "it has subscribed");
                }
            }
        }
    }

    private static void OnFlow(AsyncLocalValueChangedArgs<Turn?> args)
    {
        if (args.ThreadContextChanged && args.CurrentValue is { } turn
            && Environment.CurrentManagedThreadId != turn.Detector._thread)
        {
            turn.Detector.Report(turn.Host, turn.Actor, EscapeKind.OtherThread, string.Empty);
        }
    }

    private static bool IsPromise(IActorRef? sender) => sender?.GetType().Name is { } name
        && (name.StartsWith("FutureActorRef", StringComparison.Ordinal) || name == "PromiseActorRef");

    private static bool CameThrough(string type) => new StackTrace().GetFrames().Any(
        frame => frame.GetMethod()?.DeclaringType?.FullName is { } name
            && name.StartsWith("Akka.", StringComparison.Ordinal) && name.Contains(type, StringComparison.Ordinal));

    /// <summary>The context of a turn: only an async handler asks for it.</summary>
    private sealed class WatchingContext : SynchronizationContext
    {
        public override SynchronizationContext CreateCopy() => this;

        public override void OperationStarted() => ReportRunningActor(EscapeKind.Async, string.Empty);

        public override void Post(SendOrPostCallback d, object? state)
        {
            ReportRunningActor(EscapeKind.Async, string.Empty);
            base.Post(d, state);
        }
    }
}
