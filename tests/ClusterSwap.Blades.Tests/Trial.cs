// Small clusters for tests: built in this process, watched from barrier to barrier.
using System.Globalization;
using ClusterSwap.Blades.Actors;
using ClusterSwap.Blades.Monitors;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Blades.Tests.Scenarios;
using ClusterSwap.Engine;
using ClusterSwap.Kernel;

namespace ClusterSwap.Blades.Tests;

/// <summary>A run of a small cluster that a test can stop at any barrier.</summary>
internal sealed class Trial : IDisposable
{
    /// <summary>A second of virtual time.</summary>
    public const long Second = 1_000_000_000;

    /// <summary>A barrier every tenth of a second: many states to look at.</summary>
    public const string ManyBarriers = "barrier_interval=100 ms";

    /// <summary>The workload of the quick scenario, half as long.</summary>
    public const string OnePass = "blade.passes=1";

    private const long StallNs = 20 * Second;

    public Trial(Scenario scenario, ulong seed = 1, ScheduleStrategy? strategy = null) =>
        Cluster = ClusterBuilder.Build(scenario, seed, strategy);

    /// <summary>The cluster.</summary>
    public Cluster Cluster { get; }

    /// <summary>All processes of all blades have ended.</summary>
    public bool Completed => Cluster.Blades.All(IsDone);

    /// <summary>Hash of all that happened.</summary>
    public string Fingerprint => Cluster.Simulation.Fingerprint.ToString("x32", CultureInfo.InvariantCulture);

    /// <summary>The quick scenario.</summary>
    public static Scenario Quick(string variant, params string[] overrides) => Load("quick.toml", variant, overrides);

    /// <summary>A rack of blades of 20 MiB, a second of work.</summary>
    public static Scenario Rack(int blades, params string[] overrides) => Load(
        "rack.toml", "swapnbd", [$"blades.blade.count={blades}", .. SmallBlades, .. overrides]);

    /// <summary>Four racks of blades of 20 MiB.</summary>
    public static Scenario Racks(int blades, params string[] overrides) => Load(
        "racks.toml",
        "swapnbd",
        [.. Enumerable.Range(1, 4).Select(rack => $"blades.rack-{rack}.count={blades}"), .. SmallBlades, .. overrides]);

    /// <summary>State of a blade.</summary>
    public BladeState Blade(int blade = 0) =>
        Cluster.Simulation.Actor<Blade>(Cluster.Blades[blade].Host, BladeActors.Blade).Inspect;

    /// <summary>State of an NBD device.</summary>
    public NbdDeviceState Nbd(int blade = 0) =>
        Cluster.Simulation.Actor<NbdDevice>(Cluster.Blades[blade].Host, BladeActors.NbdDevice).Inspect;

    /// <summary>Runs until all work is done, nothing has moved for 20 s, or the time is up; checks on the way if
    /// asked.</summary>
    public Trial Run(
        long untilNs = 600 * Second, int threads = 1, IReadOnlyList<int[]>? partitions = null, int checkEvery = 0)
    {
        var barriers = 0;
        Cluster.Simulation.Run(new RunOptions
        {
            UntilNs = untilNs,
            Threads = threads,
            Partitions = partitions,
            InvariantInterval = checkEvery,
            SpinLimit = 10,
            OnBarrier = barrier =>
            {
                if (checkEvery > 0 && ++barriers % checkEvery == 0)
                {
                    Conservation.Check(Cluster);
                }

                return !Completed && !Hangs(barrier.TimeNs);
            },
        });
        return this;
    }

    /// <summary>Nothing has moved on any unfinished blade for 20 s.</summary>
    public bool Hangs(long nowNs) => Enumerable.Range(0, Cluster.Blades.Count)
        .Any(blade => !IsDone(Cluster.Blades[blade]) && nowNs - Blade(blade).ProgressNs >= StallNs);

    /// <summary>A counter, summed over blades.</summary>
    public long Sum(VmCounter counter) =>
        Enumerable.Range(0, Cluster.Blades.Count).Sum(blade => Blade(blade).Memory.Stat[counter]);

    public void Dispose() => Cluster.Dispose();

    private static readonly string[] SmallBlades =
    [
        "blade.ram=20 MiB", "blade.mapping=64 MiB", "blade.swap=192 MiB", "blade.page_cache=2 MiB",
        "blade.kernel_resident=4 MiB", "blade.cpus=2", "blade.processes_per_cpu=2", "blade.passes=1",
        "blade.nic.ring=64",
    ];

    private static Scenario Load(string file, string variant, params string[] overrides) =>
        ScenarioFile.Load(Path.Combine(ScenarioFolder.Repository, "config", file)).Resolve(variant, overrides);

    private bool IsDone(BladePlace blade) => Enumerable.Range(0, blade.Spec.Processes).All(process =>
        Cluster.Simulation.Actor<Process>(blade.Host, BladeActors.Process(process)).Inspect.EndedNs >= 0);
}
