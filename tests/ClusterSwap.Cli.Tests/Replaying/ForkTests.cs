// The same inputs with one rule changed from a moment on, and why a run hung.
using System.Text.Json.Nodes;
using ClusterSwap.Blades;
using ClusterSwap.Blades.Actors;
using ClusterSwap.Blades.Replaying;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Engine;
using ClusterSwap.Kernel;

namespace ClusterSwap.Cli.Tests.Replaying;

public sealed class ForkTests(Recorded recorded) : IClassFixture<Recorded>
{
    [Fact]
    public void Patches_taken_out_in_flight_make_the_run_hang()
    {
        var fork = recorded.Json(11, "replay", recorded.Done, "--fork-at", "250 ms", "--set", "patches=none");
        Assert.Equal("completed", (string)fork["recorded"]!["verdict"]!);
        Assert.Equal("deadlock", (string)fork["changed"]!["verdict"]!);
        Assert.Equal(["blades.blade.patches"], fork["changed_keys"]!.AsArray().Select(key => (string)key!));
        Assert.True((decimal)fork["first_difference"]!["at_seconds"]! >= 0.25m);
        Assert.NotEqual((string)fork["first_difference"]!["recorded"]!, (string)fork["first_difference"]!["changed"]!);
    }

    [Fact]
    public void Patches_put_in_before_the_hang_end_it()
    {
        var fork = recorded.Json(0, "replay", recorded.Hung, "--fork-at", "123456789 ns", "--set", "patches=all");
        Assert.Equal("deadlock", (string)fork["recorded"]!["verdict"]!);
        Assert.Equal("completed", (string)fork["changed"]!["verdict"]!);
    }

    [Fact]
    public void A_fork_without_a_change_of_rules_ends_as_the_run_did()
    {
        var fork = recorded.Json(0, "replay", recorded.Done, "--fork-at", "333 ms", "--set", "time_limit=30 min");
        Assert.Equal((string)fork["recorded"]!["fingerprint"]!, (string)fork["changed"]!["fingerprint"]!);
        Assert.Null(fork["first_difference"]);
    }

    [Theory]
    [InlineData("ram=1 GiB", "blades.blade.ram cannot change in the middle of a run")]
    [InlineData("slab=slab", "blades.blade.slab cannot change in the middle of a run")]
    [InlineData("processes_per_cpu=2", "cannot change in the middle of a run")]
    [InlineData("cpus=2", "cannot change in the middle of a run")]
    [InlineData("link.latency=1 ms", "cannot change in the middle of a run")]
    [InlineData("patches=all", "these are the values that the run had")]
    [InlineData("patches=all - 99", "is no patch")]
    public void What_cannot_change_in_flight_is_refused(string change, string expected)
    {
        var (status, _, error) = recorded.Call("replay", recorded.Done, "--fork-at", "250 ms", "--set", change);
        Assert.Equal(64, status);
        Assert.Contains(expected, error, StringComparison.Ordinal);
    }

