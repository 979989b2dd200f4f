// The receiving end of a line between two nodes of an epoch.
namespace ClusterSwap.Clustering;

/// <summary>Puts pieces in order and together again. Used by one thread at a time.</summary>
internal sealed class InLine
{
    // Pieces that may lie before a gap: what a sender has on its way at most, in pieces of some size.
    private const int EarlyMax = 1 << 16;

    // A message of 1 GiB is beyond anything that is sent.
    private const long MessageMax = 1 << 30;

    private readonly SortedDictionary<long, Piece> _early = [];
    private readonly MemoryStream _message = new();
    private long _confirmed;

    /// <summary>Number of the piece that comes next.</summary>
    public long Next { get; private set; }

    /// <summary>Pieces lie behind a gap.</summary>
    public bool HasGap => _early.Count > 0;

    /// <summary>Pieces that arrived since the last confirmation.</summary>
    public long Unconfirmed => Next - _confirmed;

    /// <summary>A confirmation of all before <see cref="Next"/> has gone out.</summary>
    public void Confirmed() => _confirmed = Next;

    /// <summary>Takes a piece; hands on each message that it completes. False: it was there already.</summary>
    /// <exception cref="InvalidDataException">No sender of ours sends this.</exception>
    public bool Take(Piece piece, Action<byte[]> deliver)
    {
        if (piece.Number < Next || _early.ContainsKey(piece.Number))
        {
            return false;
        }

        if (piece.Number - Next > EarlyMax || piece.Bytes is null || piece.Bytes.Length > Piece.BytesMax)
        {
            throw new InvalidDataException($"piece {piece.Number} cannot come now, piece {Next} is next");
        }

        _early.Add(piece.Number, piece);
        while (_early.Remove(Next, out Piece? next))
        {
            Next++;
            Append(next, deliver);
        }

        return true;
    }

    private void Append(Piece piece, Action<byte[]> deliver)
    {
        if (piece.Ends && _message.Length == 0)
        {
            deliver(piece.Bytes);
            return;
        }

        if (_message.Length + piece.Bytes.Length > MessageMax)
        {
            throw new InvalidDataException("a message is longer than any that is sent");
        }

        _message.Write(piece.Bytes);
        if (piece.Ends)
        {
            deliver(_message.ToArray());
            _message.SetLength(0);
        }
    }
}
