// What a series of checkpoints hands over, and to whom.
namespace ClusterSwap.Engine;

/// <summary>
/// A piece of a checkpoint as it is stored: some 64 KiB, compressed, complete in itself. A checkpoint is all parts of
/// its number up to the one that says it is the last; a run that ended in between has one that is never used.
/// </summary>
/// <param name="Number">Number of the checkpoint in its series.</param>
/// <param name="TimeNs">The barrier that it stands at, ns of virtual time.</param>
/// <param name="Full">It needs no earlier one. Others need all since the last full one, in order.</param>
/// <param name="Ordinal">Number of the part in its checkpoint, from 0.</param>
/// <param name="Last">The checkpoint is complete with this part.</param>
/// <param name="Bytes">What to store; valid during the call only.</param>
public readonly record struct CheckpointPart(
    int Number, long TimeNs, bool Full, int Ordinal, bool Last, ReadOnlyMemory<byte> Bytes);

/// <summary>Where the parts of checkpoints go.</summary>
public interface ICheckpointSink
{
    /// <summary>
    /// Takes a part, in order. Called on a thread of the series; it may wait, and then fewer checkpoints are taken.
    /// What it throws ends the series, and is thrown to the run at its next barrier.
    /// </summary>
    void Write(in CheckpointPart part);
}

/// <summary>When checkpoints are taken. Nothing here has an effect on what happens in the run.</summary>
public sealed record CheckpointOptions
{
    /// <summary>
    /// CPU time used between two checkpoints if nothing else is said, ns. Who goes on from one runs code that is not
    /// compiled well yet, half as fast again: any moment is reached in about a second.
    /// </summary>
    public const long DefaultSpacingNs = 750_000_000;

    /// <summary>
    /// CPU time that the process has used, or better that its simulation has (<see cref="SimulationTime"/>), ns. It decides
    /// only which barriers get a checkpoint. Null: a checkpoint at every barrier that is asked for.
    /// </summary>
    public Func<long>? CpuNs { get; init; }

    /// <summary>CPU time between two checkpoints, ns; 0 takes one at every barrier.</summary>
    public long SpacingNs { get; init; } = DefaultSpacingNs;

    /// <summary>
    /// The time between two is at least so many times what the last one took, so that their share of the run has a
    /// bound. What it took is measured at the barrier, with all that other threads did meanwhile.
    /// </summary>
    public int CostMultiple { get; init; } = 10;

    /// <summary>Every so many checkpoints one is full; 1 or more.</summary>
    public int FullEvery { get; init; } = 16;

    /// <summary>Number of the first one: not 0 when a run goes on that has some already.</summary>
    public int FirstNumber { get; init; }
}

/// <summary>What a series of checkpoints did.</summary>
public sealed record CheckpointStatistics
{
    /// <summary>Checkpoints taken.</summary>
    public int Taken { get; internal set; }

    /// <summary>Those of them that were full.</summary>
    public int Full { get; internal set; }

    /// <summary>Barriers at which one was due and the last was not stored yet.</summary>
    public int Skipped { get; internal set; }

    /// <summary>Bytes of state looked at.</summary>
    public long StateBytes { get; internal set; }

    /// <summary>Bytes that had changed since the checkpoint before.</summary>
    public long ChangedBytes { get; internal set; }

    /// <summary>Bytes handed over, compressed.</summary>
    public long StoredBytes { get; internal set; }

    /// <summary>CPU time spent at barriers, ns, as <see cref="CheckpointOptions.CpuNs"/> counts it; 0 without
    /// it.</summary>
    public long CpuNs { get; internal set; }
}
