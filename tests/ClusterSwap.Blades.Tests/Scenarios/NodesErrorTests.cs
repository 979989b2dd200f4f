// What two nodes need, and what is said when it is not there.
using ClusterSwap.Blades.Scenarios;

namespace ClusterSwap.Blades.Tests.Scenarios;

public sealed class NodesErrorTests
{
    [Theory]
    [InlineData("mempolicy", "blade.mempolicy=bind:1", "blade.nodes=1",
        "a blade with one node has nothing to choose from. Found: \"bind:1\". Allowed: \"default\", or nodes = 2.")]
    [InlineData("nodes", "blade.cpus=1", "blade.nodes=2",
        "a node without a CPU. Found: 2. Allowed: 1, or cpus of 2 or more.")]
    [InlineData("nodes", "blade.era=6.1", "blade.nodes=2",
        "reclaim of this kernel is modelled for one node only. Found: 2. Allowed: 1, or era = \"3.6\", or changes without "
        + "pcp-high, reclaim-retries, node-reclaim, kswapd-failures, reclaim-throttle.")]
    [InlineData("nodes", "blade.changes=auto + node-reclaim", "blade.nodes=2",
        "reclaim of this kernel is modelled for one node only. Found: 2. Allowed: 1, or era = \"3.6\", or changes without "
        + "node-reclaim.")]
    [InlineData("nodes", "blade.ram=39 MiB", "blade.nodes=2",
        "ram 39 MiB cannot be split. Found: 2. Allowed: 1, or ram of at least 40 MiB (node 0 has to reach beyond DMA).")]
    public void Two_nodes_that_cannot_be_are_refused(string key, string first, string second, string words)
    {
        var error = Assert.Throws<ScenarioException>(() => Trial.Quick("swapnbd", first, second));
        Assert.EndsWith($"blades.blade.{key}: {words}", error.Message.TrimEnd().Split('\n')[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_node_that_does_not_exist_is_refused()
    {
        var error = Assert.Throws<ScenarioException>(() => Trial.Quick("swapnbd", "blade.nodes=2", "blade.mempolicy=bind:2"));
        Assert.Contains("mempolicy: unknown word. Found: \"bind:2\". Allowed: one of \"default\"", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Written_out_and_read_again_two_nodes_are_the_same()
    {
        var scenario = Trial.Quick("swapnbd", "blade.nodes=2", "blade.mempolicy=preferred:1");
        Assert.Equal(scenario, ScenarioFile.Parse(scenario.ToToml(), "x.toml").Resolve());
    }
}
