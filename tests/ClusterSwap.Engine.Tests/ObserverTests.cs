// What an observer sees: every delivery with its number, and what caused it.
using ClusterSwap.Engine;

namespace ClusterSwap.Engine.Tests;

public sealed class ObserverTests
{
    private const long UntilNs = 400_000;

    private sealed record Seen(long TimeNs, long Number, int Actor, ushort Kind, int CauseHost, long Cause, ulong Digest);

    private sealed class Collector : HostObserver
    {
        public List<Seen> All { get; } = [];

        public override void Delivered(in Delivery d)
            => All.Add(new Seen(d.TimeNs, d.Number, d.Actor, d.Message.Kind, d.CauseHost, d.Cause, d.Digest));
    }

    private static Simulation Phold() => Toys.Phold(23, racks: 2, perRack: 4, strategy: ScheduleStrategy.Random(5));

    private static Collector[] Listen(Simulation simulation)
    {
        Collector[] collectors = [.. Enumerable.Range(0, simulation.HostCount).Select(_ => new Collector())];
        for (int i = 0; i < collectors.Length; i++)
        {
            simulation.Host(i).Observer = collectors[i];
        }

        return collectors;
    }

    [Fact]
    public void Each_message_of_a_token_ring_is_caused_by_the_one_before_it()
    {
        // Three hosts of two actors: 0/a0 -> 0/a1 -> 1/a0 -> 1/a1 -> ..., each hop its sender's delivery.
        using Simulation simulation = Toys.TokenRing(1, hosts: 3, actors: 2);
        Collector[] hosts = Listen(simulation);
        simulation.Run(new RunOptions { UntilNs = 5_000 });

        Assert.Equal((0, 0L), (hosts[0].All[0].CauseHost, hosts[0].All[0].Cause));
        Assert.Equal((0, 1L), (hosts[0].All[1].CauseHost, hosts[0].All[1].Cause));
        Seen[] first = [.. hosts[2].All.Where(seen => seen.Actor == 0)];
        Assert.Equal((1, 0L), (1, hosts[1].All[0].Cause));
        Assert.All(first, seen => Assert.Equal(1, seen.CauseHost));
        foreach (Seen seen in first)
        {
            Seen cause = hosts[1].All[(int)seen.Cause - 1];
            Assert.Equal((seen.Cause, 1, seen.TimeNs - 1_000), (cause.Number, cause.Actor, cause.TimeNs));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Observers_see_every_delivery_in_order_and_change_nothing(int threads)
    {
        UInt128 expected = Toys.FingerprintAt(Phold, UntilNs);
        using Simulation simulation = Phold();
        Collector[] hosts = Listen(simulation);
        SimulationResult result = simulation.Run(new RunOptions { UntilNs = UntilNs, Threads = threads });

        Assert.Equal(expected, result.Fingerprint);
        Assert.Equal(result.Messages, hosts.Sum(host => host.All.Count));
        for (int i = 0; i < hosts.Length; i++)
        {
            Assert.Equal(Enumerable.Range(1, hosts[i].All.Count), hosts[i].All.Select(seen => (int)seen.Number));
            Assert.Equal((ulong)simulation.HostFingerprint(i), hosts[i].All[^1].Digest);
            Assert.All(hosts[i].All, seen => AssertCausedEarlier(seen, hosts));
        }
    }

    [Fact]
    public void Causes_survive_a_checkpoint()
    {
        using Simulation original = Phold();
        Collector[] expected = Listen(original);
        original.Run(new RunOptions { UntilNs = 100_000 });
        var checkpoint = new MemoryStream();
        original.Checkpoint(checkpoint);
        int[] before = [.. expected.Select(host => host.All.Count)];
        original.Run(new RunOptions { UntilNs = UntilNs });

        using Simulation restored = Phold();
        Collector[] found = Listen(restored);
        checkpoint.Position = 0;
        restored.Restore(checkpoint);
        restored.Run(new RunOptions { UntilNs = UntilNs });
        for (int i = 0; i < found.Length; i++)
        {
            Assert.Equal(expected[i].All.Skip(before[i]), found[i].All);
        }
    }

    [Fact]
    public void What_an_observer_throws_faults_the_run()
    {
        using Simulation simulation = Toys.TokenRing(1);
        simulation.Host(0).Observer = new Thrower();
        var thrown = Assert.Throws<SimulationFaultException>(
            () => simulation.Run(new RunOptions { UntilNs = 5_000 }));
        Assert.IsType<IOException>(thrown.InnerException);
    }

    private static void AssertCausedEarlier(Seen seen, Collector[] hosts)
    {
        if (seen.Cause == 0)
        {
            return;
        }

        Seen cause = hosts[seen.CauseHost].All[(int)seen.Cause - 1];
        Assert.True(cause.TimeNs <= seen.TimeNs, $"{seen} was caused by {cause}");
        Assert.True(cause.TimeNs < seen.TimeNs || cause.Number < seen.Number, $"{seen} was caused by {cause}");
    }

    private sealed class Thrower : HostObserver
    {
        public override void Delivered(in Delivery delivery) => throw new IOException("no room");
    }
}
