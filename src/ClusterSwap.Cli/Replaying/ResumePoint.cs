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

    /// <summary>The database of its journal; null for the file in its folder.</summary>
    public JournalStore? Database { get; init; }

    /// <summary>CPU time between two checkpoints, ns.</summary>
    public long CheckpointEveryNs { get; init; } = CheckpointOptions.DefaultSpacingNs;

    /// <summary>Virtual time to stop at, ns; null for the end of the run.</summary>
    public long? UntilNs { get; init; }

    /// <summary>The command that repeats the whole run; empty when it is not known.</summary>
    public string Command { get; init; } = "";

    /// <summary>Damage of the journal behind the checkpoint, which counts no more when the run has gone on; null
    /// without.</summary>
    public JournalDamageException? Damage { get; init; }

    /// <summary>The last checkpoint of a run; the beginning, if it was killed before its journal had anything, or if not
    /// even the header of its journal can be read.</summary>
    /// <exception cref="UsageException">There is nothing to resume.</exception>
    /// <exception cref="JournalDamageException">The journal is damaged where it is needed.</exception>
    public static ResumePoint Of(RunCatalogue catalogue, string name)
    {
        var (runId, folder) = catalogue.IdAndFolder(name);
        var store = catalogue.StoreOf(runId, folder);
        var isNew = !RunEntry.HasEnded(folder) && (store is null || !RunCatalogue.HasStreams(store, runId));
        if (folder is not null && isNew)
        {
            return Beginning(catalogue, runId, folder);
        }

        // One process at a time has the journal's file: it is closed again before the run writes.
        try
        {
            using var run = JournalledRun.Open(catalogue, name);
            return Of(run, catalogue.DatabaseOf(store));
        }
        catch (JournalDamageException damage) when (folder is not null && LastEpoch(store!, runId) is { } last)
        {
            return Beginning(catalogue, runId, folder) with { Epoch = last + 1, Damage = damage };
        }
    }

    // As it was asked for, into the store that was asked for.
    private static ResumePoint Beginning(RunCatalogue catalogue, string runId, string folder)
    {
        var manifest = RunManifest.Read(folder);
        if (manifest?.Database is { } wanted && catalogue.Database?.Describe() != wanted)
        {
            throw new UsageException(
                $"--resume: run {runId} was begun with {wanted} for its journal, which has nothing of it yet. Name that in "
                + $"{RunJournal.Variable}, which names {catalogue.Database?.Describe() ?? "none"}, or run it again: clusterswap run "
                + RunOptions.Quote(Path.Combine(folder, "scenario.toml")));
        }

        var file = ScenarioFile.Load(Path.Combine(folder, "scenario.toml"));
        manifest ??= new RunManifest { Database = catalogue.Database?.Describe() };
        return new ResumePoint
        {
            RunId = runId,
            Folder = folder,
            Scenario = file.Resolve(),
            Level = manifest.Level,
            Database = manifest.Database is null ? null : catalogue.Database,
            CheckpointEveryNs = manifest.CheckpointEveryNs,
            UntilNs = manifest.UntilNs,
            Command = manifest.Command,
        };
    }

    // The last epoch that has a row; null when the store cannot tell, and then nothing can be written to it either.
    private static int? LastEpoch(JournalStore store, string runId)
    {
        try
        {
            return store.Streams(runId).Max(stream => (int?)stream.Epoch);
        }
        catch (Exception e) when (e is JournalException or JournalDamageException)
        {
            return null;
        }
    }

    private static ResumePoint Of(JournalledRun run, JournalStore? database)
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
            Database = database,
            CheckpointEveryNs = RunManifest.Read(run.Folder)?.CheckpointEveryNs ?? CheckpointOptions.DefaultSpacingNs,
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
