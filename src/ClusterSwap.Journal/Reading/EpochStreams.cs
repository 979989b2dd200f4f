// The streams of one epoch of a run.
namespace ClusterSwap.Journal;

/// <summary>The partitions of an epoch, with their headers and the verdict.</summary>
internal sealed class EpochStreams
{
    private readonly int[][] _ownHosts;
    private JournalDamageException? _missing;
    private long _wholeToNs = long.MaxValue;

    public EpochStreams(string runId, BlockStream[] streams)
    {
        Streams = streams;
        JournalHeader?[] headers = [.. streams.Select(stream => HeaderOf(runId, stream))];
        Header = Array.Find(headers, header => header is not null) ?? throw streams[0].Damage!;
        _ownHosts = [.. headers.Select(header => header?.OwnHosts ?? [])];
        Number = Header.Epoch;
        End = EndOf();
        NoteMissing();
    }

    public int Number { get; }

    public BlockStream[] Streams { get; }

    public JournalHeader Header { get; }

    public JournalEnd? End { get; }

    /// <summary>The first damage that was seen, before a later epoch begins.</summary>
    public JournalDamageException? Damage => _missing is not null && _wholeToNs < UntilNs
        ? _missing
        : Streams.FirstOrDefault(stream => stream.WholeToNs() < UntilNs)?.Damage;

    /// <summary>Virtual time, ns, up to which everything is there.</summary>
    public long WholeToNs => Math.Min(_wholeToNs, Streams.Min(stream => stream.WholeToNs()));

    /// <summary>What is later belongs to a later epoch.</summary>
    public long UntilNs { get; private set; } = long.MaxValue;

    /// <summary>A later epoch took over at this virtual time, ns.</summary>
    public void TakenOverAt(long ns)
    {
        UntilNs = ns;
        Array.ForEach(Streams, stream => stream.TakenOverAt(ns));
    }

    public void ThrowIfDamaged()
    {
        if (Damage is not null)
        {
            throw Damage;
        }
    }

    /// <summary>Called when it is known that something stood behind what is there.</summary>
    public void EndsTooEarly(string what)
    {
        BlockStream stream = Array.Find(Streams, one => !one.HasEnd) ?? Streams[0];
        stream.Note(stream.DamageAt(stream.Blocks.Count + 1, what));
    }

    /// <summary>Reads all blocks that count, for their checksums.</summary>
    public void Check()
    {
        foreach (BlockStream stream in Streams)
        {
            try
            {
                foreach (BlockEntry block in stream.Blocks)
                {
                    stream.Check(in block);
                }
            }
            catch (JournalDamageException damage)
            {
                stream.Note(damage);
            }
        }
    }

    /// <summary>Called when nothing can be read of what stands behind this epoch.</summary>
    public void MissesTheNext(JournalDamageException damage)
    {
        _missing ??= damage;
        _wholeToNs = Math.Min(_wholeToNs, Streams.Min(stream => stream.LastBarrierNs(stream.Blocks.Count)));
    }

    /// <summary>Hosts of a stream in the order of its barriers.</summary>
    public int[] OwnHosts(BlockStream stream) => _ownHosts[Array.IndexOf(Streams, stream)];

    /// <summary>Tells a visitor a block of events.</summary>
    public void Visit(BlockStream stream, in BlockEntry block, EventUnpacker unpacker, JournalVisitor visitor)
    {
        try
        {
            BlockHead head = block.Head;
            unpacker.Visit(stream.Payload(in block), in head, OwnHosts(stream), visitor);
        }
        catch (InvalidDataException e)
        {
            throw stream.DamageAt(block.Head.Sequence, e.Message, e);
        }
    }

    // The header of a stream; null when it cannot be read, and then nothing of the stream can.
    private static JournalHeader? HeaderOf(string runId, BlockStream stream)
    {
        try
        {
            if (stream.Blocks.Count == 0 || stream.Blocks[0].Head.Kind != BlockKind.Header)
            {
                throw stream.Damage ?? stream.DamageAt(1, "a stream must begin with its header");
            }

            BlockEntry block = stream.Blocks[0];
            JournalHeader header = JournalJson.ReadHeader(stream.Payload(in block));
            return header.RunId == runId
                ? header
                : throw stream.DamageAt(1, $"it is the header of run {header.RunId}");
        }
        catch (JournalDamageException damage)
        {
            stream.CutAt(damage);
        }
        catch (InvalidDataException e)
        {
            stream.CutAt(stream.DamageAt(1, e.Message, e));
        }

        return null;
    }

