// Between the thread of a partition and its recorder: blocks that the database has not acknowledged.
using System.Runtime.InteropServices;
using ZstdSharp;

namespace ClusterSwap.Journal;

/// <summary>A block that is not acknowledged. Its recorder seals it, when its turn has come.</summary>
/// <param name="head">Its head.</param>
/// <param name="payload">What it holds.</param>
/// <param name="owner">Who gets the payload's array back; null for one that is not used again.</param>
internal sealed class OpenBlock(BlockHead head, ReadOnlyMemory<byte> payload, RowBuffers? owner = null)
{
    private BlockHead _head = head;

    /// <summary>Its head; lengths and checksums are open until it is sealed.</summary>
    public ref readonly BlockHead Head => ref _head;

    /// <summary>Bytes that it counts for: those that it holds.</summary>
    public int Bytes => MemoryMarshal.TryGetArray(payload, out ArraySegment<byte> held) ? held.Array!.Length : payload.Length;

    /// <summary>Head and payload, once sealed.</summary>
    public JournalBlock? Sealed { get; private set; }

    /// <summary>Gives its arrays back, once the database has the block.</summary>
    public void Release(RowBuffers buffers)
    {
        if (owner is not null && MemoryMarshal.TryGetArray(payload, out ArraySegment<byte> segment))
        {
            owner.Return(segment.Array!);
        }

        if (Sealed is not null && Head.Kind == BlockKind.Checkpoint)
        {
            buffers.Return(Sealed.Bytes);
        }
    }

    /// <summary>Completes the block behind the one with this checksum.</summary>
    public JournalBlock Seal(ulong previous, Compressor compressor, RowBuffers buffers)
    {
        if (Sealed is null)
        {
            _head.Previous = previous;
            // Rows of a checkpoint are of one length; those of events are not, and their arrays of no use to the next.
            RowBuffers? same = _head.Kind == BlockKind.Checkpoint ? buffers : null;
            Sealed = new JournalBlock(BlockHead.Seal(ref _head, payload.Span, compressor, same));
        }

        return Sealed;
    }
}

/// <summary>How a wait for the database goes.</summary>
/// <param name="Unacknowledged">For so long nothing was acknowledged, since it began.</param>
/// <param name="Unanswered">For so long the database, which was asked, has answered nothing, since it began.</param>
internal readonly record struct JournalWait(TimeSpan Unacknowledged, TimeSpan Unanswered);

/// <summary>
/// Blocks in order, from the first that is not acknowledged. It outlives its recorder, which may be made anew. The
/// partition's thread waits while too much is unacknowledged: a slow database slows the run, loses nothing and takes no
/// memory.
/// </summary>
internal sealed class BlockQueue
{
    /// <summary>Full blocks that may wait.</summary>
    public const int BlocksMax = 64;

    /// <summary>Unacknowledged payload, bytes of the arrays that hold it, from which on the partition waits.</summary>
    public const long BytesMax = (long)BlocksMax * JournalFormat.BlockBytes;

    // How often a wait is looked at. Only the wait's own thread pays for it.
    private static readonly TimeSpan s_step = TimeSpan.FromMilliseconds(200);

    private readonly object _gate = new();
    private readonly Queue<OpenBlock> _blocks = new();
    private long? _askedAt;
    private long _answeredAt;
    private volatile Action? _onWork;
    private long _bytes;
    private Exception? _failure;

    /// <summary>Told when a block came to an empty queue. It may be set while blocks come.</summary>
    public Action? OnWork
    {
        get => _onWork;
        set => _onWork = value;
    }

    /// <summary>Told now and then how a wait goes; ends it by throwing.</summary>
    public Action<JournalWait>? OnWait { get; set; }

    /// <summary>Told when the database has answered.</summary>
    public Action? OnAnswer { get; set; }

    /// <summary>What waits are measured by.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>How often a wait is looked at.</summary>
    public TimeSpan Step { get; init; } = s_step;

    /// <summary>Arrays of its sealed blocks; one is written at a time.</summary>
    public RowBuffers Buffers { get; } = new(keptPerLength: 2);

    /// <summary>Largest sum of unacknowledged payload so far, bytes.</summary>
    public long Peak { get; private set; }

    /// <summary>Sequence number of the last block that the database has.</summary>
    public long Acknowledged { get; private set; }

    /// <summary>Sequence number of the last block that was added.</summary>
    public long Added { get; private set; }

    /// <summary>Checksum of the last block that the database has: what the next one names.</summary>
    public ulong Previous { get; private set; }

    /// <summary>Adds a block; waits for room. Throws when the recorder has failed for good.</summary>
    public void Add(OpenBlock block)
    {
        bool wasEmpty;
        lock (_gate)
        {
            AwaitUnder(BytesMax - block.Bytes);
            wasEmpty = _blocks.Count == 0;
            _blocks.Enqueue(block);
            Added = block.Head.Sequence;
            _bytes += block.Bytes;
            Peak = Math.Max(Peak, _bytes);
        }

        if (wasEmpty)
        {
            OnWork?.Invoke();
        }
    }

    /// <summary>Waits until everything is acknowledged. Throws when the recorder has failed for good.</summary>
    public void AwaitEmpty()
    {
        lock (_gate)
        {
            AwaitUnder(0);
        }
    }

    /// <summary>The first block that is not acknowledged; null when there is none.</summary>
    public OpenBlock? First()
    {
        lock (_gate)
        {
            return _blocks.TryPeek(out OpenBlock? block) ? block : null;
        }
    }

    /// <summary>The database was asked for something; the next acknowledgement is its answer. Of several questions
    /// without one between them the first counts.</summary>
    public void Asked()
    {
        lock (_gate)
        {
            _askedAt ??= Clock.GetTimestamp();
        }
    }

    /// <summary>The database has all blocks up to this one.</summary>
    public void Acknowledge(long sequence)
    {
        lock (_gate)
        {
            _askedAt = null;
            _answeredAt = Clock.GetTimestamp();
            while (_blocks.TryPeek(out OpenBlock? block) && block.Head.Sequence <= sequence)
            {
                _bytes -= block.Bytes;
                Previous = block.Head.Checksum;
                _blocks.Dequeue().Release(Buffers);
            }

            Acknowledged = Math.Max(Acknowledged, sequence);
            Monitor.PulseAll(_gate);
        }

        OnAnswer?.Invoke();
    }

    /// <summary>Nothing more will be written: whoever waits or adds gets this.</summary>
    public void Fail(Exception failure)
    {
        lock (_gate)
        {
            _failure ??= failure;
            Monitor.PulseAll(_gate);
        }
    }

    private void AwaitUnder(long bytesMax)
    {
        long began = Clock.GetTimestamp();
        while (_failure is null && _bytes > Math.Max(0, bytesMax))
        {
            if (!Monitor.Wait(_gate, Step))
            {
                OnWait?.Invoke(WaitSince(began));
            }
        }

        if (_failure is not null)
        {
            throw _failure;
        }
    }

    private JournalWait WaitSince(long began)
    {
        TimeSpan unacknowledged = Clock.GetElapsedTime(Math.Max(began, _answeredAt));
        TimeSpan unanswered = _askedAt is { } askedAt ? Clock.GetElapsedTime(Math.Max(began, askedAt)) : TimeSpan.Zero;
        return new JournalWait(unacknowledged, unanswered);
    }
}
