// Records a run: attaches to its hosts, and writes header, events, digests, checkpoints and verdict.
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using ClusterSwap.Blades;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Blades.Tracing;
using ClusterSwap.Engine;
using ClusterSwap.Kernel;
using ClusterSwap.Kernel.Tracing;
using Barrier = ClusterSwap.Engine.Barrier;

namespace ClusterSwap.Journal;

/// <summary>What a recording is told besides the run.</summary>
public sealed record RecordingOptions
{
    /// <summary>Id of the run: unique within the store, without a slash.</summary>
    public required string RunId { get; init; }

    /// <summary>How much is recorded.</summary>
    public JournalLevel Level { get; init; } = JournalLevel.Decisions;

    /// <summary>1, or for a resumed run one more than the last that the journal has.</summary>
    public int Epoch { get; init; } = 1;

    /// <summary>The command that repeats the run.</summary>
    public string Command { get; init; } = "";

    /// <summary>Version of the program.</summary>
    public string Program { get; init; } = "";

    /// <summary>Wall-clock time; only for the header's and the verdict's dates.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>How long the run waits for its database.</summary>
    public JournalPatience Patience { get; init; } = new();

    /// <summary>Told when the run waits for the database, and when it goes on: sentences for a user.</summary>
    public Action<string>? Tell { get; init; }
}

/// <summary>
/// The recording of one run. Messages and decisions are packed by the threads that run the hosts; an actor of each
/// partition writes them. Dispose of it after the run, whether it ended well or not: it waits until the database has
/// what was handed over.
/// </summary>
public sealed class RunRecorder : IRunRecorder, IDisposable
{
    // A killed run loses no more than about this much of wall-clock time, besides what is under way.
    private static readonly long s_flushTicks = Stopwatch.Frequency;

    private readonly JournalStore _store;
    private readonly RecordingOptions _options;
    private readonly IDisposable _claim;
    private readonly List<PartitionRecorder> _partitions = [];

    // 16 MiB: of the largest states that we know, a checkpoint takes 12.
    private readonly RowBuffers _rows = new(keptPerLength: 16);
    private RecorderSystem? _system;
    private long _flushedAt;
    private bool _ended;

    /// <summary>
    /// Prepares the store, so that what is wrong with it is told before the run. The recorders' actor system starts
    /// meanwhile, on another thread.
    /// </summary>
    /// <exception cref="JournalException">It cannot be written.</exception>
    public RunRecorder(JournalStore store, RecordingOptions options)
    {
        _store = store;
        _options = options;
        _claim = store.Claim(options.RunId);
        try
        {
            store.Prepare();
            _system = new RecorderSystem(store);
        }
        catch
        {
            _claim.Dispose();
            throw;
        }
    }

    /// <summary>Messages and decisions recorded.</summary>
    public long Events => _partitions.Sum(partition => partition.Events);

    /// <summary>Blocks that the database has acknowledged.</summary>
    public long Acknowledged => _partitions.Sum(partition => partition.Queue.Acknowledged);

    /// <summary>Most bytes of a partition that waited for acknowledgement at one time.</summary>
    public long PeakBytes => _partitions.Count == 0 ? 0 : _partitions.Max(partition => partition.Queue.Peak);

    /// <inheritdoc/>
    public void Begin(Cluster cluster, RunRequest request, IReadOnlyList<int[]> partitions)
        => Begin(cluster, request, partitions, cluster.Simulation.TimeNs);

    /// <summary>Begins an epoch whose hosts are run elsewhere, and stand at this virtual time, ns.</summary>
    public void Begin(Cluster cluster, RunRequest request, IReadOnlyList<int[]> partitions, long fromNs)
    {
        Simulation simulation = cluster.Simulation;
        var trouble = new JournalTrouble(_store, _options.Patience, _options.Tell);
        for (int i = 0; i < partitions.Count; i++)
        {
            // The journal's order of a partition's hosts is that of their ids.
            HostContext[] hosts = [.. partitions[i].Order().Select(simulation.Host)];
            var stream = new StreamName(_options.RunId, i, _options.Epoch);
            var queue = new BlockQueue
            {
                OnWait = trouble.OnWait,
                OnAnswer = trouble.Clear,
                Clock = _options.Patience.Clock,
            };
            var partition = new PartitionRecorder(stream, hosts, simulation.HostCount, queue);
            _partitions.Add(partition);
            JournalHeader header = RunHeader.Of(cluster, request, _options, partitions, i, fromNs);
            partition.Add(
                BlockKind.Header, fromNs,
                JsonSerializer.SerializeToUtf8Bytes(header, JournalJson.Default.JournalHeader));
            _system!.Record(stream, queue, trouble);
            if (Array.TrueForAll(hosts, host => host.IsLocal))
            {
                partition.Attach(cluster, _options.Level);
            }
        }

        _flushedAt = Stopwatch.GetTimestamp();
    }

