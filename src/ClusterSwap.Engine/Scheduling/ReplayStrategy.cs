// A recorded schedule again.
using System.Buffers;

namespace ClusterSwap.Engine;

/// <summary>
/// Takes the switches of a trace where they were taken, and the default order everywhere else. Where a decision does not
/// have the choices that it had, the default is taken too, and the divergence is told.
/// </summary>
internal sealed class ReplayStrategy : ScheduleStrategy
{
    private readonly ScheduleTrace _trace;
    private readonly SortedDictionary<int, Schedule> _schedules = [];

    public ReplayStrategy(ScheduleTrace trace) => _trace = trace;

    /// <summary>
    /// The first difference between the run so far and the recorded one, a sentence without its dot; null when there is
    /// none. Switches that the run has not come to yet count as a difference: ask at its end.
    /// </summary>
    public override string? Divergence => _schedules.Values.Select(schedule => schedule.Divergence).FirstOrDefault(d => d is not null);

    /// <inheritdoc/>
    public override string Describe() => $"replay({_trace})";

    /// <inheritdoc/>
    public override HostSchedule? ForHost(int hostId)
    {
        if (_trace.Switches.Count == 0)
        {
            return null;
        }

        // A host without switches has one as well: in a checkpoint all hosts of a strategy remember something, or none.
        ScheduleSwitch[] mine = [.. _trace.Switches.Where(at => at.Host == hostId)];
        lock (_schedules)
        {
            return _schedules[hostId] = new Schedule(mine);
        }
    }

    private sealed class Schedule(ScheduleSwitch[] switches) : HostSchedule
    {
        private long _decision;
        private int _next;
        private int _foundChoices;
        private int _missed = -1;

        public string? Divergence
        {
            get
            {
                if (_missed < 0 && _next == switches.Length)
                {
                    return null;
                }

                ScheduleSwitch at = switches[_missed < 0 ? _next : _missed];
                return _missed >= 0
                    ? $"decision {at.Decision} of host {at.Host} had {_foundChoices} choices, not {at.Choices}"
                    : $"host {at.Host} came to {_decision} decisions and not to decision {at.Decision}";
            }
        }

        public override int Pick(long nowNs, ReadOnlySpan<ScheduleChoice> choices)
        {
            long decision = _decision++;
            if (_next == switches.Length || switches[_next].Decision != decision)
            {
                return 0;
            }

            ScheduleSwitch at = switches[_next++];
            if (at.Choices == choices.Length)
            {
                return at.Picked;
            }

            if (_missed < 0)
            {
                _missed = _next - 1;
                _foundChoices = choices.Length;
            }

            return 0;
        }

        public override void SaveState(IBufferWriter<byte> writer)
        {
            ScheduleBytes.Write(writer, _decision);
            ScheduleBytes.Write(writer, _next);
            ScheduleBytes.Write(writer, _missed);
            ScheduleBytes.Write(writer, _foundChoices);
        }

        public override void LoadState(ReadOnlySpan<byte> data)
        {
            _decision = ScheduleBytes.Read(ref data);
            _next = (int)ScheduleBytes.Read(ref data);
            _missed = (int)ScheduleBytes.Read(ref data);
            _foundChoices = (int)ScheduleBytes.Read(ref data);
        }
    }
}
