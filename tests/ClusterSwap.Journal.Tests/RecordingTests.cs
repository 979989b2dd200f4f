// What a run leaves in a journal, and that it leaves the run alone.
using ClusterSwap.Blades;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Engine;
using ClusterSwap.Journal;

namespace ClusterSwap.Journal.Tests;

public sealed class RecordingTests
{
    [Theory]
    [InlineData(JournalLevel.Decisions)]
    [InlineData(JournalLevel.All)]
    public void Recording_changes_nothing_and_says_what_run_it_was(JournalLevel level)
    {
        using var folder = new TemporaryFolder();
        RunReport plain = Recordings.Run(Recordings.Small(), recorder: null);
        RunReport recorded = Recordings.Record(JournalStore.Sqlite(folder.Journal), level);
        Assert.Equal(plain.Fingerprint, recorded.Fingerprint);

        using IJournalReader journal = JournalReader.Open(JournalStore.Sqlite(folder.Journal));
        Assert.Null(journal.Damage);
        Assert.Equal(("trial", "rack", "swapnbd", 1UL), (
            journal.Header.RunId, journal.Header.Scenario, journal.Header.Variant, journal.Header.Seed));
        Assert.Equal(Recordings.Small().ToToml(), journal.Header.ScenarioToml);
        Assert.Equal(level == JournalLevel.All ? "all" : "decisions", journal.Header.Level);
        Assert.Equal("PageRequest", journal.Header.KindName(20));
        Assert.Equal((recorded.Fingerprint, recorded.Messages, "unknown"), (
            journal.End!.Fingerprint, journal.End.Messages, journal.End.Verdict));
        Assert.False(File.Exists(folder.Journal + "-wal"), "one file is left, which can be copied");
    }

    [Fact]
    public void Every_message_comes_back_in_order_with_its_cause()
    {
        using var folder = new TemporaryFolder();
        var store = JournalStore.Sqlite(folder.Journal);
        var expected = new List<RecordedMessage>();
        using (var recorder = new RunRecorder(store, Recordings.Options(JournalLevel.All)))
        {
            Recordings.Run(Recordings.Small(), new Doubled(recorder, expected));
            recorder.AwaitWritten();
            Assert.Equal(recorder.Events, expected.Count + CountDecisions(store));
        }

        using IJournalReader journal = JournalReader.Open(store);
        RecordedMessage[] found = [.. journal.Events(new EventFilter { Decisions = false }).Select(one => one.Message)];
        RecordedMessage[] sorted = [.. expected.OrderBy(m => (m.TimeNs, m.Host, m.Number))];
        Assert.True(found.Length > 50_000, $"{found.Length} messages");
        Assert.Equal(sorted, found);

        RecordedMessage one = found[found.Length / 2];
        Assert.Equal(one, journal.Find(one.Host, one.Number));
    }

