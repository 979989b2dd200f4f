// Where the checkpoints of a run are.
namespace ClusterSwap.Journal;

/// <summary>
/// Complete checkpoints, found by their first pieces. One whose first piece is damaged is left out; another piece shows
/// when it is loaded. Either way the damage is kept by its stream.
/// </summary>
internal sealed class CheckpointIndex
{
    private readonly Dictionary<CheckpointEntry, (BlockStream Stream, int First, int Count)> _places = [];

    /// <summary>The checkpoints of these epochs.</summary>
    public CheckpointIndex(IEnumerable<EpochStreams> epochs)
    {
        foreach (EpochStreams epoch in epochs)
        {
            foreach (BlockStream stream in epoch.Streams)
            {
                for (int i = 0; i < stream.Blocks.Count; i++)
                {
                    BlockEntry block = stream.Blocks[i];
                    if (block.Head.Kind == BlockKind.Checkpoint && block.Head.FirstNs <= epoch.UntilNs)
                    {
                        i += Add(epoch.Number, stream, i) - 1;
                    }
                }
            }
        }

        Entries = [.. _places.Keys.OrderBy(entry => entry.BarrierNs).ThenBy(entry => entry.Epoch)];
    }

    /// <summary>The checkpoints in order of time.</summary>
    public IReadOnlyList<CheckpointEntry> Entries { get; }

    /// <summary>The bytes of a checkpoint.</summary>
    /// <exception cref="JournalDamageException">It is damaged.</exception>
    public byte[] Load(CheckpointEntry entry)
    {
        (BlockStream stream, int first, int count) = _places[entry];
        try
        {
            return Load(entry, stream, first, count);
        }
        catch (JournalDamageException damage)
        {
            stream.Note(damage);
            throw;
        }
    }

    private static byte[] Load(CheckpointEntry entry, BlockStream stream, int first, int count)
    {
        byte[] bytes = new byte[entry.Bytes];
        int at = 0;
        for (int i = 0; i < count; i++)
        {
            BlockEntry block = stream.Blocks[first + i];
            CheckpointPart part = Read(stream, in block);
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

    private static CheckpointPart Read(BlockStream stream, in BlockEntry block)
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

    // Blocks of the checkpoint that begins here; a killed writer may have left the last one incomplete.
    private int Add(int epoch, BlockStream stream, int first)
    {
        try
        {
            BlockEntry block = stream.Blocks[first];
            CheckpointPart part = Read(stream, in block);
            if (part.Index == 0 && part.Count > 0 && first + part.Count <= stream.Blocks.Count)
            {
                _places[new CheckpointEntry(epoch, block.Head.FirstNs, part.Total)] = (stream, first, part.Count);
                return part.Count;
            }
        }
        catch (JournalDamageException damage)
        {
            stream.Note(damage);
        }

        return 1;
    }
}
