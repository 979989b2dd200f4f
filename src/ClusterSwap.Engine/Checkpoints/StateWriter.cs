// Bytes of a checkpoint: plain little-endian words and blocks with their length before them.
using System.Buffers;
using System.Buffers.Binary;

namespace ClusterSwap.Engine;

/// <summary>A growing buffer that MemoryPack writes into directly.</summary>
internal sealed class StateWriter : IBufferWriter<byte>
{
    private byte[] _bytes = new byte[64 * 1024];
    private int _length;

    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, _length);

    public void Clear() => _length = 0;

    public void Advance(int count) => _length += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _bytes.AsMemory(_length);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _bytes.AsSpan(_length);
    }

    public void Int64(long value)
    {
        BinaryPrimitives.WriteInt64LittleEndian(GetSpan(sizeof(long)), value);
        _length += sizeof(long);
    }

    public void UInt64(ulong value) => Int64((long)value);

    /// <summary>Leaves room for a length; the result goes to <see cref="EndBlock"/>.</summary>
    public int BeginBlock()
    {
        Int64(0);
        return _length;
    }

    /// <summary>Fills the length of the block in.</summary>
    public void EndBlock(int mark)
        => BinaryPrimitives.WriteInt64LittleEndian(_bytes.AsSpan(mark - sizeof(long)), _length - mark);

    private void Reserve(int sizeHint)
    {
        int needed = checked(_length + Math.Max(sizeHint, 256));
        if (needed > _bytes.Length)
        {
            long doubled = Math.Min(Array.MaxLength, _bytes.Length * 2L);
            Array.Resize(ref _bytes, Math.Max(needed, (int)doubled));
        }
    }
}

/// <summary>Reads what <see cref="StateWriter"/> wrote; running past the end is a damaged checkpoint.</summary>
internal ref struct StateReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _rest = bytes;

    public readonly bool AtEnd => _rest.IsEmpty;

    public long Int64() => BinaryPrimitives.ReadInt64LittleEndian(Take(sizeof(long)));

    public ulong UInt64() => (ulong)Int64();

    public ReadOnlySpan<byte> Block() => Take(Int64());

    private ReadOnlySpan<byte> Take(long count)
    {
        if (count < 0 || count > _rest.Length)
        {
            throw new InvalidDataException($"the checkpoint ends early: {count} bytes wanted, {_rest.Length} left");
        }

        ReadOnlySpan<byte> taken = _rest[..(int)count];
        _rest = _rest[(int)count..];
        return taken;
    }
}
