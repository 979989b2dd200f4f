// Decisions that are given, one after another, and then the default order.
using System.Buffers;
using ClusterSwap.Engine;

namespace ClusterSwap.Exploration.Exhaustive;

/// <summary>
/// Takes what a search wants it to take, over all hosts in the order in which they come, and notes how many choices each
/// decision had. The hosts of a simulation that follows it are run by one thread, so that order is one. It remembers
/// nothing that belongs to a state: the search does.
/// </summary>
/// <param name="onTime">No section takes longer: nothing is decided there.</param>
internal sealed class ForcedStrategy(bool onTime) : ScheduleStrategy
{
    private readonly List<int> _forced = [];
    private readonly List<ScheduleSwitch> _made = [];

    /// <summary>The decisions since <see cref="Force"/>: those that were forced, then the first choice each time.</summary>
    public IReadOnlyList<ScheduleSwitch> Made => _made;

    /// <summary>From here on these decisions, then the default ones.</summary>
    public void Force(IEnumerable<int> forced)
    {
        _forced.Clear();
        _forced.AddRange(forced);
        _made.Clear();
    }

    public override string Describe() => "forced";

    public override HostSchedule ForHost(int hostId) => new Schedule(this, hostId, onTime);

    private sealed class Schedule(ForcedStrategy search, int host, bool onTime) : HostSchedule
    {
        private long _decision;

        public override int Pick(long nowNs, ReadOnlySpan<ScheduleChoice> choices)
        {
            if (onTime && choices[1].Kind == ScheduleChoice.Late)
            {
                _decision++;
                return 0;
            }

            var place = search._made.Count;
            var picked = place < search._forced.Count ? search._forced[place] : 0;
            search._made.Add(new ScheduleSwitch(host, _decision++, picked, choices.Length));
            return picked;
        }

        public override void SaveState(IBufferWriter<byte> writer)
        {
            System.Buffers.Binary.BinaryPrimitives.WriteInt64LittleEndian(writer.GetSpan(sizeof(long)), _decision);
            writer.Advance(sizeof(long));
        }

        public override void LoadState(ReadOnlySpan<byte> data) =>
            _decision = System.Buffers.Binary.BinaryPrimitives.ReadInt64LittleEndian(data);
    }
}
