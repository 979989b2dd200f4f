// A recorded run made again: any moment of it, by way of the last checkpoint before that moment.
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Engine;
using Barrier = ClusterSwap.Engine.Barrier;

namespace ClusterSwap.Blades.Replaying;

/// <summary>The checkpoints of a recorded run, in order of time.</summary>
public interface ICheckpointSource
{
    /// <summary>Virtual times of the checkpoints, ns, ascending; their places are the numbers of
    /// <see cref="Load"/>.</summary>
    IReadOnlyList<long> TimesNs { get; }

    /// <summary>The checkpoint at a place, put together; null when it cannot be had, and the one before it must
    /// serve.</summary>
    CheckpointAssembly? Load(int place);
}

/// <summary>A run that has no checkpoints: every moment is reached from the beginning.</summary>
public sealed class NoCheckpoints : ICheckpointSource
{
    /// <inheritdoc/>
    public IReadOnlyList<long> TimesNs => [];

    /// <inheritdoc/>
    public CheckpointAssembly? Load(int place) => throw new ArgumentOutOfRangeException(nameof(place));
}

/// <summary>
/// One cluster that is moved to moments of a run. A moment is a virtual time: all events before it are done, and none
/// at it. Stopping somewhere changes nothing in what follows.
/// </summary>
public sealed class Reexecution : IDisposable
{
    private readonly Scenario _scenario;
    private readonly ulong _seed;
    private readonly ICheckpointSource _checkpoints;
    private readonly ScheduleStrategy? _strategy;
    private Cluster? _cluster;

    /// <summary>
    /// Makes a run of this scenario and seed again. With another scenario or strategy than the recorded one,
    /// checkpoints are taken over as far as they are data: the run is forked there (<see cref="Forks"/> says what may
    /// differ).
    /// </summary>
    public Reexecution(
        Scenario scenario, ulong seed, ICheckpointSource checkpoints, ScheduleStrategy? strategy = null)
    {
        _scenario = scenario;
        _seed = seed;
        _checkpoints = checkpoints;
        _strategy = strategy;
    }

    /// <summary>The scenario that is run.</summary>
    public Scenario Scenario => _scenario;

    /// <summary>Called for each new cluster, before anything happens in it: attaches what listens.</summary>
    public Action<Cluster>? OnCluster { get; init; }

    /// <summary>The cluster where it stands; it may be another one after each move.</summary>
    public Cluster Cluster => _cluster ?? Begin(-1);

    /// <summary>Where it stands, ns of virtual time.</summary>
    public long TimeNs => Cluster.Simulation.TimeNs;

    /// <summary>Place of the last checkpoint at or before a time; −1 for the beginning of the run.</summary>
    public int CheckpointBefore(long timeNs)
    {
        var place = -1;
        while (place + 1 < _checkpoints.TimesNs.Count && _checkpoints.TimesNs[place + 1] <= timeNs)
        {
            place++;
        }

        return place;
    }

    /// <summary>Moves to a moment: onward if that is the shorter way, else from the last checkpoint before
    /// it.</summary>
    public Cluster GoTo(long timeNs)
    {
        var place = CheckpointBefore(timeNs);
        var fromNs = place < 0 ? 0 : _checkpoints.TimesNs[place];
        if (_cluster is null || TimeNs > timeNs || TimeNs < fromNs)
        {
            Begin(place);
        }

        return RunTo(timeNs);
    }

    /// <summary>Moves to a checkpoint, or with −1 to the beginning. Of a damaged one, to the last before it.</summary>
    public Cluster Begin(int place)
    {
        CheckpointAssembly? checkpoint = null;
        while (place >= 0 && (checkpoint = _checkpoints.Load(place)) is null)
        {
            place--;
        }

        if (_cluster is null || place < 0)
        {
            _cluster?.Dispose();
            _cluster = ClusterBuilder.Build(_scenario, _seed, _strategy);
            OnCluster?.Invoke(_cluster);
        }

        if (checkpoint is not null)
        {
            _cluster.Simulation.Restore(checkpoint, anyStrategy: _strategy is not null);
        }

        return _cluster;
    }

    /// <summary>
    /// Runs on to a moment, ns. The observer is called at barriers of the run only, and ends the move there with false.
    /// </summary>
    public Cluster RunTo(long timeNs, Func<Barrier, bool>? onBarrier = null, int threads = 1)
    {
        var cluster = Cluster;
        if (timeNs > TimeNs)
        {
            cluster.Simulation.Run(new RunOptions
            {
                UntilNs = timeNs,
                Threads = threads,
                InvariantInterval = 0,
                OnBarrier = barrier => onBarrier is null
                    || barrier.TimeNs % _scenario.BarrierIntervalNs != 0
                    || onBarrier(barrier),
            });
        }

        return cluster;
    }

    /// <inheritdoc/>
    public void Dispose() => _cluster?.Dispose();
}
