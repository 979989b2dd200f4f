// The streams of one epoch of a run.
namespace ClusterSwap.Journal;

/// <summary>The partitions of an epoch, with their headers and the verdict.</summary>
internal sealed class EpochStreams
{
    private readonly int[][] _ownHosts;

    public EpochStreams(string runId, BlockStream[] streams)
    {
        Streams = streams;
        _ownHosts = new int[streams.Length][];
        JournalHeader? first = null;
        for (int i = 0; i < streams.Length; i++)
        {
            JournalHeader header = HeaderOf(runId, streams[i]);
            first ??= header;
            _ownHosts[i] = header.OwnHosts;
        }

        Header = first!;
        Number = Header.Epoch;
        End = EndOf();
        Damage = streams.Select(stream => stream.Damage).FirstOrDefault(damage => damage is not null) ?? Missing();
    }

    public int Number { get; }

    public BlockStream[] Streams { get; }

    public JournalHeader Header { get; }

    public JournalEnd? End { get; }

    public JournalDamageException? Damage { get; private set; }

    /// <summary>What is later belongs to a later epoch.</summary>
    public long UntilNs { get; set; } = long.MaxValue;

    public void ThrowIfDamaged()
    {
        if (Damage is not null)
        {
            throw Damage;
        }
    }

    /// <summary>Called when the store says that something stood behind what is there.</summary>
    public void EndsTooEarly(string what)
    {
        BlockStream stream = Array.Find(Streams, one => !one.HasEnd) ?? Streams[0];
        Damage ??= stream.DamageAt(stream.Blocks.Count + 1, what);
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

    private static JournalHeader HeaderOf(string runId, BlockStream stream)
    {
        if (stream.Blocks.Count == 0 || stream.Blocks[0].Head.Kind != BlockKind.Header)
        {
            throw stream.Damage ?? stream.DamageAt(1, "a stream must begin with its header");
        }

        try
        {
            BlockEntry block = stream.Blocks[0];
            JournalHeader header = JournalJson.ReadHeader(stream.Payload(in block));
            return header.RunId == runId
                ? header
                : throw new InvalidDataException($"it is the header of run {header.RunId}");
        }
        catch (InvalidDataException e)
        {
            throw stream.DamageAt(1, e.Message, e);
        }
    }

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
        catch (InvalidDataException e)
        {
            throw Streams[0].DamageAt(block.Head.Sequence, e.Message, e);
        }
    }

    // A run that ended has ended in all its partitions.
    private JournalDamageException? Missing()
    {
        BlockStream? open = Array.Find(Streams, stream => !stream.HasEnd);
        if (open is not null && Array.Exists(Streams, stream => stream.HasEnd))
        {
            return open.DamageAt(open.Blocks.Count + 1, "its end is missing, which other partitions of the run have");
        }

        return Streams.Length == Header.Partitions
            ? null
            : new JournalDamageException(
                Header.RunId, Streams.Length, Number, 1,
                $"{Streams.Length} streams are there, and the run has {Header.Partitions} partitions");
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
        while (_read.Count == 0 && _block < stream.Blocks.Count)
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
