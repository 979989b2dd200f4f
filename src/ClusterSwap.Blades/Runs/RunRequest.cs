// What a run is asked to do, and what it tells while it goes on.
using ClusterSwap.Blades.Scenarios;

namespace ClusterSwap.Blades.Runs;

/// <summary>Runs scenarios.</summary>
public interface IRunner
{
    /// <summary>
    /// Runs to the end, to <see cref="RunRequest.UntilNs"/>, or to the first barrier after a cancellation; the report
    /// of a cancelled run has the verdict <see cref="Verdict.Interrupted"/> and everything up to that barrier.
    /// </summary>
    RunReport Run(RunRequest request, CancellationToken cancel);
}

/// <summary>One run that is wanted.</summary>
public sealed record RunRequest
{
    /// <summary>What to simulate, variant and overrides applied.</summary>
    public required Scenario Scenario { get; init; }

    /// <summary>Name of the variant, for reports only.</summary>
    public required string Variant { get; init; }

    /// <summary>Seed of all random streams; replaces the scenario's.</summary>
    public required ulong Seed { get; init; }

    /// <summary>Threads that run partitions, 1 or more. Never changes the result.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>Virtual time to stop at, ns; null runs to the end.</summary>
    public long? UntilNs { get; init; }

    /// <summary>Called at barriers, on the caller's thread; false stops the run there as interrupted.</summary>
    public Func<RunProgress, bool>? OnProgress { get; init; }

    /// <summary>File for a checkpoint at the first barrier at or after <see cref="CheckpointAtNs"/>.</summary>
    public string? CheckpointFile { get; init; }

    /// <summary>Virtual time of the checkpoint, ns.</summary>
    public long? CheckpointAtNs { get; init; }

    /// <summary>Folder for the /proc and /sys files of every blade; it exists and is empty. Null without.</summary>
    public string? ProcDir { get; init; }

    /// <summary>Virtual time between two moments of those files, ns: a multiple of the barrier interval. The end of the
    /// run is always one.</summary>
    public long ProcEveryNs { get; init; }

    /// <summary>File for trace events; with several blades, a file for each, named after it. Null without.</summary>
    public string? FtraceFile { get; init; }

    /// <summary>Events that are traced, a bit each (<see cref="Kernel.Tracing.TraceEvent"/>).</summary>
    public ulong FtraceEvents { get; init; }

    /// <summary>Who records the run; null without.</summary>
    public IRunRecorder? Recorder { get; init; }

    /// <summary>Checkpoint to go on from.</summary>
    public string? RestoreFile { get; init; }

    /// <summary>Checkpoint of a journal to go on from; null for the beginning.</summary>
    public Engine.CheckpointAssembly? Checkpoint { get; init; }
}

/// <summary>How far a run is, at a barrier.</summary>
/// <param name="VirtualNs">Virtual time, ns.</param>
/// <param name="WorkDone">Page touches of the workload that are done.</param>
/// <param name="WorkTotal">Page touches of the workload in all.</param>
/// <param name="Messages">Messages so far.</param>
/// <param name="Throttled">Direct reclaimers throttled so far.</param>
public readonly record struct RunProgress(
    long VirtualNs, long WorkDone, long WorkTotal, long Messages, long Throttled);
