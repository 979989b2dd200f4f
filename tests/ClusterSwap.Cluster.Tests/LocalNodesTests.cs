// `run --nodes` on this machine, with real processes.
using System.Text.Json.Nodes;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Cli;

namespace ClusterSwap.Cluster.Tests;

public sealed class LocalNodesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("clusterswap-").FullName;

    public LocalNodesTests() => TwoRacks.WriteTo(_folder);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_run_that_loses_its_launcher_and_then_a_node_is_the_run_of_one_thread()
    {
        string[] passes = ["--set", "blade.passes=2"];
        int child;
        string folder;
        using (var run = new Program(_folder, ["run", "two.toml", "--nodes", "2", "--checkpoint-every", "100 ms", .. passes]))
        {
            folder = AwaitCheckpoint(run, before: 0);
            child = Assert.Single(Programs.ChildrenOf(run.Id));
            run.Signal("KILL");
            Assert.Equal(137, run.Wait().Status);
            Programs.Until(() => !Programs.Lives(child), "the node ends with its launcher");
        }

        int known = CheckpointsIn(Path.Combine(folder, "clusterswap.log"));
        using var resumed = new Program(
            _folder, "run", "--resume", "latest", "--nodes", "2", "--checkpoint-every", "100 ms", "--json", "nodes.json");
        AwaitCheckpoint(resumed, before: known);
        Programs.Signal(Assert.Single(Programs.ChildrenOf(resumed.Id)), "KILL");
        Ended ended = resumed.Wait();
        Assert.True(ended.Status == 0, ended.Out + ended.Error);
        Assert.Contains("go back to", ended.Error);

        JsonNode statistics = JsonNode.Parse(File.ReadAllText(Path.Combine(_folder, "nodes.json")))!["statistics"]!;
        Assert.Equal(3, (int)statistics["partitions"]!);

        // A node that is known to be dead costs one epoch more, and nothing else does.
        Assert.True((int)statistics["epochs"]! == 2, ended.Error);
        Assert.True((int)statistics["windows"]! > 0, "two nodes never exchanged a window");
        Cli(["run", "two.toml", "--quiet", "--journal", "off", "--json", "alone.json", .. passes]);
        Assert.Equal(Summary("alone.json"), Summary("nodes.json"));

        // The journal that the launchers wrote is that of any run: it holds all epochs, and is verified by one process.
        Cli("replay", folder, "--verify");
    }

    [Fact]
    public void No_process_is_left_when_the_run_is_interrupted()
    {
        // Far more work than there is time for: it ends because it is stopped.
        using var run = new Program(
            _folder, "run", "two.toml", "--nodes", "2", "--checkpoint-every", "100 ms", "--set", "blade.passes=100");
        AwaitCheckpoint(run, before: 0);
        int child = Assert.Single(Programs.ChildrenOf(run.Id));
        run.Signal("INT");
        Ended ended = run.Wait();
        Assert.True(ended.Status == ExitStatus.Interrupted, ended.Out + ended.Error);
        Programs.Until(() => !Programs.Lives(child), "the node ends with its launcher");
    }

    /// <summary>Waits until the run has a checkpoint more; the run's folder.</summary>
    private string AwaitCheckpoint(Program run, int before)
    {
        string runs = Path.Combine(_folder, "runs");
        string? log = null;
        run.Until(
            () => Directory.Exists(runs) && (log = Directory.GetDirectories(runs)
                .Where(folder => new DirectoryInfo(folder).LinkTarget is null)
                .Select(folder => Path.Combine(folder, "clusterswap.log"))
                .FirstOrDefault(file => File.Exists(file) && CheckpointsIn(file) > before)) is not null,
            "the run has a checkpoint");
        return Path.GetDirectoryName(log)!;
    }

    private static int CheckpointsIn(string log) => Programs.Read(log).Split("Checkpoint at").Length - 1;

    /// <summary>The program in this process.</summary>
    private void Cli(params string[] args)
    {
        string[] files = [.. args.Select(word => word.EndsWith(".toml") || word.EndsWith(".json") ? Path.Combine(_folder, word) : word)];
        var output = new StringWriter();
        var console = new CliConsole(output, output, false, false, 120);
        int status = new CliApplication(new BladeRunner(), console, TimeProvider.System)
            .Run([.. files, "--runs-dir", Path.Combine(_folder, "runs")]);
        Assert.True(status == 0, output.ToString());
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
