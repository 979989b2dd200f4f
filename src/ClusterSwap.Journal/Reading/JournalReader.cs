// Reads one run out of a store.
using System.Data.Common;
using ZstdSharp;

namespace ClusterSwap.Journal;

/// <summary>Opens journals.</summary>
public sealed class JournalReader : IJournalReader
{
    private readonly DbConnection _connection;
    private readonly Decompressor _decompressor = new();
    private readonly List<EpochStreams> _epochs = [];
    private readonly Dictionary<CheckpointEntry, (BlockStream Stream, int First, int Count)> _checkpoints = [];

    private JournalReader(JournalStore store, DbConnection connection, string runId, IEnumerable<StreamName> names)
    {
        _connection = connection;
        foreach (IGrouping<int, StreamName> epoch in names.GroupBy(name => name.Epoch).OrderBy(group => group.Key))
        {
            var streams = epoch.OrderBy(name => name.Partition)
                .Select(name => new BlockStream(store, connection, _decompressor, name));
            _epochs.Add(new EpochStreams(runId, [.. streams]));
        }

        long untilNs = long.MaxValue;
        foreach (EpochStreams epoch in Enumerable.Reverse(_epochs))
        {
            epoch.UntilNs = untilNs;
            untilNs = Math.Min(untilNs, epoch.Header.FromNs);
        }

        FindCheckpoints();
        Checkpoints = [.. _checkpoints.Keys.OrderBy(entry => entry.BarrierNs).ThenBy(entry => entry.Epoch)];
        End = _epochs[^1].End;
        string? wrong = store.Wrong()
            ?? (End is null && store.LacksLastRow(connection) ? "the last row is missing" : null);
        if (wrong is not null)
        {
            _epochs[^1].EndsTooEarly(wrong);
        }

        Damage = _epochs.Select(epoch => epoch.Damage).FirstOrDefault(damage => damage is not null);
    }

    /// <inheritdoc/>
    public JournalHeader Header => _epochs[0].Header;

    /// <inheritdoc/>
    public IReadOnlyList<JournalHeader> Epochs => [.. _epochs.Select(epoch => epoch.Header)];

    /// <inheritdoc/>
    public JournalEnd? End { get; }

    /// <inheritdoc/>
    public JournalDamageException? Damage { get; }

    /// <inheritdoc/>
    public IReadOnlyList<CheckpointEntry> Checkpoints { get; }

