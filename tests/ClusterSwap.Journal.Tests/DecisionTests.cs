// What rules decided, as the journal keeps it.
using ClusterSwap.Blades.Runs;
using ClusterSwap.Journal;
using ClusterSwap.Kernel.Tracing;

namespace ClusterSwap.Journal.Tests;

public sealed class DecisionTests
{
    [Fact]
    public void Decisions_agree_with_the_counters_of_the_run()
    {
        using var folder = new TemporaryFolder();
        var store = JournalStore.Sqlite(folder.Journal);
        RunReport report = Recordings.Record(store, JournalLevel.Decisions);
        using IJournalReader journal = JournalReader.Open(store);
        RecordedDecision[] decisions = [.. journal.Events(new EventFilter()).Select(one => one.Decision)];
        Dictionary<TraceEvent, long> counts = decisions.GroupBy(one => one.Record.Event)
            .ToDictionary(group => group.Key, group => group.LongCount());
        Dictionary<string, long> vmstat = report.Blades[0].VmStat.ToDictionary(pair => pair.Key, pair => pair.Value);

        Assert.Equal(vmstat["pgscan_direct_throttle"], counts.GetValueOrDefault(TraceEvent.reclaim_throttled));
        Assert.Equal(vmstat["alloc_failed"], counts.GetValueOrDefault(TraceEvent.page_refused));
        Assert.True(counts[TraceEvent.mm_vmscan_wakeup_kswapd] > 0);
        Assert.True(counts[TraceEvent.watermark_crossed] > 10);
    }

    [Fact]
    public void Each_crossing_of_a_mark_begins_where_the_one_before_ended()
    {
        using var folder = new TemporaryFolder();
        var store = JournalStore.Sqlite(folder.Journal);
        Recordings.Record(store, JournalLevel.Decisions);
        using IJournalReader journal = JournalReader.Open(store);
        var level = new Dictionary<(int Host, long Zone), long>();
        int crossings = 0;
        foreach (RecordedEvent one in journal.Events(new EventFilter()))
        {
            TraceRecord r = one.Decision.Record;
            if (r.Event == TraceEvent.watermark_crossed)
            {
                crossings++;
                Assert.Equal(level.GetValueOrDefault((one.Host, r.A), r.B), r.B);
                level[(one.Host, r.A)] = r.C;
            }
        }

        Assert.True(crossings > 10, $"{crossings} crossings");
    }

    [Fact]
    public void A_decision_names_the_delivery_that_led_to_it()
    {
        using var folder = new TemporaryFolder();
        var store = JournalStore.Sqlite(folder.Journal);
        Recordings.Record(store, JournalLevel.All, untilNs: Recordings.Length / 2);
        using IJournalReader journal = JournalReader.Open(store);
        RecordedMessage? last = null;
        int decisions = 0;
        foreach (RecordedEvent one in journal.Events(new EventFilter { Hosts = new HashSet<int> { 1 } }))
        {
            if (!one.IsDecision)
            {
                last = one.Message;
                continue;
            }

            decisions++;
            Assert.Equal((last!.Value.Number, last.Value.TimeNs), (one.Number, one.TimeNs));
        }

        Assert.True(decisions > 10, $"{decisions} decisions");
    }
}
