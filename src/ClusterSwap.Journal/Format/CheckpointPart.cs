// A piece of a checkpoint.
namespace ClusterSwap.Journal;

/// <summary>Payload of a checkpoint's row: which piece of how many, of how many bytes in all, and the bytes.</summary>
internal readonly ref struct CheckpointPart
{
    /// <summary>Bytes that are left free before those of the checkpoint: three numbers of at most ten bytes.</summary>
    public const int HeadRoom = 32;

    private CheckpointPart(int index, int count, long total, ReadOnlySpan<byte> bytes)
    {
        Index = index;
        Count = count;
        Total = total;
        Bytes = bytes;
    }

    public int Index { get; }

    public int Count { get; }

    public long Total { get; }

    public ReadOnlySpan<byte> Bytes { get; }

    /// <summary>
    /// Completes the payload of a row whose bytes stand in an array behind <see cref="HeadRoom"/>: what is said of them
    /// comes to stand right before them.
    /// </summary>
    public static ReadOnlyMemory<byte> Write(int index, int count, long total, byte[] row, int length)
    {
        var head = new ByteColumn(HeadRoom);
        head.Number((uint)index);
        head.Number((uint)count);
        head.Number((ulong)total);
        int begin = HeadRoom - head.Length;
        head.Written.CopyTo(row.AsSpan(begin));
        return row.AsMemory(begin, head.Length + length);
    }

    public static CheckpointPart Read(ReadOnlySpan<byte> payload)
    {
        var reader = new ColumnReader(payload);
        int index = reader.Index(int.MaxValue);
        int count = reader.Index(int.MaxValue);
        long total = reader.Index(int.MaxValue);
        return new CheckpointPart(index, count, total, reader.Take(payload.Length - reader.At));
    }
}
