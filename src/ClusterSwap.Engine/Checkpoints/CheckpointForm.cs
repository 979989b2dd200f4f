// How a part of a checkpoint is written and read.
using System.IO.Hashing;

namespace ClusterSwap.Engine;

/// <summary>
/// A part: magic with version, XxHash3 of the rest, number, time, flags, ordinal, then entries. An entry is one piece
/// (host, cut, index, length, stored bytes; equal lengths mean that it is stored as it is), a piece in
/// <see cref="WordPlanes"/> (the same fields, compressed), or in the last part the head, which lists every piece of every
/// host in order with its hash. All numbers are little-endian 64-bit words. Version 1 had no planes.
/// </summary>
internal static class CheckpointForm
{
    public const ulong Magic = 0x5452_4150_4B43_0002; // "..CKPART" in a dump; the low half is the version
    public const int HeadBytes = 6 * sizeof(long);
    public const long PieceEntry = 1;
    public const long HeadEntry = 2;
    public const long PlanesEntry = 3;
    private const ulong FirstMagic = 0x5452_4150_4B43_0001;
    private const long FullFlag = 1;
    private const long LastFlag = 2;

    /// <summary>Begins a part: room for its head.</summary>
    public static void Begin(StateWriter writer)
    {
        writer.Clear();
        for (int i = 0; i < HeadBytes; i += sizeof(long))
        {
            writer.Int64(0);
        }
    }

    /// <summary>Fills the head in; the part is whole then.</summary>
    public static void End(StateWriter writer, int number, long timeNs, bool full, int ordinal, bool last)
    {
        writer.PutInt64(2 * sizeof(long), number);
        writer.PutInt64(3 * sizeof(long), timeNs);
        writer.PutInt64(4 * sizeof(long), (full ? FullFlag : 0) | (last ? LastFlag : 0));
        writer.PutInt64(5 * sizeof(long), ordinal);
        writer.PutInt64(0, (long)Magic);
        writer.PutInt64(sizeof(long), (long)XxHash3.HashToUInt64(writer.Written[(2 * sizeof(long))..]));
    }

    /// <summary>Reads the head of a part and checks the part's sum; the reader stands at its first entry.</summary>
    public static CheckpointPart Open(ReadOnlyMemory<byte> bytes, out StateReader entries)
    {
        entries = new StateReader(bytes.Span);
        ulong magic = entries.UInt64();
        if (magic is not (Magic or FirstMagic))
        {
            throw new InvalidDataException(
                $"no part of a checkpoint of this version or before: it begins with {magic:x16}, not {Magic:x16}");
        }

        ulong wanted = entries.UInt64();
        ulong found = XxHash3.HashToUInt64(bytes.Span[(2 * sizeof(long))..]);
        if (found != wanted)
        {
            throw new InvalidDataException($"a part of a checkpoint is damaged: checksum {found:x16}, not {wanted:x16}");
        }

        int number = (int)entries.Int64();
        long timeNs = entries.Int64();
        long flags = entries.Int64();
        int ordinal = (int)entries.Int64();
        return new CheckpointPart(number, timeNs, (flags & FullFlag) != 0, ordinal, (flags & LastFlag) != 0, bytes);
    }

    public static void WriteHash(StateWriter writer, UInt128 hash)
    {
        writer.UInt64((ulong)hash);
        writer.UInt64((ulong)(hash >> 64));
    }

    public static UInt128 ReadHash(ref StateReader reader)
    {
        ulong low = reader.UInt64();
        return new UInt128(reader.UInt64(), low);
    }
}
