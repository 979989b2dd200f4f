// Checkpoints while a run goes on: full ones and what changed since, stored by another thread.
using ClusterSwap.Engine;
using MemoryPack;

namespace ClusterSwap.Engine.Tests;

public sealed class CheckpointSeriesTests
{
    private const long UntilNs = 1_000_000;

    private static Simulation Build(ScheduleStrategy? strategy = null)
        => Toys.Phold(23, racks: 2, perRack: 4, strategy: strategy ?? ScheduleStrategy.Random(5));

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(16)]
    public void A_run_restored_from_any_checkpoint_of_a_chain_ends_with_the_same_fingerprint(int fullEvery)
    {
        UInt128 plain = Toys.FingerprintAt(() => Build(), UntilNs);
        using Simulation original = Build();
        var sink = new Shelf();
        SimulationResult expected = RunWithSeries(original, sink, fullEvery);
        Assert.Equal(plain, expected.Fingerprint);

        var assembly = new CheckpointAssembly();
        int complete = 0;
        foreach ((CheckpointPart part, byte[] bytes) in sink.Parts)
        {
            assembly.Add(bytes);
            Assert.Equal(part.Last ? part.Number : part.Number - 1, assembly.Number);
            if (!part.Last)
            {
                continue;
            }

            complete++;
            using Simulation restored = Build();
            restored.Restore(assembly);
            Assert.Equal(part.TimeNs, restored.TimeNs);
            SimulationResult result = restored.Run(new RunOptions { UntilNs = UntilNs, Threads = 2 });
            Assert.Equal(expected.Fingerprint, result.Fingerprint);
            Assert.Equal((expected.Messages, expected.Events), (result.Messages, result.Events));
        }

        Assert.Equal(20, complete);
        Assert.Equal((20 + fullEvery - 1) / fullEvery, sink.Parts.Count(stored => stored.Part is { Full: true, Last: true }));
    }

    [Fact]
    public void Only_the_pieces_that_changed_are_stored_again_although_a_list_before_them_grows()
    {
        using Simulation simulation = Ledger.Build();
        var sink = new Shelf();
        using var series = new CheckpointSeries(simulation, new CheckpointOptions(), sink);
        bool Take(Barrier barrier)
        {
            series.Take();
            return true;
        }

        simulation.Run(new RunOptions { UntilNs = 1_000, OnBarrier = Take });
        SpinWait.SpinUntil(() => !series.UnderWay);
        long first = series.Statistics.ChangedBytes;
        simulation.Run(new RunOptions { UntilNs = 11_000, OnBarrier = Take });
        series.Finish();

        Assert.Equal(11, series.Statistics.Taken);
        Assert.Equal(1, series.Statistics.Full);
        Assert.True(first > Ledger.Bytes, $"{first} bytes in the full one");

        // Each time one byte of the table, the list before it and the few bytes behind.
        long perDelta = (series.Statistics.ChangedBytes - first) / 10;
        Assert.True(perDelta is > 65_536 and < 3 * 65_536, $"{perDelta} bytes in a delta");

        var assembly = new CheckpointAssembly();
        sink.Parts.ForEach(stored => assembly.Add(stored.Bytes));
        using Simulation restored = Ledger.Build();
        restored.Restore(assembly);
        Assert.Equal(simulation.Actor<Ledger>(0, 0).Inspect.Table, restored.Actor<Ledger>(0, 0).Inspect.Table);
        Assert.Equal(simulation.Actor<Ledger>(0, 0).Inspect.Lines, restored.Actor<Ledger>(0, 0).Inspect.Lines);
    }

    [Fact]
    public void The_time_between_two_follows_the_clock_and_what_the_last_one_took()
    {
        using Simulation simulation = Build();
        long cpuNs = 0;
        var options = new CheckpointOptions { CpuNs = () => cpuNs, SpacingNs = 100, CostMultiple = 2 };
        using var series = new CheckpointSeries(simulation, options, new Shelf());
        var taken = new List<long>();
        simulation.Run(new RunOptions
        {
            UntilNs = UntilNs,
            OnBarrier = barrier =>
            {
                cpuNs += 40;
                if (series.OnBarrier())
                {
                    taken.Add(barrier.TimeNs / simulation.BarrierIntervalNs);
                }

                while (series.UnderWay)
                {
                    Thread.Yield();
                }

                return true;
            },
        });

        // 40 a barrier: the third, sixth, ... is the first with 100 or more since the last.
        Assert.Equal([3, 6, 9, 12, 15, 18], taken);
    }

    [Fact]
    public void What_the_sink_throws_reaches_the_run()
    {
        using Simulation simulation = Build();
        var series = new CheckpointSeries(simulation, new CheckpointOptions(), new FullDisk());
        series.Take();
        Assert.Throws<IOException>(series.Finish);
        using var other = new CheckpointSeries(simulation, new CheckpointOptions(), new FullDisk());
        Assert.Throws<IOException>(() => simulation.Run(new RunOptions
        {
            UntilNs = UntilNs * 1_000,
            OnBarrier = _ =>
            {
                other.OnBarrier();
                return true;
            },
        }));
    }

    [Fact]
    public void A_chain_with_a_gap_or_a_wrong_byte_is_refused_and_one_without_its_end_is_passed_over()
    {
        using Simulation simulation = Ledger.Build();
        var sink = new Shelf();
        RunWithSeries(simulation, sink, fullEvery: 16, untilNs: 4_000);
        byte[][] parts = [.. sink.Parts.Select(stored => stored.Bytes)];
        Assert.True(sink.Parts.Count(stored => stored.Part.Number == 0) > 2);

        var gap = new CheckpointAssembly();
        gap.Add(parts[0]);
        Assert.Contains("follows part 0", Assert.Throws<InvalidDataException>(() => gap.Add(parts[2])).Message);
        var noFull = new CheckpointAssembly();
        byte[] delta = sink.Parts.Find(stored => stored.Part is { Number: 1, Ordinal: 0 }).Bytes;
        Assert.Contains("needs earlier ones", Assert.Throws<InvalidDataException>(() => noFull.Add(delta)).Message);

        foreach (int position in (int[])[0, 9, 20, 30, 60, parts[0].Length - 1])
        {
            byte[] damaged = [.. parts[0]];
            damaged[position] ^= 4;
            Assert.Throws<InvalidDataException>(() => new CheckpointAssembly().Add(damaged));
        }

        var cut = new CheckpointAssembly();
        cut.Add(parts[0]);
        Assert.Equal(-1, cut.Number);
        Array.ForEach(parts, part => cut.Add(part));
        Assert.Equal(3, cut.Number);
    }

    [Fact]
    public void Another_schedule_is_taken_only_when_it_is_asked_for()
    {
        using Simulation fifo = Build(ScheduleStrategy.Fifo);
        var sink = new Shelf();
        RunWithSeries(fifo, sink, fullEvery: 16, untilNs: 100_000);
        var assembly = new CheckpointAssembly();
        sink.Parts.ForEach(stored => assembly.Add(stored.Bytes));

        using Simulation refused = Build(ScheduleStrategy.Random(1));
        Assert.Throws<InvalidDataException>(() => refused.Restore(assembly));
        UInt128[] ends = [.. new[] { 1UL, 2UL, 1UL }.Select(seed =>
        {
            using Simulation branch = Build(ScheduleStrategy.Random(seed));
            branch.Restore(assembly, anyStrategy: true);
            return branch.Run(new RunOptions { UntilNs = UntilNs }).Fingerprint;
        })];
        Assert.Equal(ends[0], ends[2]);
        Assert.NotEqual(ends[0], ends[1]);
    }

    private static SimulationResult RunWithSeries(
        Simulation simulation, Shelf sink, int fullEvery, long untilNs = UntilNs)
    {
        using var series = new CheckpointSeries(simulation, new CheckpointOptions { FullEvery = fullEvery }, sink);
        SimulationResult result = simulation.Run(new RunOptions
        {
            UntilNs = untilNs,
            OnBarrier = _ =>
            {
                series.Take();
                return true;
            },
        });
        series.Finish();
        return result;
    }

    private sealed class Shelf : ICheckpointSink
    {
        public List<(CheckpointPart Part, byte[] Bytes)> Parts { get; } = [];

        public void Write(in CheckpointPart part) => Parts.Add((part, part.Bytes.ToArray()));
    }

    private sealed class FullDisk : ICheckpointSink
    {
        public void Write(in CheckpointPart part) => throw new IOException("no space left on device");
    }
}

