// A uniformly random order of what a kernel might do in any order, repeatable by its seed.
using System.Buffers;
using System.Buffers.Binary;

namespace ClusterSwap.Engine;

/// <summary>Draws each next message uniformly among the oldest of every sender-receiver pair.</summary>
internal sealed class RandomStrategy(ulong seed) : ScheduleStrategy
{
    public override string Describe() => $"random(seed {seed})";

    public override HostSchedule ForHost(int hostId) => new Schedule(Mixing.Of(seed, 0x5C4ED01E, (ulong)hostId));

    private sealed class Schedule(ulong start) : HostSchedule
    {
        private RandomStream _stream = new(start);

        // A single choice draws nothing: the stream moves only where there is something to decide.
        public override int Pick(long nowNs, ReadOnlySpan<ScheduleChoice> choices)
            => choices.Length == 1 ? 0 : _stream.Next(choices.Length);

        public override void SaveState(IBufferWriter<byte> writer)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(writer.GetSpan(sizeof(ulong)), _stream.State);
            writer.Advance(sizeof(ulong));
        }

        public override void LoadState(ReadOnlySpan<byte> data)
            => _stream.State = BinaryPrimitives.ReadUInt64LittleEndian(data);
    }
}
