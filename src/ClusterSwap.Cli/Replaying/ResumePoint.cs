// Where a run that was killed goes on.
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Cli.Runs;
using ClusterSwap.Engine;
using ClusterSwap.Journal;

namespace ClusterSwap.Cli.Replaying;

/// <summary>What is needed to go on with a run.</summary>
internal sealed record ResumePoint
{
    /// <summary>The run.</summary>
    public required string RunId { get; init; }

    /// <summary>Its folder; null when it has none here.</summary>
    public string? Folder { get; init; }

    /// <summary>Its scenario, with the seed of the run.</summary>
    public required Scenario Scenario { get; init; }

    /// <summary>The last checkpoint; null for the beginning.</summary>
    public CheckpointAssembly? Checkpoint { get; init; }

    /// <summary>The epoch that the journal goes on with.</summary>
    public int Epoch { get; init; } = 1;

    /// <summary>What is recorded.</summary>
    public JournalLevel Level { get; init; } = JournalLevel.Decisions;

    /// <summary>Virtual time to stop at, ns; null for the end of the run.</summary>
    public long? UntilNs { get; init; }

    /// <summary>The command that repeats the whole run; empty when it is not known.</summary>
    public string Command { get; init; } = "";

    /// <summary>Damage of the journal behind the checkpoint, which counts no more when the run has gone on; null
    /// without.</summary>
    public JournalDamageException? Damage { get; init; }

    /// <summary>The last checkpoint of a run; the beginning, if it was killed before its journal had
    /// anything.</summary>
    /// <exception cref="UsageException">There is nothing to resume.</exception>
    /// <exception cref="JournalDamageException">The journal is damaged where it is needed.</exception>
    public static ResumePoint Of(RunCatalogue catalogue, string name)
    {
        var (runId, folder) = catalogue.IdAndFolder(name);
        var store = catalogue.StoreOf(runId, folder);
        var isNew = store is null ? !RunEntry.HasEnded(folder) : !RunCatalogue.HasStreams(store, runId);
        if (folder is not null && isNew)
        {
            var file = ScenarioFile.Load(Path.Combine(folder, "scenario.toml"));
            return new ResumePoint { RunId = runId, Folder = folder, Scenario = file.Resolve() };
        }

        // One process at a time has the journal's file: it is closed again before the run writes.
        using var run = JournalledRun.Open(catalogue, name);
        return Of(run);
    }

    private static ResumePoint Of(JournalledRun run)
    {
        var reader = run.Reader;
        // A run that was killed between the journal's end and its summary is made to end again.
        if (reader.End is { } end && end.Verdict != "interrupted" && (run.Folder is null || RunEntry.HasEnded(run.Folder)))
        {
            throw new UsageException(
                $"--resume: run {run.RunId} has ended ({end.Verdict}, fingerprint {end.Fingerprint}): there is nothing to go on with");
        }

        var header = reader.Header;
        if (header.Build != Verification.Build)
        {
            throw new UsageException(
                $"--resume: run {run.RunId} was begun by another build, {header.Program} ({header.Build}); this is "
                + $"{Invocation.Version} ({Verification.Build}). Resume it with that one, for a run of two builds is none. "
                + "Whether this build does the same: replay --verify.");
        }

        return new ResumePoint
        {
            RunId = run.RunId,
            Folder = run.Folder,
            Scenario = run.Scenario,
            Checkpoint = LastWhole(reader),
            Epoch = reader.LastEpoch + 1,
            Level = header.Level == "all" ? JournalLevel.All : JournalLevel.Decisions,
            UntilNs = header.UntilNs,
            Command = header.Command,
            Damage = reader.Damage,
        };
    }

    // The last checkpoint before which nothing is lost; null for the beginning of the run.
    private static CheckpointAssembly? LastWhole(IJournalReader reader)
    {
        reader.Check();
        var checkpoints = new JournalCheckpoints(reader);
        var place = checkpoints.TimesNs.Count - 1;
        CheckpointAssembly? last = null;
        while (place >= 0 && (checkpoints.TimesNs[place] > reader.WholeToNs || (last = checkpoints.Load(place)) is null))
        {
            place--;
        }

        return last;
    }
}
