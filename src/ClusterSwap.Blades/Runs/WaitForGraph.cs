// Who waits for whom on a blade that does not move: tasks, locks, memory and the connection as a graph.
using ClusterSwap.Blades.Actors;
using ClusterSwap.Engine;

namespace ClusterSwap.Blades.Runs;

/// <summary>
/// Built at a barrier from the states of the blade's actors and from what is pending, and from nothing else: so it is
/// the same on any number of threads and after a restore. What can go on is the least set that contains what can go on
/// by itself and is closed under the ways out; a set of waiters that support only each other is not in it. Where a
/// state leaves a doubt, the way out counts.
/// </summary>
public sealed partial class WaitForGraph
{
    private readonly BladeStates _states;
    private readonly Simulation _simulation;
    private readonly List<WaitNode> _nodes = [];
    private readonly List<WaitNode> _processes = [];
    private readonly WaitNode _sender;
    private readonly WaitNode _receiver;
    private readonly WaitNode _socket;
    private readonly WaitNode _ring;
    private readonly WaitNode _traffic;
    private readonly WaitNode _received;
    private readonly WaitNode _freeing;
    private readonly WaitNode _pagesForSender;
    private readonly WaitNode _pagesForProcesses;
    private readonly RequestsInFlight _reads;
    private readonly RequestsInFlight _writes;

    private WaitForGraph(Simulation simulation, BladeStates states, IReadOnlySet<int>? stopped)
    {
        _simulation = simulation;
        _states = states;
        _sender = Node();
        _receiver = Node();
        _socket = Node();
        _ring = Node();
        _traffic = Node();
        _received = Node();
        _freeing = Node();
        _pagesForSender = Node();
        _pagesForProcesses = Node();
        _reads = new RequestsInFlight(this, states.Device, write: false);
        _writes = new RequestsInFlight(this, states.Device, write: true);
        ConnectSocket();
        ConnectTraffic();
        ConnectMemory();
        ConnectSender();
        ConnectReceiver();
        for (var process = 0; process < states.Processes; process++)
        {
            if (stopped?.Contains(BladeTasks.Process(process)) != true)
            {
                ConnectProcess(process);
            }
        }

        for (var stream = 0; stream < states.Streams; stream++)
        {
            ConnectReader(stream);
        }

        Settle();
    }

    /// <summary>Work remains, and no process that has some can go on, whatever may still happen.</summary>
    public bool IsKnot => _processes.Count > 0 && !_processes.Exists(process => process.CanGoOn);

    /// <summary>
    /// The graph of a blade at the barrier where the simulation stands. Processes that somebody has
    /// <paramref name="stopped"/> in user mode wait for nothing of the blade and are left out.
    /// </summary>
    public static WaitForGraph Of(
        Simulation simulation, BladeStates states, IReadOnlySet<int>? stopped = null) => new(simulation, states, stopped);

    /// <summary>What can go on by itself, one sentence each, without repetition.</summary>
    public IReadOnlyList<string> WaysOut()
    {
        var ways = new List<string>();
        foreach (var node in _nodes)
        {
            if (node.ByItself.Length > 0 && !ways.Contains(node.ByItself))
            {
                ways.Add(node.ByItself);
            }
        }

        return ways;
    }

    private WaitNode Node()
    {
        var node = new WaitNode();
        _nodes.Add(node);
        return node;
    }

    private void Settle()
    {
        var changed = true;
        while (changed)
        {
            changed = false;
            foreach (var node in _nodes)
            {
                changed |= node.Settle();
            }
        }
    }

    /// <summary>
    /// Requests of one class: those whose bytes are all in the socket, and those that the sender has yet to send.
    /// </summary>
    private sealed class RequestsInFlight
    {
        private readonly bool[] _unsent;

        public RequestsInFlight(WaitForGraph graph, NbdDeviceState device, bool write)
        {
            var queue = device.Queue;
            _unsent = new bool[queue.Created];
            for (var i = 0; i < device.Waiting.Count; i++)
            {
                _unsent[device.Waiting[i]] = true;
            }

            foreach (var plug in device.Plugs)
            {
                for (var i = 0; i < plug.Count; i++)
                {
                    _unsent[plug.Tags[i]] = true;
                }
            }

            if (device.Sending >= 0)
            {
                _unsent[device.Sending] = true;
            }

            for (var tag = 0; tag < queue.Created; tag++)
            {
                if (queue[tag].InFlight && queue[tag].Write == write)
                {
                    Unsent += _unsent[tag] ? 1 : 0;
                    Sent += _unsent[tag] ? 0 : 1;
                }
            }

            Answered = graph.Node();
            ToBeSent = graph.Node();
            if (Sent > 0)
            {
                Answered.Needs(graph._receiver);
            }

            if (Unsent > 0)
            {
                ToBeSent.Needs(graph._sender, graph._socket, graph._ring);
            }
        }

        /// <summary>How many are sent.</summary>
        public int Sent { get; }

        /// <summary>How many are not.</summary>
        public int Unsent { get; }

        /// <summary>A sent one completes.</summary>
        public WaitNode Answered { get; }

        /// <summary>One that is not sent yet completes.</summary>
        public WaitNode ToBeSent { get; }

        /// <summary>The completion of one request.</summary>
        public WaitNode Completion(int tag) => _unsent[tag] ? ToBeSent : Answered;

        /// <summary><paramref name="node"/> goes on when any of them completes.</summary>
        public void EndWaitOf(WaitNode node)
        {
            node.Needs(Answered);
            node.Needs(ToBeSent);
        }
    }
}
