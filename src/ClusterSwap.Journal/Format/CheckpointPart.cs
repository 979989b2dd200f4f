// A piece of a checkpoint.
namespace ClusterSwap.Journal;

/// <summary>Payload of a checkpoint's row: which piece of how many, of how many bytes in all, and the bytes.</summary>
internal readonly ref struct CheckpointPart
{
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

    public static byte[] Write(int index, int count, long total, ReadOnlySpan<byte> bytes, RowBuffers buffers)
    {
        var head = new ByteColumn(32);
        head.Number((uint)index);
        head.Number((uint)count);
        head.Number((ulong)total);
        byte[] payload = buffers.Take(head.Length + bytes.Length);
        head.Written.CopyTo(payload);
        bytes.CopyTo(payload.AsSpan(head.Length));
        return payload;
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