    [Fact]
    public void Digests_of_every_host_at_every_barrier_agree_with_the_run()
    {
        using var folder = new TemporaryFolder();
        Recordings.Record(JournalStore.Sqlite(folder.Journal), JournalLevel.Decisions);
        var expected = new List<RecordedDigest>();
        using var cluster = ClusterBuilder.Build(Recordings.Small(), 1);
        cluster.Simulation.Run(new RunOptions
        {
            UntilNs = Recordings.Length,
            OnBarrier = barrier =>
            {
                expected.AddRange(Enumerable.Range(0, barrier.Simulation.HostCount).Select(host => new RecordedDigest(
                    barrier.TimeNs, host, barrier.Simulation.Host(host).Messages,
                    barrier.Simulation.HostFingerprint(host))));
                return true;
            },
        });

        using IJournalReader journal = JournalReader.Open(JournalStore.Sqlite(folder.Journal));
        Assert.Equal(expected, journal.Digests());
        long half = Recordings.Length / 2;
        Assert.Equal(expected.Where(digest => digest.TimeNs == half), journal.Digests(half, half));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Partitions_are_streams_of_their_own_and_come_back_as_one(int threads)
    {
        using var folder = new TemporaryFolder();
        var store = JournalStore.Sqlite(folder.Journal);
        RunReport report = Recordings.Record(
            store, JournalLevel.All, Recordings.Racks(), Recordings.Length / 2, threads);
        using IJournalReader journal = JournalReader.Open(store);
        Assert.Equal(4, journal.Header.Partitions);
        Assert.Equal(4, store.Streams().Count);
        long last = 0;
        long count = 0;
        foreach (RecordedEvent one in journal.Events(new EventFilter()))
        {
            Assert.True(one.TimeNs >= last, $"{one.TimeNs} after {last}");
            last = one.TimeNs;
            count += one.IsDecision ? 0 : 1;
        }

        Assert.Equal(report.Messages, count);
    }

    [Fact]
    public void Checkpoints_come_back_byte_for_byte()
    {
        using var folder = new TemporaryFolder();
        var store = JournalStore.Sqlite(folder.Journal);
        byte[] small = [1, 2, 3];
        byte[] large = [.. Enumerable.Range(0, 700_000).Select(i => (byte)(i * 7 ^ i >> 8))];
        using (var recorder = new RunRecorder(store, Recordings.Options(JournalLevel.Decisions)))
        {
            Recordings.Run(Recordings.Small(), new WithCheckpoints(recorder, [(4, small), (8, large)]));
            recorder.AwaitWritten();
        }

        using IJournalReader journal = JournalReader.Open(store);
        Assert.Equal(
            [(1, Recordings.Length / 5, 3L), (1, Recordings.Length * 2 / 5, 700_000L)],
            journal.Checkpoints.Select(entry => (entry.Epoch, entry.BarrierNs, entry.Bytes)));
        Assert.Equal(small, journal.LoadCheckpoint(journal.Checkpoints[0]));
        Assert.Equal(large, journal.LoadCheckpoint(journal.Checkpoints[1]));
    }

    [Fact]
    public void A_run_that_ends_without_a_verdict_is_read_up_to_where_it_came()
    {
        using var folder = new TemporaryFolder();
        var store = JournalStore.Sqlite(folder.Journal);
        using (var recorder = new RunRecorder(store, Recordings.Options(JournalLevel.Decisions)))
        {
            Recordings.Run(Recordings.Small(), new Unfinished(recorder));
        }

        using IJournalReader journal = JournalReader.Open(store);
        Assert.Null(journal.End);
        Assert.Null(journal.Damage);
        Assert.Equal(20 * 2, journal.Digests().Count());
    }

    private static int CountDecisions(JournalStore store)
    {
        using IJournalReader journal = JournalReader.Open(store);
        return journal.Events(new EventFilter { Messages = false }).Count();
    }

    /// <summary>Sees what the recorder sees.</summary>
    private sealed class Doubled(RunRecorder recorder, List<RecordedMessage> seen) : IRunRecorder
    {
        public void Begin(Cluster cluster, RunRequest request, IReadOnlyList<int[]> partitions)
        {
            recorder.Begin(cluster, request, partitions);
            for (int i = 0; i < cluster.Simulation.HostCount; i++)
            {
                HostContext host = cluster.Simulation.Host(i);
                host.Observer = new Both(i, host.Observer!, seen);
            }
        }

        public void OnBarrier(ClusterSwap.Engine.Barrier barrier) => recorder.OnBarrier(barrier);

        public void AppendCheckpoint(long barrierNs, ReadOnlyMemory<byte> state)
            => recorder.AppendCheckpoint(barrierNs, state);

        public void End(RunReport report) => recorder.End(report);

        private sealed class Both(int host, HostObserver first, List<RecordedMessage> seen) : HostObserver
        {
            public override void Delivered(in Delivery d)
            {
                first.Delivered(in d);
                seen.Add(new RecordedMessage(
                    d.TimeNs, host, d.Number, d.Actor, d.Message.Kind, d.CauseHost, d.Cause, (ushort)d.Digest));
            }
        }
    }

    private sealed class WithCheckpoints(RunRecorder recorder, (int Barrier, byte[] Bytes)[] checkpoints) : IRunRecorder
    {
        private int _barriers;

        public void Begin(Cluster cluster, RunRequest request, IReadOnlyList<int[]> partitions)
            => recorder.Begin(cluster, request, partitions);

        public void OnBarrier(ClusterSwap.Engine.Barrier barrier)
        {
            recorder.OnBarrier(barrier);
            _barriers++;
            foreach ((_, byte[] bytes) in checkpoints.Where(checkpoint => checkpoint.Barrier == _barriers))
            {
                recorder.AppendCheckpoint(barrier.TimeNs, bytes);
            }
        }

        public void AppendCheckpoint(long barrierNs, ReadOnlyMemory<byte> state)
        {
        }

        public void End(RunReport report) => recorder.End(report);
    }

    private sealed class Unfinished(RunRecorder recorder) : IRunRecorder
    {
        public void Begin(Cluster cluster, RunRequest request, IReadOnlyList<int[]> partitions)
            => recorder.Begin(cluster, request, partitions);

        public void OnBarrier(ClusterSwap.Engine.Barrier barrier) => recorder.OnBarrier(barrier);

        public void AppendCheckpoint(long barrierNs, ReadOnlyMemory<byte> state)
        {
        }

        public void End(RunReport report)
        {
        }
    }
}
