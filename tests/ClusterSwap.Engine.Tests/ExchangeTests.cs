// One run in two simulations, as on two machines: notes of every window go through memory from one to the other.
using System.Collections.Concurrent;
using ClusterSwap.Engine;

namespace ClusterSwap.Engine.Tests;

public sealed class ExchangeTests
{
    private const long UntilNs = 400_000;

    [Theory]
    [InlineData(1, 2)]
    [InlineData(2, 2)]
    [InlineData(2, 3)]
    public void A_run_on_several_nodes_has_the_fingerprint_of_one_thread(int threads, int nodes)
    {
        // Two racks without a link between them, each cut through: every window of both goes over the exchange.
        using Simulation whole = Toys.Phold(11);
        SimulationResult alone = whole.Run(new RunOptions { UntilNs = UntilNs });
        int[][] partitions = [[0, 1], [2, 3], [4], [5, 6, 7], [8], [9]];
        using var run = new NodesOfMemory(partitions, [.. partitions.Select((_, i) => i % nodes)], nodes);
        SimulationResult[] results = run.Run(threads, UntilNs);
        Assert.Equal(alone.Fingerprint, run.Fingerprint);
        Assert.Equal(alone.Messages, results.Sum(result => result.Messages));
    }

    [Fact]
    public void Racks_without_a_link_between_them_send_each_other_nothing()
    {
        int[][] partitions = [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]];
        using var run = new NodesOfMemory(partitions, [0, 1], 2);
        run.Run(1, UntilNs);
        Assert.Equal(0, run.Notes);
        Assert.Equal(Toys.FingerprintAt(() => Toys.Phold(11), UntilNs), run.Fingerprint);
    }

    [Fact]
    public void Hosts_that_live_elsewhere_have_no_actors()
    {
        int created = 0;
        var builder = new SimulationBuilder(1, Toys.Registry()) { IsLocal = host => host == 0 };
        for (int i = 0; i < 2; i++)
        {
            builder.AddHost($"h{i}").AddActor("a", (host, index) =>
            {
                created++;
                return new ScriptActor(host, index, (_, _) => { });
            });
            builder.Hosts[i].Post(5, 0, new Work());
        }

        using Simulation simulation = builder.Build();
        SimulationResult result = simulation.Run(new RunOptions
        {
            UntilNs = 10,
            Partitions = [[0], [1]],
            Exchange = new NodesOfMemory.Mail(0, [0, 1], new()),
        });
        Assert.Equal((1, 1L), (created, result.Messages));
    }

    [Fact]
    public void A_partition_that_lives_elsewhere_needs_an_exchange()
    {
        var builder = new SimulationBuilder(1, Toys.Registry()) { IsLocal = host => host == 0 };
        builder.AddHost("here");
        builder.AddHost("there");
        using Simulation simulation = builder.Build();
        var options = new RunOptions { UntilNs = 10, Partitions = [[0], [1]] };
        Assert.Contains("no exchange", Assert.Throws<ArgumentException>(() => simulation.Run(options)).Message);
        var mixed = new RunOptions { UntilNs = 10, Partitions = [[0, 1]] };
        Assert.Contains("here and elsewhere", Assert.Throws<ArgumentException>(() => simulation.Run(mixed)).Message);
    }

    [Fact]
    public void A_fault_ends_the_run_on_all_nodes_and_is_told_by_its_own()
    {
        int[][] partitions = [[0, 1], [2, 3, 4], [5, 6, 7, 8, 9]];
        using var run = new NodesOfMemory(partitions, [0, 1, 1], 2, more: simulation =>
        {
            if (simulation.IsLocal(3))
            {
                simulation.Post(3, 60_000, 0, new Token());
            }
        });
        Exception[] ends = run.Fail(UntilNs);
        var elsewhere = Assert.IsType<FaultElsewhereException>(ends[0]);
        var fault = Assert.IsType<SimulationFaultException>(ends[1]);
        Assert.Equal((60_000, 60_000, 3), (elsewhere.TimeNs, fault.Fault.TimeNs, fault.Fault.HostId));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void What_the_exchange_throws_ends_the_run_on_any_number_of_threads(int threads)
    {
        using Simulation simulation = NodesOfMemory.Build(host => host < 4);
        var options = new RunOptions
        {
            UntilNs = UntilNs,
            Threads = threads,
            Partitions = [[0, 1], [2, 3], [4, 5, 6, 7, 8, 9]],
            Exchange = new Silence(),
        };
        Assert.Throws<TimeoutException>(() => simulation.Run(options));
    }

    [Fact]
    public void An_abandoned_run_ends_before_its_barrier()
    {
        using Simulation simulation = Toys.Phold(11);
        simulation.Abandon();
        Assert.Throws<OperationCanceledException>(() => simulation.Run(new RunOptions
        {
            UntilNs = UntilNs,
            Threads = 2,
            Partitions = [[0, 1, 2], [3, 4], [5, 6, 7, 8, 9]],
        }));
        Assert.Equal(0, simulation.TimeNs);
    }

    private sealed class Silence : IWindowExchange
    {
        public int Node => 0;

        public int NodeOf(int partition) => partition < 2 ? 0 : 1;

        public void Send(int node, int group, long window, byte[] note)
        {
        }

        public ReadOnlyMemory<byte> Receive(int node, int group, long window)
            => throw new TimeoutException("nobody answers");
    }
}

