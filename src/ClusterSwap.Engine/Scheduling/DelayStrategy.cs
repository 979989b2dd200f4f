// Delay-bounded scheduling: the default order, but for a few delays.
using System.Buffers;

namespace ClusterSwap.Engine;

/// <summary>
/// Emmi, Qadeer and Rakamarić, "Delay-bounded scheduling", POPL 2011. The order of <see cref="ScheduleStrategy.Fifo"/>
/// is kept, but at a few random ones of the host's expected decisions whoever would be next is passed over. Delays that
/// fall on one decision pass over one more each.
/// </summary>
internal sealed class DelayStrategy : ScheduleStrategy
{
    private readonly ulong _seed;
    private readonly int _delays;
    private readonly long _decisions;

    public DelayStrategy(ulong seed, int delays, long decisions)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(delays);
        ArgumentOutOfRangeException.ThrowIfLessThan(decisions, 1);
        _seed = seed;
        _delays = delays;
        _decisions = decisions;
    }

    public override string Describe() => $"delay(seed {_seed}, delays {_delays}, decisions {_decisions})";

    public override HostSchedule ForHost(int hostId)
    {
        var stream = new RandomStream(Mixing.Of(_seed, 0xDE1A, (ulong)hostId));
        long[] at = new long[_delays];
        for (int i = 0; i < at.Length; i++)
        {
            at[i] = (long)(stream.Next() % (ulong)_decisions);
        }

        Array.Sort(at);
        return new Schedule(at);
    }

    private sealed class Schedule(long[] at) : HostSchedule
    {
        private long _decision;
        private int _used;

        public override int Pick(long nowNs, ReadOnlySpan<ScheduleChoice> choices)
        {
            int passed = 0;
            while (_used < at.Length && at[_used] == _decision)
            {
                _used++;
                passed++;
            }

            _decision++;
            return passed % choices.Length;
        }

        public override void SaveState(IBufferWriter<byte> writer)
        {
            ScheduleBytes.Write(writer, _decision);
            ScheduleBytes.Write(writer, _used);
        }

        public override void LoadState(ReadOnlySpan<byte> data)
        {
            _decision = ScheduleBytes.Read(ref data);
            _used = (int)ScheduleBytes.Read(ref data);
        }
    }
}
