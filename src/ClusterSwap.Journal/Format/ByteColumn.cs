// Growing bytes with variable-length numbers, and their reader.
using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace ClusterSwap.Journal;

/// <summary>Bytes that grow. Numbers are base-128, low bits first; signed ones are zigzagged before.</summary>
internal sealed class ByteColumn(int capacity)
{
    private byte[] _bytes = new byte[capacity];
    private int _length;

    public int Length => _length;

    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, _length);

    public void Clear() => _length = 0;

    /// <summary>Writes an unsigned number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Number(ulong value)
    {
        int at = _length;
        if (at + 10 > _bytes.Length)
        {
            Grow(10);
        }

        byte[] bytes = _bytes;
        while (value >= 0x80)
        {
            bytes[at++] = (byte)(value | 0x80);
            value >>= 7;
        }

        bytes[at++] = (byte)value;
        _length = at;
    }

    /// <summary>Writes a signed number.</summary>
    public void Signed(long value) => Number((ulong)(value << 1) ^ (ulong)(value >> 63));

    public void Byte(byte value)
    {
        if (_length == _bytes.Length)
        {
            Grow(1);
        }

        _bytes[_length++] = value;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void UInt16(ushort value)
    {
        if (_length + sizeof(ushort) > _bytes.Length)
        {
            Grow(sizeof(ushort));
        }

        BinaryPrimitives.WriteUInt16LittleEndian(_bytes.AsSpan(_length), value);
        _length += sizeof(ushort);
    }

    public void UInt64(ulong value)
    {
        if (_length + sizeof(ulong) > _bytes.Length)
        {
            Grow(sizeof(ulong));
        }

        BinaryPrimitives.WriteUInt64LittleEndian(_bytes.AsSpan(_length), value);
        _length += sizeof(ulong);
    }

    private void Grow(int more) => Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, _length + more));
}

/// <summary>Reads a column; running past its end is damage.</summary>
internal ref struct ColumnReader(ReadOnlySpan<byte> bytes)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;
    private int _at;

    public readonly bool AtEnd => _at == _bytes.Length;

    /// <summary>Bytes read so far.</summary>
    public readonly int At => _at;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Number()
    {
        ReadOnlySpan<byte> bytes = _bytes;
        int at = _at;
        if ((uint)at < (uint)bytes.Length && bytes[at] < 0x80)
        {
            _at = at + 1;
            return bytes[at];
        }

        return LongNumber();
    }

    public long Signed()
    {
        ulong value = Number();
        return (long)(value >> 1) ^ -(long)(value & 1);
    }

    /// <summary>A number that counts or indexes something: less than a limit.</summary>
    public int Index(long limit)
    {
        ulong value = Number();
        return value < (ulong)limit
            ? (int)value
            : throw new InvalidDataException($"{value} where less than {limit} must be");
    }

    public byte Byte() => Take(1)[0];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ushort UInt16() => BinaryPrimitives.ReadUInt16LittleEndian(Take(sizeof(ushort)));

    public ulong UInt64() => BinaryPrimitives.ReadUInt64LittleEndian(Take(sizeof(ulong)));

    public ReadOnlySpan<byte> Take(int count)
    {
        if ((uint)count > (uint)(_bytes.Length - _at))
        {
            throw new InvalidDataException($"a column ends early: {count} bytes wanted, {_bytes.Length - _at} left");
        }

        ReadOnlySpan<byte> taken = _bytes.Slice(_at, count);
        _at += count;
        return taken;
    }

    private ulong LongNumber()
    {
        ulong value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            byte next = Byte();
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                return value;
            }
        }

        throw new InvalidDataException("a number of more than ten bytes");
    }
}
