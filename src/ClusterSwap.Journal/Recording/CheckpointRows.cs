// A checkpoint on its way into the journal, in rows.
using ClusterSwap.Engine;

namespace ClusterSwap.Journal;

/// <summary>
/// Takes the bytes of a checkpoint while it is made, in arrays that are the rows' payloads later: they are copied here and
/// no more before they are written. One thread at a time uses it.
/// </summary>
/// <param name="buffers">Where the arrays come from; whoever writes the rows gives them back.</param>
internal sealed class CheckpointRows(RowBuffers buffers)
{
    /// <summary>Length of a row's array.</summary>
    public const int ArrayBytes = CheckpointPart.HeadRoom + JournalFormat.PartBytes;

    private readonly List<byte[]> _rows = [buffers.Take(ArrayBytes)];
    private int _inLast;

    /// <summary>Bytes so far.</summary>
    public long Length => (_rows.Count - 1L) * JournalFormat.PartBytes + _inLast;

    /// <summary>Adds a part of the engine's, as <see cref="CheckpointBlob"/> has it.</summary>
    public void Append(in Engine.CheckpointPart part)
    {
        Span<byte> length = stackalloc byte[CheckpointBlob.LengthBytes];
        CheckpointBlob.WriteLength(length, in part);
        Append(length);
        Append(part.Bytes.Span);
    }

    /// <summary>The payloads of the rows, in order; afterwards nothing may be added.</summary>
    public IEnumerable<ReadOnlyMemory<byte>> Payloads()
    {
        for (int i = 0; i < _rows.Count; i++)
        {
            int length = i == _rows.Count - 1 ? _inLast : JournalFormat.PartBytes;
            yield return CheckpointPart.Write(i, _rows.Count, Length, _rows[i], length);
        }
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (_inLast == JournalFormat.PartBytes)
            {
                _rows.Add(buffers.Take(ArrayBytes));
                _inLast = 0;
            }

            int taken = Math.Min(bytes.Length, JournalFormat.PartBytes - _inLast);
            bytes[..taken].CopyTo(_rows[^1].AsSpan(CheckpointPart.HeadRoom + _inLast));
            _inLast += taken;
            bytes = bytes[taken..];
        }
    }
}
