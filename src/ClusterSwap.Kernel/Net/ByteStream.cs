// The bytes of a connection that mean something: headers and page stamps at stream offsets.
using MemoryPack;

namespace ClusterSwap.Kernel.Net;

/// <summary>
/// A piece of the stream: a header in full, or pages of which only the stamps are carried, or bytes without meaning.
/// </summary>
[MemoryPackable]
public partial struct StreamRecord
{
    /// <summary>Stream offset of the first byte: its sequence number.</summary>
    public long Offset;

    /// <summary>Stream bytes that the piece takes.</summary>
    public int Length;

    /// <summary>The bytes themselves, for a header; never changed after writing.</summary>
    public byte[]? Bytes;

    /// <summary>One stamp per page; never changed after writing.</summary>
    public uint[]? Stamps;

    /// <summary>Behind the last byte.</summary>
    [MemoryPackIgnore]
    public readonly long End => Offset + Length;
}

/// <summary>
/// Both directions of one end. Records tile the stream. A record travels with the segment that its first byte lies in,
/// at every transmission of that byte, and is kept by the writer until its last byte is acknowledged.
/// </summary>
[MemoryPackable]
public sealed partial class ByteStream
{
    /// <summary>Written and not acknowledged, in order.</summary>
    public Fifo<StreamRecord> Written = new();

    /// <summary>Behind the last byte written.</summary>
    public long WriteOffset;

    /// <summary>Arrived and not read, by offset.</summary>
    public Fifo<StreamRecord> Arrived = new();

    /// <summary>Offset of the next record that the reader gets.</summary>
    public long ReadOffset;

    /// <summary>Writes a header.</summary>
    public void Write(byte[] bytes) => Append(bytes.Length, bytes, null);

    /// <summary>
    /// Writes pages of which the stamps are carried; <paramref name="length"/> is what they take, bytes.
    /// </summary>
    public void Write(uint[] stamps, int length) => Append(length, null, stamps);

    /// <summary>Writes bytes that nobody looks at.</summary>
    public void Write(int length) => Append(length, null, null);

    /// <summary>Adds the records whose first byte lies in the segment to <paramref name="records"/>.</summary>
    public void Collect(long seq, int length, List<StreamRecord> records)
    {
        var low = 0;
        var high = Written.Count;
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            (low, high) = Written[middle].Offset < seq ? (middle + 1, high) : (low, middle);
        }

        for (; low < Written.Count && Written[low].Offset < seq + length; low++)
        {
            records.Add(Written[low]);
        }
    }

    /// <summary>Lets go of records that are acknowledged to their last byte.</summary>
    public void AckedTo(long seq)
    {
        while (Written.Count > 0 && Written[0].End <= seq)
        {
            Written.Take();
        }
    }

    /// <summary>
    /// Keeps a record that arrived with a segment that TCP kept; one that is here already is passed over.
    /// </summary>
    public void Store(in StreamRecord record)
    {
        if (record.Offset < ReadOffset)
        {
            return;
        }

        var i = Arrived.Count;
        while (i > 0 && Arrived[i - 1].Offset > record.Offset)
        {
            i--;
        }

        if (i == 0 || Arrived[i - 1].Offset != record.Offset)
        {
            Arrived.Insert(i, record);
        }
    }

    /// <summary>
    /// The next record, once all its bytes lie below <paramref name="upTo"/>: the connection's CopiedSeq when the
    /// reader takes bytes as they come (needed for a record that is larger than the window), or its RcvNxt. Throws
    /// when bytes are there whose record never came: none may get lost where TCP kept its segment.
    /// </summary>
    public bool TryRead(long upTo, out StreamRecord record)
    {
        record = default;
        if (Arrived.Count == 0 || Arrived[0].Offset != ReadOffset)
        {
            return upTo <= ReadOffset
                ? false
                : throw new InvalidOperationException($"bytes to {upTo} are here, the record at {ReadOffset} is not");
        }

        if (Arrived[0].End > upTo)
        {
            return false;
        }

        record = Arrived.Take();
        ReadOffset = record.End;
        return true;
    }

    /// <summary>Checks that records tile what is written and do not overlap in what arrived.</summary>
    public void AssertInvariants()
    {
        for (var i = 0; i < Written.Count; i++)
        {
            var next = i + 1 < Written.Count ? Written[i + 1].Offset : WriteOffset;
            if (Written[i].End != next)
            {
                throw new InvalidOperationException($"record {i} ends at {Written[i].End}, next is {next}");
            }
        }

        for (var i = 1; i < Arrived.Count; i++)
        {
            if (Arrived[i - 1].End > Arrived[i].Offset)
            {
                throw new InvalidOperationException(
                    $"arrived record to {Arrived[i - 1].End} overlaps the one at {Arrived[i].Offset}");
            }
        }
    }

    private void Append(int length, byte[]? bytes, uint[]? stamps)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        Written.Add(new StreamRecord { Offset = WriteOffset, Length = length, Bytes = bytes, Stamps = stamps });
        WriteOffset += length;
    }
}
