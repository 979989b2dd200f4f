// Fingerprint, registry, partition plan and gate on their own.
using System.Buffers;
using ClusterSwap.Engine;
using MemoryPack;

namespace ClusterSwap.Engine.Tests;

public sealed class SmallPartsTests
{
    [Fact]
    public void A_fingerprint_sees_order_zeros_and_every_bit()
    {
        var seen = new HashSet<UInt128>();
        Assert.True(seen.Add(Of()));
        Assert.True(seen.Add(Of(0)));
        Assert.True(seen.Add(Of(0, 0)));
        Assert.True(seen.Add(Of(0, 0, 0)));
        Assert.True(seen.Add(Of(1, 2)));
        Assert.True(seen.Add(Of(2, 1)));
        for (int bit = 0; bit < 64; bit++)
        {
            Assert.True(seen.Add(Of(5, 1UL << bit)), $"bit {bit}");
            Assert.True(seen.Add(Of(1UL << bit, 5)), $"bit {bit}");
        }

        static UInt128 Of(params ulong[] words)
        {
            var fingerprint = default(Fingerprint);
            foreach (ulong word in words)
            {
                fingerprint.Add(word);
            }

            return fingerprint.Value;
        }
    }

    [Fact]
    public void Many_short_histories_have_different_fingerprints()
    {
        var seen = new HashSet<UInt128>();
        for (ulong a = 0; a < 300; a++)
        {
            for (ulong b = 0; b < 300; b++)
            {
                var fingerprint = default(Fingerprint);
                fingerprint.Add(a, b);
                fingerprint.Add(b, 1);
                Assert.True(seen.Add(fingerprint.Value), $"{a}, {b}");
            }
        }
    }

    [Fact]
    public void A_fingerprint_survives_a_round_trip_and_shows_all_digits()
    {
        var fingerprint = new Fingerprint { Low = 0x12, High = 0x34 };
        byte[] bytes = MemoryPackSerializer.Serialize(fingerprint);
        Assert.Equal(fingerprint, MemoryPackSerializer.Deserialize<Fingerprint>(bytes));
        Assert.Equal("00000000000000340000000000000012", fingerprint.ToString());
    }

    [Fact]
    public void A_message_survives_a_round_trip_by_its_kind()
    {
        MessageRegistry registry = Toys.Registry();
        var buffer = new ArrayBufferWriter<byte>();
        registry.Serialize(buffer, new Token { Value = 5, Hops = 6 });
        var token = Assert.IsType<Token>(registry.Deserialize(1, buffer.WrittenSpan));
        Assert.Equal((5, 6), (token.Value, token.Hops));
    }

    [Fact]
    public void Kinds_are_unique_and_must_match_their_types()
    {
        MessageRegistry registry = Toys.Registry();
        Assert.Throws<ArgumentException>(() => registry.Add<Work>(1));
        Assert.Throws<ArgumentException>(() => registry.Add<Work>(9));
        Assert.Throws<InvalidDataException>(() => registry.Deserialize(9, []));
        Assert.Throws<InvalidOperationException>(
            () => registry.Serialize(new ArrayBufferWriter<byte>(), new Fleeting()));

        // Token says that its kind is 1, so under another kind it does not come back.
        var wrong = new MessageRegistry().Add<Token>(4);
        Assert.Throws<InvalidOperationException>(() => wrong.Serialize(new ArrayBufferWriter<byte>(), new Token()));
        Assert.Throws<InvalidDataException>(() => wrong.Deserialize(4, MemoryPackSerializer.Serialize(new Token())));
    }

    [Fact]
    public void Distances_are_shortest_ways_and_the_diagonal_is_the_shortest_cycle()
    {
        const long Never = long.MaxValue;
        long[] direct =
        [
            Never, 10, 100,
            Never, Never, 20,
            5, Never, Never,
        ];
        Assert.Equal([35, 10, 30, 25, 35, 20, 5, 15, 35], PartitionPlan.Closure(direct, 3));
        Assert.Equal([Never, 10, Never, Never], PartitionPlan.Closure([Never, 10, Never, Never], 2));
    }

    [Fact]
    public void Components_are_partitions_until_there_are_more_threads()
    {
        EdgeTable[] edges =
        [
            new EdgeTable([2], [5]), new EdgeTable([], []), new EdgeTable([0], [5]), new EdgeTable([0], [5]),
        ];
        Assert.Equal([[0, 2, 3], [1]], PartitionPlan.Default(edges, 1));
        Assert.Equal([[0, 2, 3], [1]], PartitionPlan.Default(edges, 2));
        Assert.Equal([[0], [2], [3], [1]], PartitionPlan.Default(edges, 9));
    }

    [Fact]
    public void A_server_weighs_more_than_a_blade_when_a_rack_is_split()
    {
        int[] blades = [.. Enumerable.Range(1, 16)];
        var edges = new EdgeTable[17];
        edges[0] = new EdgeTable(blades, [.. blades.Select(_ => 50L)]);
        foreach (int blade in blades)
        {
            edges[blade] = new EdgeTable([0], [50]);
        }

        List<int[]> halves = PartitionPlan.Default(edges, 2);
        Assert.Equal([8, 9], halves.Select(half => half.Length));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(50)]
    public void Nobody_leaves_a_gate_before_all_have_arrived(int spins)
    {
        const int Threads = 3;
        const int Rounds = 300;
        var gate = new SpinGate(Threads, spins);
        int arrived = 0;
        int early = 0;
        Thread[] threads = [.. Enumerable.Range(0, Threads).Select(_ => new Thread(Work))];
        foreach (Thread thread in threads)
        {
            thread.Start();
        }

        foreach (Thread thread in threads)
        {
            thread.Join();
        }

        Assert.Equal((0, Threads * Rounds), (early, arrived));

        void Work()
        {
            var statistics = new WorkerStatistics(null);
            for (int round = 1; round <= Rounds; round++)
            {
                Interlocked.Increment(ref arrived);
                gate.Arrive(statistics);
                if (Volatile.Read(ref arrived) < round * Threads)
                {
                    Interlocked.Increment(ref early);
                }
            }
        }
    }

    [Fact]
    public void Dispatchers_are_reused_by_later_simulations()
    {
        using var pool = new HostPool();
        for (int i = 0; i < 5; i++)
        {
            using Simulation simulation = Toys.Phold(3, racks: 1, perRack: 3, pool: pool);
            simulation.Run(new RunOptions { UntilNs = 10_000 });
            Assert.Equal(["host-0", "host-1", "host-2"], simulation.Hosts.Select(host => host.Dispatcher.Id).Order());
        }
    }

    [Fact]
    public void Two_simulations_of_one_pool_do_not_disturb_each_other()
    {
        using Simulation first = Toys.Phold(3);
        using Simulation second = Toys.Phold(3);
        first.Run(new RunOptions { UntilNs = 100_000 });
        second.Run(new RunOptions { UntilNs = 50_000 });
        first.Run(new RunOptions { UntilNs = 200_000 });
        second.Run(new RunOptions { UntilNs = 200_000 });
        Assert.Equal(first.Fingerprint, second.Fingerprint);
    }
}
