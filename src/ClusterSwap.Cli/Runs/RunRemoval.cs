// Deleting a run, which nobody does but the user.
using ClusterSwap.Journal;

namespace ClusterSwap.Cli.Runs;

/// <summary>Removes what belongs to one run, and nothing else.</summary>
internal static class RunRemoval
{
    // What a run leaves in its folder. Anything else is the user's, and keeps the folder.
    private static readonly string[] s_ours =
    [
        "scenario.toml", RunManifest.FileName, "summary.json", "samples.csv", "clusterswap.log", "journal.db", "journal.db-wal", "journal.db-shm",
        "journal.db-lock",
    ];

    /// <summary>Removes streams of a database, then the folder.</summary>
    /// <exception cref="UsageException">Something cannot be removed.</exception>
    public static void Remove(RunCatalogue catalogue, RunEntry entry)
    {
        try
        {
            using var claim = catalogue.StoreOf(entry.RunId, entry.Folder)?.Claim(entry.RunId);
            catalogue.Database?.Delete(entry.RunId);
            if (entry.Folder is not { } folder)
            {
                return;
            }

            foreach (var name in s_ours)
            {
                File.Delete(Path.Combine(folder, name));
            }

            if (!Directory.EnumerateFileSystemEntries(folder).Any())
            {
                Directory.Delete(folder);
            }

            var latest = Path.Combine(catalogue.RunsDir, "latest");
            if (new FileInfo(latest).LinkTarget == entry.RunId)
            {
                File.Delete(latest);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JournalException)
        {
            throw new UsageException($"run {entry.RunId} could not be deleted entirely: {e.Message.TrimEnd('.')}");
        }
    }
}
