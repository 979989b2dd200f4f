// The post office of one participant of an epoch: its lines to and from all others.
using System.Collections.Concurrent;
using System.Text;
using Akka.Actor;
using Akka.Event;

namespace ClusterSwap.Clustering;

/// <summary>Who takes part in an epoch, and what to do with what arrives.</summary>
internal sealed record EpochPostOptions
{
    /// <summary>Id of the run.</summary>
    public required string RunId { get; init; }

    /// <summary>The epoch.</summary>
    public required int Epoch { get; init; }

    /// <summary>The participant's number.</summary>
    public required int Self { get; init; }

    /// <summary>Addresses of the nodes, by number.</summary>
    public required string[] Nodes { get; init; }

    /// <summary>Address of the coordinator.</summary>
    public required string Coordinator { get; init; }

    /// <summary>Called with each message and its sender, in order; on a thread of Akka's, so it must not wait.</summary>
    public required Action<int, object> Deliver { get; init; }

    /// <summary>Called once for a participant that has not confirmed anything for <see cref="Patience"/>.</summary>
    public required Action<int> Broken { get; init; }

    /// <summary>How long a participant may confirm nothing.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(20);
}

/// <summary>
/// An actor under a name that holds run, epoch and participant, so that what belongs to another epoch does not even find
/// it. Others send here by <see cref="Send"/>, from any thread.
/// </summary>
internal sealed class EpochPost : UntypedActor, IWithTimers
{
    /// <summary>The number of the coordinator among participants.</summary>
    public const int Coordinator = -1;

    private const int ConfirmEvery = 16;
    private static readonly TimeSpan s_tick = TimeSpan.FromMilliseconds(300);

    private readonly EpochPostOptions _options;
    private readonly Outbox _outbox;
    private readonly Dictionary<int, InLine> _in = [];
    private readonly HashSet<int> _broken = [];
    private readonly ILoggingAdapter _log = Context.GetLogger();

    /// <summary>The constructor that Akka calls.</summary>
    public EpochPost(EpochPostOptions options, Outbox outbox)
    {
        _options = options;
        _outbox = outbox;
    }

    /// <inheritdoc/>
    public ITimerScheduler Timers { get; set; } = null!;

    public static Props PropsFor(EpochPostOptions options, Outbox outbox)
        => Props.Create(() => new EpochPost(options, outbox));

    /// <summary>Name of a participant's post office.</summary>
    public static string NameOf(string runId, int epoch, int participant)
        => $"post-{runId}-{epoch}-{(participant == Coordinator ? "c" : participant.ToString())}";

    /// <inheritdoc/>
    protected override void PreStart() => Timers.StartPeriodicTimer(nameof(Tick), Tick.Instance, s_tick);

    /// <inheritdoc/>
    protected override void OnReceive(object message)
    {
        try
        {
            switch (message)
            {
                case Piece piece when IsOurs(piece.RunId, piece.Epoch, piece.From):
                    _outbox.Learn(piece.From, Sender);
                    OnPiece(piece);
                    break;
                case PiecesGot got when IsOurs(got.RunId, got.Epoch, got.From):
                    _outbox.LineTo(got.From).OnGot(got.Before);
                    break;
                case PiecesMissing missing when IsOurs(missing.RunId, missing.Epoch, missing.From):
                    _outbox.LineTo(missing.From).OnMissing(missing.First);
                    break;
                case Tick:
                    OnTick();
                    break;
                default:
                    _log.Warning("A {0} that does not belong here came from {1}", message.GetType().Name, Sender);
                    break;
            }
        }
        catch (InvalidDataException e)
        {
            _log.Warning("What {0} sent is dropped: {1}", Sender, e.Message);
        }
    }

    private bool IsOurs(string runId, int epoch, int from) => runId == _options.RunId && epoch == _options.Epoch
        && from != _options.Self && from >= Coordinator && from < _options.Nodes.Length;

    private void OnPiece(Piece piece)
    {
        if (!_in.TryGetValue(piece.From, out InLine? line))
        {
            _in.Add(piece.From, line = new InLine());
        }

        bool hadGap = line.HasGap;
        bool isNew = line.Take(piece, bytes => Deliver(piece.From, bytes));
        if (line.HasGap && !hadGap)
        {
            _outbox.Tell(piece.From, new PiecesMissing(_options.RunId, _options.Epoch, _options.Self, line.Next));
        }

        if (!isNew || line.Unconfirmed >= ConfirmEvery)
        {
            Confirm(piece.From, line);
        }
    }

