// Probabilistic concurrency testing: priorities that change at few, random decisions.
using System.Buffers;

namespace ClusterSwap.Engine;

/// <summary>
/// Burckhardt, Kothari, Musuvathi and Nagarakatte, "A randomized scheduler with probabilistic guarantees of finding
/// bugs", ASPLOS 2010. Whoever acts (the pair of a message, a task) has a random priority, and the highest among the
/// choices comes first. At depth − 1 random ones of the host's expected decisions, whoever would be next falls below
/// all others. A hang that needs d orderings among n that act within k decisions is met with a probability of at least
/// 1 / (n · k^(d−1)) for each schedule, where a decision offers all that can act. The choices that a host offers are
/// fewer, so the bound is that of what it offers.
/// </summary>
internal sealed class PctStrategy : ScheduleStrategy
{
    private readonly ulong _seed;
    private readonly int _depth;
    private readonly long _decisions;

    public PctStrategy(ulong seed, int depth, long decisions)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(depth, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(decisions, 1);
        _seed = seed;
        _depth = depth;
        _decisions = decisions;
    }

    public override string Describe() => $"pct(seed {_seed}, depth {_depth}, decisions {_decisions})";

    public override HostSchedule ForHost(int hostId)
    {
        var stream = new RandomStream(Mixing.Of(_seed, 0x9C7, (ulong)hostId));
        ulong priorities = stream.Next();
        long[] changes = new long[_depth - 1];
        for (int i = 0; i < changes.Length; i++)
        {
            changes[i] = (long)(stream.Next() % (ulong)_decisions);
        }

        Array.Sort(changes);
        return new Schedule(priorities, changes);
    }

    private sealed class Schedule(ulong priorities, long[] changes) : HostSchedule
    {
        // Whoever fell, in the order of falling: each below all before it.
        private readonly List<ScheduleChoice> _fallen = [];
        private long _decision;
        private int _change;

        public override int Pick(long nowNs, ReadOnlySpan<ScheduleChoice> choices)
        {
            int highest = Highest(choices);
            while (_change < changes.Length && changes[_change] == _decision)
            {
                _change++;
                ScheduleChoice falls = Actor(choices[highest]);
                _fallen.Remove(falls);
                _fallen.Add(falls);
                highest = Highest(choices);
            }

            _decision++;
            return highest;
        }

        public override void SaveState(IBufferWriter<byte> writer)
        {
            ScheduleBytes.Write(writer, _decision);
            ScheduleBytes.Write(writer, _change);
            ScheduleBytes.Write(writer, _fallen.Count);
            foreach (ScheduleChoice fallen in _fallen)
            {
                ScheduleBytes.Write(writer, fallen.Sender);
                ScheduleBytes.Write(writer, fallen.Receiver);
                ScheduleBytes.Write(writer, fallen.Kind);
            }
        }

        public override void LoadState(ReadOnlySpan<byte> data)
        {
            _decision = ScheduleBytes.Read(ref data);
            _change = (int)ScheduleBytes.Read(ref data);
            _fallen.Clear();
            for (long left = ScheduleBytes.Read(ref data); left > 0; left--)
            {
                int sender = (int)ScheduleBytes.Read(ref data);
                int receiver = (int)ScheduleBytes.Read(ref data);
                _fallen.Add(new ScheduleChoice(sender, receiver, (ushort)ScheduleBytes.Read(ref data)));
            }
        }

        private int Highest(ReadOnlySpan<ScheduleChoice> choices)
        {
            int highest = 0;
            for (int i = 1; i < choices.Length; i++)
            {
                highest = PriorityOf(choices[i]) > PriorityOf(choices[highest]) ? i : highest;
            }

            return highest;
        }

        // Equal only for the same actor, but for a collision of hashes; then the older one is first.
        private ulong PriorityOf(in ScheduleChoice choice)
        {
            ScheduleChoice actor = Actor(choice);
            int fell = _fallen.LastIndexOf(actor);
            if (fell >= 0)
            {
                return (ulong)(changes.Length - fell);
            }

            ulong who = ((ulong)(uint)actor.Sender << 32) | (uint)actor.Receiver;
            return (Mixing.Of(priorities, who, actor.Kind) >> 1) | (1UL << 63);
        }

        // Messages of a pair have one priority, whatever they are.
        private static ScheduleChoice Actor(in ScheduleChoice choice)
            => choice.IsOfTask ? choice : choice with { Kind = 0 };
    }
}
