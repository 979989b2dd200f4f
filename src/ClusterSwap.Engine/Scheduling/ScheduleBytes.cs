// What schedules remember, as words.
using System.Buffers;
using System.Buffers.Binary;

namespace ClusterSwap.Engine;

/// <summary>Little-endian words of a schedule's memory.</summary>
internal static class ScheduleBytes
{
    public static void Write(IBufferWriter<byte> writer, long value)
    {
        BinaryPrimitives.WriteInt64LittleEndian(writer.GetSpan(sizeof(long)), value);
        writer.Advance(sizeof(long));
    }

    public static long Read(ref ReadOnlySpan<byte> data)
    {
        long value = BinaryPrimitives.ReadInt64LittleEndian(data);
        data = data[sizeof(long)..];
        return value;
    }
}
