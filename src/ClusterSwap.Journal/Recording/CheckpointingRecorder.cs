// Checkpoints into the journal of a run that is being recorded.
using System.Collections.Concurrent;
using ClusterSwap.Blades;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Engine;
using Barrier = ClusterSwap.Engine.Barrier;

namespace ClusterSwap.Journal;

/// <summary>
/// Adds checkpoints to a recording. They are made by a <see cref="CheckpointSeries"/>, and go to the recorder at the
/// first barrier after they are compressed, on the run's own thread: a slow journal slows the run and gets fewer of
/// them.
/// </summary>
/// <param name="recorder">Who records.</param>
/// <param name="options">When checkpoints are taken.</param>
public sealed class CheckpointingRecorder(RunRecorder recorder, CheckpointOptions options) : IRunRecorder, IDisposable
{
    private readonly Shelf _shelf = new(recorder);
    private CheckpointSeries? _series;

    /// <summary>What was done; null before the run.</summary>
    public CheckpointStatistics? Statistics => _series?.Statistics;

    /// <inheritdoc/>
    public void Begin(Cluster cluster, RunRequest request, IReadOnlyList<int[]> partitions)
    {
        recorder.Begin(cluster, request, partitions);
        _series = new CheckpointSeries(cluster.Simulation, options, _shelf);
    }

    /// <inheritdoc/>
    public void OnBarrier(Barrier barrier)
    {
        recorder.OnBarrier(barrier);
        HandOver();
        _series!.OnBarrier();
    }

    /// <inheritdoc/>
    public void AppendCheckpoint(long barrierNs, ReadOnlyMemory<byte> state) => recorder.AppendCheckpoint(barrierNs, state);

    /// <inheritdoc/>
    public void End(RunReport report)
    {
        // A run that the user stopped goes on from the very barrier at which it stopped.
        if (report.Verdict == Verdict.Interrupted)
        {
            _series!.Take();
        }

        _series!.Finish();
        HandOver();
        recorder.End(report);
    }

    /// <inheritdoc/>
    public void Dispose() => _series?.Dispose();

    private void HandOver()
    {
        while (_shelf.Complete.TryDequeue(out (long TimeNs, CheckpointRows Rows) one))
        {
            recorder.AppendCheckpoint(one.TimeNs, one.Rows);
        }
    }

    private sealed class Shelf(RunRecorder recorder) : ICheckpointSink
    {
        private CheckpointRows? _rows;

        public ConcurrentQueue<(long TimeNs, CheckpointRows Rows)> Complete { get; } = new();

        public void Write(in Engine.CheckpointPart part)
        {
            _rows ??= recorder.NewRows();
            _rows.Append(in part);
            if (part.Last)
            {
                Complete.Enqueue((part.TimeNs, _rows));
                _rows = null;
            }
        }
    }
}
