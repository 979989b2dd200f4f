// Recordings for tests: small runs written to a store, and what is in them.
using System.Runtime.CompilerServices;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Journal;

namespace ClusterSwap.Journal.Tests;

/// <summary>A fresh folder, gone at the end of a test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("clusterswap-").FullName;

    /// <summary>A journal in it.</summary>
    public string Journal => System.IO.Path.Combine(Path, "journal.db");

    public void Dispose() => Directory.Delete(Path, recursive: true);
}

/// <summary>Runs small clusters with a journal.</summary>
internal static class Recordings
{
    /// <summary>Virtual time of a small run, ns: short of its work, 20 barriers.</summary>
    public const long Length = 400_000_000;

    private static readonly string[] SmallBlades =
    [
        "blade.ram=20 MiB", "blade.mapping=64 MiB", "blade.swap=192 MiB", "blade.page_cache=2 MiB",
        "blade.kernel_resident=4 MiB", "blade.cpus=2", "blade.processes_per_cpu=2", "blade.passes=1",
        "blade.nic.ring=64", "barrier_interval=20 ms",
    ];

    /// <summary>Folder of the repository.</summary>
    public static string Repository { get; } = Path.GetFullPath(Path.Combine(Here(), "..", ".."));

    /// <summary>One blade of 20 MiB and its server.</summary>
    public static Scenario Small(params string[] overrides) => Load(
        "rack.toml", ["blades.blade.count=1", .. SmallBlades, .. overrides]);

    /// <summary>Four racks of one such blade: four partitions.</summary>
    public static Scenario Racks() => Load(
        "racks.toml", [.. Enumerable.Range(1, 4).Select(rack => $"blades.rack-{rack}.count=1"), .. SmallBlades]);

    /// <summary>Runs with a recorder, or without one.</summary>
    public static RunReport Run(
        Scenario scenario, IRunRecorder? recorder, long untilNs = Length, int threads = 1, ulong seed = 1)
        => new BladeRunner().Run(Request(scenario, recorder, untilNs, threads, seed), CancellationToken.None);

    /// <summary>Records a run into a store and waits until all is written.</summary>
    public static RunReport Record(
        JournalStore store, JournalLevel level, Scenario? scenario = null, long untilNs = Length, int threads = 1,
        string runId = "trial", int epoch = 1)
    {
        using var recorder = new RunRecorder(store, Options(level, runId, epoch));
        RunReport report = Run(scenario ?? Small(), recorder, untilNs, threads);
        recorder.AwaitWritten();
        return report;
    }

    public static RecordingOptions Options(JournalLevel level, string runId = "trial", int epoch = 1) => new()
    {
        RunId = runId,
        Level = level,
        Epoch = epoch,
        Command = "clusterswap run trial.toml",
        Program = "test",
    };

    public static RunRequest Request(
        Scenario scenario, IRunRecorder? recorder, long untilNs = Length, int threads = 1, ulong seed = 1) => new()
        {
            Scenario = scenario,
            Variant = scenario.Variant,
            Seed = seed,
            Threads = threads,
            UntilNs = untilNs,
            Recorder = recorder,
        };

    private static Scenario Load(string file, IReadOnlyList<string> overrides)
        => ScenarioFile.Load(Path.Combine(Repository, "config", file)).Resolve("swapnbd", [.. overrides]);

    private static string Here([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
