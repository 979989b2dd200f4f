// The outside of a checkpoint: header, and sections with length and checksum, compressed or not.
using System.Buffers.Binary;
using System.IO.Hashing;
using ZstdSharp;

namespace ClusterSwap.Engine;

/// <summary>
/// Sections of a checkpoint in a stream. A section is: length, stored length, XxHash3 of the bytes, the bytes. Equal
/// lengths mean that it is stored as it is. A section is one host, so a host may take up to 2 GB.
/// </summary>
internal static class CheckpointFile
{
    private const ulong Magic = 0x5041_5753_4B43_0004; // "..CKSWAP" in a dump; the low half is the version
    private const int HeadBytes = 24;

    public static void WriteHeader(Stream stream)
    {
        Span<byte> head = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(head, Magic);
        stream.Write(head);
    }

    public static void ReadHeader(Stream stream)
    {
        Span<byte> head = stackalloc byte[sizeof(ulong)];
        Fill(stream, head);
        ulong found = BinaryPrimitives.ReadUInt64LittleEndian(head);
        if (found != Magic)
        {
            throw new InvalidDataException(
                $"not a checkpoint of this version: it begins with {found:x16}, not {Magic:x16}");
        }
    }

    public static void WriteSection(Stream stream, ReadOnlySpan<byte> bytes, Compressor? compressor)
    {
        ReadOnlySpan<byte> stored = compressor is null ? bytes : compressor.Wrap(bytes);
        if (stored.Length >= bytes.Length)
        {
            stored = bytes;
        }

        Span<byte> head = stackalloc byte[HeadBytes];
        BinaryPrimitives.WriteInt64LittleEndian(head, bytes.Length);
        BinaryPrimitives.WriteInt64LittleEndian(head[8..], stored.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(head[16..], XxHash3.HashToUInt64(bytes));
        stream.Write(head);
        stream.Write(stored);
    }

    public static byte[] ReadSection(Stream stream, Decompressor decompressor)
    {
        Span<byte> head = stackalloc byte[HeadBytes];
        Fill(stream, head);
        long length = BinaryPrimitives.ReadInt64LittleEndian(head);
        long storedLength = BinaryPrimitives.ReadInt64LittleEndian(head[8..]);
        if (length < 0 || length > Array.MaxLength || storedLength < 0 || storedLength > length)
        {
            throw new InvalidDataException($"a section of {length} bytes, {storedLength} stored, cannot be");
        }

        byte[] bytes = new byte[storedLength];
        Fill(stream, bytes);
        bytes = storedLength == length ? bytes : Unwrap(bytes, (int)length, decompressor);
        ulong found = XxHash3.HashToUInt64(bytes);
        ulong wanted = BinaryPrimitives.ReadUInt64LittleEndian(head[16..]);
        return found == wanted
            ? bytes
            : throw new InvalidDataException($"the checkpoint is damaged: checksum {found:x16}, not {wanted:x16}");
    }

    private static byte[] Unwrap(byte[] stored, int length, Decompressor decompressor)
    {
        byte[] bytes = new byte[length];
        int got;
        try
        {
            got = decompressor.Unwrap(stored, bytes);
        }
        catch (ZstdException e)
        {
            throw new InvalidDataException("the checkpoint is damaged: its compressed bytes cannot be read", e);
        }

        return got == length ? bytes : throw new InvalidDataException($"a section of {length} bytes unpacked to {got}");
    }

    private static void Fill(Stream stream, Span<byte> bytes)
    {
        try
        {
            stream.ReadExactly(bytes);
        }
        catch (EndOfStreamException e)
        {
            throw new InvalidDataException($"the checkpoint ends early, {bytes.Length} bytes more were wanted", e);
        }
    }
}
