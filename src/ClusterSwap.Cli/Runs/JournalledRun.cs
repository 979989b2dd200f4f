// A run that was recorded, found by what the user calls it.
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Journal;

namespace ClusterSwap.Cli.Runs;

/// <summary>A run's folder with its open journal.</summary>
internal sealed class JournalledRun : IDisposable
{
    private JournalledRun(string runId, string? folder, IJournalReader reader)
    {
        RunId = runId;
        Folder = folder;
        Reader = reader;
        var text = reader.Header.ScenarioToml;
        File = ScenarioFile.Parse(text, Path.Combine(folder ?? "", "scenario.toml"));
        Scenario = File.Resolve() with { Seed = reader.Header.Seed };
    }

    /// <summary>Its id.</summary>
    public string RunId { get; }

    /// <summary>Its folder; null when it is in a database and has none here.</summary>
    public string? Folder { get; }

    /// <summary>Its journal.</summary>
    public IJournalReader Reader { get; }

    /// <summary>The scenario as it was recorded, as a file that takes overrides.</summary>
    public ScenarioFile File { get; }

    /// <summary>The scenario as it was recorded.</summary>
    public Scenario Scenario { get; }

    /// <summary>The last virtual time, ns, of which the journal knows everything.</summary>
    public long LastNs { get; private init; }

    /// <summary>Opens the journal of a run.</summary>
    /// <exception cref="UsageException">There is no such run, or it has no journal.</exception>
    /// <exception cref="JournalDamageException">Not even the header can be read.</exception>
    public static JournalledRun Open(RunCatalogue catalogue, string name)
    {
        var (runId, folder, store) = catalogue.Find(name);
        IJournalReader reader;
        try
        {
            reader = JournalReader.Open(store, runId, RunEntry.HasEnded(folder));
        }
        catch (JournalException e) when (e.HoldsNothing && folder is not null)
        {
            throw new UsageException(
                $"{e.Message} It was stopped before its journal began. To go on with it: clusterswap replay {name} --resume");
        }
        catch (JournalException e)
        {
            throw new UsageException(e.Message);
        }

        return new JournalledRun(runId, folder, reader) { LastNs = LastOf(reader) };
    }

    /// <inheritdoc/>
    public void Dispose() => Reader.Dispose();

    private static long LastOf(IJournalReader reader)
    {
        if (reader.End is { } end)
        {
            return end.VirtualNs;
        }

        // Of a damaged journal the last checkpoint may lie behind what can be read.
        var fromNs = reader.Checkpoints.Count == 0 || reader.Damage is not null ? 0 : reader.Checkpoints[^1].BarrierNs;
        var lastNs = fromNs;
        try
        {
            foreach (var digest in reader.Digests(fromNs))
            {
                lastNs = digest.TimeNs;
            }
        }
        catch (JournalDamageException)
        {
            // The caller tells of it; what comes before it can be looked at.
        }

        return lastNs;
    }
}
