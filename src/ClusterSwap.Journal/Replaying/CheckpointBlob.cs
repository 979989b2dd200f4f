// A checkpoint as the journal keeps it: its parts, one after another.
using System.Buffers.Binary;
using ClusterSwap.Engine;

namespace ClusterSwap.Journal;

/// <summary>
/// Between checkpoints as the engine makes them, in parts of some 64 KiB, and as the journal keeps them, one text of
/// bytes for each: every part with its length, 4 bytes little-endian, before it.
/// </summary>
public static class CheckpointBlob
{
    /// <summary>Bytes of the length before each part.</summary>
    internal const int LengthBytes = sizeof(int);

    /// <summary>Adds a part to a blob.</summary>
    public static void Append(MemoryStream blob, in Engine.CheckpointPart part)
    {
        Span<byte> length = stackalloc byte[LengthBytes];
        WriteLength(length, in part);
        blob.Write(length);
        blob.Write(part.Bytes.Span);
    }

    /// <summary>Writes what stands before a part.</summary>
    internal static void WriteLength(Span<byte> length, in Engine.CheckpointPart part)
        => BinaryPrimitives.WriteInt32LittleEndian(length, part.Bytes.Length);

    /// <summary>The parts of a blob.</summary>
    /// <exception cref="InvalidDataException">It is none.</exception>
    public static IEnumerable<ReadOnlyMemory<byte>> Parts(byte[] blob)
    {
        var rest = blob.AsMemory();
        while (!rest.IsEmpty)
        {
            int length = rest.Length < sizeof(int) ? -1 : BinaryPrimitives.ReadInt32LittleEndian(rest.Span);
            if (length < 0 || length > rest.Length - sizeof(int))
            {
                throw new InvalidDataException($"a checkpoint has {rest.Length} bytes left that are no part of it");
            }

            yield return rest.Slice(sizeof(int), length);
            rest = rest[(sizeof(int) + length)..];
        }
    }
}