    /// <inheritdoc/>
    public void OnBarrier(Barrier barrier)
    {
        long now = Stopwatch.GetTimestamp();
        bool flush = now - _flushedAt >= s_flushTicks;
        _flushedAt = flush ? now : _flushedAt;
        foreach (PartitionRecorder partition in _partitions)
        {
            partition.Barrier(barrier.TimeNs, flush);
        }
    }

    /// <summary>
    /// Takes a block of a partition that another node runs; blocks of one partition in their order, on the thread of the
    /// run.
    /// </summary>
    public void Take(int partition, RecordedBlock block) => _partitions[partition].Take(block);

    /// <inheritdoc/>
    public void AppendCheckpoint(long barrierNs, ReadOnlyMemory<byte> state)
    {
        Settle();
        int count = Math.Max(1, (state.Length + JournalFormat.PartBytes - 1) / JournalFormat.PartBytes);
        for (int i = 0; i < count; i++)
        {
            int begin = i * JournalFormat.PartBytes;
            ReadOnlySpan<byte> bytes = state.Span[begin..Math.Min(state.Length, begin + JournalFormat.PartBytes)];
            byte[] row = _rows.Take(CheckpointRows.ArrayBytes);
            bytes.CopyTo(row.AsSpan(CheckpointPart.HeadRoom));
            AddRow(barrierNs, CheckpointPart.Write(i, count, state.Length, row, bytes.Length));
        }
    }

    /// <summary>Rows for a checkpoint; their arrays are used again.</summary>
    internal CheckpointRows NewRows() => new(_rows);

    /// <summary>Keeps a state that stands in rows, without copying them.</summary>
    internal void AppendCheckpoint(long barrierNs, CheckpointRows state)
    {
        Settle();
        foreach (ReadOnlyMemory<byte> payload in state.Payloads())
        {
            AddRow(barrierNs, payload);
        }
    }

    /// <inheritdoc/>
    public void End(RunReport report)
    {
        var end = new JournalEnd
        {
            Verdict = VerdictWords.Word(report.Verdict),
            Fingerprint = report.Fingerprint,
            VirtualNs = report.VirtualNs,
            Messages = report.Messages,
            Notes = [.. report.Notes],
            Hang = report.Hang?.Banner ?? "",
            Ended = _options.Clock.GetUtcNow().ToString("O", CultureInfo.InvariantCulture),
        };
        byte[] payload = JsonSerializer.SerializeToUtf8Bytes(end, JournalJson.Default.JournalEnd);
        // The first partition ends last: where it has an end, all others have theirs.
        foreach (PartitionRecorder partition in _partitions.Skip(1))
        {
            partition.Add(BlockKind.End, report.VirtualNs, payload);
        }

        foreach (PartitionRecorder partition in _partitions.Skip(1))
        {
            partition.Queue.AwaitEmpty();
        }

        _partitions[0].Add(BlockKind.End, report.VirtualNs, payload);
        _ended = true;
    }

    /// <summary>Waits until the database has everything that was handed over.</summary>
    /// <exception cref="JournalException">It will not have it.</exception>
    public void AwaitWritten()
    {
        foreach (PartitionRecorder partition in _partitions)
        {
            partition.Queue.AwaitEmpty();
        }
    }

    /// <summary>Ends the recording. A run that broke leaves what it did up to then, without a verdict.</summary>
    public void Dispose()
    {
        if (_system is null)
        {
            _claim.Dispose();
            return;
        }

        try
        {
            if (!_ended)
            {
                foreach (PartitionRecorder partition in _partitions)
                {
                    partition.Flush();
                }
            }

            AwaitWritten();
        }
        catch (JournalException)
        {
            // Whoever wanted to know has called AwaitWritten.
        }
        finally
        {
            _system.Dispose();
            _system = null;
            _claim.Dispose();
        }
    }

    private void AddRow(long barrierNs, ReadOnlyMemory<byte> payload)
        => _partitions[0].AddCheckpoint(barrierNs, payload, _rows);

    private void Settle()
    {
        // Everything before a checkpoint is in the database before it is: whoever goes on from it misses nothing.
        foreach (PartitionRecorder partition in _partitions)
        {
            partition.Flush();
        }

        foreach (PartitionRecorder partition in _partitions.Skip(1))
        {
            partition.Queue.AwaitEmpty();
        }
    }
}
