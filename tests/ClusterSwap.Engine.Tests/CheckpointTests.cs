// A run written out at a barrier and read into a fresh simulation goes on as if nothing had happened.
using ClusterSwap.Engine;

namespace ClusterSwap.Engine.Tests;

public sealed class CheckpointTests
{
    private const long UntilNs = 400_000;

    private static Simulation Build() => Toys.Phold(23, racks: 2, perRack: 4, strategy: ScheduleStrategy.Random(5));

    [Theory]
    [InlineData(true, 1)]
    [InlineData(false, 2)]
    public void A_run_restored_at_any_of_five_barriers_ends_with_the_same_fingerprint(bool compress, int threads)
    {
        var checkpoints = new List<byte[]>();
        using Simulation original = Build();
        SimulationResult expected = original.Run(new RunOptions
        {
            UntilNs = UntilNs,
            OnBarrier = barrier =>
            {
                if (checkpoints.Count < 5)
                {
                    checkpoints.Add(Written(barrier.Simulation, compress));
                }

                return true;
            },
        });

        Assert.Equal(5, checkpoints.Count);
        foreach (byte[] checkpoint in checkpoints)
        {
            using Simulation restored = Build();
            restored.Restore(new MemoryStream(checkpoint));
            SimulationResult result = restored.Run(new RunOptions { UntilNs = UntilNs, Threads = threads });
            Assert.Equal(expected.Fingerprint, result.Fingerprint);
            Assert.Equal(
                (expected.Messages, expected.Events, expected.TimeNs), (result.Messages, result.Events, result.TimeNs));
            Assert.Equal(
                original.Actor<PholdActor>(3, 1).Inspect.Mix, restored.Actor<PholdActor>(3, 1).Inspect.Mix);
        }
    }

    [Fact]
    public void Writing_restoring_and_writing_again_gives_the_same_bytes()
    {
        using Simulation first = Build();
        first.Run(new RunOptions { UntilNs = 100_000 });
        byte[] written = Written(first, compress: false);
        using Simulation second = Build();
        second.Restore(new MemoryStream(written));
        Assert.Equal(written, Written(second, compress: false));
    }

    [Fact]
    public void A_simulation_that_has_run_on_can_be_taken_back()
    {
        using Simulation simulation = Build();
        simulation.Run(new RunOptions { UntilNs = 100_000 });
        byte[] written = Written(simulation, compress: true);
        UInt128 first = simulation.Run(new RunOptions { UntilNs = UntilNs }).Fingerprint;
        simulation.Restore(new MemoryStream(written));
        Assert.Equal(100_000, simulation.TimeNs);
        Assert.Equal(first, simulation.Run(new RunOptions { UntilNs = UntilNs }).Fingerprint);
    }

    [Fact]
    public void A_damaged_byte_is_found()
    {
        using Simulation simulation = Build();
        simulation.Run(new RunOptions { UntilNs = 100_000 });
        byte[] written = Written(simulation, compress: false);
        foreach (int position in (int[])[0, 20, 50, written.Length / 2, written.Length - 1])
        {
            byte[] damaged = [.. written];
            damaged[position] ^= 0x10;
            using Simulation other = Build();
            Assert.Throws<InvalidDataException>(() => other.Restore(new MemoryStream(damaged)));
        }
    }

    [Fact]
    public void A_checkpoint_that_was_cut_short_is_found()
    {
        using Simulation simulation = Build();
        byte[] written = Written(simulation, compress: true);
        foreach (int length in (int[])[0, 5, 40, written.Length / 2, written.Length - 1])
        {
            using Simulation other = Build();
            Assert.Throws<InvalidDataException>(() => other.Restore(new MemoryStream(written, 0, length)));
        }
    }

    [Fact]
    public void A_checkpoint_of_another_topology_is_refused()
    {
        using Simulation simulation = Build();
        byte[] written = Written(simulation, compress: true);
        using Simulation seed = Toys.Phold(24, racks: 2, perRack: 4, strategy: ScheduleStrategy.Random(5));
        using Simulation hosts = Toys.Phold(23, racks: 2, perRack: 5, strategy: ScheduleStrategy.Random(5));
        using Simulation strategy = Toys.Phold(23, racks: 2, perRack: 4);
        using Simulation latency = Toys.Phold(
            23, racks: 2, perRack: 4, strategy: ScheduleStrategy.Random(5), latencyNs: 6_000);
        foreach (Simulation other in (Simulation[])[seed, hosts, strategy, latency])
        {
            var refusal = Assert.Throws<InvalidDataException>(() => other.Restore(new MemoryStream(written)));
            Assert.Contains("another simulation", refusal.Message);
        }
    }

    [Fact]
    public void An_actor_state_is_overwritten_in_place()
    {
        using Simulation simulation = Build();
        simulation.Run(new RunOptions { UntilNs = 100_000 });
        byte[] written = Written(simulation, compress: true);
        Tally state = simulation.Actor<PholdActor>(0, 0).Inspect;
        simulation.Restore(new MemoryStream(written));
        Assert.Same(state, simulation.Actor<PholdActor>(0, 0).Inspect);
    }

    private static byte[] Written(Simulation simulation, bool compress)
    {
        var stream = new MemoryStream();
        simulation.Checkpoint(stream, compress);
        return stream.ToArray();
    }
}
