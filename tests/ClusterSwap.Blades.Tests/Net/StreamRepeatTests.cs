// Runs with streams repeat themselves: on any number of threads, from a checkpoint, with either way of sending
// requests.
using ClusterSwap.Blades.Runs;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Engine;

namespace ClusterSwap.Blades.Tests.Net;

public sealed class StreamRepeatTests
{
    private const long Second = Trial.Second;

    [Theory]
    [InlineData("3.6", "vanilla")]
    [InlineData("3.6", "swapnbd")]
    [InlineData("6.1", "swapnbd")]
    public void A_run_that_was_written_out_and_restored_in_between_is_the_same(string era, string variant)
    {
        // Patches of the quick variants are of 3.6; era 6.1 has all of them.
        var scenario = Streams.Quick(
            variant, [.. Streams.Count(16, 32), $"{Streams.Key}tcp_message_bytes=20000", $"blade.era={era}", "blade.passes=1"]);
        using var first = new Streams(scenario, 7);
        using var second = new Streams(scenario, 7);
        using var restored = new Streams(scenario, 7);
        var checkpoint = new MemoryStream();
        var expected = first.RunTo(3 * Second).Cluster.Simulation.Fingerprint;
        second.RunTo(2 * Second).Cluster.Simulation.Checkpoint(checkpoint);
        checkpoint.Position = 0;
        restored.Cluster.Simulation.Restore(checkpoint);
        Assert.Equal(
            second.Blade.Memory.Tcp.Quota.AllocatedPages, restored.Blade.Memory.Tcp.Quota.AllocatedPages);
        Assert.Equal(expected, second.RunTo(3 * Second).Cluster.Simulation.Fingerprint);
        Assert.Equal(expected, restored.RunTo(3 * Second).Cluster.Simulation.Fingerprint);
    }

    [Fact]
    public void A_rack_with_streams_is_the_same_on_any_number_of_threads()
    {
        var scenario = Trial.Rack(3, [.. Streams.Count(4, 400), $"{Streams.Key}tcp_stalled_readers=1"]);
        Assert.Equal(Fingerprint(scenario, 1), Fingerprint(scenario, 2));
    }

    [Fact]
    public void The_runner_reports_what_became_of_the_streams()
    {
        var scenario = Streams.Quick("swapnbd", [.. Streams.Count(16, 2_000), "blade.passes=1"]);
        var report = new BladeRunner { InvariantInterval = 1 }.Run(
            new RunRequest { Scenario = scenario, Variant = "swapnbd", Seed = 1 }, CancellationToken.None);
        Assert.Equal(Verdict.Completed, report.Verdict);
        var net = report.Blades[0].NetStat.ToDictionary(pair => pair.Key, pair => pair.Value);
        Assert.True(net["stream_bytes_read"] > 0);
        Assert.Equal(0, net["ordinary_reserve_pages_most"]);
    }

    [Fact]
    public void Without_streams_there_is_no_sender_and_no_reader()
    {
        using var without = ClusterBuilder.Build(Streams.Quick("swapnbd"), 1);
        using var with = ClusterBuilder.Build(Streams.Quick("swapnbd", Streams.Count(3, 1)), 1);
        Assert.Equal(without.Simulation.HostCount + 1, with.Simulation.HostCount);
        Assert.Equal(
            without.Simulation.Host(without.Blades[0].Host).ActorCount + 6,
            with.Simulation.Host(with.Blades[0].Host).ActorCount);
    }

    private static UInt128 Fingerprint(Scenario scenario, int threads)
    {
        using var run = new Streams(scenario);
        return run.RunTo(2 * Second, threads: threads).Cluster.Simulation.Fingerprint;
    }
}
