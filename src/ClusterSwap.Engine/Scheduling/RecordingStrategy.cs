// Another strategy with its decisions written down.
using System.Buffers;

namespace ClusterSwap.Engine;

/// <summary>A decision that was not the default one, and what it was about.</summary>
/// <param name="Host">The host that decided.</param>
/// <param name="TimeNs">When, ns.</param>
/// <param name="First">What came first.</param>
/// <param name="Instead">What the default order would have taken first.</param>
public readonly record struct SwitchedDecision(int Host, long TimeNs, ScheduleChoice First, ScheduleChoice Instead);

/// <summary>Decides as another strategy and remembers every decision that was not the default one.</summary>
public sealed class RecordingStrategy(ScheduleStrategy inner) : ScheduleStrategy
{
    private readonly SortedDictionary<int, Schedule> _schedules = [];

    /// <summary>What was decided so far, on all hosts of the simulation that follows this. For use at barriers.</summary>
    public ScheduleTrace Trace => new(_schedules.Values.SelectMany(schedule => schedule.Switches));

    /// <summary>The same decisions with who went first and who would have; those before a restore are not among
    /// them.</summary>
    public IReadOnlyList<SwitchedDecision> Switched =>
        [.. _schedules.Values.SelectMany(schedule => schedule.Switched).OrderBy(at => at.TimeNs).ThenBy(at => at.Host)];

    /// <summary>How many decisions there were so far on the host that had most.</summary>
    public long MostDecisions => _schedules.Values.Select(schedule => schedule.Decisions).DefaultIfEmpty().Max();

    /// <summary>How many decisions there were so far on all hosts.</summary>
    public long Decisions => _schedules.Values.Sum(schedule => schedule.Decisions);

    /// <inheritdoc/>
    public override string Describe() => $"recorded {inner.Describe()}";

    /// <inheritdoc/>
    public override HostSchedule ForHost(int hostId)
    {
        lock (_schedules)
        {
            return _schedules[hostId] = new Schedule(hostId, inner.ForHost(hostId));
        }
    }

    private sealed class Schedule(int host, HostSchedule? inner) : HostSchedule
    {
        public List<ScheduleSwitch> Switches { get; } = [];

        public List<SwitchedDecision> Switched { get; } = [];

        public long Decisions { get; private set; }

        public override int Pick(long nowNs, ReadOnlySpan<ScheduleChoice> choices)
        {
            int picked = inner?.Pick(nowNs, choices) ?? 0;
            if (picked != 0)
            {
                Switches.Add(new ScheduleSwitch(host, Decisions, picked, choices.Length));
                Switched.Add(new SwitchedDecision(host, nowNs, choices[picked], choices[0]));
            }

            Decisions++;
            return picked;
        }

        public override void SaveState(IBufferWriter<byte> writer)
        {
            ScheduleBytes.Write(writer, Decisions);
            ScheduleBytes.Write(writer, Switches.Count);
            foreach (ScheduleSwitch at in Switches)
            {
                ScheduleBytes.Write(writer, at.Decision);
                ScheduleBytes.Write(writer, at.Picked);
                ScheduleBytes.Write(writer, at.Choices);
            }

            inner?.SaveState(writer);
        }

        public override void LoadState(ReadOnlySpan<byte> data)
        {
            Decisions = ScheduleBytes.Read(ref data);
            Switches.Clear();
            Switched.Clear();
            for (long left = ScheduleBytes.Read(ref data); left > 0; left--)
            {
                long decision = ScheduleBytes.Read(ref data);
                int picked = (int)ScheduleBytes.Read(ref data);
                Switches.Add(new ScheduleSwitch(host, decision, picked, (int)ScheduleBytes.Read(ref data)));
            }

            inner?.LoadState(data);
        }
    }
}