    // How the run ended; null when it did not, or when that cannot be read.
    private JournalEnd? EndOf()
    {
        if (!Array.TrueForAll(Streams, stream => stream.HasEnd))
        {
            return null;
        }

        BlockEntry block = Streams[0].Blocks[^1];
        try
        {
            return JournalJson.ReadEnd(Streams[0].Payload(in block));
        }
        catch (JournalDamageException damage)
        {
            Streams[0].CutAt(damage);
        }
        catch (InvalidDataException e)
        {
            Streams[0].CutAt(Streams[0].DamageAt(block.Head.Sequence, e.Message, e));
        }

        return null;
    }

    // The first partition ends when all others have ended: one that has no end then has lost it.
    private void NoteMissing()
    {
        BlockStream? open = Array.Find(Streams, stream => !stream.HasEnd);
        if (open is not null && Streams[0].HasEnd)
        {
            open.Note(open.DamageAt(open.Blocks.Count + 1, "its end is missing, which the first partition of the run has"));
        }

        // Whoever was killed at once may have begun some streams only: all have begun before the first checkpoint.
        bool haveBegun = Streams[0].Blocks.Exists(block => block.Head.Kind is BlockKind.Checkpoint or BlockKind.End);
        if (Streams.Length > Header.Partitions || (Streams.Length < Header.Partitions && haveBegun))
        {
            int lost = Enumerable.Range(0, Header.Partitions)
                .FirstOrDefault(i => i >= Streams.Length || Streams[i].Name.Partition != i, Header.Partitions);
            _wholeToNs = 0;
            _missing = new JournalDamageException(
                Header.RunId, lost, Number, 1,
                $"{Streams.Length} streams are there, and the run has {Header.Partitions} partitions");
        }
    }
}

/// <summary>Leaves out what is later than an epoch's end.</summary>
internal sealed class CutVisitor(JournalVisitor told, long untilNs) : JournalVisitor
{
    public override void Message(in RecordedMessage message)
    {
        if (message.TimeNs < untilNs)
        {
            told.Message(in message);
        }
    }

    public override void Decision(in RecordedDecision decision)
    {
        if (decision.Record.TimeNs < untilNs)
        {
            told.Decision(in decision);
        }
    }

    public override void Digest(in RecordedDigest digest)
    {
        if (digest.TimeNs <= untilNs)
        {
            told.Digest(in digest);
        }
    }
}

/// <summary>The barriers of a stream, one after another.</summary>
internal sealed class DigestCursor(BlockStream stream, EpochStreams epoch, long fromNs, long toNs) : JournalVisitor
{
    private readonly Queue<RecordedDigest> _read = new();
    private int _block;

    /// <summary>Time of the next barrier; <see cref="long.MaxValue"/> at the end.</summary>
    public long NextNs()
    {
        while (_read.Count == 0 && _block < stream.EventBlocks)
        {
            BlockEntry block = stream.Blocks[_block++];
            BlockHead head = block.Head;
            if (head.Barriers > 0 && head.LastNs >= fromNs && head.FirstNs <= toNs)
            {
                try
                {
                    EventUnpacker.VisitBarriers(stream.Payload(in block), in head, epoch.OwnHosts(stream), this);
                }
                catch (InvalidDataException e)
                {
                    throw stream.DamageAt(head.Sequence, e.Message, e);
                }
            }
        }

        return _read.Count == 0 ? long.MaxValue : _read.Peek().TimeNs;
    }

    /// <summary>All hosts of the next barrier.</summary>
    public IEnumerable<RecordedDigest> Take()
    {
        long timeNs = NextNs();
        while (_read.Count > 0 && _read.Peek().TimeNs == timeNs)
        {
            yield return _read.Dequeue();
        }
    }

    public override void Digest(in RecordedDigest digest)
    {
        if (digest.TimeNs >= fromNs && digest.TimeNs <= toNs && digest.TimeNs <= epoch.UntilNs)
        {
            _read.Enqueue(digest);
        }
    }
}
