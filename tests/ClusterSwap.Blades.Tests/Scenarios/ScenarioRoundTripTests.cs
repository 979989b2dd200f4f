// What is written back reads as the same scenario; the repository's own files are clean; the page names every key.
using ClusterSwap.Blades.Runs;
using ClusterSwap.Blades.Scenarios;
using CsCheck;

namespace ClusterSwap.Blades.Tests.Scenarios;

public class ScenarioRoundTripTests
{
    public static TheoryData<string> Configs => new(Directory
        .EnumerateFiles(ConfigFolder, "*.toml", SearchOption.AllDirectories)
        .Select(file => Path.GetRelativePath(ConfigFolder, file))
        .Order(StringComparer.Ordinal));

    private static string ConfigFolder => Path.Combine(ScenarioFolder.Repository, "config");

    private static ScenarioFile Config(string name) => ScenarioFile.Load(Path.Combine(ConfigFolder, name));

    [Theory]
    [MemberData(nameof(Configs))]
    public void Every_config_is_clean_in_every_variant_and_reads_back_as_itself(string name)
    {
        var file = Config(name);
        Assert.NotEmpty(file.Variants);
        foreach (var variant in file.Variants)
        {
            var scenario = file.Resolve(variant);
            var again = ScenarioFile.Parse(scenario.ToToml(), "resolved.toml").Resolve();
            Assert.Equal(variant, scenario.Variant);
            Assert.Equal(Path.GetFileNameWithoutExtension(name), scenario.Name);
            Assert.Equal(scenario, again);
            Assert.Equal(scenario.ToToml(), again.ToToml());
        }
    }

    [Fact]
    public void The_configs_are_the_deployments_they_say()
    {
        var seed = Config("seed.toml").Resolve().Blades[0];
        Assert.Equal((524_288, 2_097_152, 32), (seed.RamPages, seed.MappingPages, seed.Processes));
        var rack = Config("rack.toml").Resolve();
        Assert.Equal((16, 1), (rack.BladeCount, rack.Servers.Count));
        Assert.Equal(10_000_000_000, rack.Servers[0].BandwidthBitsPerSec);
        var racks = Config("racks.toml").Resolve();
        Assert.Equal(["server-1", "server-2", "server-3", "server-4"], racks.Blades.Select(group => group.Server));
        Assert.All(racks.Blades, group =>
            Assert.Equal((8, 65_536, 262_144), (group.Count, group.RamPages, group.MappingPages)));
    }

    [Fact]
    public void Variants_of_the_seed_differ_in_patches_slab_and_access_only()
    {
        var file = Config("seed.toml");
        var seed = file.Resolve();
        foreach (var variant in file.Variants)
        {
            var scenario = file.Resolve(variant);
            var group = scenario.Blades[0];
            var same = group with
            {
                Rules = seed.Blades[0].Rules,
                Slab = seed.Blades[0].Slab,
                Access = AccessMode.Write,
            };
            Assert.Equal(seed.Blades[0], same);
            Assert.Equal(variant.StartsWith("vanilla"), group.Rules.Patches == Kernel.PatchSet.None);
            Assert.Equal(variant.Contains("slab"), group.Slab == ScenarioSlab.Slab);
            Assert.Equal(variant.EndsWith("read"), group.Access == AccessMode.Read);
        }
    }

    [Fact]
    public void Any_values_are_read_back() => Gen
        .Select(
            Gen.Int[1, 16], Gen.Long[1, 1L << 28], Gen.Long[1, 1_000_000_000], Gen.UInt[0, 0xFFFF],
            Gen.Long[0, long.MaxValue])
        .Sample((cpus, swap, latency, patches, seed) =>
        {
            var scenario = ScenarioFile.Parse(ScenarioFolder.Small, "x.toml").Resolve();
            var changed = scenario with
            {
                Seed = (ulong)seed,
                Description = $"\"quoted\" \\ {(char)(cpus % 32)} ü {seed}",
                Blades = new FixedList<BladeGroup>([scenario.Blades[0] with
                {
                    Cpus = cpus,
                    SwapPages = Math.Max(swap, 77_240),
                    Rules = scenario.Blades[0].Rules with { Patches = new Kernel.PatchSet(patches) },
                    Link = scenario.Blades[0].Link with { LatencyNs = latency },
                    MinFreeKbytes = cpus % 2 == 0 ? null : cpus,
                }]),
            };
            return ScenarioFile.Parse(changed.ToToml(), "resolved.toml").Resolve() == changed;
        }, iter: 300);

