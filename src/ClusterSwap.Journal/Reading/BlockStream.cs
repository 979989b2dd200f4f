// One stream of a journal: the heads of its blocks, checked against each other, and their payloads on demand.
using System.Data.Common;
using ZstdSharp;

namespace ClusterSwap.Journal;

/// <summary>Where a block is, and its head.</summary>
internal readonly record struct BlockEntry(long Ordering, BlockHead Head);

/// <summary>
/// The blocks of a stream up to the first damage. Each block names the checksum of the one before it, so a row that is
/// missing, moved or exchanged shows in the heads; what is wrong inside a block shows when it is read.
/// </summary>
internal sealed class BlockStream
{
    private readonly JournalStore _store;
    private readonly DbConnection _connection;
    private readonly Decompressor _decompressor;
    private byte[] _buffer = [];
    private int _eventBlocks = int.MaxValue;

    public BlockStream(JournalStore store, DbConnection connection, Decompressor decompressor, StreamName name)
    {
        _store = store;
        _connection = connection;
        _decompressor = decompressor;
        Name = name;
        ReadHeads();
    }

    public StreamName Name { get; }

    /// <summary>Blocks in order, all before the damage.</summary>
    public List<BlockEntry> Blocks { get; } = [];

    /// <summary>How many blocks, from the first on, have events that count.</summary>
    public int EventBlocks => Math.Min(_eventBlocks, Blocks.Count);

    /// <summary>The first damage that was seen.</summary>
    public JournalDamageException? Damage { get; private set; }

    /// <summary>Whether the stream ends with a verdict.</summary>
    public bool HasEnd => Blocks.Count > 0 && Blocks[^1].Head.Kind == BlockKind.End;

    /// <summary>The payload of a block. It is valid until the next one is read.</summary>
    public ReadOnlySpan<byte> Payload(in BlockEntry entry)
    {
        byte[] block = Read(in entry);
        try
        {
            return entry.Head.Payload(block, _decompressor, ref _buffer);
        }
        catch (InvalidDataException e)
        {
            throw DamageAt(entry.Head.Sequence, e.Message, e);
        }
    }

    /// <summary>Reads a block for its checksum only.</summary>
    public void Check(in BlockEntry entry) => Read(in entry);

    /// <summary>Keeps a damage, if it is the first.</summary>
    public void Note(JournalDamageException damage)
    {
        if (Damage is null || damage.Sequence < Damage.Sequence)
        {
            Damage = damage;
        }
    }

    /// <summary>A later epoch took over at this virtual time, ns: what stands behind that barrier counts no more.</summary>
    public void TakenOverAt(long ns)
    {
        int place = ns == 0 ? -1 : Blocks.FindIndex(block => block.Head.Barriers > 0 && block.Head.LastNs >= ns);
        _eventBlocks = ns > 0 && place < 0 ? int.MaxValue : place + 1;
    }

    /// <summary>Leaves everything from a damage on out.</summary>
    public void CutAt(JournalDamageException damage)
    {
        int place = (int)Math.Min(damage.Sequence - 1, Blocks.Count);
        Blocks.RemoveRange(place, Blocks.Count - place);
        Note(damage);
    }

    /// <summary>
    /// Virtual time, ns, up to which the stream is whole: everything before the last barrier that stands before the damage.
    /// </summary>
    public long WholeToNs() => Damage is null ? long.MaxValue : LastBarrierNs((int)Math.Min(Damage.Sequence - 1, Blocks.Count));

    /// <summary>A virtual time, ns, at or behind the last barrier of so many blocks and before the next.</summary>
    public long LastBarrierNs(int blocks)
    {
        int place = blocks == 0 ? -1 : Blocks.FindLastIndex(blocks - 1, block => block.Head.Barriers > 0);
        return place < 0 ? 0 : Blocks[place].Head.LastNs;
    }

    /// <summary>The damage of a block that turned out to be nonsense when it was read.</summary>
    public JournalDamageException DamageAt(long sequence, string what, Exception? inner = null)
        => new(Name.RunId, Name.Partition, Name.Epoch, sequence, what, inner);