    /// <summary>Opens a run; without an id, the only one of the store.</summary>
    /// <exception cref="JournalException">There is no such run, or the store cannot be read.</exception>
    /// <exception cref="JournalDamageException">Not even its header can be read.</exception>
    public static IJournalReader Open(JournalStore store, string? runId = null)
    {
        DbConnection? connection = null;
        try
        {
            connection = store.Open();
            StreamName[] streams = [.. store.Streams(connection).Where(name => runId is null || name.RunId == runId)];
            string[] runs = [.. streams.Select(name => name.RunId).Distinct()];
            if (runs.Length != 1)
            {
                throw new JournalException(runs.Length > 1
                    ? $"{store.Describe()} holds {runs.Length} runs: name one of them."
                    : $"{store.Describe()} holds no run{(runId is null ? "" : " " + runId)}.");
            }

            return new JournalReader(store, connection, runs[0], streams);
        }
        catch (DbException e) when (store.IsDamage(e))
        {
            connection?.Dispose();
            throw new JournalDamageException(runId ?? "unknown", 0, 1, 1, store.Explain(e), e);
        }
        catch
        {
            connection?.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public byte[] LoadCheckpoint(CheckpointEntry entry)
    {
        (BlockStream stream, int first, int count) = _checkpoints[entry];
        byte[] bytes = new byte[entry.Bytes];
        int at = 0;
        for (int i = 0; i < count; i++)
        {
            BlockEntry block = stream.Blocks[first + i];
            CheckpointPart part = ReadPart(stream, in block);
            bool fits = part.Index == i && part.Count == count
                && part.Total == bytes.Length && part.Bytes.Length <= bytes.Length - at;
            if (!fits)
            {
                throw stream.DamageAt(block.Head.Sequence, "it is another piece of a checkpoint than must be here");
            }

            part.Bytes.CopyTo(bytes.AsSpan(at));
            at += part.Bytes.Length;
        }

        return at == bytes.Length
            ? bytes
            : throw stream.DamageAt(
                stream.Blocks[first].Head.Sequence, $"a checkpoint of {at} of {bytes.Length} bytes");
    }

    /// <inheritdoc/>
    public IEnumerable<RecordedDigest> Digests(long fromNs = 0, long toNs = long.MaxValue)
    {
        foreach (EpochStreams epoch in _epochs)
        {
            var cursors = epoch.Streams.Select(stream => new DigestCursor(stream, epoch, fromNs, toNs)).ToArray();
            while (true)
            {
                long nextNs = cursors.Min(cursor => cursor.NextNs());
                if (nextNs == long.MaxValue)
                {
                    break;
                }

                var barrier = cursors.Where(cursor => cursor.NextNs() == nextNs).SelectMany(cursor => cursor.Take());
                foreach (RecordedDigest digest in barrier.OrderBy(digest => digest.Host).ToArray())
                {
                    yield return digest;
                }
            }

            epoch.ThrowIfDamaged();
        }
    }

    /// <inheritdoc/>
    public IEnumerable<RecordedEvent> Events(EventFilter filter)
    {
        foreach (EpochStreams epoch in _epochs)
        {
            foreach (RecordedEvent one in new EventMerge(epoch, filter).InOrder())
            {
                yield return one;
            }

            epoch.ThrowIfDamaged();
        }
    }

    /// <inheritdoc/>
    public void Visit(JournalVisitor visitor)
    {
        var unpacker = new EventUnpacker();
        foreach (EpochStreams epoch in _epochs)
        {
            JournalVisitor told = epoch.UntilNs == long.MaxValue ? visitor : new CutVisitor(visitor, epoch.UntilNs);
            foreach (BlockStream stream in epoch.Streams)
            {
                foreach (BlockEntry block in stream.Blocks)
                {
                    if (block.Head.Kind == BlockKind.Events)
                    {
                        epoch.Visit(stream, in block, unpacker, told);
                    }
                    else
                    {
                        stream.Payload(in block);
                    }
                }
            }

            epoch.ThrowIfDamaged();
        }
    }

    /// <inheritdoc/>
    public RecordedMessage? Find(int host, long number)
    {
        // Barriers tell how far the host was: the message lies between two of them.
        long fromNs = 0;
        long toNs = long.MaxValue;
        foreach (RecordedDigest digest in Digests())
        {
            if (digest.Host == host && digest.Messages >= number)
            {
                toNs = digest.TimeNs;
                break;
            }

            fromNs = digest.Host == host ? digest.TimeNs : fromNs;
        }

        var filter = new EventFilter
        {
            FromNs = fromNs,
            ToNs = toNs,
            Decisions = false,
            Hosts = new HashSet<int> { host },
        };
        foreach (RecordedEvent one in Events(filter))
        {
            if (one.Number == number)
            {
                return one.Message;
            }
        }

        return null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _decompressor.Dispose();
        _connection.Dispose();
    }

    private static CheckpointPart ReadPart(BlockStream stream, in BlockEntry block)
    {
        try
        {
            return CheckpointPart.Read(stream.Payload(in block));
        }
        catch (InvalidDataException e)
        {
            throw stream.DamageAt(block.Head.Sequence, e.Message, e);
        }
    }

    private void FindCheckpoints()
    {
        foreach (EpochStreams epoch in _epochs)
        {
            foreach (BlockStream stream in epoch.Streams)
            {
                for (int i = 0; i < stream.Blocks.Count; i++)
                {
                    BlockEntry block = stream.Blocks[i];
                    if (block.Head.Kind == BlockKind.Checkpoint && block.Head.FirstNs <= epoch.UntilNs)
                    {
                        i += AddCheckpoint(epoch.Number, stream, i) - 1;
                    }
                }
            }
        }
    }

    // Blocks of the checkpoint that begins here; it is left out when it is not complete or its first piece is damaged.
    private int AddCheckpoint(int epoch, BlockStream stream, int first)
    {
        try
        {
            BlockEntry block = stream.Blocks[first];
            CheckpointPart part = ReadPart(stream, in block);
            if (part.Index == 0 && part.Count > 0 && first + part.Count <= stream.Blocks.Count)
            {
                var entry = new CheckpointEntry(epoch, block.Head.FirstNs, part.Total);
                _checkpoints[entry] = (stream, first, part.Count);
                return part.Count;
            }
        }
        catch (JournalDamageException)
        {
            // It is told when somebody reads in order; another checkpoint may be whole.
        }

        return 1;
    }
}
