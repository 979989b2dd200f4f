// Faults in scenario files: read, written back, refused.
using ClusterSwap.Blades.Scenarios;

namespace ClusterSwap.Blades.Tests.Faults;

public sealed class FaultScenarioTests
{
    public static TheoryData<string> Kinds => FaultKinds.Names;

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_fault_written_back_is_the_same_fault(string kind)
    {
        var scenario = Trial.Rack(2, FaultKinds.All[kind]);
        var fault = Assert.Single(scenario.Faults);
        Assert.Equal((200_000_000, 500_000_000), (fault.AtNs, fault.ForNs));
        Assert.Equal(scenario, ScenarioFile.Parse(scenario.ToToml(), "resolved.toml").Resolve());
    }

    [Fact]
    public void A_fault_says_where_and_when()
    {
        var fault = Read("""
            kind = "loss"
            on = ["rack-1", "server"]
            at = "10 s"
            for = "2 s"
            every = "5 s"
            times = 3
            per_million = 7
            """);
        Assert.Equal(new LossEffect(LinkDirection.Both, 7), fault.Effect);
        Assert.Equal(["rack-1", "server"], fault.On);
        var times = Enumerable.Range(0, 40).Where(second => fault.IsInForce(second * Trial.Second));
        Assert.Equal([10, 11, 15, 16, 20, 21], times);
        Assert.Equal(6 * Trial.Second, fault.InForceNs(0, 100 * Trial.Second));
        Assert.Equal(Trial.Second, fault.InForceNs(11 * Trial.Second, 15 * Trial.Second));
        Assert.Equal(15 * Trial.Second, fault.BeganNs(16 * Trial.Second));
        Assert.Equal(0, (fault with { ForNs = null }).InForceNs(0, 100 * Trial.Second));
    }

    [Theory]
    [InlineData("kind = \"server-restart\"")]
    [InlineData("kind = \"server-error\"\nper_million = 3\noperations = \"read\"")]
    public void Faults_of_the_process_are_written_back_too(string lines)
    {
        var scenario = ReadAll(lines);
        Assert.Equal(scenario, ScenarioFile.Parse(scenario.ToToml(), "resolved.toml").Resolve());
    }

    [Fact]
    public void Defaults_are_every_blade_and_both_ways()
    {
        var fault = Read("kind = \"swizzle-clog\"\nfor = \"2 s\"");
        Assert.Empty(fault.On);
        Assert.Equal(new SwizzleClogEffect(500_000), fault.Effect);
        Assert.Equal(new ReorderEffect(LinkDirection.Both, 9, 1_000_000), Read("kind = \"reorder\"\nper_million = 9").Effect);
    }

    [Theory]
    [InlineData("kind = \"los\"", "x.toml:12:8: faults.f.kind: unknown word. Found: \"los\".")]
    [InlineData("kind = \"loss\"\nper_milion = 3", "x.toml:13:1: faults.f.per_milion: unknown key. Found: per_milion = 3.")]
    [InlineData("at = \"1 s\"", "x.toml:11:9: faults.f.kind: missing.")]
    [InlineData("kind = \"loss\"", "x.toml:12:8: faults.f.per_million: missing: a fault of kind loss needs it.")]
    [InlineData("kind = \"partition\"\ndelay = \"1 ms\"", "x.toml:13:9: faults.f.delay: a fault of kind partition has no such key.")]
    [InlineData("kind = \"partition\"\non = \"rack2\"", "x.toml:13:6: faults.f.on: unknown host. Found: \"rack2\".")]
    [InlineData("kind = \"server-stall\"\non = \"rack-1\"", "x.toml:13:6: faults.f.on: a blade has no server-stall.")]
    [InlineData("kind = \"partition\"\non = []", "x.toml:13:6: faults.f.on: an empty list.")]
    [InlineData("kind = \"partition\"\nat = \"5 h\"", "x.toml:13:6: faults.f.at: at the end of the run or later.")]
    [InlineData("kind = \"partition\"\nevery = \"5 s\"", "x.toml:13:9: faults.f.every: it would come again before it ends.")]
    [InlineData("kind = \"partition\"\nfor = \"5 s\"\nevery = \"5 s\"", "x.toml:14:9: faults.f.every: it would come again before it ends.")]
    [InlineData("kind = \"partition\"\ntimes = 2", "x.toml:13:9: faults.f.times: it comes once.")]
    [InlineData(
        "kind = \"loss\"\nper_million = 9\ngood_to_bad_per_million = 9",
        "x.toml:14:27: faults.f.good_to_bad_per_million: bursts need bad_to_good_per_million too.")]
    public void What_makes_no_sense_is_refused_where_it_stands(string lines, string problem)
    {
        var error = Assert.Throws<ScenarioException>(() => Read(lines));
        Assert.StartsWith(problem, error.Message);
    }

    private static FaultSpec Read(string lines) => ReadAll(lines).Faults.Single();

    private static Scenario ReadAll(string lines) => ScenarioFile.Parse(
        $"""
        name = "x"
        [blade]
        ram = "20 MiB"
        swap = "192 MiB"
        mapping = "64 MiB"
        page_cache = "2 MiB"
        kernel_resident = "4 MiB"
        server = "server"
        [blades]
        rack-1.count = 2
        [faults.f]
        {lines}
        [servers.server]
        bandwidth = "1 Gbit/s"
        """,
        "x.toml").Resolve();
}