    private void Deliver(int from, byte[] bytes)
    {
        int length = bytes.Length == 0 ? 0 : bytes[0];
        if (length == 0 || bytes.Length <= length)
        {
            throw new InvalidDataException($"{bytes.Length} bytes without a manifest");
        }

        _options.Deliver(from, WireSerializer.Read(Encoding.ASCII.GetString(bytes, 1, length), bytes[(1 + length)..]));
    }

    private void Confirm(int from, InLine line)
    {
        line.Confirmed();
        _outbox.Tell(from, new PiecesGot(_options.RunId, _options.Epoch, _options.Self, line.Next));
    }

    private void OnTick()
    {
        foreach ((int from, InLine line) in _in)
        {
            if (line.HasGap)
            {
                _outbox.Tell(from, new PiecesMissing(_options.RunId, _options.Epoch, _options.Self, line.Next));
            }

            if (line.Unconfirmed > 0)
            {
                Confirm(from, line);
            }
        }

        foreach (int silent in _outbox.Tick(_options.Patience / s_tick))
        {
            if (_broken.Add(silent))
            {
                _options.Broken(silent);
            }
        }
    }

    private sealed class Tick
    {
        public static Tick Instance { get; } = new();
    }
}

/// <summary>The lines from one participant of an epoch to the others. Safe for several threads.</summary>
internal sealed class Outbox
{
    private readonly ActorSystem _system;
    private readonly Dictionary<int, OutLine> _lines = [];
    private readonly ConcurrentDictionary<int, ICanTell> _peers = [];

    private Outbox(ActorSystem system, EpochPostOptions options)
    {
        _system = system;
        for (int peer = EpochPost.Coordinator; peer < options.Nodes.Length; peer++)
        {
            if (peer == options.Self)
            {
                continue;
            }

            int to = peer;
            string address = peer == EpochPost.Coordinator ? options.Coordinator : options.Nodes[peer];
            string path = $"{address}/user/{EpochPost.NameOf(options.RunId, options.Epoch, peer)}";
            _peers[peer] = system.ActorSelection(path);
            _lines[peer] = new OutLine(options.RunId, options.Epoch, options.Self, piece => Tell(to, piece));
        }
    }

    /// <summary>The actor.</summary>
    public IActorRef Post { get; private set; } = ActorRefs.Nobody;

    /// <summary>Opens a post office; the result is how its owner sends.</summary>
    public static Outbox Open(ActorSystem system, EpochPostOptions options)
    {
        var outbox = new Outbox(system, options);
        outbox.Post = system.ActorOf(
            EpochPost.PropsFor(options, outbox), EpochPost.NameOf(options.RunId, options.Epoch, options.Self));
        return outbox;
    }

    /// <summary>Sends a message whole, once and in order, as long as the epoch lasts.</summary>
    public void Send(int to, IWireMessage message)
    {
        string manifest = WireSerializer.ManifestOf(message);
        byte[] body = WireSerializer.Write(message);
        byte[] bytes = new byte[1 + manifest.Length + body.Length];
        bytes[0] = (byte)manifest.Length;
        Encoding.ASCII.GetBytes(manifest, bytes.AsSpan(1));
        body.CopyTo(bytes, 1 + manifest.Length);
        _lines[to].Send(bytes);
    }

    /// <summary>Ends the post office: what is under way is lost.</summary>
    public void Close() => _system.Stop(Post);

    /// <summary>Sends once, without any guarantee.</summary>
    internal void Tell(int to, IWireMessage message) => _peers[to].Tell(message, Post);

    /// <summary>A peer has been heard: its reference leads there faster than its path.</summary>
    internal void Learn(int peer, IActorRef reference)
    {
        if (_peers[peer] is ActorSelection)
        {
            _peers[peer] = reference;
        }
    }

    internal OutLine LineTo(int peer) => _lines[peer];

    internal IEnumerable<int> Tick(double ticksMax)
    {
        foreach ((int peer, OutLine line) in _lines)
        {
            line.Tick();
            if (line.Silence > ticksMax)
            {
                yield return peer;
            }
        }
    }
}
