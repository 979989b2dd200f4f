// Runs on nodes that come, go, and are lost: what comes out is what one thread gives.
using ClusterSwap.Blades.Runs;
using ClusterSwap.Cli;
using ClusterSwap.Clustering;
using ClusterSwap.Journal;

namespace ClusterSwap.Cluster.Tests;

public sealed class RunOnNodesTests(NodesFixture nodes) : IClassFixture<NodesFixture>, IDisposable
{
    private const long ThirdOfTheWayNs = 400_000_000;

    private readonly string _folder = Directory.CreateTempSubdirectory("clusterswap-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Strangers_that_send_garbage_are_dropped_and_the_run_goes_on()
    {
        bool came = false;
        RunReport report = nodes.Run("garbage", TwoRacks.Request(), (_, progress) =>
        {
            if (!came && progress.VirtualNs >= ThirdOfTheWayNs)
            {
                came = true;
                Strangers.SendBytes(nodes.First);
                Strangers.SendMessages(nodes.First, "garbage", epoch: 1);
            }

            return true;
        });
        Assert.True(came);
        TwoRacks.AssertAsAlone(report);
        Assert.Equal(1, StatisticOf(report, "epochs"));
        Assert.Equal(3, StatisticOf(report, "partitions"));
        Assert.True(StatisticOf(report, "windows") > 0, "two nodes never exchanged a window");
    }

    [Fact]
    public void A_node_that_joins_in_the_middle_takes_load_and_one_that_leaves_hands_it_over()
    {
        NodeHost? third = null;
        Thread? leaving = null;
        int most = 0;
        RunReport report = nodes.Run("joins", TwoRacks.Request(), (runner, progress) =>
        {
            if (third is null && progress.VirtualNs >= ThirdOfTheWayNs)
            {
                third = nodes.Start();
                Programs.Until(() => runner.NodesSeen == 3, "the coordinator sees the third node");
            }

            int has = nodes.Status.Nodes.Where(node => node.Address == third?.Address).Sum(node => node.Partitions);
            most = Math.Max(most, has);
            if (has > 0 && leaving is null)
            {
                leaving = new Thread(() => Leave(third!));
                leaving.Start();
                Programs.Until(() => runner.NodesSeen == 2, "the coordinator is asked to let it go");
            }

            return true;
        });
        Assert.Equal(1, most);
        leaving!.Join();
        TwoRacks.AssertAsAlone(report);
        Assert.Equal(3, StatisticOf(report, "epochs"));
        Assert.All(nodes.Told, told => Assert.Contains("nodes have changed", told));
    }

    [Fact]
    public void A_run_begun_on_one_thread_goes_on_on_nodes_and_ends_on_one_thread()
    {
        string id = Path.GetFileName(Begin(stopNs: ThirdOfTheWayNs));
        JournalStore store = JournalStore.Sqlite(Path.Combine(_folder, id, "journal.db"));
        RunReport stopped;
        using (IJournalReader reader = JournalReader.Open(store, id))
        {
            var checkpoints = new JournalCheckpoints(reader);
            RunRequest request = TwoRacks.Request() with { Checkpoint = checkpoints.Load(checkpoints.TimesNs.Count - 1) };
            reader.Dispose();
            stopped = nodes.Run(
                id, request, (_, progress) => progress.VirtualNs < 2 * ThirdOfTheWayNs, store: store, firstEpoch: 2);
        }

        Assert.Equal((Verdict.Interrupted, 2 * ThirdOfTheWayNs), (stopped.Verdict, stopped.VirtualNs));
        Cli(new BladeRunner(), ExitStatus.Success, "run", "--resume", id);
        using IJournalReader whole = JournalReader.Open(store, id);
        Assert.Equal(TwoRacks.Alone.Fingerprint, whole.End!.Fingerprint);
        Assert.Equal(3, whole.LastEpoch);
        whole.Dispose();

        // What each epoch recorded counts up to where the next one began.
        Cli(new BladeRunner(), ExitStatus.Success, "replay", id, "--verify");
    }

    [Fact]
    public void A_run_that_had_ended_where_it_was_stopped_goes_no_further()
    {
        string id = Path.GetFileName(Begin(stopNs: TwoRacks.Alone.VirtualNs));
        JournalStore store = JournalStore.Sqlite(Path.Combine(_folder, id, "journal.db"));
        using IJournalReader reader = JournalReader.Open(store, id);
        var checkpoints = new JournalCheckpoints(reader);
        RunRequest request = TwoRacks.Request() with { Checkpoint = checkpoints.Load(checkpoints.TimesNs.Count - 1) };
        TwoRacks.AssertAsAlone(nodes.Run("over", request));
    }

    [Fact]
    public void A_coordinator_that_is_declared_dead_says_so_and_its_nodes_are_free_for_the_next_run()
    {
        NodeHost host = nodes.Start("run");
        var lost = Assert.Throws<ClusterRunException>(() => nodes.Run(
            "lost", TwoRacks.Request(), (_, progress) =>
            {
                if (progress.VirtualNs == ThirdOfTheWayNs)
                {
                    nodes.First.Down(host.Address);
                    Assert.True(host.Ended.Wait(Programs.Patience));
                }

                return true;
            },
            host));
        Assert.True(lost.IsLost, lost.Message);
        Programs.Until(() => nodes.AreFree, "the nodes end their part");
        TwoRacks.AssertAsAlone(nodes.Run("next", TwoRacks.Request()));
    }

    /// <summary>Runs in one process, recorded, up to a barrier; the run's folder.</summary>
    private string Begin(long stopNs)
    {
        Cli(new Stopping(stopNs), ExitStatus.Interrupted, "run", TwoRacks.WriteTo(_folder));
        return Path.GetDirectoryName(Assert.Single(Directory.GetFiles(_folder, "journal.db", new EnumerationOptions
        {
            RecurseSubdirectories = true,
            AttributesToSkip = FileAttributes.ReparsePoint,
        })))!;
    }

    private void Cli(IRunner runner, int status, params string[] args)
    {
        var output = new StringWriter();
        var console = new CliConsole(output, output, false, false, 120);
        int got = new CliApplication(runner, console, TimeProvider.System).Run([.. args, "--runs-dir", _folder]);
        Assert.True(got == status, output.ToString());
    }

    private static void Leave(NodeHost node)
    {
        node.HandOver(Programs.Patience);
        node.Leave();
    }

    private static long StatisticOf(RunReport report, string name)
        => Assert.Single(report.Statistics, statistic => statistic.Key == name).Value;

    /// <summary>Stops as Ctrl-C does, at a barrier that does not depend on the machine.</summary>
    private sealed class Stopping(long stopNs) : IRunner
    {
        public RunReport Run(RunRequest request, CancellationToken cancel) => new BladeRunner().Run(
            request with { OnProgress = progress => progress.VirtualNs < stopNs }, cancel);
    }
}
