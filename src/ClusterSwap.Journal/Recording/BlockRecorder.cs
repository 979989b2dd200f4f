// The persistent actor that writes one stream, and its guardian, which makes it anew after a failure.
using Akka.Actor;
using Akka.Persistence;
using ZstdSharp;

namespace ClusterSwap.Journal;

/// <summary>
/// Writes blocks of a queue, one row at a time: the next goes out when the one before is acknowledged. It recovers
/// nothing but how far its stream came.
/// </summary>
internal sealed class BlockRecorder : UntypedPersistentActor
{
    /// <summary>There may be a block.</summary>
    public sealed record Work;

    /// <summary>To the guardian: the stream's end is known, writing goes on.</summary>
    public sealed record Recovered;

    /// <summary>To the guardian: this recorder stops because of that.</summary>
    public sealed record Broken(Exception Cause, bool IsFinal);

    private readonly BlockQueue _queue;
    private readonly Compressor _compressor = new(1);
    private bool _writing;

    public BlockRecorder(string persistenceId, BlockQueue queue)
    {
        PersistenceId = persistenceId;
        _queue = queue;
    }

    public override string PersistenceId { get; }

    public override Recovery Recovery => Recovery.None;

    public static Props PropsFor(string persistenceId, BlockQueue queue)
        => Props.Create(() => new BlockRecorder(persistenceId, queue));

    protected override void PreStart()
    {
        // Recovery asks for the last sequence number.
        _queue.Asked();
        base.PreStart();
    }

    protected override void OnRecover(object message)
    {
        if (message is not RecoveryCompleted)
        {
            return;
        }

        // At most the one block that was under way can be there without our knowing.
        bool wasUnderWay = LastSequenceNr == _queue.Acknowledged + 1 && _queue.First()?.Sealed is not null;
        if (LastSequenceNr != _queue.Acknowledged && !wasUnderWay)
        {
            var cause = new JournalException(
                $"the journal has a stream {PersistenceId} already, with {LastSequenceNr} blocks: "
                + "another run of the same name writes there or did. Run again: the name holds the time of the start.");
            Context.Parent.Tell(new Broken(cause, IsFinal: true));
            return;
        }

        // What was written but not acknowledged, because the answer was lost, is there and must not be sent again.
        _queue.Acknowledge(LastSequenceNr);
        Context.Parent.Tell(new Recovered());
        WriteNext();
    }

    protected override void OnCommand(object message)
    {
        if (message is Work && !_writing)
        {
            WriteNext();
        }
    }

    protected override void OnPersistFailure(Exception cause, object @event, long sequenceNr)
        => Context.Parent.Tell(new Broken(cause, IsFinal: false));

    protected override void OnPersistRejected(Exception cause, object @event, long sequenceNr)
        => Context.Parent.Tell(new Broken(cause, IsFinal: true));

    protected override void OnRecoveryFailure(Exception reason, object? message = null)
        => Context.Parent.Tell(new Broken(reason, IsFinal: false));

    protected override void PostStop()
    {
        _compressor.Dispose();
        base.PostStop();
    }

    private void WriteNext()
    {
        OpenBlock? block = _queue.First();
        _writing = block is not null;
        if (block is null)
        {
            return;
        }

        if (block.Head.Sequence != LastSequenceNr + 1)
        {
            var cause = new InvalidOperationException(
                $"block {block.Head.Sequence} cannot follow {LastSequenceNr} in {PersistenceId}");
            Context.Parent.Tell(new Broken(cause, IsFinal: true));
            return;
        }

        JournalBlock sealedBlock = block.Seal(_queue.Previous, _compressor, _queue.Buffers);
        _queue.Asked();
        PersistAsync(sealedBlock, _ =>
        {
            _queue.Acknowledge(block.Head.Sequence);
            WriteNext();
        });
    }
}

/// <summary>
/// Keeps one recorder alive: a failed write always stops a persistent actor, so it is made anew after a pause that
/// doubles up to a limit.
/// </summary>
internal sealed class RecorderGuardian : UntypedActor, IWithTimers
{
    private sealed record Revive;

    private static readonly TimeSpan s_firstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_longestPause = TimeSpan.FromSeconds(3);

    private readonly string _persistenceId;
    private readonly BlockQueue _queue;
    private readonly JournalTrouble _trouble;
    private IActorRef? _recorder;
    private TimeSpan _pause = s_firstPause;
    private bool _ended;

    public RecorderGuardian(string persistenceId, BlockQueue queue, JournalTrouble trouble)
    {
        _persistenceId = persistenceId;
        _queue = queue;
        _trouble = trouble;
    }

    /// <inheritdoc/>
    public ITimerScheduler Timers { get; set; } = null!;

    public static Props PropsFor(string persistenceId, BlockQueue queue, JournalTrouble trouble)
        => Props.Create(() => new RecorderGuardian(persistenceId, queue, trouble));

    protected override void PreStart() => MakeRecorder();

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case BlockRecorder.Work:
                _recorder?.Tell(message);
                break;
            case BlockRecorder.Recovered:
                _pause = s_firstPause;
                _trouble.Clear();
                break;
            case BlockRecorder.Broken broken:
                OnBroken(broken);
                break;
            case Terminated:
                _recorder = null;
                if (!_ended)
                {
                    Timers.StartSingleTimer(nameof(Revive), new Revive(), _pause);
                    _pause = _pause * 2 < s_longestPause ? _pause * 2 : s_longestPause;
                }

                break;
            case Revive:
                MakeRecorder();
                break;
        }
    }

    protected override SupervisorStrategy SupervisorStrategy()
        => new OneForOneStrategy(cause =>
        {
            OnBroken(new BlockRecorder.Broken(cause, IsFinal: false));
            return Directive.Stop;
        });

    private void OnBroken(BlockRecorder.Broken broken)
    {
        Exception? final = _trouble.Note(broken.Cause, broken.IsFinal);
        if (final is not null)
        {
            _ended = true;
            _queue.Fail(final);
        }
    }

    private void MakeRecorder()
        => _recorder = Context.Watch(Context.ActorOf(BlockRecorder.PropsFor(_persistenceId, _queue)));
}