/// <summary>Several simulations of one run, each on a thread of its own.</summary>
internal sealed class NodesOfMemory : IDisposable
{
    private readonly int[][] _partitions;
    private readonly Simulation[] _nodes;
    private readonly Mail[] _mail;
    private readonly int[] _nodeOfHost;

    public NodesOfMemory(int[][] partitions, int[] nodeOfPartition, int nodes, Action<Simulation>? more = null)
    {
        _partitions = partitions;
        _nodeOfHost = new int[partitions.Sum(partition => partition.Length)];
        for (int i = 0; i < partitions.Length; i++)
        {
            foreach (int host in partitions[i])
            {
                _nodeOfHost[host] = nodeOfPartition[i];
            }
        }

        var box = new Mail.Box();
        _mail = [.. Enumerable.Range(0, nodes).Select(node => new Mail(node, nodeOfPartition, box))];
        _nodes = [.. Enumerable.Range(0, nodes).Select(node => Build(host => _nodeOfHost[host] == node))];
        foreach (Simulation simulation in _nodes)
        {
            more?.Invoke(simulation);
        }
    }

    public int Notes => _mail.Sum(mail => mail.Sent);

    public Simulation[] Nodes => _nodes;

    public UInt128 Fingerprint
        => Simulation.FingerprintOf(_nodeOfHost.Select((node, host) => _nodes[node].HostFingerprint(host)));

    public static Simulation Build(Func<int, bool> isLocal) => Toys.Phold(11, isLocal: isLocal);

    public SimulationResult[] Run(int threads, long untilNs)
    {
        var results = new SimulationResult[_nodes.Length];
        OnThreads(node => results[node] = _nodes[node].Run(OptionsOf(node, threads, untilNs)));
        return results;
    }

    public Exception[] Fail(long untilNs)
    {
        var ends = new Exception[_nodes.Length];
        OnThreads(node => ends[node] = Record.Exception(() => _nodes[node].Run(OptionsOf(node, 1, untilNs)))!);
        return ends;
    }

    public void Dispose()
    {
        foreach (Simulation simulation in _nodes)
        {
            simulation.Dispose();
        }
    }

    private RunOptions OptionsOf(int node, int threads, long untilNs)
        => new() { UntilNs = untilNs, Threads = threads, Partitions = _partitions, Exchange = _mail[node] };

    private void OnThreads(Action<int> run)
    {
        Thread[] threads = [.. Enumerable.Range(0, _nodes.Length).Select(node => new Thread(() => run(node)))];
        Array.ForEach(threads, thread => thread.Start());
        Assert.All(threads, thread => Assert.True(thread.Join(TimeSpan.FromMinutes(1)), "a node never ended"));
    }

    /// <summary>Notes in queues of memory.</summary>
    internal sealed class Mail(int node, int[] nodeOfPartition, Mail.Box box) : IWindowExchange
    {
        public int Node => node;

        public int Sent { get; private set; }

        public int NodeOf(int partition) => nodeOfPartition[partition];

        public void Send(int to, int group, long window, byte[] note)
        {
            Sent++;
            box.Queue(node, to, group).Add((window, note));
        }

        public ReadOnlyMemory<byte> Receive(int from, int group, long window)
        {
            Assert.True(box.Queue(from, node, group).TryTake(out (long Window, byte[] Note) got, TimeSpan.FromMinutes(1)));
            Assert.Equal(window, got.Window);
            return got.Note;
        }

        internal sealed class Box
        {
            private readonly ConcurrentDictionary<(int From, int To, int Group), BlockingCollection<(long, byte[])>>
                _queues = new();

            public BlockingCollection<(long Window, byte[] Note)> Queue(int from, int to, int group)
                => _queues.GetOrAdd((from, to, group), _ => []);
        }
    }
}
