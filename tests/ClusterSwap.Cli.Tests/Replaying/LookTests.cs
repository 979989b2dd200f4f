// Looking at moments of a recorded run.
using System.Text.Json.Nodes;
using ClusterSwap.Blades;
using ClusterSwap.Blades.Actors;
using ClusterSwap.Engine;

namespace ClusterSwap.Cli.Tests.Replaying;

public sealed class LookTests(Recorded recorded) : IClassFixture<Recorded>
{
    [Theory]
    [InlineData("0 s", 0L)]
    [InlineData("123456789 ns", 123_456_789L)]
    [InlineData("200 ms", 200_000_000L)]
    [InlineData("1 s", 1_000_000_000L)]
    public void The_state_at_a_moment_is_that_of_a_run_stopped_there(string at, long ns)
    {
        using var cluster = ClusterBuilder.Build(recorded.ScenarioOf(recorded.Hung), 1);
        if (ns > 0)
        {
            cluster.Simulation.Run(new Engine.RunOptions { UntilNs = ns });
        }

        var memory = cluster.Simulation.Actor<Blade>(cluster.Blades[0].Host, BladeActors.Blade).Inspect.Memory;
        var blade = recorded.Json(0, "replay", recorded.Hung, "--at", at)["blades"]![0]!;
        Assert.Equal(memory.Pages.Zones.Select(zone => zone.NrFree), blade["zones"]!.AsArray().Select(zone => (long)zone!["free"]!));
        Assert.Equal(
            memory.Pages.Zones.Sum(zone => zone.Present), blade["pages"]!.AsArray().Sum(holder => (long)holder!["pages"]!));
        Assert.Equal(3 + cluster.Blades[0].Spec.Processes, blade["tasks"]!.AsArray().Count);
    }

    [Fact]
    public void A_table_tells_the_tasks_the_locks_and_who_waits_for_whom()
    {
        var (status, output, _) = recorded.Call("replay", recorded.Hung, "--at", "end", "--blade", "blade");
        Assert.Equal(0, status);
        Assert.Contains("nothing that can still happen ends the waiting: a knot", output, StringComparison.Ordinal);
        Assert.Contains("  tx_lock          the NBD sender", output, StringComparison.Ordinal);
        Assert.Contains("process 31", output, StringComparison.Ordinal);
        Assert.Contains("write requests", output, StringComparison.Ordinal);
    }

    [Fact]
    public void Events_of_a_stretch_are_those_of_the_run_with_their_causes()
    {
        var all = Deliveries(recorded, 150_000_000, 151_000_000);
        var events = Events(recorded.Json(0, "replay", recorded.Hung, "--from", "150 ms", "--to", "151 ms", "--most", "100000"));
        var messages = events.Where(one => (string)one["actor"]! != "").Select(one => (string)one["event"]!).ToArray();
        Assert.Equal(all.Select(one => $"{one.Host}:{one.Number}"), messages);
        Assert.Equal(all.Select(one => one.Cause), events.Where(one => (string)one["actor"]! != "").Select(one => (string)one["cause"]!));
    }

