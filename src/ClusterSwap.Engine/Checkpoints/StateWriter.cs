// Bytes of a checkpoint: plain little-endian words and blocks with their length before them.
using System.Buffers;
using System.Buffers.Binary;

namespace ClusterSwap.Engine;

/// <summary>
/// A growing buffer that MemoryPack writes into directly. It notes where large arrays begin and end: between two
/// checkpoints lists grow and shrink, but an array stays an array, and compared from its own start most of it is what
/// it was.
/// </summary>
/// <param name="capacity">Bytes that there is room for to begin with.</param>
internal sealed class StateWriter(int capacity = 64 * 1024) : IBufferWriter<byte>
{
    // MemoryPack fills what it was given before it asks again, so arrays from this size on are seen when it asks.
    private const int LargeBytes = 16 * 1024;

    private const int GrowthBytes = 4 * 1024 * 1024;

    private readonly List<int> _cuts = [];
    private byte[] _bytes = new byte[capacity];
    private int _length;
    private bool _afterLarge;
    private bool _measures;
    private long _measured;

    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, _length);

    /// <summary>Positions where a large array begins or ends, ascending.</summary>
    public IReadOnlyList<int> Cuts => _cuts;

    public void Clear()
    {
        _length = 0;
        _afterLarge = false;
        _cuts.Clear();
    }

    /// <summary>
    /// From now on nothing is kept and only counted. A buffer that grows while it is written leaves several times its
    /// size behind; one that counts grows to the largest array.
    /// </summary>
    public void Measure()
    {
        Clear();
        _measures = true;
        _measured = 0;
    }

    /// <summary>Bytes counted since <see cref="Measure"/>.</summary>
    public long Measured => _measured + _length;

    /// <summary>
    /// Makes a buffer for what was counted, and some more, in place of that which there is; or takes that of the writer which
    /// counted, if it is enough and no more than twice that. True when it did: then that writer has none any more.
    /// </summary>
    public bool MakeRoom(long measured, StateWriter? counting)
    {
        Clear();
        long room = Math.Min(Array.MaxLength, measured + measured / 16 + LargeBytes);
        if (counting is not null && counting._bytes.Length >= room && counting._bytes.Length / 2 <= room)
        {
            _bytes = counting._bytes;
            counting._bytes = [];
            return true;
        }

        _bytes = GC.AllocateUninitializedArray<byte>((int)room);
        return false;
    }

    public void Advance(int count) => _length += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        int size = Offer(sizeHint);
        return _bytes.AsMemory(_length, size);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        int size = Offer(sizeHint);
        return _bytes.AsSpan(_length, size);
    }

    public void Int64(long value)
    {
        BinaryPrimitives.WriteInt64LittleEndian(GetSpan(sizeof(long)), value);
        _length += sizeof(long);
    }

    public void UInt64(ulong value) => Int64((long)value);

    public void Bytes(ReadOnlySpan<byte> bytes)
    {
        Rewind();
        Reserve(bytes.Length);
        bytes.CopyTo(_bytes.AsSpan(_length));
        _length += bytes.Length;
    }

    /// <summary>Writes a word over what stands at a position.</summary>
    public void PutInt64(int position, long value)
        => BinaryPrimitives.WriteInt64LittleEndian(_bytes.AsSpan(position, sizeof(long)), value);

    /// <summary>The bytes themselves, until the next write.</summary>
    public ReadOnlyMemory<byte> WrittenMemory => _bytes.AsMemory(0, _length);

    /// <summary>Leaves room for a length; the result goes to <see cref="EndBlock"/>.</summary>
    public int BeginBlock()
    {
        Int64(0);
        return _length;
    }

    /// <summary>Fills the length of the block in.</summary>
    public void EndBlock(int mark)
        => BinaryPrimitives.WriteInt64LittleEndian(_bytes.AsSpan(mark - sizeof(long)), _length - mark);

    /// <summary>Makes room; a large array gets just its size, so that its end is seen too.</summary>
    private int Offer(int sizeHint)
    {
        Rewind();
        bool large = sizeHint >= LargeBytes;
        if ((large || _afterLarge) && _length > 0)
        {
            _cuts.Add(_length);
        }

        _afterLarge = large;
        Reserve(sizeHint);
        return large ? sizeHint : Math.Min(_bytes.Length - _length, LargeBytes);
    }

    private void Rewind()
    {
        if (_measures)
        {
            _measured += _length;
            _length = 0;
        }
    }

    private void Reserve(int sizeHint)
    {
        int needed = checked(_length + Math.Max(sizeHint, 256));
        if (needed > _bytes.Length)
        {
            // Most of a large state is a few arrays, which ask for what they need: there is no use in room for twice that.
            long more = Math.Max(Math.Min(_bytes.Length, GrowthBytes), _bytes.Length / 8);
            long grown = Math.Min(Array.MaxLength, _bytes.Length + more);
            Array.Resize(ref _bytes, Math.Max(needed, (int)grown));
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

    public ReadOnlySpan<byte> Take(long count)
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
