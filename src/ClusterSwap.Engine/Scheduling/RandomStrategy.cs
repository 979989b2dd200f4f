// A uniformly random order of what a kernel might do in any order, repeatable by its seed.
using System.Buffers;

namespace ClusterSwap.Engine;

/// <summary>Draws what comes next, each choice as likely as the others.</summary>
internal sealed class RandomStrategy(ulong seed) : ScheduleStrategy
{
    public override string Describe() => $"random(seed {seed})";

    public override HostSchedule ForHost(int hostId) => new Schedule(Mixing.Of(seed, 0x5C4ED01E, (ulong)hostId));

    private sealed class Schedule(ulong start) : HostSchedule
    {
        private RandomStream _stream = new(start);

        public override int Pick(long nowNs, ReadOnlySpan<ScheduleChoice> choices) => _stream.Next(choices.Length);

        public override void SaveState(IBufferWriter<byte> writer) => ScheduleBytes.Write(writer, (long)_stream.State);

        public override void LoadState(ReadOnlySpan<byte> data) => _stream.State = (ulong)ScheduleBytes.Read(ref data);
    }
}
