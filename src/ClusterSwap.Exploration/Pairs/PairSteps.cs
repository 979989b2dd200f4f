// What the side without the patch decides differently, in a few steps.
using ClusterSwap.Blades;
using ClusterSwap.Blades.Replaying;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Engine;
using ClusterSwap.Exploration.Generators;
using ClusterSwap.Exploration.Properties;
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Tracing;

namespace ClusterSwap.Exploration.Pairs;

/// <summary>
/// Tells a pair by the decisions of its blades: what both sides had in common last, where they part, and what follows
/// without the patch. Decisions of one kind that come again and again are one step.
/// </summary>
public static class PairSteps
{
    /// <summary>Steps that are shown at most.</summary>
    public const int Most = 30;

    private const int ItemsMost = 200_000;
    private const int CommonShown = 4;
    private const int BeginShown = 12;

    // A step is taken up again when it was among the last so many.
    private const int Reach = 4;

    private static readonly TraceEvent[] s_events =
    [
        TraceEvent.page_refused, TraceEvent.reserve_entered, TraceEvent.reserve_left, TraceEvent.reclaim_throttled,
        TraceEvent.reclaim_released, TraceEvent.ring_overrun, TraceEvent.kfree_skb, TraceEvent.block_rq_complete,
        TraceEvent.mm_vmscan_direct_reclaim_begin, TraceEvent.fault_begin, TraceEvent.fault_end,
    ];

    /// <summary>The steps of a pair, at most <see cref="Most"/>.</summary>
    public static IReadOnlyList<string> Of(PairedFinding pair, PressureThenCalm shape)
    {
        var with = Decisions(shape, PairedFinding.WithPatches(pair.Deployment, "all"), pair.Schedule);
        var without = Decisions(shape, PairedFinding.AllBut(pair.Deployment, pair.Patch), pair.Schedule);
        var common = 0;
        while (common < Math.Min(with.Count, without.Count) && IsSame(with[common], without[common]))
        {
            common++;
        }

        var steps = Grouped(without.Take(common)).TakeLast(CommonShown).ToList();
        steps.Insert(0, HangStory.Text($"both sides take the same {common:N0} decisions; the last of them:"));
        steps.Add("with all patches then: " + Next(with, common));
        steps.Add(HangStory.Text($"without patch {pair.Patch}: ") + Next(without, common));
        var rest = Grouped(without.Skip(common + 1)).ToList();
        var end = $"end: {pair.Without.Finding.Story.FirstOrDefault() ?? "everybody got on"}";
        var room = Most - steps.Count - 1;
        if (rest.Count > room)
        {
            var left = rest.Count - (room - 1);
            steps.AddRange(rest.Take(BeginShown));
            steps.Add(HangStory.Text($"({left:N0} more)"));
            steps.AddRange(rest.TakeLast(room - 1 - BeginShown));
        }
        else
        {
            steps.AddRange(rest);
        }

        steps.Add(end);
        return steps;
    }

    private static bool IsSame(TrailItem a, TrailItem b) =>
        a.Host == b.Host && TrailItem.SameDecision(a.Record!.Value, b.Record!.Value);

    private static string Next(IReadOnlyList<TrailItem> items, int at) =>
        at < items.Count ? Line(items[at]) : "nothing more is decided";

    private static string Line(TrailItem item) => $"{Moments.Seconds(item.TimeNs)} {item.Kind}: {item.Text}";

    private static IReadOnlyList<TrailItem> Decisions(PressureThenCalm shape, Deployment deployment, ScheduleStrategy schedule)
    {
        var watch = new DecisionWatch();
        shape.Run(deployment, schedule, watch);
        return watch.Items;
    }

    private static IEnumerable<string> Grouped(IEnumerable<TrailItem> items)
    {
        var groups = new List<Group>();
        foreach (var item in items)
        {
            var key = KeyOf(item);
            var at = groups.FindLastIndex(group => group.Key == key);
            if (at >= 0 && at >= groups.Count - Reach)
            {
                groups[at].Count++;
                groups[at].LastNs = item.TimeNs;
            }
            else
            {
                groups.Add(new Group(key, item));
            }
        }

        return groups.Select(group => group.ToString());
    }

    // The numbers of a decision differ from one to the next; who decides, of what kind and by which flags, is the step.
    private static (int Host, TraceEvent Event, bool Softirq, string Who, long Flags) KeyOf(TrailItem item)
    {
        var record = item.Record!.Value;
        var flags = record.Event switch
        {
            TraceEvent.page_refused or TraceEvent.reclaim_throttled or TraceEvent.kfree_skb => record.B,
            TraceEvent.mm_vmscan_direct_reclaim_begin => record.C,
            TraceEvent.block_rq_complete => record.A,
            _ => 0,
        };
        var who = record.Event == TraceEvent.block_rq_complete || record.Softirq ? "" : item.Text.Split(' ')[0];
        return (item.Host, record.Event, record.Softirq, who, flags);
    }

    private sealed class Group((int, TraceEvent, bool, string, long) key, TrailItem first)
    {
        public (int, TraceEvent, bool, string, long) Key => key;

        public int Count { get; set; } = 1;

        public long LastNs { get; set; } = first.TimeNs;

        public override string ToString() => Count == 1
            ? Line(first)
            : Line(first) + HangStory.Text($" ({Count:N0} times up to {Moments.Seconds(LastNs)})");
    }

    private sealed class DecisionWatch : ITrialWatch
    {
        private Trail _trail = null!;

        public IReadOnlyList<TrailItem> Items { get; private set; } = [];

        public void Begin(Cluster cluster, IReadOnlyList<BladeStates> blades) => _trail = new Trail(cluster, new TrailFilter
        {
            Decisions = s_events.Aggregate(0UL, (bits, which) => bits | 1UL << (int)which),
            DecisionsOnly = true,
            Most = ItemsMost,
        });

        public void Look()
        {
        }

        // NOWARN: the caller has another way, such as a smaller block or the reserve.
        private static bool IsMeantToFail(TrailItem item) => item.Record is { Event: TraceEvent.page_refused } record
            && ((Gfp)record.B & Gfp.NoWarn) != 0;

        public void End()
        {
            Items = [.. _trail.Items.Where(item => !IsMeantToFail(item))];
            _trail.Dispose();
        }
    }
}
