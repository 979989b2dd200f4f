// Runs killed at random moments, on both databases.
using ClusterSwap.Cli.Tests.Replaying;
using ClusterSwap.Journal.Tests;

namespace ClusterSwap.Benchmarks;

/// <summary>Kills a recorded run again and again with SIGKILL, each time at another moment, and resumes it.</summary>
public static class JournalKills
{
    private const long LongestDelayMs = 40;

    /// <summary>Prints a line for each database; 1 when a single thing was not as it must be.</summary>
    public static int Run(int kills, ulong seed)
    {
        using var server = new PrivatePostgres();
        int wrong = Run("SQLite", null, kills, seed);
        return wrong + Run("PostgreSQL", server.ConnectionString(), kills, seed + 1) == 0 ? 0 : 1;
    }

    private static int Run(string name, string? connection, int kills, ulong seed)
    {
        var random = new Random((int)seed);
        var outcomes = new List<KillOutcome>();
        using (var run = new KilledRun(Path.Combine(Scenarios.Folder, "quick.toml"), connection))
        {
            for (int i = 0; i < kills; i++)
            {
                long rows = random.NextInt64(run.Rows);
                KillOutcome outcome = run.Kill($"kill-{i}", rows, TimeSpan.FromMilliseconds(random.NextInt64(LongestDelayMs)));
                outcomes.Add(outcome);
                foreach (string text in outcome.Wrong)
                {
                    Console.WriteLine($"{name}, kill {i} at row {rows} of {run.Rows}: {text}");
                }
            }
        }

        int good = outcomes.Count(outcome => outcome.Wrong.Count == 0);
        Console.WriteLine(
            $"{name}: {kills} kills, {outcomes.Count(outcome => !outcome.Ended && outcome.Checkpoints > 0)} behind the first "
            + $"checkpoint, {outcomes.Count(outcome => outcome.Ended)} too late; {good} ended with the fingerprint and all events "
            + $"of the run that was not killed; rows seen before the kill {outcomes.Sum(outcome => outcome.Rows):N0}, lost "
            + $"{outcomes.Sum(outcome => outcome.RowsLost)}; events left by the killed {outcomes.Sum(outcome => outcome.Events):N0}");
        return kills - good;
    }
}
