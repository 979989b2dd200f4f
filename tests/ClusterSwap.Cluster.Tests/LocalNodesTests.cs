// `run --nodes` on this machine, with real processes.
using System.Text.Json.Nodes;

namespace ClusterSwap.Cluster.Tests;

public sealed class LocalNodesTests : IDisposable
{
    // Two racks of one blade each that hear from one machine 20 ms away: windows between nodes, and two or three seconds of
    // work on one core.
    private const string TwoRacks = """
        name = "two-racks"
        barrier_interval = "100 ms"
        [blade]
        passes = 1
        [blade.background]
        tcp_streams = 2
        tcp_messages_per_second = 400
        tcp_from = "files"
        tcp_distance = "20 ms"
        [blades]
        blade = false
        [servers]
        server = false
        [blades.rack-1]
        count = 1
        server = "server-1"
        [blades.rack-2]
        count = 1
        server = "server-2"
        [servers.server-1]
        bandwidth = "1 Gbit/s"
        [servers.server-2]
        bandwidth = "1 Gbit/s"
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("clusterswap-").FullName;

    public LocalNodesTests()
    {
        string quick = Path.Combine(Programs.Repository, "config", "quick.toml");
        File.WriteAllText(Path.Combine(_folder, "two.toml"), $"extends = \"{quick}\"\n{TwoRacks}");
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_run_that_loses_a_node_is_the_run_of_one_thread()
    {
        using var alone = new Program(_folder, "run", "two.toml", "--quiet", "--json", "alone.json");
        using var run = new Program(
            _folder, "run", "two.toml", "--nodes", "2", "--json", "nodes.json", "--checkpoint-every", "100 ms");
        string folder = AwaitCheckpoint(run);
        int child = Assert.Single(Programs.ChildrenOf(run.Id));
        Programs.Signal(child, "KILL");
        run.Await("has ended");
        Ended ended = run.Wait();
        Assert.True(ended.Status == 0, ended.Out + ended.Error);
        Assert.Equal(0, alone.Wait().Status);
        Assert.Equal(Summary("alone.json"), Summary("nodes.json"));
        Assert.Contains("go back to", ended.Error);
        JsonNode statistics = JsonNode.Parse(File.ReadAllText(Path.Combine(_folder, "nodes.json")))!["statistics"]!;
        Assert.Equal(3, (int)statistics["partitions"]!);

        // Two, or one more when a shard is still on its way from the node that was lost.
        Assert.InRange((int)statistics["epochs"]!, 2, 4);
        Assert.True((int)statistics["windows"]! > 0, "two nodes never exchanged a window");

        // The journal that the launcher wrote is that of any run: it holds both epochs, and is verified by one process.
        using var verify = new Program(_folder, "replay", Path.GetFileName(folder), "--verify");
        Ended verified = verify.Wait();
        Assert.True(verified.Status == 0, verified.Out + verified.Error);
    }

    [Theory]
    [InlineData("INT", 130)]
    [InlineData("KILL", 137)]
    public void No_process_is_left_when_the_run_is_stopped(string signal, int status)
    {
        // Far more work than there is time for: it ends because it is stopped.
        using var run = new Program(
            _folder, "run", "two.toml", "--nodes", "2", "--checkpoint-every", "100 ms", "--set", "blade.passes=100");
        AwaitCheckpoint(run);
        int child = Assert.Single(Programs.ChildrenOf(run.Id));
        run.Signal(signal);
        Ended ended = run.Wait();
        Assert.True(ended.Status == status, ended.Out + ended.Error);
        Programs.Until(() => !Programs.Lives(child), "the node ends with its launcher");
    }

    /// <summary>Waits until the run has a checkpoint; the run's folder.</summary>
    private string AwaitCheckpoint(Program run)
    {
        string runs = Path.Combine(_folder, "runs");
        string? log = null;
        run.Until(
            () => Directory.Exists(runs) && (log = Directory.GetDirectories(runs)
                .Select(folder => Path.Combine(folder, "clusterswap.log"))
                .FirstOrDefault(file => File.Exists(file) && Programs.Read(file).Contains("Checkpoint at"))) is not null,
            "the run has a checkpoint");
        return Path.GetDirectoryName(log)!;
    }

    /// <summary>What depends on scenario and seed only.</summary>
    private string Summary(string name)
    {
        JsonObject summary = JsonNode.Parse(File.ReadAllText(Path.Combine(_folder, name)))!.AsObject();
        foreach (string field in new[] { "run_id", "wall_seconds", "command", "statistics", "lookahead_ns", "lookahead_link", "journal" })
        {
            summary.Remove(field);
        }

        return summary.ToJsonString(new() { WriteIndented = true });
    }
}
