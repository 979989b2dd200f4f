// A PostgreSQL that stalls while a run is recorded, and the memory that this takes.
using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using ClusterSwap.Journal;
using ClusterSwap.Journal.Tests;
using Npgsql;

namespace ClusterSwap.Benchmarks;

/// <summary>
/// The same run three times in processes of its own: without a journal, with one of every message in PostgreSQL, and with
/// one whose server is stopped with SIGSTOP for a while. What the recorder takes is the difference of their peaks; a part
/// of it is code, of Akka.Persistence.Sql and what that brings along, which a run of 1 ms shows.
/// </summary>
public static class JournalStall
{
    private const int Passes = 16;
    private const long RecorderBytes = 64L * 1024 * 1024;

    // Behind so many rows the server is stopped: well past the start.
    private const long RowsBefore = 30;

    /// <summary>Prints the three peaks; 1 when an event is lost, nothing was told, or 64 MiB do not suffice.</summary>
    public static int Run(TimeSpan stall)
    {
        string folder = Directory.CreateTempSubdirectory("clusterswap-stall-").FullName;
        using var server = new PrivatePostgres();
        try
        {
            long code = Start(folder, "short-recorded", server, null, "--until", "1 ms").Peak
                - Start(folder, "short", null, null, "--until", "1 ms").Peak;
            Result plain = Start(folder, "plain", null, null);
            Result smooth = Start(folder, "smooth", server, null);
            Result stalled = Start(folder, "stalled", server, stall);
            Console.WriteLine(
                $"peak memory: {Mib(plain.Peak)} without a journal, {Mib(smooth.Peak)} with one, {Mib(stalled.Peak)} with a "
                + $"server that was stopped for {stall.TotalSeconds:0} s; wall time {plain.Wall.TotalSeconds:0.0}, "
                + $"{smooth.Wall.TotalSeconds:0.0} and {stalled.Wall.TotalSeconds:0.0} s");
            Console.WriteLine(
                $"the recorder takes {Mib(stalled.Peak - plain.Peak)} (without the stall {Mib(smooth.Peak - plain.Peak)}), "
                + $"{Mib(code)} of it code");
            Console.WriteLine($"told: {stalled.Told.ReplaceLineEndings(" ")}");
            Console.WriteLine(
                $"events in the journal: {smooth.Events:N0} and {stalled.Events:N0}; fingerprints {plain.Fingerprint}, "
                + $"{smooth.Fingerprint}, {stalled.Fingerprint}");
            bool good = stalled.Peak - plain.Peak - code < RecorderBytes && stalled.Told.Contains("waits", StringComparison.Ordinal)
                && stalled.Events == smooth.Events && stalled.Fingerprint == plain.Fingerprint;
            return good ? 0 : 1;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string Mib(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1048576.0:0} MiB");

    private static Result Start(string folder, string name, PrivatePostgres? server, TimeSpan? stall, params string[] more)
    {
        string runs = Path.Combine(folder, name);
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["CLUSTERSWAP_JOURNAL"] = server?.ConnectionString() ?? "";
        string[] args =
        [
            Path.Combine(AppContext.BaseDirectory, "clusterswap.dll"), "run", Path.Combine(Scenarios.Folder, "quick.toml"),
            "--quiet", "--set", $"blade.passes={Passes}", "--journal", server is null ? "off" : "all", "--runs-dir", runs,
            .. more,
        ];
        Array.ForEach(args, start.ArgumentList.Add);
        var clock = Stopwatch.StartNew();
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        long peak = 0;
        TimeSpan? goOnAt = null;
        bool toStall = stall is not null;
        while (!process.HasExited)
        {
            peak = Math.Max(peak, PeakOf(process.Id));
            if (toStall && RowsOf(server!, runs) >= RowsBefore)
            {
                server!.Signal("STOP");
                goOnAt = clock.Elapsed + stall;
                toStall = false;
            }

            if (clock.Elapsed > goOnAt)
            {
                server!.Signal("CONT");
                goOnAt = null;
            }

            Thread.Sleep(20);
        }

        TimeSpan wall = clock.Elapsed;
        string runId = new DirectoryInfo(Path.Combine(runs, "latest")).LinkTarget!;
        string summary = File.ReadAllText(Path.Combine(runs, runId, "summary.json"));
        return new Result(
            peak, wall, error.Result, (string)JsonNode.Parse(summary)!["fingerprint"]!, server is null ? 0 : Events(server, runId));
    }

    private static long Events(PrivatePostgres server, string runId)
    {
        using IJournalReader journal = JournalReader.Open(JournalStore.Postgres(server.ConnectionString()), runId, mustEnd: true);
        return journal.Check() is { } damage ? throw damage : journal.Events(new EventFilter()).LongCount();
    }

    // Rows of the run that is under way; 0 before its first.
    private static long RowsOf(PrivatePostgres server, string runs)
    {
        try
        {
            using var connection = new NpgsqlConnection(server.ConnectionString());
            connection.Open();
            using var command = new NpgsqlCommand("SELECT count(*) FROM journal WHERE persistence_id LIKE @run", connection);
            command.Parameters.AddWithValue("@run", new DirectoryInfo(Path.Combine(runs, "latest")).LinkTarget + "/%");
            return (long)command.ExecuteScalar()!;
        }
        catch (PostgresException)
        {
            return 0;
        }
    }

    // Largest resident size so far, bytes.
    private static long PeakOf(int process)
    {
        try
        {
            string line = File.ReadLines($"/proc/{process}/status").First(text => text.StartsWith("VmHWM:", StringComparison.Ordinal));
            return 1024 * long.Parse(line["VmHWM:".Length..^"kB".Length].Trim(), CultureInfo.InvariantCulture);
        }
        catch (Exception e) when (e is IOException or InvalidOperationException)
        {
            // It has just ended.
            return 0;
        }
    }

    private sealed record Result(long Peak, TimeSpan Wall, string Told, string Fingerprint, long Events);
}
