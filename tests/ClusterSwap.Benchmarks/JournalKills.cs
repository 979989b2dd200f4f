// Runs killed at moments spread over the whole of them, on both databases.
using ClusterSwap.Cli.Tests.Replaying;
using ClusterSwap.Journal.Tests;

namespace ClusterSwap.Benchmarks;

/// <summary>
/// Kills a recorded run again and again with SIGKILL, each time at another moment, and resumes it. The run is cut into as
/// many stretches of equal numbers of rows as there are kills, and each is killed at a random moment of its own stretch.
/// </summary>
public static class JournalKills
{
    // A row comes every 10 ms or so.
    private const long LongestDelayMs = 40;

    // A run may end before its kill comes: then it is tried again, so often.
    private const int TriesMost = 10;

    /// <summary>Prints a line for each database; 1 when a single thing was not as it must be.</summary>
    public static int Run(int kills, ulong seed, string? store)
    {
        int wrong = store is null or "sqlite" ? Run("SQLite", null, kills, seed) : 0;
        if (store is null or "postgres")
        {
            using var server = new PrivatePostgres();
            wrong += Run("PostgreSQL", server.ConnectionString(), kills, seed + 1);
        }

        return wrong == 0 ? 0 : 1;
    }

    private static int Run(string name, string? connection, int kills, ulong seed)
    {
        var random = new Random((int)seed);
        var outcomes = new List<KillOutcome>();
        int tooLate = 0;
        using (var run = new KilledRun(Path.Combine(Scenarios.Folder, "quick.toml"), connection))
        {
            long all = run.Rows;
            for (int i = 0; i < kills; i++)
            {
                KillOutcome outcome;
                int tries = 0;
                do
                {
                    double share = (i + random.NextDouble()) / kills;
                    var later = TimeSpan.FromMilliseconds(random.NextInt64(LongestDelayMs));
                    // The first few are killed as soon as their folder is there: before the journal has begun.
                    bool atOnce = i < kills / 16;
                    outcome = run.Kill(
                        $"kill-{i}-{tries}", atOnce ? 0 : (long)(share * all), atOnce ? TimeSpan.Zero : later);
                    string what = outcome.Wrong.Count == 0 ? "" : ": " + string.Join("; ", outcome.Wrong);
                    Console.WriteLine(
                        $"{name}, kill {i}, {outcome.Rows} of {run.Rows} rows seen: {WordOf(outcome.From)}{what}");
                    if (outcome.From == ResumedFrom.Ended)
                    {
                        // Rows are written once a second too: a quicker run has fewer of them.
                        tooLate++;
                        all = Math.Min(all, outcome.Rows);
                    }
                }
                while (outcome.From == ResumedFrom.Ended && outcome.Wrong.Count == 0 && ++tries < TriesMost);
                outcomes.Add(outcome);
            }
        }

        int good = outcomes.Count(outcome => outcome.Wrong.Count == 0 && outcome.From != ResumedFrom.Ended);
        int From(ResumedFrom from) => outcomes.Count(outcome => outcome.From == from);
        Console.WriteLine(
            $"{name}: {kills} kills, {good} ended with the fingerprint and all events of the run that was not killed; resumed "
            + $"from a checkpoint {From(ResumedFrom.Checkpoint)}, from the header {From(ResumedFrom.Header)}, from nothing "
            + $"{From(ResumedFrom.Nothing)}; {tooLate} more came too late; rows seen before the kill "
            + $"{outcomes.Sum(outcome => outcome.Rows):N0}, lost {outcomes.Sum(outcome => outcome.RowsLost)}; events left by the "
            + $"killed {outcomes.Sum(outcome => outcome.Events):N0}");
        return kills - good;
    }

    private static string WordOf(ResumedFrom from) => from switch
    {
        ResumedFrom.Nothing => "resumed from nothing",
        ResumedFrom.Header => "resumed from the header",
        ResumedFrom.Checkpoint => "resumed from a checkpoint",
        _ => "it had ended",
    };
}
