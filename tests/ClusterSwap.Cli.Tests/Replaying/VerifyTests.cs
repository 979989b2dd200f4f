// Goal: a build that does something else than was recorded is told by its first event that differs. Method: three rules
// or constants are other ones when the run is made again; where that shows first is found independently, by two runs
// side by side.
using System.Globalization;
using System.Text.Json.Nodes;
using ClusterSwap.Blades;
using ClusterSwap.Blades.Replaying;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Blades.Tracing;
using ClusterSwap.Engine;
using ClusterSwap.Journal;
using ClusterSwap.Kernel.Tracing;

namespace ClusterSwap.Cli.Tests.Replaying;

public sealed class VerifyTests(Recorded recorded) : IClassFixture<Recorded>
{
    [Fact]
    public void The_same_build_does_the_same()
    {
        foreach (var run in new[] { recorded.Hung, recorded.Done })
        {
            var result = recorded.Json(0, "replay", run, "--verify");
            Assert.True((bool)result["same"]!);
            Assert.Equal((string)result["this_build"]!, (string)result["recorded_build"]!);
            Assert.True((int)result["barriers"]! > 10);
        }
    }

    [Theory]
    [InlineData("patches=none + 8 + 14")]
    [InlineData("min_free_kbytes=1100")]
    [InlineData("server.write_time=51 us")]
    public void A_changed_rule_is_told_by_the_first_event_that_differs(string change)
    {
        var scenario = recorded.ScenarioOf(recorded.Hung);
        var changed = ScenarioFile.Parse(scenario.ToToml(), "changed.toml").Resolve(null, Forks.Expand(scenario, change));
        var ((host, number), decision) = FirstDifferences(scenario, changed);
        var difference = recorded.Json(15, "replay", recorded.Hung, "--verify", "--set", change)["difference"]!;
        Assert.Equal(host, (string)difference["event"]!["host"]!);
        Assert.Contains($"  {host}:{number}  ", (string)difference["event"]!["recorded"]!, StringComparison.Ordinal);
        Assert.Contains(decision, (string)difference["decision"]!["recorded"]!, StringComparison.Ordinal);
        Assert.NotEqual((string)difference["event"]!["recorded"]!, (string)difference["event"]!["now"]!);
        Assert.True((decimal)difference["same_seconds"]! <= (decimal)difference["at_seconds"]!);
        Assert.True((decimal)difference["at_seconds"]! <= (decimal)difference["differs_seconds"]!);
    }