    [Fact]
    public void Slab_keeps_tags_in_its_arrays_so_patch_1_stays_as_it_is()
    {
        Scenario With(string patches) => ScenarioFile.Load(Recorded.Config("quick.toml"))
            .Resolve("swapnbd-slab", ["blade.patches=" + patches]);
        Forks.Check(With("all"), With("all - 15"));
        Assert.Contains("patches 1 and 13", Assert.Throws<ForkException>(() => Forks.Check(With("all"), With("all - 1"))).Message, StringComparison.Ordinal);
        Assert.Contains("patches 1 and 13", Assert.Throws<ForkException>(() => Forks.Check(With("all"), With("none"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_machine_under_new_rules_has_new_watermarks_and_a_socket_marked_by_them()
    {
        var file = ScenarioFile.Load(Recorded.Config("quick.toml"));
        var from = file.Resolve("swapnbd");
        var to = file.Resolve("swapnbd", ["blade.patches=none", "blade.min_free_kbytes=2000"]);
        using var was = ClusterBuilder.Build(from, 1);
        was.Simulation.Run(new Engine.RunOptions { UntilNs = 100_000_000 });
        using var state = new MemoryStream();
        was.Simulation.Checkpoint(state, compress: false);
        state.Position = 0;
        using var now = ClusterBuilder.Build(to, 1);
        now.Simulation.Restore(state);
        Forks.Apply(now, from, to);
        using var fresh = ClusterBuilder.Build(to, 1);
        Assert.Equal(Memory(fresh).Pages.Zones.Select(zone => (zone.Min, zone.Low, zone.High)), Memory(now).Pages.Zones.Select(zone => (zone.Min, zone.Low, zone.High)));
        Assert.Equal(Socket(fresh).Flags, Socket(now).Flags);
        Assert.Equal(Socket(fresh).KeyRaised, Socket(now).KeyRaised);
        Assert.NotEqual(Socket(was).Flags, Socket(now).Flags);
        Assert.False(Memory(now).Skbs.MemallocSocketExists);
        now.Simulation.AssertInvariants();
        now.Simulation.Run(new Engine.RunOptions { UntilNs = 400_000_000 });
    }

    [Fact]
    public void Why_a_run_hung_is_told_with_what_was_tried()
    {
        var why = recorded.Json(0, "replay", recorded.Hung, "--why", "--schedules", "2", "--bound", "3 s");
        Assert.Equal(2, (int)why["schedules"]!);
        Assert.Equal(3m, (decimal)why["bound_seconds"]!);
        Assert.Contains("of 2 other orders from each of", (string)why["sentence"]!, StringComparison.Ordinal);
        Assert.Contains("deadlock", (string)why["hang"]!, StringComparison.Ordinal);
        var (status, _, error) = recorded.Call("replay", recorded.Done, "--why");
        Assert.Equal(64, status);
        Assert.Contains("ended as completed", error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_hang_that_depends_on_the_order_of_events_has_a_critical_event()
    {
        // Of other orders on this blade of 96 pages some end their work, and some hang as this one does.
        using var session = new Session(new BladeRunner());
        Assert.Equal(11, session.Call(
            "run", Recorded.Config("tiny.toml"), "--variant", "no14", "--seed", "7", "--journal", "decisions", "--no-advise",
            "--quiet", "--runs-dir", session.RunsDir));
        var file = Path.Combine(session.Folder, "why.json");
        Assert.Equal(0, session.Call(
            "replay", "latest", "--why", "--quiet", "--json", file, "--runs-dir", session.RunsDir));
        var why = JsonNode.Parse(File.ReadAllText(file))!;
        var critical = (decimal)why["critical_seconds"]!;
        Assert.InRange(critical, 0.0001m, (decimal)why["since_seconds"]!);
        Assert.NotEmpty(why["events"]!.AsArray());

        // What it says, by itself: from just before that moment the order that is named ends the work.
        var scenario = ScenarioFile.Load(Path.Combine(session.Latest, "scenario.toml")).Resolve();
        using var recorded = ClusterBuilder.Build(scenario, scenario.Seed);
        recorded.Simulation.Run(new Engine.RunOptions { UntilNs = (long)(critical * 1_000_000_000m) });
        using var other = ClusterBuilder.Build(scenario, scenario.Seed);
        other.Simulation.Restore(
            recorded.Simulation.TakeSnapshot(), StrategyText.Parse((string)why["order"]!));
        Assert.Equal(Verdict.Completed, new Branch(other, scenario).RunToEnd(CancellationToken.None).Verdict);
    }

    private static MachineMemory Memory(Cluster cluster) =>
        cluster.Simulation.Actor<Blade>(cluster.Blades[0].Host, BladeActors.Blade).Inspect.Memory;

    private static NbdSocket Socket(Cluster cluster) =>
        cluster.Simulation.Actor<NbdDevice>(cluster.Blades[0].Host, BladeActors.NbdDevice).Inspect.Socket;
}
