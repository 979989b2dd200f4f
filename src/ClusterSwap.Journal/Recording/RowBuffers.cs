// Arrays of rows, used again.
using System.Collections.Concurrent;

namespace ClusterSwap.Journal;

/// <summary>
/// A checkpoint is many rows of one size, which is above what the garbage collector takes for large: new ones each time
/// would make it walk all memory, and the run wait for it. Blocks of events that wait for the database outlive its first
/// generations. Used by the threads that make rows and those that write them.
/// </summary>
/// <param name="keptPerLength">Arrays of one length that are kept at most.</param>
/// <param name="from">Arrays of this length on are kept; by default those that are large objects to the runtime.</param>
internal sealed class RowBuffers(int keptPerLength, int from = RowBuffers.LargeFrom)
{
    // From here on an array is a large object to the runtime, bytes.
    private const int LargeFrom = 85_000;

    // A checkpoint's rows have two lengths or three: those of the first rows, the later ones, and the last one.
    private const int LengthsMax = 4;

    private readonly ConcurrentDictionary<int, ConcurrentQueue<byte[]>> _spare = new();

    /// <summary>An array of exactly this length, with anything in it.</summary>
    public byte[] Take(int length)
        => length >= from && _spare.TryGetValue(length, out ConcurrentQueue<byte[]>? spare)
            && spare.TryDequeue(out byte[]? bytes)
            ? bytes
            : new byte[length];

    /// <summary>Takes an array back that nobody reads any more.</summary>
    public void Return(byte[] bytes)
    {
        if (bytes.Length < from)
        {
            return;
        }

        if (_spare.Count >= LengthsMax && !_spare.ContainsKey(bytes.Length))
        {
            _spare.Clear();
        }

        ConcurrentQueue<byte[]> spare = _spare.GetOrAdd(bytes.Length, _ => new ConcurrentQueue<byte[]>());
        if (spare.Count < keptPerLength)
        {
            spare.Enqueue(bytes);
        }
    }
}
