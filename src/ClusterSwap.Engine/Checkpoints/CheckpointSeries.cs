// Checkpoints while a run goes on: the run writes its state into buffers, another thread stores what changed.
using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;

namespace ClusterSwap.Engine;

/// <summary>
/// The checkpoints of one run, one after another. At a barrier the state of each host is written into a reused buffer,
/// at the speed of copying; a thread of the series then has the buffers until it has cut them into pieces, compressed
/// those that changed since the checkpoint before, and given them to the sink. Has no effect on what happens in the
/// run. Used by the thread of the run only.
/// </summary>
public sealed class CheckpointSeries : IDisposable
{
    private readonly Simulation _simulation;
    private readonly CheckpointOptions _options;
    private readonly StateWriter[] _states;
    private readonly BlockingCollection<CheckpointJob> _jobs = [];
    private readonly ManualResetEventSlim _stored = new(initialState: true);
    private readonly CheckpointPacker _packer;
    private readonly Thread _thread;
    private int _number;
    private int _taken;
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
        _states = new StateWriter[simulation.HostCount];
        for (int i = 0; i < _states.Length; i++)
        {
            _states[i] = new StateWriter(capacity: 0);
        }

        _lastCpuNs = options.CpuNs?.Invoke() ?? 0;
        _packer = new CheckpointPacker(simulation.HostCount, sink, Statistics);
        _thread = new Thread(Store) { IsBackground = true, Name = "checkpoints" };
        _thread.Start();
    }

    /// <summary>What was done so far. Bytes are counted by the other thread: exact after <see cref="Dispose"/>.</summary>
    public CheckpointStatistics Statistics { get; } = new();

    /// <summary>Whether the last checkpoint is not stored yet.</summary>
    internal bool UnderWay => !_stored.IsSet;

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

    /// <summary>Takes a checkpoint now, whether or not one is due. It waits until the last one is stored.</summary>
    public void Take()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _stored.Wait();
        _failure?.Throw();
        long beganNs = _options.CpuNs?.Invoke() ?? 0;
        bool full = _taken % _options.FullEvery == 0;
        if (_taken == 0)
        {
            MakeRoom();
        }

        foreach (HostContext host in _simulation.Hosts)
        {
            if (host.IsLocal)
            {
                StateWriter state = _states[host.HostId];
                state.Clear();
                host.Save(state);
            }
        }

        var head = new StateWriter();
        _simulation.WriteTopology(head);
        head.Int64(_simulation.TimeNs);
        head.Int64(_simulation.HostCount);
        _stored.Reset();
        _jobs.Add(new CheckpointJob(_number, _simulation.TimeNs, full, head.Written.ToArray()));
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
            _stored.Dispose();
            _packer.Dispose();
        }
    }

    // All hosts are counted with one buffer, which grows to the largest array. The largest state that it is enough for
    // takes it over; where it would be too large, it is let go.
    private void MakeRoom()
    {
        var counting = new StateWriter();
        var needs = new List<(int Host, long Bytes)>();
        foreach (HostContext host in _simulation.Hosts)
        {
            if (host.IsLocal)
            {
                counting.Measure();
                host.Save(counting);
                needs.Add((host.HostId, counting.Measured));
            }
        }

        bool isSpent = false;
        foreach ((int host, long bytes) in needs.OrderByDescending(need => need.Bytes))
        {
            isSpent = _states[host].MakeRoom(bytes, isSpent ? null : counting) || isSpent;
        }
    }

    private void Store()
    {
        foreach (CheckpointJob job in _jobs.GetConsumingEnumerable())
        {
            try
            {
                _packer.Pack(in job, _states);
            }
            catch (Exception e)
            {
                // The run gets it at its next barrier, and takes no more.
                _failure = ExceptionDispatchInfo.Capture(e);
            }

            _stored.Set();
        }
    }
}
