// The other thread of a series: compresses pieces, packs them into parts and gives these to the sink.
using ZstdSharp;

namespace ClusterSwap.Engine;

/// <summary>What a job is about.</summary>
internal enum CheckpointJobKind
{
    /// <summary>A checkpoint begins.</summary>
    Begin,

    /// <summary>A piece that changed.</summary>
    Piece,

    /// <summary>All pieces are there.</summary>
    End,
}

/// <summary>What the run hands to the thread that stores.</summary>
internal readonly record struct CheckpointJob(
    CheckpointJobKind Kind, int Number, long TimeNs, bool Full, int Host, Piece Piece, byte[]? Bytes)
{
    public static CheckpointJob Begin(int number, long timeNs, bool full)
        => new(CheckpointJobKind.Begin, number, timeNs, full, 0, default, null);

    public static CheckpointJob Of(int host, in Piece piece, byte[] bytes)
        => new(CheckpointJobKind.Piece, 0, 0, false, host, piece, bytes);

    public static CheckpointJob End(byte[] head) => new(CheckpointJobKind.End, 0, 0, false, 0, default, head);
}

/// <summary>Packs the pieces of one checkpoint after another into parts.</summary>
internal sealed class CheckpointPacker(ICheckpointSink sink, CheckpointStatistics statistics) : IDisposable
{
    // What the journal's rows hold, and far below what any transport refuses.
    private const int PartBytes = 60 * 1024;
    private const int CompressionLevel = 1;

    private readonly Compressor _compressor = new(CompressionLevel);
    private readonly StateWriter _part = new();
    private CheckpointJob _checkpoint;
    private int _ordinal;

    public void Do(in CheckpointJob job)
    {
        switch (job.Kind)
        {
            case CheckpointJobKind.Begin:
                _checkpoint = job;
                _ordinal = 0;
                CheckpointForm.Begin(_part);
                break;
            case CheckpointJobKind.Piece:
                AddPiece(in job);
                break;
            default:
                AddHead(job.Bytes!);
                break;
        }
    }

    public void Dispose() => _compressor.Dispose();

    private void AddPiece(in CheckpointJob job)
    {
        ReadOnlySpan<byte> bytes = job.Bytes.AsSpan(0, job.Piece.Length);
        ReadOnlySpan<byte> stored = _compressor.Wrap(bytes);
        if (stored.Length >= bytes.Length)
        {
            stored = bytes;
        }

        AddStored(job.Host, (long)job.Piece.Cut << 32 | (uint)job.Piece.Index, job.Piece.Length, stored);
    }

    /// <summary>Adds a piece that is compressed already.</summary>
    public void AddStored(int host, long place, int length, ReadOnlySpan<byte> stored)
    {
        if (_part.Written.Length > CheckpointForm.HeadBytes && _part.Written.Length + stored.Length > PartBytes)
        {
            Flush(last: false);
        }

        _part.Int64(CheckpointForm.PieceEntry);
        _part.Int64(host);
        _part.Int64(place);
        _part.Int64(length);
        _part.Int64(stored.Length);
        _part.Bytes(stored);
    }

    /// <summary>The list of all pieces is compressed too, and has a part of its own when it is large.</summary>
    private void AddHead(byte[] head)
    {
        ReadOnlySpan<byte> stored = _compressor.Wrap(head);
        if (_part.Written.Length > CheckpointForm.HeadBytes && _part.Written.Length + stored.Length > PartBytes)
        {
            Flush(last: false);
        }

        _part.Int64(CheckpointForm.HeadEntry);
        _part.Int64(head.Length);
        _part.Int64(stored.Length);
        _part.Bytes(stored);
        Flush(last: true);
    }

    private void Flush(bool last)
    {
        CheckpointForm.End(_part, _checkpoint.Number, _checkpoint.TimeNs, _checkpoint.Full, _ordinal, last);
        sink.Write(new CheckpointPart(
            _checkpoint.Number, _checkpoint.TimeNs, _checkpoint.Full, _ordinal, last, _part.WrittenMemory));
        statistics.StoredBytes += _part.Written.Length;
        _ordinal++;
        CheckpointForm.Begin(_part);
    }
}