    [Fact]
    public void Events_are_chosen_by_kind_and_host_and_cut_with_a_word()
    {
        var few = recorded.Json(
            0, "replay", recorded.Hung, "--from", "100 ms", "--to", "200 ms", "--kind", "ScanRequest", "--blade", "blade", "--most", "5");
        Assert.Equal(5, Events(few).Count);
        Assert.All(Events(few), one => Assert.Equal("ScanRequest", (string)one["what"]!));
        Assert.False((bool)few["events_complete"]!);
        var decisions = recorded.Json(0, "replay", recorded.Hung, "--to", "300 ms", "--kind", "block_sleeprq");
        Assert.NotEmpty(Events(decisions));
        Assert.All(Events(decisions), one => Assert.Contains(" 43,0 W ", (string)one["fields"]!, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(5_000)]
    public void Going_back_shows_as_many_events_as_were_asked_for(int back)
    {
        var look = recorded.Json(0, "replay", recorded.Hung, "--at", "200 ms", "--back", $"{back}", "--blade", "blade", "--most", "1000000");
        var events = Events(look);
        Assert.Equal(back, events.Count(one => (string)one["at"]! == "*"));
        Assert.Equal((decimal)look["at_seconds"]!, decimal.Parse((string)events[0]["seconds"]!, System.Globalization.CultureInfo.InvariantCulture));
        Assert.All(events, one => Assert.True(decimal.Parse((string)one["seconds"]!, System.Globalization.CultureInfo.InvariantCulture) < 0.2m));
    }

    [Fact]
    public void An_event_is_followed_to_its_causes_and_to_what_came_of_it()
    {
        var frame = Events(recorded.Json(0, "replay", recorded.Hung, "--from", "150 ms", "--kind", "Frame", "--blade", "server", "--most", "1"))[0];
        var number = (string)frame["event"]!;
        var chain = Events(recorded.Json(0, "replay", recorded.Hung, "--follow", number, "--most", "60"));
        var names = chain.Select(one => (string)one["event"]!).ToList();
        var at = names.IndexOf(number);
        Assert.InRange(at, 1, 40);
        Assert.Equal((string)frame["cause"]!, names[at - 1]);
        Assert.All(chain.Skip(1).Take(at), one => Assert.Contains((string)one["cause"]!, names));
        Assert.All(chain.Skip(at + 1), one => Assert.Contains((string)one["cause"]!, names[at..]));
        Assert.True(chain.Count > at + 1);
    }

    [Fact]
    public void Proc_files_and_trace_events_of_a_moment_are_written()
    {
        var folder = Directory.CreateTempSubdirectory("clusterswap-").FullName;
        try
        {
            var proc = Path.Combine(folder, "proc");
            Assert.Equal(0, recorded.Call("replay", recorded.Hung, "--at", "150 ms", "--proc-dir", proc).Status);
            var free = recorded.Json(0, "replay", recorded.Hung, "--at", "150 ms")["blades"]![0]!["zones"]!.AsArray().Sum(zone => (long)zone!["free"]!);
            var vmstat = File.ReadAllText(Path.Combine(proc, "blade", "000000.15", "proc", "vmstat"));
            Assert.Contains($"nr_free_pages {free}", vmstat, StringComparison.Ordinal);
            var trace = Path.Combine(folder, "trace.txt");
            Assert.Equal(0, recorded.Call("replay", recorded.Hung, "--from", "100 ms", "--to", "200 ms", "--ftrace", trace).Status);
            var lines = File.ReadAllLines(trace).Where(line => !line.StartsWith('#')).ToArray();
            Assert.NotEmpty(lines);
            Assert.All(lines, line => Assert.Contains(" 0.1", line, StringComparison.Ordinal));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory]
    [InlineData("the run ends before that. Found: \"1 h\"", "--at", "1 h")]
    [InlineData("Did you mean blade?", "--at", "1 ms", "--blade", "blad")]
    [InlineData("Did you mean PageGranted?", "--kind", "PageGrantd")]
    [InlineData("Did you mean server?", "--follow", "servr:3")]
    [InlineData("has no event", "--follow", "server:99999999")]
    [InlineData("an event is named by its host and number", "--follow", "server")]
    [InlineData("--back counts the events of one blade", "--at", "1 ms", "--back", "3", "--blade", "server")]
    [InlineData("has fewer than 900 events", "--at", "1 ns", "--back", "900")]
    [InlineData("--from must be before --to", "--from", "2 s", "--to", "1 s")]
    [InlineData("the unit is missing", "--at", "12")]
    [InlineData("--set goes with --fork-at", "--set", "patches=none")]
    [InlineData("one at a time", "--verify", "--why")]
    [InlineData("--fork-at needs --set", "--fork-at", "1 s")]
    public void What_cannot_be_looked_at_is_said(string expected, params string[] args)
    {
        var (status, _, error) = recorded.Call(["replay", recorded.Hung, .. args]);
        Assert.Equal(64, status);
        Assert.Contains(expected, error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_that_is_not_there_or_was_not_recorded_is_said()
    {
        var (status, _, error) = recorded.Call("replay", recorded.Hung.Replace("vanilla", "vanila", StringComparison.Ordinal));
        Assert.Equal(64, status);
        Assert.Contains($"Did you mean {recorded.Hung}?", error, StringComparison.Ordinal);
        using var session = new Session();
        Assert.Equal(0, session.Run("--quiet", "--journal", "off"));
        Assert.Equal(64, session.Call("replay", "latest", "--runs-dir", session.RunsDir));
        Assert.Contains("has no journal", session.Error, StringComparison.Ordinal);
    }

    private static List<JsonObject> Events(JsonObject look) => [.. look["events"]!.AsArray().Select(one => one!.AsObject())];

    private static List<(string Host, long Number, string Cause)> Deliveries(Recorded recorded, long fromNs, long toNs)
    {
        using var cluster = ClusterBuilder.Build(recorded.ScenarioOf(recorded.Hung), 1);
        cluster.Simulation.Run(new Engine.RunOptions { UntilNs = fromNs });
        var collectors = Enumerable.Range(0, cluster.Simulation.HostCount).Select(_ => new Collector()).ToArray();
        for (var i = 0; i < collectors.Length; i++)
        {
            cluster.Simulation.Host(i).Observer = collectors[i];
        }

        cluster.Simulation.Run(new Engine.RunOptions { UntilNs = toNs });
        string Name(int host) => cluster.Simulation.Host(host).Name;
        return [.. collectors.SelectMany((collector, host) => collector.All.Select(one => (Host: host, One: one)))
            .OrderBy(pair => pair.One.TimeNs).ThenBy(pair => pair.Host)
            .Select(pair => (Name(pair.Host), pair.One.Number, pair.One.Cause == 0 ? "outside" : $"{Name(pair.One.CauseHost)}:{pair.One.Cause}"))];
    }

    private sealed class Collector : HostObserver
    {
        public List<(long TimeNs, long Number, int CauseHost, long Cause)> All { get; } = [];

        public override void Delivered(in Delivery delivery) =>
            All.Add((delivery.TimeNs, delivery.Number, delivery.CauseHost, delivery.Cause));
    }
}
