// Who keeps what happens in a run.
using Barrier = ClusterSwap.Engine.Barrier;

namespace ClusterSwap.Blades.Runs;

/// <summary>
/// Records a run: its decisions, its messages, digests and checkpoints at barriers, its verdict. It listens only; the
/// run is the same with it and without.
/// </summary>
public interface IRunRecorder
{
    /// <summary>
    /// Called once, at the barrier that the run starts from: attaches what listens. Each partition, a list of host ids,
    /// is run by one thread at a time.
    /// </summary>
    void Begin(Cluster cluster, RunRequest request, IReadOnlyList<int[]> partitions);

    /// <summary>Called at each barrier, with all hosts at rest.</summary>
    void OnBarrier(Barrier barrier);

    /// <summary>
    /// Keeps the state of the whole run at a barrier, whatever these bytes are. They are copied before it returns.
    /// </summary>
    void AppendCheckpoint(long barrierNs, ReadOnlyMemory<byte> state);

    /// <summary>Called once, when the run has ended in a verdict; not when it broke.</summary>
    void End(RunReport report);
}
