// A strategy that begins later than the run.
using System.Buffers;

namespace ClusterSwap.Engine;

/// <summary>The order of <see cref="ScheduleStrategy.Fifo"/> before a virtual time, and another strategy's from then
/// on.</summary>
internal sealed class LateStrategy(ScheduleStrategy inner, long fromNs) : ScheduleStrategy
{
    public override (ScheduleStrategy Strategy, long FromNs) Begin => (inner, fromNs);

    public override string? Divergence => inner.Divergence;

    public override string Describe() => $"{inner.Describe()} from {fromNs} ns";

    public override HostSchedule? ForHost(int hostId)
        => inner.ForHost(hostId) is { } schedule ? new Schedule(schedule, fromNs) : null;

    private sealed class Schedule(HostSchedule inner, long fromNs) : HostSchedule
    {
        public override int Pick(long nowNs, ReadOnlySpan<ScheduleChoice> choices)
            => nowNs < fromNs ? 0 : inner.Pick(nowNs, choices);

        public override void SaveState(IBufferWriter<byte> writer) => inner.SaveState(writer);

        public override void LoadState(ReadOnlySpan<byte> data) => inner.LoadState(data);
    }
}
