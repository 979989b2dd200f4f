// The other thread of a series: finds what changed, compresses it, packs it into parts and gives these to the sink.
using ZstdSharp;

namespace ClusterSwap.Engine;

/// <summary>A checkpoint that was taken: its head up to the pieces, the states of all hosts stand in their writers.</summary>
internal readonly record struct CheckpointJob(int Number, long TimeNs, bool Full, byte[] Head);

/// <summary>Packs one checkpoint after another into parts.</summary>
internal sealed class CheckpointPacker : IDisposable
{
    // What the journal's rows hold, and far below what any transport refuses.
    private const int PartBytes = 60 * 1024;
    private const int CompressionLevel = 1;

    private readonly ICheckpointSink _sink;
    private readonly CheckpointStatistics _statistics;
    private readonly Compressor _compressor = new(CompressionLevel);
    private readonly StateWriter _part = new();
    private readonly StateWriter _head = new();
    private readonly byte[] _planes = new byte[Piece.Bytes];
    private readonly List<Piece>[] _known;
    private List<Piece> _fresh = [];
    private byte[] _packed = new byte[Compressor.GetCompressBound(Piece.Bytes)];
    private (int Number, long TimeNs, bool Full) _checkpoint;
    private int _ordinal;

    public CheckpointPacker(int hosts, ICheckpointSink sink, CheckpointStatistics statistics)
    {
        _sink = sink;
        _statistics = statistics;
        _known = new List<Piece>[hosts];
        for (int i = 0; i < hosts; i++)
        {
            _known[i] = [];
        }
    }

    /// <summary>
    /// Packs a checkpoint; the writers hold the states of its hosts, by id, and nothing for those that live elsewhere.
    /// </summary>
    public void Pack(in CheckpointJob job, StateWriter[] states)
    {
        Begin(job.Number, job.TimeNs, job.Full);
        _head.Clear();
        _head.Bytes(job.Head);
        for (int host = 0; host < states.Length; host++)
        {
            PackHost(host, states[host]);
        }

        End(_head.Written);
    }

    /// <summary>Begins a checkpoint whose pieces are given one by one.</summary>
    public void Begin(int number, long timeNs, bool full)
    {
        _checkpoint = (number, timeNs, full);
        _ordinal = 0;
        CheckpointForm.Begin(_part);
    }

    /// <summary>Adds a piece as it is stored, of one of the kinds of <see cref="CheckpointForm"/>.</summary>
    public void AddStored(long kind, int host, long place, int length, ReadOnlySpan<byte> stored)
    {
        MakeRoom(stored.Length);
        _part.Int64(kind);
        _part.Int64(host);
        _part.Int64(place);
        _part.Int64(length);
        _part.Int64(stored.Length);
        _part.Bytes(stored);
    }

    /// <summary>
    /// Ends a checkpoint with the list of all its pieces, which is compressed too, and has a part of its own when it is
    /// large.
    /// </summary>
    public void End(ReadOnlySpan<byte> head)
    {
        int bound = Compressor.GetCompressBound(head.Length);
        if (_packed.Length < bound)
        {
            _packed = new byte[bound];
        }

        ReadOnlySpan<byte> stored = _packed.AsSpan(0, _compressor.Wrap(head, _packed));
        MakeRoom(stored.Length);
        _part.Int64(CheckpointForm.HeadEntry);
        _part.Int64(head.Length);
        _part.Int64(stored.Length);
        _part.Bytes(stored);
        Flush(last: true);
    }

    public void Dispose() => _compressor.Dispose();

    private void PackHost(int host, StateWriter state)
    {
        _fresh.Clear();
        Piece.Cut64(state, _fresh);
        List<Piece> old = _known[host];
        ReadOnlySpan<byte> all = state.Written;
        _head.Int64(_fresh.Count);
        int start = 0;
        int at = 0;
        foreach (Piece piece in _fresh)
        {
            _head.Int64(PlaceOf(in piece));
            _head.Int64(piece.Length);
            CheckpointForm.WriteHash(_head, piece.Hash);
            if (_checkpoint.Full || !Piece.IsKnown(in piece, old, ref at))
            {
                AddPiece(host, in piece, all.Slice(start, piece.Length));
                _statistics.ChangedBytes += piece.Length;
            }

            start += piece.Length;
        }

        _statistics.StateBytes += all.Length;
        _known[host] = _fresh;
        _fresh = old;
    }

    private void AddPiece(int host, in Piece piece, ReadOnlySpan<byte> bytes)
    {
        Span<byte> planes = _planes.AsSpan(0, bytes.Length);
        WordPlanes.Split(bytes, planes);
        ReadOnlySpan<byte> stored = _packed.AsSpan(0, _compressor.Wrap(planes, _packed));
        long kind = CheckpointForm.PlanesEntry;
        if (stored.Length >= bytes.Length)
        {
            stored = bytes;
            kind = CheckpointForm.PieceEntry;
        }

        AddStored(kind, host, PlaceOf(in piece), piece.Length, stored);
    }

    private static long PlaceOf(in Piece piece) => (long)piece.Cut << 32 | (uint)piece.Index;

    private void MakeRoom(int bytes)
    {
        if (_part.Written.Length > CheckpointForm.HeadBytes && _part.Written.Length + bytes > PartBytes)
        {
            Flush(last: false);
        }
    }

    private void Flush(bool last)
    {
        CheckpointForm.End(_part, _checkpoint.Number, _checkpoint.TimeNs, _checkpoint.Full, _ordinal, last);
        _sink.Write(new CheckpointPart(
            _checkpoint.Number, _checkpoint.TimeNs, _checkpoint.Full, _ordinal, last, _part.WrittenMemory));
        _statistics.StoredBytes += _part.Written.Length;
        _ordinal++;
        CheckpointForm.Begin(_part);
    }
}