    [Fact]
    public void Of_recorded_decisions_the_first_that_differs_is_told_with_the_state_around_it()
    {
        var (status, output, _) = recorded.Call("replay", recorded.Done, "--verify", "--set", "patches=none");
        Assert.Equal(15, status);
        Assert.Contains("first decision that differs: blade, ", output, StringComparison.Ordinal);
        Assert.Contains("  recorded  ", output, StringComparison.Ordinal);
        Assert.Contains("  now       ", output, StringComparison.Ordinal);
        Assert.Contains("the state around it, now, at ", output, StringComparison.Ordinal);
        Assert.Contains("just before, the same in both, on blade", output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_decision_that_differs_barriers_before_any_event_does_is_the_first_difference()
    {
        // Without patch 2 a request is refused at 36.6 ms; the first message that is another one comes seven barriers later.
        using var session = new Session(new BladeRunner());
        Assert.Equal(2, session.Call(
            "run", Recorded.Config(Path.Combine("studies", "which-patch.toml")), "--set", "blade.patches=all", "--set",
            "barrier_interval=1 ms", "--until", "50 ms", "--journal", "all", "--quiet", "--runs-dir", session.RunsDir));
        var file = Path.Combine(session.Folder, "verify.json");
        string[] again = ["replay", "latest", "--verify", "--json", file, "--runs-dir", session.RunsDir];
        Assert.Equal(0, session.Call(again));
        Assert.Equal(15, session.Call([.. again, "--set", "patches=all - 2"]));
        var difference = JsonNode.Parse(File.ReadAllText(file))!["difference"]!;
        var decision = (decimal)difference["decision"]!["at_seconds"]!;
        Assert.Equal(decision, (decimal)difference["at_seconds"]!);
        Assert.InRange(decision, (decimal)difference["same_seconds"]!, (decimal)difference["differs_seconds"]!);
        Assert.InRange((decimal)difference["event"]!["at_seconds"]!, (decimal)difference["differs_seconds"]!, 0.05m);
        Assert.Contains($"the state around it, now, at {decision.ToString(CultureInfo.InvariantCulture)}", session.Out, StringComparison.Ordinal);
    }

    // The first event that differs, by its number, and the first decision that was made otherwise or not at all, by its time.
    private static ((string Host, long Number) Event, string Decision) FirstDifferences(Scenario scenario, Scenario changed)
    {
        using var first = ClusterBuilder.Build(scenario, 1);
        using var second = ClusterBuilder.Build(changed, 1);
        var was = Listen(first);
        var now = Listen(second);
        var (decided, decidedNow) = (new Decisions(first), new Decisions(second));
        for (var ns = 100_000_000L; ns < 20_000_000_000; ns += 100_000_000)
        {
            first.Simulation.Run(new Engine.RunOptions { UntilNs = ns });
            second.Simulation.Run(new Engine.RunOptions { UntilNs = ns });
            var found = Enumerable.Range(0, was.Length)
                .Select(host => (Host: host, At: FirstMismatch(was[host].All, now[host].All)))
                .Where(pair => pair.At >= 0)
                .OrderBy(pair => Math.Min(TimeAt(was[pair.Host].All, pair.At), TimeAt(now[pair.Host].All, pair.At)))
                .ToArray();
            if (found.Length > 0 && decided.FirstOther(decidedNow) is { } decision)
            {
                return ((first.Simulation.Host(found[0].Host).Name, found[0].At + 1), decision);
            }
        }

        throw new InvalidOperationException("the change changes nothing");
    }

    private static long TimeAt(List<(long TimeNs, ulong Digest)> all, int at) => at < all.Count ? all[at].TimeNs : long.MaxValue;

    private static int FirstMismatch(List<(long TimeNs, ulong Digest)> a, List<(long TimeNs, ulong Digest)> b)
    {
        for (var i = 0; i < Math.Max(a.Count, b.Count); i++)
        {
            if (i >= a.Count || i >= b.Count || a[i] != b[i])
            {
                return i;
            }
        }

        return -1;
    }

    private static Collector[] Listen(Cluster cluster)
    {
        var collectors = Enumerable.Range(0, cluster.Simulation.HostCount).Select(_ => new Collector()).ToArray();
        for (var i = 0; i < collectors.Length; i++)
        {
            cluster.Simulation.Host(i).Observer = collectors[i];
        }

        return collectors;
    }

    private sealed class Decisions : ITraceListener
    {
        private readonly List<(long Number, TraceRecord Record)> _all = [];
        private readonly HostContext _host;

        public Decisions(Cluster cluster)
        {
            _host = cluster.Simulation.Host(cluster.Blades[0].Host);
            FtraceFiles.LogOf(cluster, cluster.Blades[0]).Listen(DecisionEvents.Mask, this);
        }

        public void Traced(in TraceRecord record) => _all.Add((_host.Messages, record));

        public string? FirstOther(Decisions now)
        {
            var at = _all.Zip(now._all)
                .TakeWhile(pair => pair.First.Number == pair.Second.Number && TrailItem.SameDecision(pair.First.Record, pair.Second.Record))
                .Count();
            return at < _all.Count
                ? string.Create(CultureInfo.InvariantCulture, $"{_all[at].Record.TimeNs / 1_000_000_000m:0.000000000}  blade:{_all[at].Number}  ")
                : null;
        }
    }

    private sealed class Collector : HostObserver
    {
        public List<(long TimeNs, ulong Digest)> All { get; } = [];

        public override void Delivered(in Delivery delivery) => All.Add((delivery.TimeNs, delivery.Digest));
    }
}
