// Checkpoints while a run goes on: the run writes its state into a buffer, another thread compresses and stores.
using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;

namespace ClusterSwap.Engine;

/// <summary>
/// The checkpoints of one run, one after another. At a barrier the state of each host is written into one reused buffer
/// and cut into pieces; those that changed since the checkpoint before are copied and handed to a thread that
/// compresses them and gives them to the sink. Has no effect on what happens in the run. Used by the thread of the run
/// only.
/// </summary>
public sealed class CheckpointSeries : IDisposable
{
    private readonly Simulation _simulation;
    private readonly CheckpointOptions _options;
    private readonly StateWriter _state = new();
    private readonly List<Piece>[] _known;
    private readonly BlockingCollection<CheckpointJob> _jobs = [];
    private readonly ConcurrentBag<byte[]> _spare = [];
    private readonly CheckpointPacker _packer;
    private readonly Thread _thread;
    private List<Piece> _fresh = [];
    private int _number;
    private int _taken;
    private int _underWay;
    private long _lastCpuNs;
    private long _lastCostNs;
    private volatile ExceptionDispatchInfo? _failure;
    private bool _disposed;

    /// <summary>Begins a series with a full checkpoint whenever the first one is due.</summary>
    public CheckpointSeries(Simulation simulation, CheckpointOptions options, ICheckpointSink sink)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.FullEvery, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(options.SpacingNs);
        _simulation = simulation;
        _options = options;
        _number = options.FirstNumber;
        _known = new List<Piece>[simulation.HostCount];
        for (int i = 0; i < _known.Length; i++)
        {
            _known[i] = [];
        }

        _lastCpuNs = options.CpuNs?.Invoke() ?? 0;
        _packer = new CheckpointPacker(sink, Statistics);
        _thread = new Thread(Store) { IsBackground = true, Name = "checkpoints" };
        _thread.Start();
    }

    /// <summary>What was done so far. Bytes stored are counted by the other thread: exact after
    /// <see cref="Dispose"/>.</summary>
    public CheckpointStatistics Statistics { get; } = new();

    /// <summary>Whether the last checkpoint is not stored yet.</summary>
    internal bool UnderWay => Volatile.Read(ref _underWay) > 0;

    /// <summary>
    /// Called at each barrier, with the simulation at rest: takes a checkpoint if one is due and the last is stored;
    /// true when it did. Throws what the sink threw.
    /// </summary>
    public bool OnBarrier()
    {
        _failure?.Throw();
        long nowNs = _options.CpuNs?.Invoke() ?? 0;
        if (_options.CpuNs is not null
            && nowNs - _lastCpuNs < Math.Max(_options.SpacingNs, _lastCostNs * _options.CostMultiple))
        {
            return false;
        }

        if (UnderWay)
        {
            Statistics.Skipped++;
            return false;
        }

        Take();
        return true;
    }

    /// <summary>Takes a checkpoint now, whether or not one is due.</summary>
    public void Take()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _failure?.Throw();
        long beganNs = _options.CpuNs?.Invoke() ?? 0;
        bool full = _taken % _options.FullEvery == 0;
        Interlocked.Increment(ref _underWay);
        _jobs.Add(CheckpointJob.Begin(_number, _simulation.TimeNs, full));
        var head = new StateWriter();
        WriteHead(head);
        foreach (HostContext host in _simulation.Hosts)
        {
            if (host.IsLocal)
            {
                TakeHost(host, full, head);
            }
            else
            {
                head.Int64(0);
            }
        }

        _jobs.Add(CheckpointJob.End(head.Written.ToArray()));
        _number++;
        _taken++;
        Statistics.Taken++;
        Statistics.Full += full ? 1 : 0;
        _lastCpuNs = _options.CpuNs?.Invoke() ?? 0;
        Statistics.CpuNs += _lastCpuNs - beganNs;

        // The first one also makes the buffers and compiles the code: it says nothing about the next.
        _lastCostNs = _taken == 1 ? 0 : _lastCpuNs - beganNs;
    }

    /// <summary>Stores what is under way and ends the series. Throws what the sink threw.</summary>
    public void Finish()
    {
        Dispose();
        _failure?.Throw();
    }

    /// <summary>Stores what is under way and ends the series.</summary>
    public void Dispose()
    {
        if (!_disposed)
        {
            _disposed = true;
            _jobs.CompleteAdding();
            _thread.Join();
            _jobs.Dispose();
            _packer.Dispose();
        }
    }

    private void WriteHead(StateWriter head)
    {
        _simulation.WriteTopology(head);
        head.Int64(_simulation.TimeNs);
        head.Int64(_simulation.HostCount);
    }

    private void TakeHost(HostContext host, bool full, StateWriter head)
    {
        _state.Clear();
        host.Save(_state);
        _fresh.Clear();
        Piece.Cut64(_state, _fresh);
        List<Piece> old = _known[host.HostId];
        ReadOnlySpan<byte> all = _state.Written;
        head.Int64(_fresh.Count);
        int start = 0;
        int at = 0;
        foreach (Piece piece in _fresh)
        {
            head.Int64((long)piece.Cut << 32 | (uint)piece.Index);
            head.Int64(piece.Length);
            CheckpointForm.WriteHash(head, piece.Hash);
            if (full || !Piece.IsKnown(in piece, old, ref at))
            {
                byte[] copy = _spare.TryTake(out byte[]? spare) ? spare : new byte[Piece.Bytes];
                all.Slice(start, piece.Length).CopyTo(copy);
                _jobs.Add(CheckpointJob.Of(host.HostId, in piece, copy));
                Statistics.ChangedBytes += piece.Length;
            }

            start += piece.Length;
        }

        Statistics.StateBytes += all.Length;
        _known[host.HostId] = _fresh;
        _fresh = old;
    }

    private void Store()
    {
        foreach (CheckpointJob job in _jobs.GetConsumingEnumerable())
        {
            if (_failure is null)
            {
                try
                {
                    _packer.Do(in job);
                }
                catch (Exception e)
                {
                    _failure = ExceptionDispatchInfo.Capture(e);
                }
            }

            if (job.Bytes is { Length: Piece.Bytes } buffer && job.Kind == CheckpointJobKind.Piece)
            {
                _spare.Add(buffer);
            }

            if (job.Kind == CheckpointJobKind.End)
            {
                Interlocked.Decrement(ref _underWay);
            }
        }
    }
}
