// The sending end of a line between two nodes of an epoch.
namespace ClusterSwap.Clustering;

/// <summary>
/// Cuts messages into numbered pieces and keeps them until the receiver has them. At most
/// <see cref="UnderWayMax"/> bytes are on their way; the rest waits. Safe for several threads.
/// </summary>
/// <param name="runId">The run.</param>
/// <param name="epoch">The epoch.</param>
/// <param name="self">Number of the sender.</param>
/// <param name="tell">Sends a piece, which may be lost.</param>
internal sealed class OutLine(string runId, int epoch, int self, Action<Piece> tell)
{
    /// <summary>Bytes on their way: enough for the round trip of a fast network, little beside a node's memory.</summary>
    public const long UnderWayMax = 4 << 20;

    private readonly object _gate = new();
    private readonly Queue<Piece> _underWay = new();
    private readonly Queue<Piece> _waiting = new();
    private long _next;
    private long _underWayBytes;
    private long _bytes;

    /// <summary>Ticks of <see cref="Tick"/> for which nothing was confirmed though something is on its way.</summary>
    public int Silence { get; private set; }

    /// <summary>Bytes that the receiver has not confirmed.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Sends a message. Never waits.</summary>
    public void Send(byte[] message)
    {
        lock (_gate)
        {
            int at = 0;
            _bytes += message.Length;
            do
            {
                int length = Math.Min(Piece.BytesMax, message.Length - at);
                _waiting.Enqueue(new Piece
                {
                    RunId = runId,
                    Epoch = epoch,
                    From = self,
                    Number = _next++,
                    Ends = at + length == message.Length,
                    Bytes = length == message.Length ? message : message.AsSpan(at, length).ToArray(),
                });
                at += length;
            }
            while (at < message.Length);
            Pump();
        }
    }

    /// <summary>The receiver has all pieces before this number.</summary>
    public void OnGot(long before)
    {
        lock (_gate)
        {
            while (_underWay.TryPeek(out Piece? piece) && piece.Number < before)
            {
                _underWayBytes -= piece.Bytes.Length;
                _bytes -= piece.Bytes.Length;
                _underWay.Dequeue();
                Silence = 0;
            }

            Pump();
        }
    }

    /// <summary>The receiver misses pieces from this number on.</summary>
    public void OnMissing(long first)
    {
        lock (_gate)
        {
            foreach (Piece piece in _underWay)
            {
                if (piece.Number >= first)
                {
                    tell(piece);
                }
            }
        }
    }

    /// <summary>Called now and then: what nobody confirmed for a while is sent again.</summary>
    public void Tick()
    {
        lock (_gate)
        {
            if (_underWay.TryPeek(out Piece? first) && ++Silence > 1)
            {
                tell(first);
            }
        }
    }

    private void Pump()
    {
        while (_waiting.TryPeek(out Piece? piece)
            && (_underWay.Count == 0 || _underWayBytes + piece.Bytes.Length <= UnderWayMax))
        {
            _waiting.Dequeue();
            _underWay.Enqueue(piece);
            _underWayBytes += piece.Bytes.Length;
            tell(piece);
        }
    }
}
