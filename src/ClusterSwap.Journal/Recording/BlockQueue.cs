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

    /// <summary>Bytes that it counts for.</summary>
    public int Bytes => payload.Length;

    /// <summary>Head and payload, once sealed.</summary>
    public JournalBlock? Sealed { get; private set; }

    /// <summary>Gives its arrays back, once the database has the block.</summary>
    public void Release(RowBuffers buffers)
    {
        if (owner is not null && MemoryMarshal.TryGetArray(payload, out ArraySegment<byte> segment))
        {
            owner.Return(segment.Array!);
        }

        if (Sealed is not null)
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
            Sealed = new JournalBlock(BlockHead.Seal(ref _head, payload.Span, compressor, buffers));
        }

        return Sealed;
    }
}

/// <summary>
/// Blocks in order, from the first that is not acknowledged. It outlives its recorder, which may be made anew. The
/// partition's thread waits while too much is unacknowledged: a slow database slows the run, loses nothing and takes no
/// memory.
/// </summary>
internal sealed class BlockQueue
{
    /// <summary>Full blocks that may wait.</summary>
    public const int BlocksMax = 256;

    /// <summary>Unacknowledged payload, bytes, from which on the partition waits.</summary>
    public const long BytesMax = (long)BlocksMax * JournalFormat.BlockBytes;

    private readonly object _gate = new();
    private readonly Queue<OpenBlock> _blocks = new();
    private volatile Action? _onWork;
    private long _bytes;
    private Exception? _failure;

    /// <summary>Told when a block came to an empty queue. It may be set while blocks come.</summary>
    public Action? OnWork
    {
        get => _onWork;
        set => _onWork = value;
    }

    /// <summary>Told now and then how long somebody has waited; ends the wait by throwing.</summary>
    public Action<TimeSpan>? OnWait { get; set; }

    /// <summary>Told when a wait is over.</summary>
    public Action? OnGoOn { get; set; }

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

    /// <summary>The database has all blocks up to this one.</summary>
    public void Acknowledge(long sequence)
    {
        lock (_gate)
        {
            while (_blocks.TryPeek(out OpenBlock? block) && block.Head.Sequence <= sequence)
            {
                _bytes -= block.Bytes;
                Previous = block.Head.Checksum;
                _blocks.Dequeue().Release(Buffers);
            }

            Acknowledged = Math.Max(Acknowledged, sequence);
            Monitor.PulseAll(_gate);
        }
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
        var waited = TimeSpan.Zero;
        var step = TimeSpan.FromMilliseconds(200);
        while (_failure is null && _bytes > Math.Max(0, bytesMax))
        {
            if (!Monitor.Wait(_gate, step))
            {
                waited += step;
                OnWait?.Invoke(waited);
            }
        }

        if (_failure is not null)
        {
            throw _failure;
        }

        if (waited > TimeSpan.Zero)
        {
            OnGoOn?.Invoke();
        }
    }
}
