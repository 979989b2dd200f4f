// The way of window notes between the engine of this node and the others.
using System.Diagnostics;
using ClusterSwap.Engine;

namespace ClusterSwap.Clustering;

/// <summary>Hands notes to the lines, and waits for those of others. Counts how long it waited; that decides
/// nothing.</summary>
/// <param name="node">Number of this node.</param>
/// <param name="nodeOfPartition">Who has which partition.</param>
/// <param name="send">Sends to a node.</param>
internal sealed class NodeExchange(int node, int[] nodeOfPartition, Action<int, NodeNote> send) : IWindowExchange
{
    private readonly object _gate = new();
    private readonly Dictionary<(int Node, int Group, long Window), byte[]> _notes = [];
    private readonly Dictionary<int, long> _lastWindow = [];
    private bool _closed;
    private long _awayTicks;
    private long _sentBytes;
    private long _windows;

    /// <inheritdoc/>
    public int Node => node;

    /// <summary>Ticks of <see cref="Stopwatch"/> spent waiting.</summary>
    public long AwayTicks => Volatile.Read(ref _awayTicks);

    /// <summary>Bytes of notes sent.</summary>
    public long SentBytes => Volatile.Read(ref _sentBytes);

    /// <summary>Windows that others were waited for in.</summary>
    public long Windows => Volatile.Read(ref _windows);

    /// <inheritdoc/>
    public int NodeOf(int partition) => nodeOfPartition[partition];

    /// <inheritdoc/>
    public void Send(int to, int group, long window, byte[] note)
    {
        Interlocked.Add(ref _sentBytes, note.Length);
        send(to, new NodeNote(group, window, note));
    }

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> Receive(int from, int group, long window)
    {
        long since = Stopwatch.GetTimestamp();
        byte[]? note;
        lock (_gate)
        {
            if (_lastWindow.GetValueOrDefault(group, -1) < window)
            {
                _lastWindow[group] = window;
                Volatile.Write(ref _windows, _windows + 1);
            }

            while (!_notes.Remove((from, group, window), out note))
            {
                if (_closed)
                {
                    throw new OperationCanceledException("the epoch is over");
                }

                Monitor.Wait(_gate);
            }
        }

        Interlocked.Add(ref _awayTicks, Stopwatch.GetTimestamp() - since);
        return note;
    }

    /// <summary>A note of another node has come.</summary>
    public void Deliver(int from, NodeNote note)
    {
        lock (_gate)
        {
            _notes[(from, note.Group, note.Window)] = note.Bytes;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Nothing more will come: whoever waits is sent away.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _closed = true;
            Monitor.PulseAll(_gate);
        }
    }
}
