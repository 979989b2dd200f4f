// A journal of every version of the format that ever was: a later reader must still read it.
using ClusterSwap.Journal;
using ZstdSharp;

namespace ClusterSwap.Journal.Tests;

public sealed class GoldenTests
{
    private static readonly byte[] s_state = [.. Enumerable.Range(0, 1_000).Select(i => (byte)(i * i))];

    // What the file of version 1 holds.
    private const string Events =
        "54931 16036183 1 26712 0 2 1 26711 16801 53276 39947671 watermark_crossed 0 114";

    private const string Digests = """
        648 7a1882abe25d2e1b4827e0f439ec7d13
        30902 32dfbe13bf234f167e1190c123561c25
        1188 0c01ba4aa83f706a27580e1fd8c5a964
        53330 59a3fdb8296e78c5612177cd2261595c
        """;

    private static string Version1 => Path.Combine(
        Recordings.Repository, "tests", "ClusterSwap.Journal.Tests", "Golden", "version-1.db.zst");

    [Fact]
    public void Version_1_is_read()
    {
        // Made once, by the program of its time; never made anew. A new version gets a file of its own beside it.
        using var folder = new TemporaryFolder();
        if (Environment.GetEnvironmentVariable("CLUSTERSWAP_GOLDEN_JOURNAL") is not null)
        {
            Make(folder.Journal);
        }

        using (var zstd = new Decompressor())
        {
            File.WriteAllBytes(folder.Journal, zstd.Unwrap(File.ReadAllBytes(Version1)).ToArray());
        }

        using IJournalReader journal = JournalReader.Open(JournalStore.Sqlite(folder.Journal));
        JournalHeader header = journal.Header;
        Assert.Null(journal.Damage);
        Assert.Equal(("golden", "rack", "swapnbd", 1UL, "all"), (
            header.RunId, header.Scenario, header.Variant, header.Seed, header.Level));
        Assert.Equal(["server", "blade"], header.Hosts.Select(host => host.Name));
        Assert.Equal("unknown", journal.End!.Verdict);

        RecordedEvent[] events = [.. journal.Events(new EventFilter())];
        RecordedMessage[] messages = [.. events.Where(one => !one.IsDecision).Select(one => one.Message)];
        Assert.Equal(journal.End.Messages, messages.Length);
        RecordedMessage middle = messages[messages.Length / 2];
        RecordedDecision decision = events.Last(one => one.IsDecision).Decision;
        string found = $"{events.Length} {middle.TimeNs} {middle.Host} {middle.Number} {middle.Actor} {middle.Kind} "
            + $"{middle.CauseHost} {middle.Cause} {middle.Check} {decision.Number} {decision.Record.TimeNs} "
            + $"{decision.Record.Event} {decision.Record.A} {decision.Record.D}";
        string digests = string.Join('\n', journal.Digests().Select(digest => $"{digest.Messages} {digest.Digest:x32}"));
        Assert.True(found == Events, found);
        Assert.True(digests == Digests, digests);
        Assert.Equal(s_state, journal.LoadCheckpoint(Assert.Single(journal.Checkpoints)));

        // Another build made it: its states cannot be gone on from.
        Assert.Empty(JournalCheckpoints.OfThisBuild(journal).TimesNs);
    }

    private static void Make(string path)
    {
        using (var recorder = new RunRecorder(
            JournalStore.Sqlite(path), Recordings.Options(JournalLevel.All, "golden") with { Clock = new Noon() }))
        {
            Recordings.Run(Recordings.Small(), new AtFirstBarrier(recorder, s_state), untilNs: 40_000_000);
            recorder.AwaitWritten();
        }

        using var zstd = new Compressor(19);
        Directory.CreateDirectory(Path.GetDirectoryName(Version1)!);
        File.WriteAllBytes(Version1, zstd.Wrap(File.ReadAllBytes(path)).ToArray());
        File.Delete(path);
    }

    private sealed class Noon : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
    }

    private sealed class AtFirstBarrier(RunRecorder recorder, byte[] state) : Blades.Runs.IRunRecorder
    {
        private bool _done;

        public void Begin(
            Blades.Cluster cluster, Blades.Runs.RunRequest request, IReadOnlyList<int[]> partitions)
            => recorder.Begin(cluster, request, partitions);

        public void OnBarrier(Engine.Barrier barrier)
        {
            recorder.OnBarrier(barrier);
            if (!_done)
            {
                _done = true;
                recorder.AppendCheckpoint(barrier.TimeNs, state);
            }
        }

        public void AppendCheckpoint(long barrierNs, ReadOnlyMemory<byte> state)
        {
        }

        public void End(Blades.Runs.RunReport report) => recorder.End(report);
    }
}
