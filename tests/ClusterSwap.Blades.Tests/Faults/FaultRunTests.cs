// Faults that end: a patched blade gets over each of them, and the run stays what it is.
using ClusterSwap.Blades.Actors;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Blades.Tests.Checkpoints;
using ClusterSwap.Blades.Tracing;
using ClusterSwap.Kernel.Tracing;

namespace ClusterSwap.Blades.Tests.Faults;

public sealed class FaultRunTests
{
    private const int CheckEvery = 5;

    // The fingerprint of the rack without a fault.
    private static readonly Lazy<string> Without = new(() =>
    {
        using var trial = new Trial(Trial.Rack(2, Trial.ManyBarriers)).Run();
        return trial.Fingerprint;
    });

    public static TheoryData<string> Kinds => FaultKinds.Names;

    private static Scenario Rack(string kind) => Trial.Rack(2, [Trial.ManyBarriers, .. FaultKinds.All[kind]]);

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_patched_rack_gets_over_a_fault_that_ends_and_repeats_itself_on_two_threads(string kind)
    {
        using var one = new Trial(Rack(kind)).Run(checkEvery: CheckEvery);
        Assert.True(one.Completed);
        Assert.NotEqual(Without.Value, one.Fingerprint);
        using var two = new Trial(Rack(kind)).Run(threads: 2, partitions: [[0, 2], [1]]);
        Assert.Equal(one.Fingerprint, two.Fingerprint);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_run_continues_from_the_middle_of_a_fault(string kind) =>
        CheckpointTests.AssertContinues(Rack(kind), [3, 4], 60 * Trial.Second);

    [Fact]
    public void Frames_that_come_twice_or_are_lost_are_accounted_for()
    {
        using var trial = new Trial(Trial.Rack(
            1, "faults.l.kind=loss", "faults.l.per_million=10000", "faults.d.kind=duplicate", "faults.d.per_million=10000",
            "faults.r.kind=reorder", "faults.r.per_million=10000", "faults.s.kind=rate", "faults.s.bandwidth=200 Mbit/s"));
        trial.Run(checkEvery: 1);
        Assert.True(trial.Completed);
        foreach (var faults in Ways(trial))
        {
            Assert.InRange(faults.Lost, faults.Entered / 200, faults.Entered / 50);
            Assert.InRange(faults.Duplicated, faults.Entered / 200, faults.Entered / 50);
            Assert.InRange(faults.Reordered, faults.Entered / 200, faults.Entered / 50);
            Assert.Equal(faults.Entered + faults.Duplicated, faults.Passed + faults.Lost + faults.Refused);
        }
    }

    [Fact]
    public void Bursts_lose_as_many_frames_as_their_chain_says_and_in_rows()
    {
        // All frames in the bad state, which takes 2 of 5,002 frames on average.
        using var trial = new Trial(Trial.Rack(
            1, "faults.l.kind=loss", "faults.l.per_million=1000000", "faults.l.good_to_bad_per_million=200",
            "faults.l.bad_to_good_per_million=500000"));
        trial.Run();
        Assert.True(trial.Completed);
        var entered = Ways(trial).Sum(way => way.Entered);
        Assert.InRange(Ways(trial).Sum(way => way.Lost), entered / 6000, entered / 1000);
    }

    [Fact]
    public void Beginnings_and_ends_are_recorded_on_the_blade_that_feels_them()
    {
        using var trial = new Trial(Trial.Rack(
            1, "faults.cut.kind=partition", "faults.cut.direction=up", "faults.cut.at=200 ms", "faults.cut.for=100 ms",
            "faults.cut.every=300 ms", "faults.cut.times=2", "faults.still.kind=server-stall", "faults.still.at=250 ms",
            "faults.still.for=100 ms", "faults.other.kind=loss", "faults.other.per_million=1", "faults.other.on=server"));
        Assert.True(TraceSelection.TryParse("fault", out var selected, out _));
        var place = trial.Cluster.Blades[0];
        var log = FtraceFiles.Attach(trial.Cluster, place, selected);
        trial.Run();
        var text = TraceText.For(place);
        var lines = new List<string>();
        foreach (ref readonly var record in log.Pending)
        {
            lines.Add(FormattableString.Invariant($"{record.TimeNs / 1_000_000} {record.Event}: {text.Fields(record)}"));
        }

        Assert.Equal(
            [
                "0 fault_begin: fault=other kind=loss",
                "200 fault_begin: fault=cut kind=partition direction=up",
                "250 fault_begin: fault=still kind=server-stall",
                "300 fault_end: fault=cut kind=partition direction=up",
                "350 fault_end: fault=still kind=server-stall",
                "500 fault_begin: fault=cut kind=partition direction=up",
                "600 fault_end: fault=cut kind=partition direction=up",
            ],
            lines);
    }

    [Fact]
    public void A_swizzled_rack_has_clogged_links_in_the_middle_and_none_at_the_end()
    {
        using var trial = new Trial(Trial.Rack(
            4, Trial.ManyBarriers, "faults.x.kind=swizzle-clog", "faults.x.at=200 ms", "faults.x.for=400 ms"));
        trial.Run(4 * Trial.Second / 10);
        var clogged = Enumerable.Range(0, 4).Count(blade => Ways(trial, blade)[0].Active.Count > 0);
        Assert.InRange(clogged, 1, 3);
        trial.Run(6 * Trial.Second / 10 + 1);
        Assert.All(Enumerable.Range(0, 4), blade => Assert.Empty(Ways(trial, blade)[0].Active));
        Assert.True(trial.Run().Completed);
    }

    [Fact]
    public void Standing_still_while_a_fault_lasts_is_no_hang_and_after_it_is()
    {
        var runner = new BladeRunner();
        RunReport Run(params string[] lasts)
        {
            var scenario = Trial.Quick(
                "swapnbd", [Trial.OnePass, "hang_after=100 s", "faults.x.kind=partition", "faults.x.at=200 ms", .. lasts]);
            return runner.Run(
                new RunRequest { Scenario = scenario, Variant = "swapnbd", Seed = 1, Threads = 1 }, CancellationToken.None);
        }

        Assert.Equal(Verdict.Completed, Run("faults.x.for=40 s").Verdict);
        var forever = Run();
        Assert.Equal(Verdict.Livelock, forever.Verdict);
        Assert.Contains(
            "fault x (partition) is in force from 0.2 s to the end of the run", forever.Hang!.Cycle);
    }

    private static LinkFaultState[] Ways(Trial trial, int blade = 0)
    {
        var host = trial.Cluster.Blades[blade].Host;
        return
        [
            trial.Cluster.Simulation.Actor<SwitchPort>(host, BladeActors.Downlink).Inspect.Faults!,
            trial.Cluster.Simulation.Actor<Uplink>(host, BladeActors.Uplink).Inspect.Faults!,
        ];
    }
}
