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
public sealed class CheckpointingRecorder(IRunRecorder recorder, CheckpointOptions options) : IRunRecorder, IDisposable
{
    private readonly Shelf _shelf = new();
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
        while (_shelf.Complete.TryDequeue(out (long TimeNs, MemoryStream Blob) one))
        {
            recorder.AppendCheckpoint(one.TimeNs, one.Blob.GetBuffer().AsMemory(0, (int)one.Blob.Length));
            one.Blob.SetLength(0);
            _shelf.Spare.Add(one.Blob);
        }
    }

    // Checkpoints are megabytes: their buffers are used again.
    private sealed class Shelf : ICheckpointSink
    {
        private MemoryStream? _blob;

        public ConcurrentQueue<(long TimeNs, MemoryStream Blob)> Complete { get; } = new();

        public ConcurrentBag<MemoryStream> Spare { get; } = [];

        public void Write(in Engine.CheckpointPart part)
        {
            _blob ??= Spare.TryTake(out MemoryStream? spare) ? spare : new MemoryStream();
            CheckpointBlob.Append(_blob, in part);
            if (part.Last)
            {
                Complete.Enqueue((part.TimeNs, _blob));
                _blob = null;
            }
        }
    }
}
