// The runs that the predictions are read from: the study's blade in trouble, each set of patches run once.
using System.Collections.Concurrent;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Blades.Tests.Scenarios;

namespace ClusterSwap.Blades.Tests.Patches;

/// <summary>Reports of runs that several tests look at; each is made once.</summary>
public static class PatchRuns
{
    /// <summary>The setting in which ordinary tasks meet the throttle: one CPU, little reserve, no foreign
    /// traffic.</summary>
    public static readonly string[] Throttling =
    [
        "blade.background.packets_per_second=0", "blade.cpus=1", "blade.processes_per_cpu=32", "blade.min_free_kbytes=512",
    ];

    /// <summary>Seeds of what single runs do not show firmly.</summary>
    public static readonly ulong[] Seeds = [1, 2, 3, 4];

    private static readonly ConcurrentDictionary<string, Lazy<Observed>> Made = new();

    /// <summary>The study's blade with all patches.</summary>
    public static Observed All(ulong seed = 1, params string[] sets) => Run("base", seed, sets);

    /// <summary>The study's blade with all patches but one.</summary>
    public static Observed AllBut(int patch, ulong seed = 1, params string[] sets) => Run($"all-but-{patch}", seed, sets);

    private static Observed Run(string variant, ulong seed, string[] sets) => Made.GetOrAdd(
        $"{variant} {seed} {string.Join(' ', sets)}", _ => new Lazy<Observed>(() => Make(variant, seed, sets))).Value;

    private static Observed Make(string variant, ulong seed, string[] sets)
    {
        var file = ScenarioFile.Load(
            Path.Combine(ScenarioFolder.Repository, "config", "studies", "which-patch.toml"));
        var request = new RunRequest { Scenario = file.Resolve(variant, sets), Variant = variant, Seed = seed };
        return new Observed(new BladeRunner { InvariantInterval = 1 }.Run(request, CancellationToken.None));
    }
}

/// <summary>What a run of one blade shows.</summary>
public sealed class Observed(RunReport report)
{
    private readonly Dictionary<string, long> _counters = report.Blades[0].VmStat.Concat(report.Blades[0].NetStat)
        .ToDictionary(counter => counter.Key, counter => counter.Value);

    /// <summary>Hash of all that happened.</summary>
    public string Fingerprint => report.Fingerprint;

    /// <summary>All work was done.</summary>
    public bool Completed => report.Verdict == Verdict.Completed;

    /// <summary>The blade stands still.</summary>
    public bool Hung => report.Verdict is Verdict.Deadlock or Verdict.Livelock or Verdict.Starvation;

    /// <summary>Virtual time until all work was done or the run was given up, ns.</summary>
    public long ElapsedNs => report.Blades[0].ElapsedNs;

    /// <summary>A counter by its name.</summary>
    public long this[string counter] => _counters[counter];
}
