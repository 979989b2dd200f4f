// The fixed part of every block, and how a block is sealed and opened.
using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;
using ZstdSharp;

namespace ClusterSwap.Journal;

/// <summary>What stands before a block's payload.</summary>
internal struct BlockHead
{
    /// <summary>Bytes of it.</summary>
    public const int Bytes = 88;

    private const int ChecksumAt = 80;
    private const byte CompressedFlag = 1;
    private const int CompressFrom = 64;

    public BlockKind Kind;
    public bool Compressed;
    public ulong Run;
    public int Partition;
    public int Epoch;
    public long Sequence;
    public long FirstNs;
    public long LastNs;
    public int Messages;
    public int Decisions;
    public int Barriers;
    public int PayloadBytes;
    public int StoredBytes;
    public int TailBytes;
    public ulong Previous;
    public ulong Checksum;

    /// <summary>The word by which blocks know their run.</summary>
    public static ulong RunWord(string runId) => XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(runId));

    /// <summary>
    /// Completes a block: compresses it, but for the tail, if that makes it smaller, and fills lengths and checksums in.
    /// Pieces of checkpoints come compressed.
    /// </summary>
    public static byte[] Seal(
        ref BlockHead head, ReadOnlySpan<byte> payload, Compressor compressor, RowBuffers? buffers = null)
    {
        ReadOnlySpan<byte> front = payload[..^head.TailBytes];
        ReadOnlySpan<byte> packed = front.Length < CompressFrom || head.Kind == BlockKind.Checkpoint ? default : compressor.Wrap(front);
        head.Compressed = packed.Length > 0 && packed.Length < front.Length;
        packed = head.Compressed ? packed : front;
        head.PayloadBytes = payload.Length;
        head.StoredBytes = packed.Length + head.TailBytes;
        int length = Bytes + head.StoredBytes;
        byte[] block = buffers?.Take(length) ?? new byte[length];
        packed.CopyTo(block.AsSpan(Bytes));
        payload[front.Length..].CopyTo(block.AsSpan(Bytes + packed.Length));
        head.Write(block);
        head.Checksum = ChecksumOf(block);
        BinaryPrimitives.WriteUInt64LittleEndian(block.AsSpan(ChecksumAt), head.Checksum);
        return block;
    }

    /// <summary>
    /// Reads the head of a block of so many bytes, but not its checksum. Throws <see cref="InvalidDataException"/> that
    /// says what is wrong.
    /// </summary>
    public static BlockHead Peek(ReadOnlySpan<byte> block, long length)
    {
        if (block.Length < Bytes || BinaryPrimitives.ReadUInt32LittleEndian(block) != JournalFormat.Magic)
        {
            throw new InvalidDataException($"{length} bytes that do not begin like a block");
        }

        int version = BinaryPrimitives.ReadUInt16LittleEndian(block[4..]);
        if (version is < 1 or > JournalFormat.Version)
        {
            throw new JournalException(
                $"the journal is written in format version {version}; this program reads up to "
                + $"{JournalFormat.Version}. Use the program that wrote it, or a later one.");
        }

        BlockHead head = Parse(block);
        return head.StoredBytes == length - Bytes
            ? head
            : throw new InvalidDataException($"{length - Bytes} bytes of payload where {head.StoredBytes} must be");
    }

    /// <summary>Reads head and checksum of a whole block. Throws <see cref="InvalidDataException"/>.</summary>
    public static BlockHead Open(ReadOnlySpan<byte> block)
    {
        BlockHead head = Peek(block, block.Length);
        ulong found = ChecksumOf(block);
        return found == head.Checksum
            ? head
            : throw new InvalidDataException($"its checksum is {found:x16}, and {head.Checksum:x16} was written");
    }

    /// <summary>The payload of an opened block.</summary>
    public readonly ReadOnlySpan<byte> Payload(ReadOnlySpan<byte> block, Decompressor decompressor, ref byte[] buffer)
    {
        if (!Compressed)
        {
            return block[Bytes..];
        }

        int front = PayloadBytes - TailBytes;
        bool canBe = PayloadBytes <= JournalFormat.TextBytesMax && front >= 0
            && TailBytes >= 0 && TailBytes <= StoredBytes;
        if (!canBe)
        {
            throw new InvalidDataException($"a payload of {PayloadBytes} bytes, {TailBytes} of them its tail");
        }

        if (buffer.Length < PayloadBytes)
        {
            buffer = new byte[Math.Max(PayloadBytes, JournalFormat.BlockBytes * 2)];
        }

        try
        {
            ReadOnlySpan<byte> stored = block[Bytes..];
            int got = decompressor.Unwrap(stored[..^TailBytes], buffer.AsSpan(0, front));
            stored[^TailBytes..].CopyTo(buffer.AsSpan(front));
            return got == front
                ? buffer.AsSpan(0, PayloadBytes)
                : throw new InvalidDataException($"{front} bytes of payload unpacked to {got}");
        }
        catch (ZstdException e)
        {
            throw new InvalidDataException("its payload cannot be unpacked", e);
        }
    }

    private static BlockHead Parse(ReadOnlySpan<byte> block) => new()
    {
        Kind = (BlockKind)block[6],
        Compressed = (block[7] & CompressedFlag) != 0,
        Run = BinaryPrimitives.ReadUInt64LittleEndian(block[8..]),
        Partition = BinaryPrimitives.ReadInt32LittleEndian(block[16..]),
        Epoch = BinaryPrimitives.ReadInt32LittleEndian(block[20..]),
        Sequence = BinaryPrimitives.ReadInt64LittleEndian(block[24..]),
        FirstNs = BinaryPrimitives.ReadInt64LittleEndian(block[32..]),
        LastNs = BinaryPrimitives.ReadInt64LittleEndian(block[40..]),
        Messages = BinaryPrimitives.ReadInt32LittleEndian(block[48..]),
        Decisions = BinaryPrimitives.ReadInt32LittleEndian(block[52..]),
        Barriers = BinaryPrimitives.ReadInt32LittleEndian(block[56..]),
        PayloadBytes = BinaryPrimitives.ReadInt32LittleEndian(block[60..]),
        StoredBytes = BinaryPrimitives.ReadInt32LittleEndian(block[64..]),
        TailBytes = BinaryPrimitives.ReadInt32LittleEndian(block[68..]),
        Previous = BinaryPrimitives.ReadUInt64LittleEndian(block[72..]),
        Checksum = BinaryPrimitives.ReadUInt64LittleEndian(block[ChecksumAt..]),
    };

    private readonly void Write(Span<byte> block)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(block, JournalFormat.Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(block[4..], JournalFormat.Version);
        block[6] = (byte)Kind;
        block[7] = Compressed ? CompressedFlag : (byte)0;
        BinaryPrimitives.WriteUInt64LittleEndian(block[8..], Run);
        BinaryPrimitives.WriteInt32LittleEndian(block[16..], Partition);
        BinaryPrimitives.WriteInt32LittleEndian(block[20..], Epoch);
        BinaryPrimitives.WriteInt64LittleEndian(block[24..], Sequence);
        BinaryPrimitives.WriteInt64LittleEndian(block[32..], FirstNs);
        BinaryPrimitives.WriteInt64LittleEndian(block[40..], LastNs);
        BinaryPrimitives.WriteInt32LittleEndian(block[48..], Messages);
        BinaryPrimitives.WriteInt32LittleEndian(block[52..], Decisions);
        BinaryPrimitives.WriteInt32LittleEndian(block[56..], Barriers);
        BinaryPrimitives.WriteInt32LittleEndian(block[60..], PayloadBytes);
        BinaryPrimitives.WriteInt32LittleEndian(block[64..], StoredBytes);
        BinaryPrimitives.WriteInt32LittleEndian(block[68..], TailBytes);
        BinaryPrimitives.WriteUInt64LittleEndian(block[72..], Previous);
    }

    // Over all but the checksum itself.
    private static ulong ChecksumOf(ReadOnlySpan<byte> block)
        => XxHash3.HashToUInt64(block[Bytes..], (long)XxHash3.HashToUInt64(block[..ChecksumAt]));
}
