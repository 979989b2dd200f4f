// Whole runs of the small seed experiment while others send datagrams to sockets of the blade.
using ClusterSwap.Blades.Actors;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Blades.Tests.Scenarios;
using ClusterSwap.Engine;

namespace ClusterSwap.Blades.Tests.Net;

public sealed class BackgroundRunTests
{
    private const long SecondNs = 1_000_000_000;

    private static readonly string[] Traffic =
    [
        "blade.background.bystanders=16",
        "blade.background.stalled_readers=8",
        "blade.background.packets_per_second=2000",
    ];

    [Fact]
    public void With_the_patches_the_run_completes_beside_two_thousand_datagrams_a_second()
    {
        var report = new BladeRunner { InvariantInterval = 1 }.Run(RequestOf("swapnbd"), CancellationToken.None);
        Assert.Equal(Verdict.Completed, report.Verdict);
        var net = report.Blades[0].NetStat.ToDictionary(pair => pair.Key, pair => pair.Value);
        Assert.True(net["UdpInDatagrams"] > 0 && net["UdpRcvbufErrors"] > 0);
    }

    [Fact]
    public void Without_the_patches_it_hangs()
    {
        var report = new BladeRunner { InvariantInterval = 1 }.Run(
            RequestOf("vanilla", "hang_after=20 s"), CancellationToken.None);
        Assert.True(
            report.Verdict is Verdict.Deadlock or Verdict.Livelock or Verdict.Starvation, $"it ended {report.Verdict}");
    }

    [Fact]
    public void Two_runs_are_equal_and_so_is_one_that_was_written_out_and_restored_in_between()
    {
        var scenario = RequestOf("swapnbd").Scenario;
        using var first = ClusterBuilder.Build(scenario, 7);
        using var second = ClusterBuilder.Build(scenario, 7);
        using var restored = ClusterBuilder.Build(scenario, 7);
        var checkpoint = new MemoryStream();
        var expected = first.Simulation.Run(Until(3 * SecondNs));
        second.Simulation.Run(Until(2 * SecondNs));
        second.Simulation.Checkpoint(checkpoint);
        checkpoint.Position = 0;
        restored.Simulation.Restore(checkpoint);
        Assert.Equal(expected.Fingerprint, second.Simulation.Run(Until(3 * SecondNs)).Fingerprint);
        Assert.Equal(expected.Fingerprint, restored.Simulation.Run(Until(3 * SecondNs)).Fingerprint);
        var sockets = BladeActors.Bystanders(first.Blades[0].Spec.Processes);
        Assert.Equal(
            first.Simulation.Actor<Bystander>(first.Blades[0].Host, sockets).Inspect.Read,
            restored.Simulation.Actor<Bystander>(restored.Blades[0].Host, sockets).Inspect.Read);
    }

    [Fact]
    public void A_source_sends_at_its_rate_and_gives_each_socket_its_turn()
    {
        var scenario = RequestOf("swapnbd", "blade.background.packets_per_second=3333").Scenario;
        using var cluster = ClusterBuilder.Build(scenario, 3);
        cluster.Simulation.Run(Until(2 * SecondNs));
        var source = cluster.Simulation.Actor<TrafficSource>(cluster.Simulation.HostCount - 1, 0).Inspect;
        Assert.Equal(6_666, source.Sent);
        Assert.InRange(source.PhaseNs, 0, SecondNs / 3_333);
    }

    [Fact]
    public void Without_datagrams_there_is_no_source_and_without_sockets_no_holder()
    {
        var quiet = RequestOf("swapnbd", "blade.background.packets_per_second=0").Scenario;
        using var cluster = ClusterBuilder.Build(quiet, 1);
        Assert.Equal(2, cluster.Simulation.HostCount);
        var alone = RequestOf(
            "swapnbd",
            "blade.background.packets_per_second=0",
            "blade.background.bystanders=0",
            "blade.background.stalled_readers=0").Scenario;
        using var without = ClusterBuilder.Build(alone, 1);
        Assert.Equal(
            cluster.Simulation.Host(cluster.Blades[0].Host).ActorCount - 1,
            without.Simulation.Host(without.Blades[0].Host).ActorCount);
    }

    private static RunOptions Until(long ns) => new() { UntilNs = ns, InvariantInterval = 1 };

    private static RunRequest RequestOf(string variant, params string[] sets)
    {
        var file = ScenarioFile.Load(Path.Combine(ScenarioFolder.Repository, "config", "quick.toml"));
        return new RunRequest { Scenario = file.Resolve(variant, [.. Traffic, .. sets]), Variant = variant, Seed = 1 };
    }
}
