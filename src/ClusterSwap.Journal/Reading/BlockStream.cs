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

    /// <summary>What the heads show.</summary>
    public JournalDamageException? Damage { get; private set; }

    /// <summary>Whether the stream ends with a verdict.</summary>
    public bool HasEnd => Blocks.Count > 0 && Blocks[^1].Head.Kind == BlockKind.End;

    /// <summary>The payload of a block. It is valid until the next one is read.</summary>
    public ReadOnlySpan<byte> Payload(in BlockEntry entry)
    {
        try
        {
            return Payload(in entry, _store.ReadBlock(_connection, entry.Ordering));
        }
        catch (DbException e) when (_store.IsDamage(e))
        {
            throw DamageAt(entry.Head.Sequence, _store.Explain(e), e);
        }
    }

    /// <summary>The damage of a block that turned out to be nonsense when it was read.</summary>
    public JournalDamageException DamageAt(long sequence, string what, Exception? inner = null)
        => new(Name.RunId, Name.Partition, Name.Epoch, sequence, what, inner);

    private ReadOnlySpan<byte> Payload(in BlockEntry entry, byte[] block)
    {
        try
        {
            BlockHead head = BlockHead.Open(block);
            return head.Checksum == entry.Head.Checksum
                ? head.Payload(block, _decompressor, ref _buffer)
                : throw new InvalidDataException("it changed while it was read");
        }
        catch (InvalidDataException e)
        {
            throw DamageAt(entry.Head.Sequence, e.Message, e);
        }
    }

    private void ReadHeads()
    {
        ulong run = BlockHead.RunWord(Name.RunId);
        ulong previous = 0;
        long expected = 1;
        try
        {
            foreach (HeadRow row in _store.Heads(_connection, Name.PersistenceId))
            {
                BlockHead head = BlockHead.Peek(row.Head, row.Length);
                if (WrongWith(row.Sequence, in head, expected, run, previous) is { } wrong)
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
