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
    private readonly CheckpointIndex _checkpoints;

    private JournalReader(
        JournalStore store, DbConnection connection, string runId, IReadOnlyList<StreamName> names, bool mustEnd)
    {
        _connection = connection;
        LastEpoch = names.Max(name => name.Epoch);
        OpenEpochs(store, runId, names);
        long untilNs = long.MaxValue;
        foreach (EpochStreams epoch in Enumerable.Reverse(_epochs))
        {
            if (untilNs < long.MaxValue)
            {
                epoch.TakenOverAt(untilNs);
            }

            untilNs = Math.Min(untilNs, epoch.Header.FromNs);
        }

        _checkpoints = new CheckpointIndex(_epochs);
        EpochStreams last = _epochs[^1];
        End = last.End;
        string? wrong = store.Wrong()
            ?? (End is null && store.LacksLastRow(connection) ? "the last row is missing" : null)
            ?? (End is null && mustEnd ? "the run's end is missing, and the run has ended" : null);
        if (wrong is not null)
        {
            last.EndsTooEarly(wrong);
        }

        if (store.Stray(connection, runId) is { } stray)
        {
            last.MissesTheNext(stray);
        }
    }

    /// <inheritdoc/>
    public JournalHeader Header => _epochs[0].Header;

    /// <inheritdoc/>
    public IReadOnlyList<JournalHeader> Epochs => [.. _epochs.Select(epoch => epoch.Header)];

    /// <inheritdoc/>
    public int LastEpoch { get; }

    /// <inheritdoc/>
    public JournalEnd? End { get; }

    /// <inheritdoc/>
    public JournalDamageException? Damage =>
        _epochs.Select(epoch => epoch.Damage).FirstOrDefault(damage => damage is not null);

    /// <inheritdoc/>
    public long WholeToNs => _epochs.Select(epoch => epoch.Damage is null ? long.MaxValue : epoch.WholeToNs).Min();

    /// <inheritdoc/>
    public IReadOnlyList<CheckpointEntry> Checkpoints => _checkpoints.Entries;

    /// <summary>Opens a run; without an id, the only one of the store.</summary>
    /// <param name="store">Where it is.</param>
    /// <param name="runId">The run.</param>
    /// <param name="mustEnd">The run is known to have ended: a journal without its end is damaged.</param>
    /// <exception cref="JournalException">There is no such run, or the store cannot be read.</exception>
    /// <exception cref="JournalDamageException">Not even its header can be read.</exception>
    public static IJournalReader Open(JournalStore store, string? runId = null, bool mustEnd = false)
    {
        DbConnection? connection = null;
        try
        {
            connection = store.Open();
            StreamName[] streams = [.. store.Streams(connection).Where(name => runId is null || name.RunId == runId)];
            string[] runs = [.. streams.Select(name => name.RunId).Distinct()];
            if (runs.Length == 0 && mustEnd && runId is not null)
            {
                throw new JournalDamageException(
                    runId, 0, 1, 1, $"{store.Describe()} holds nothing of the run, and the run has ended");
            }

            if (runs.Length != 1)
            {
                throw new JournalException(runs.Length > 1
                    ? $"{store.Describe()} holds {runs.Length} runs: name one of them."
                    : $"{store.Describe()} holds no run{(runId is null ? "" : " " + runId)}.")
                {
                    HoldsNothing = runs.Length == 0,
                };
            }

            return new JournalReader(store, connection, runs[0], streams, mustEnd);
        }
        catch (DbException e) when (store.IsDamage(e))
        {
            connection?.Dispose();
            throw store.Damage(runId, e);
        }
        catch
        {
            connection?.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public JournalDamageException? Check()
    {
        _epochs.ForEach(epoch => epoch.Check());
        return Damage;
    }

    /// <inheritdoc/>
    public byte[] LoadCheckpoint(CheckpointEntry entry) => _checkpoints.Load(entry);

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
                for (int i = 0; i < stream.EventBlocks; i++)
                {
                    BlockEntry block = stream.Blocks[i];
                    if (block.Head.Kind == BlockKind.Events)
                    {
                        epoch.Visit(stream, in block, unpacker, told);
                    }
                    else
                    {
                        stream.Check(in block);
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

    // Epochs in order; one of which nothing can be read is missing behind the one before it. The first may be missing if the
    // run was then begun anew.
    private void OpenEpochs(JournalStore store, string runId, IEnumerable<StreamName> names)
    {
        JournalDamageException? unreadable = null;
        foreach (IGrouping<int, StreamName> epoch in names.GroupBy(name => name.Epoch).OrderBy(group => group.Key))
        {
            var streams = epoch.OrderBy(name => name.Partition)
                .Select(name => new BlockStream(store, _connection, _decompressor, name));
            try
            {
                var opened = new EpochStreams(runId, [.. streams]);
                if (unreadable is null || opened.Header.FromNs == 0)
                {
                    _epochs.Add(opened);
                }
            }
            catch (JournalDamageException damage) when (_epochs.Count > 0)
            {
                _epochs[^1].MissesTheNext(damage);
            }
            catch (JournalDamageException damage)
            {
                unreadable ??= damage;
            }
        }

        if (_epochs.Count == 0)
        {
            throw unreadable!;
        }
    }
}