    private byte[] Read(in BlockEntry entry)
    {
        try
        {
            byte[] block = _store.ReadBlock(_connection, entry.Ordering);
            BlockHead head = BlockHead.Open(block);
            return head.Checksum == entry.Head.Checksum
                ? block
                : throw new InvalidDataException("it changed while it was read");
        }
        catch (InvalidDataException e)
        {
            throw DamageAt(entry.Head.Sequence, e.Message, e);
        }
        catch (DbException e) when (_store.IsDamage(e))
        {
            throw DamageAt(entry.Head.Sequence, _store.Explain(e), e);
        }
    }

    private void ReadHeads()
    {
        ulong run = BlockHead.RunWord(Name.RunId);
        ulong previous = 0;
        long expected = 1;
        try
        {
            using IEnumerator<HeadRow> rows = _store.Heads(_connection, Name.PersistenceId).GetEnumerator();
            while (rows.MoveNext())
            {
                HeadRow row = rows.Current;
                BlockHead head = Peek(rows, expected);
                if ((WrongWith(row.Sequence, in head, expected, run, previous) ?? WrongIn(in head)) is { } wrong)
                {
                    Damage = DamageAt(expected, wrong);
                    return;
                }

                Blocks.Add(new BlockEntry(row.Ordering, head));
                previous = head.Checksum;
                expected++;
            }
        }
        catch (InvalidDataException e)
        {
            Damage = DamageAt(expected, e.Message, e);
        }
        catch (DbException e) when (_store.IsDamage(e))
        {
            Damage = DamageAt(expected, _store.Explain(e), e);
        }
    }

    // A stream whose first blocks are both of a later version was written by a later program; one such block is damage.
    private static BlockHead Peek(IEnumerator<HeadRow> rows, long expected)
    {
        try
        {
            return BlockHead.Peek(rows.Current.Head, rows.Current.Length);
        }
        catch (JournalException e)
        {
            if (expected == 1 && (!rows.MoveNext() || !IsOfOurs(rows.Current)))
            {
                throw;
            }

            throw new InvalidDataException("it says that it is of another format version than its neighbours", e);
        }
    }

    private static bool IsOfOurs(HeadRow row)
    {
        try
        {
            BlockHead.Peek(row.Head, row.Length);
            return true;
        }
        catch (Exception e) when (e is JournalException or InvalidDataException)
        {
            return false;
        }
    }

    // What a head says of itself: its checksum is looked at when the block is read.
    private string? WrongIn(in BlockHead head)
    {
        bool counts = (head.Messages | head.Decisions | head.Barriers) != 0;
        if (!Enum.IsDefined(head.Kind) || counts != (head.Kind == BlockKind.Events))
        {
            return $"its head says that it is of kind {(byte)head.Kind} and counts "
                + $"{head.Messages} messages, {head.Decisions} decisions and {head.Barriers} barriers";
        }

        if ((head.Messages | head.Decisions | head.Barriers) < 0 || head.FirstNs > head.LastNs || head.FirstNs < 0)
        {
            return "its head counts less than nothing, or ends before it begins";
        }

        return HasEnd ? "it stands behind the end of the run" : null;
    }

    private string? WrongWith(long sequence, in BlockHead head, long expected, ulong run, ulong previous)
    {
        if (sequence != expected && head.Sequence == expected)
        {
            return $"its row says that it is {sequence}: rows were exchanged";
        }

        if (sequence != expected)
        {
            return sequence == expected + 1 ? "its row is missing" : $"rows {expected} to {sequence - 1} are missing";
        }

        if (head.Run != run || head.Partition != Name.Partition || head.Epoch != Name.Epoch)
        {
            return "its row holds a block of another stream";
        }

        if (head.Sequence != sequence)
        {
            return $"its row holds block {head.Sequence}: rows were exchanged";
        }

        return head.Previous == previous ? null : "it does not follow the block before it: one of the two was replaced";
    }
}

/// <summary>A row as far as its block's head.</summary>
internal readonly record struct HeadRow(long Ordering, long Sequence, byte[] Head, long Length);