/// <summary>A large table with a list before it that grows.</summary>
[MemoryPackable]
public sealed partial class LedgerState
{
    public List<int> Lines { get; set; } = [];

    public byte[] Table { get; set; } = [];

    public long Sum { get; set; }
}

/// <summary>Writes one byte of its table at each message, and a line of its list.</summary>
public sealed class Ledger(HostContext host, int index) : HostActor<LedgerState>(host, index, new LedgerState { Table = Filled() })
{
    public const int Bytes = 2_000_000;

    public static Simulation Build()
    {
        var builder = new SimulationBuilder(1, Toys.Registry()) { BarrierIntervalNs = 1_000 };
        HostBuilder host = builder.AddHost("ledger");
        host.AddActor("ledger", (context, index) => new Ledger(context, index));
        host.Post(500, 0, new Token());
        return builder.Build();
    }

    protected override void Receive(SimMessage message)
    {
        State.Lines.Add(State.Lines.Count);
        State.Table[500_000 + State.Lines.Count]++;
        State.Sum++;
        Host.Schedule(Host.NowNs + 1_000, Index, new Token());
    }

    // Not compressible: a full checkpoint takes many parts.
    private static byte[] Filled()
    {
        byte[] bytes = new byte[Bytes];
        uint x = 1;
        for (int i = 0; i < bytes.Length; i++)
        {
            x = (x * 1_664_525) + 1_013_904_223;
            bytes[i] = (byte)(x >> 24);
        }

        return bytes;
    }
}
