// The scenario of the tests that run on nodes.
using ClusterSwap.Blades.Runs;
using ClusterSwap.Blades.Scenarios;

namespace ClusterSwap.Cluster.Tests;

/// <summary>
/// Two racks of one blade each that hear from one machine 20 ms away: three partitions with windows between them,
/// fourteen barriers, and about a second of work on one core.
/// </summary>
internal static class TwoRacks
{
    private const string Text = """
        name = "two-racks"
        barrier_interval = "100 ms"
        [blade]
        passes = 1
        [blade.background]
        tcp_streams = 2
        tcp_messages_per_second = 400
        tcp_from = "files"
        tcp_distance = "20 ms"
        [blades]
        blade = false
        [servers]
        server = false
        [blades.rack-1]
        count = 1
        server = "server-1"
        [blades.rack-2]
        count = 1
        server = "server-2"
        [servers.server-1]
        bandwidth = "1 Gbit/s"
        [servers.server-2]
        bandwidth = "1 Gbit/s"
        """;

    private static readonly Lazy<RunReport> s_alone = new(() => new BladeRunner().Run(Request(), CancellationToken.None));

    /// <summary>What one thread makes of it.</summary>
    public static RunReport Alone => s_alone.Value;

    /// <summary>The scenario as a file of a folder; its path.</summary>
    public static string WriteTo(string folder)
    {
        string path = Path.Combine(folder, "two.toml");
        File.WriteAllText(path, FullText);
        return path;
    }

    /// <summary>The scenario as a run.</summary>
    public static RunRequest Request()
    {
        Scenario scenario = ScenarioFile.Parse(FullText, Path.Combine(Programs.Repository, "two.toml")).Resolve();
        return new RunRequest { Scenario = scenario, Variant = scenario.Variant, Seed = scenario.Seed };
    }

    /// <summary>A run that may have had any way came to what one thread comes to.</summary>
    public static void AssertAsAlone(RunReport report)
    {
        Assert.Equal(
            (Alone.Verdict, Alone.Fingerprint, Alone.VirtualNs, Alone.Messages, Alone.Events),
            (report.Verdict, report.Fingerprint, report.VirtualNs, report.Messages, report.Events));
        Assert.Equal(CountersOf(Alone), CountersOf(report));
    }

    private static string FullText
        => $"extends = \"{Path.Combine(Programs.Repository, "config", "quick.toml")}\"\n{Text}";

    private static IEnumerable<(string Blade, string Name, long Value)> CountersOf(RunReport report) =>
        report.Blades.SelectMany(blade => blade.VmStat.Concat(blade.NetStat)
            .Select(counter => (blade.Name, counter.Key, counter.Value)));
}
