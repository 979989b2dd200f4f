// The same scenario and seed give the same fingerprint, however the hosts are cut and on however many threads.
using ClusterSwap.Engine;
using CsCheck;

namespace ClusterSwap.Engine.Tests;

public sealed class DeterminismTests
{
    private const long PholdUntilNs = 400_000;

    [Fact]
    public void A_token_ring_has_the_same_fingerprint_twice()
    {
        UInt128 first = Toys.FingerprintAt(() => Toys.TokenRing(5), 1_000_000);
        UInt128 second = Toys.FingerprintAt(() => Toys.TokenRing(5), 1_000_000);
        Assert.Equal(first, second);
        Assert.NotEqual((UInt128)0, first);
    }

    [Fact]
    public void A_fingerprint_is_the_same_today_and_next_year()
    {
        // Written down once. Should it change, every recorded run has lost its meaning: that needs a new format
        // version.
        Assert.Equal(
            "f4fd65a4d8963895a27ed664b529df36",
            Toys.FingerprintAt(() => Toys.Phold(11), 100_000).ToString("x32"));
    }

    [Fact]
    public void A_rack_of_16_gains_by_a_second_thread_even_where_its_server_does_half_of_the_work()
    {
        // What two free processors could make of the windows, in messages, so it is exact. Jobs that wander at random
        // over a star are at its centre half of the time, which is worse than any server; 1.3 is needed.
        using Simulation simulation = Toys.Phold(3, racks: 1, perRack: 17, load: 20, latencyNs: 50_000);
        EngineStatistics statistics = simulation.Run(new RunOptions { UntilNs = 2_000_000, Threads = 2 }).Statistics;
        Assert.Equal((2, 50_000), (statistics.Partitions, statistics.LookaheadNs));
        Assert.InRange(statistics.BalancePerMille, 1_300, 2_000);
        Assert.InRange(statistics.Windows, 2 * 20, 2 * 100);
    }

    [Fact]
    public void A_token_ring_makes_exactly_the_hops_that_its_latencies_allow()
    {
        using Simulation simulation = Toys.TokenRing(5, hosts: 5, actors: 3, latencyNs: 1_000);
        SimulationResult result = simulation.Run(new RunOptions { UntilNs = 100_000 });

        // Two tokens, one host each per microsecond, from 0 on and not at 100 us: 100 arrivals of 3 messages each.
        Assert.Equal(2 * 100 * 3, result.Messages);
        Assert.Equal(2 * 100, result.Events);
        Assert.Equal(100_000, result.TimeNs);
        Assert.Equal(StopReason.Until, result.Reason);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void A_token_ring_has_the_same_fingerprint_on_several_threads(int threads)
        => Assert.Equal(
            Toys.FingerprintAt(() => Toys.TokenRing(5), 300_000),
            Toys.FingerprintAt(() => Toys.TokenRing(5), 300_000, threads));

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public void Phold_has_the_same_fingerprint_on_several_threads(int threads)
        => Assert.Equal(
            Toys.FingerprintAt(() => Toys.Phold(11), PholdUntilNs),
            Toys.FingerprintAt(() => Toys.Phold(11), PholdUntilNs, threads));

    [Fact]
    public void Phold_in_one_rack_has_the_same_fingerprint_on_four_threads()
        => Assert.Equal(
            Toys.FingerprintAt(() => Toys.Phold(3, racks: 1, perRack: 9), PholdUntilNs),
            Toys.FingerprintAt(() => Toys.Phold(3, racks: 1, perRack: 9), PholdUntilNs, threads: 4));

    [Fact]
    public void Any_partitioning_and_any_number_of_threads_gives_the_same_fingerprint()
    {
        const int Hosts = 8;
        const long UntilNs = 150_000;
        Simulation Build() => Toys.Phold(17, racks: 2, perRack: Hosts / 2);
        UInt128 expected = Toys.FingerprintAt(Build, UntilNs);
        Gen.Select(Gen.Int[0, 4].Array[Hosts], Gen.Int[1, 3]).Sample(
            (places, threads) =>
            {
                IEnumerable<IGrouping<int, int>> cut = Enumerable.Range(0, Hosts).GroupBy(host => places[host]);
                int[][] partitions = [.. cut.Select(hosts => hosts.ToArray())];
                Assert.Equal(expected, Toys.FingerprintAt(Build, UntilNs, threads, partitions));
            },
            iter: 40,
            threads: 1);
    }

    [Fact]
    public void Another_seed_gives_another_fingerprint()
        => Assert.NotEqual(
            Toys.FingerprintAt(() => Toys.Phold(1), PholdUntilNs),
            Toys.FingerprintAt(() => Toys.Phold(2), PholdUntilNs));

    [Fact]
    public void Going_on_in_several_runs_changes_nothing()
    {
        using Simulation simulation = Toys.Phold(11);
        foreach (long untilNs in (long[])[7, 10_001, 50_000, 333_333, PholdUntilNs])
        {
            simulation.Run(new RunOptions { UntilNs = untilNs, Threads = untilNs % 2 == 0 ? 2 : 1 });
            Assert.Equal(untilNs, simulation.TimeNs);
        }

        Assert.Equal(Toys.FingerprintAt(() => Toys.Phold(11), PholdUntilNs), simulation.Fingerprint);
    }

    [Fact]
    public void Statistics_name_the_edge_that_limits_the_lookahead()
    {
        using Simulation simulation = Toys.Phold(3, racks: 1, perRack: 4, latencyNs: 5_000);
        var options = new RunOptions { UntilNs = 100_000, Threads = 2, Partitions = [[0, 1], [2, 3]] };
        EngineStatistics statistics = simulation.Run(options).Statistics;
        Assert.Equal(5_000, statistics.LookaheadNs);
        Assert.Equal("h0 -> h2", statistics.LimitingEdge);
        Assert.Equal(2, statistics.Threads);
        Assert.True(statistics.Windows >= 2 * (100_000 / 10_000), $"{statistics.Windows} windows");
        Assert.Equal(simulation.Events, statistics.Events);
    }

    [Fact]
    public void Partitions_that_miss_a_host_are_refused()
    {
        using Simulation simulation = Toys.Phold(3, racks: 1, perRack: 3);
        int[][] partitions = [[0, 1]];
        Assert.Throws<ArgumentException>(() => simulation.Run(new RunOptions { UntilNs = 1, Partitions = partitions }));
    }
}