    [Fact]
    public void Assertions_are_read_back()
    {
        var text = ScenarioFolder.Small + """
            [expect]
            verdict = "!= deadlock"
            min_free_pages = ">= 12"
            elapsed = "<= 30 min"
            [expect.vmstat]
            pswpin = "> 1"
            oom_kill = 0
            [expect.netstat]
            TCPTimeouts = "< 5"
            """;
        var scenario = ScenarioFile.Parse(text, "x.toml").Resolve();
        Assert.Equal(
            ["verdict != deadlock", "min_free_pages >= 12", "elapsed <= 30 min", "vmstat.pswpin > 1",
             "vmstat.oom_kill = 0", "netstat.TCPTimeouts < 5"],
            scenario.Assertions.Select(assertion => assertion.ToString()));
        Assert.Equal(scenario, ScenarioFile.Parse(scenario.ToToml(), "resolved.toml").Resolve());
    }

    [Fact]
    public void The_page_on_the_format_names_every_key_and_its_default()
    {
        var page = File.ReadAllText(Path.Combine(ScenarioFolder.Repository, "docs", "scenario-format.md"));
        var missing = new List<string>();
        foreach (var (path, _, value) in ScenarioKeys.All())
        {
            // Keys of blades.NAME are those of blade, and are told there.
            var common = path.Replace("blades.NAME.count", "blades.NAME.count!").Replace("blades.NAME.", "blade.")
                .Replace("servers.NAME.bandwidth", "servers.NAME.bandwidth!").Replace("servers.NAME.", "server.");
            common = common.EndsWith('!') ? path : common;
            var row = value is null or "" ? $"| `{common}` |" : $"| `{common}` | `{value}` |";
            if (!page.Contains(row))
            {
                missing.Add(row);
            }
        }

        Assert.Empty(missing.Distinct());
    }

    [Fact]
    public void An_assertion_is_judged_on_all_blades()
    {
        static BladeReport Blade(string name, long free, long swapped) => new()
        {
            Name = name,
            UserNs = 0,
            SystemNs = 0,
            ElapsedNs = 0,
            MinFreePages = free,
            WatermarkMin = 0,
            WatermarkLow = 0,
            WatermarkHigh = 0,
            VmStat = [new("pswpin", swapped)],
        };
        var report = new RunReport
        {
            Verdict = Verdict.Completed,
            Fingerprint = "0",
            VirtualNs = 5,
            Messages = 0,
            Events = 0,
            Blades = [Blade("a", 10, 3), Blade("b", 4, 5)],
        };
        AssertionOutcome Judge(AssertionSubject subject, string counter, Comparison comparison, long value) =>
            new Assertion(subject, counter, comparison, value).Judge(report);

        Assert.Equal(new AssertionOutcome("min_free_pages >= 5", false, "4"),
            Judge(AssertionSubject.MinFreePages, "", Comparison.AtLeast, 5));
        Assert.Equal(new AssertionOutcome("vmstat.pswpin = 8", true, "8"),
            Judge(AssertionSubject.VmStat, "pswpin", Comparison.Equal, 8));
        Assert.Equal(new AssertionOutcome("netstat.TCPTimeouts = 0", false, "no such counter in the report"),
            Judge(AssertionSubject.NetStat, "TCPTimeouts", Comparison.Equal, 0));
        Assert.True(Judge(AssertionSubject.Verdict, "", Comparison.NotEqual, (long)Verdict.Deadlock).Holds);
        Assert.True(Judge(AssertionSubject.ElapsedNs, "", Comparison.Less, 6).Holds);
    }
}
