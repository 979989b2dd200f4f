// The part of a window group that leads to other machines.
namespace ClusterSwap.Engine;

/// <summary>
/// Exchanges the notes of a window with the other nodes of a group. A note for a node holds, for each seat here: next
/// event, fault, work; then, by seat of the group, the first arrival of what was sent here; then the frames for the seats
/// of that node. Used by one worker at a time.
/// </summary>
internal sealed class WindowBridge
{
    private readonly IWindowExchange _exchange;
    private readonly int _group;
    private readonly Partition[] _seats;
    private readonly Simulation _simulation;
    private readonly int[] _nodes;
    private readonly int[] _nodeOfSeat;
    private readonly StateWriter _writer = new();
    private long _window;

    public WindowBridge(IWindowExchange exchange, int group, Partition[] seats, Simulation simulation)
    {
        _exchange = exchange;
        _group = group;
        _seats = seats;
        _simulation = simulation;
        _nodeOfSeat = [.. seats.Select(seat => exchange.NodeOf(seat.Id))];
        for (int seat = 0; seat < seats.Length; seat++)
        {
            if (seats[seat].IsLocal != (_nodeOfSeat[seat] == exchange.Node))
            {
                throw new ArgumentException(
                    $"partition {seats[seat].Id} belongs to node {_nodeOfSeat[seat]}, and node {exchange.Node} "
                    + (seats[seat].IsLocal ? "has" : "lacks") + " its hosts");
            }
        }

        _nodes = [.. _nodeOfSeat.Where(node => node != exchange.Node).Distinct().Order()];
    }

    /// <summary>First fault of a seat elsewhere; <see cref="long.MaxValue"/> when there is none.</summary>
    public long FaultNs { get; private set; } = long.MaxValue;

    /// <summary>
    /// Sends what the seats here published with this parity, and puts what the others sent into the notes of theirs.
    /// </summary>
    public void Meet(int parity)
    {
        long window = _window++;
        foreach (int node in _nodes)
        {
            _writer.Clear();
            Write(parity, node);
            _exchange.Send(node, _group, window, _writer.Written.ToArray());
        }

        for (int seat = 0; seat < _seats.Length; seat++)
        {
            if (_nodeOfSeat[seat] != _exchange.Node)
            {
                _seats[seat].OpenNote(parity);
            }
        }

        foreach (int node in _nodes)
        {
            Read(parity, node, _exchange.Receive(node, _group, window).Span);
        }
    }

    private void Write(int parity, int node)
    {
        foreach (Partition partition in _seats)
        {
            if (partition.IsLocal)
            {
                WindowNote note = partition.Notes[parity];
                _writer.Int64(note.NextNs);
                _writer.Int64(note.FaultNs);
                _writer.Int64(note.Work);
            }
        }

        for (int to = 0; to < _seats.Length; to++)
        {
            long firstNs = long.MaxValue;
            foreach (Partition partition in _seats)
            {
                firstNs = partition.IsLocal ? Math.Min(firstNs, partition.Notes[parity].FirstArrivalAt(to)) : firstNs;
            }

            _writer.Int64(firstNs);
        }

        for (int to = 0; to < _seats.Length; to++)
        {
            if (_nodeOfSeat[to] == node)
            {
                foreach (Partition partition in _seats)
                {
                    WriteFrames(partition, parity, to);
                }
            }
        }
    }

    private void WriteFrames(Partition from, int parity, int to)
    {
        if (!from.IsLocal)
        {
            return;
        }

        foreach (Frame frame in from.Notes[parity].FramesTo(to))
        {
            _writer.Int64(((long)from.Seat << 32) | (uint)to);
            _writer.Int64(frame.ArrivalNs);
            _writer.UInt64(frame.Source);
            _writer.UInt64(frame.Sequence);
            _writer.Int64(((long)frame.TargetHost << 32) | (uint)frame.TargetActor);
            _writer.Int64(frame.Cause);
            _writer.Int64(frame.Message.Kind);
            int mark = _writer.BeginBlock();
            _simulation.Registry.Serialize(_writer, frame.Message);
            _writer.EndBlock(mark);
        }
    }

    private void Read(int parity, int node, ReadOnlySpan<byte> bytes)
    {
        var reader = new StateReader(bytes);
        Partition? first = null;
        for (int seat = 0; seat < _seats.Length; seat++)
        {
            if (_nodeOfSeat[seat] == node)
            {
                first ??= _seats[seat];
                WindowNote note = _seats[seat].Notes[parity];
                note.NextNs = reader.Int64();
                note.FaultNs = reader.Int64();
                note.Work = reader.Int64();
                FaultNs = Math.Min(FaultNs, note.FaultNs);
            }
        }

        // Whoever of that node sent them: only the first arrival at each seat counts.
        for (int to = 0; to < _seats.Length; to++)
        {
            first!.Notes[parity].Expect(to, reader.Int64());
        }

        while (!reader.AtEnd)
        {
            ReadFrame(parity, node, ref reader);
        }
    }

    private void ReadFrame(int parity, int node, ref StateReader reader)
    {
        long seats = reader.Int64();
        int from = (int)(seats >> 32);
        int to = (int)seats;
        long arrivalNs = reader.Int64();
        ulong source = reader.UInt64();
        ulong sequence = reader.UInt64();
        long target = reader.Int64();
        long cause = reader.Int64();
        long kind = reader.Int64();
        ReadOnlySpan<byte> message = reader.Block();
        int host = (int)(target >> 32);
        bool fits = (uint)from < (uint)_seats.Length && _nodeOfSeat[from] == node
            && (uint)to < (uint)_seats.Length && _seats[to].IsLocal
            && (uint)host < (uint)_simulation.HostCount
            && ReferenceEquals(_simulation.Hosts[host].Partition, _seats[to])
            && (uint)(int)target < (uint)_simulation.Hosts[host].ActorCount && kind is >= 0 and <= ushort.MaxValue;
        if (!fits)
        {
            throw new InvalidDataException(
                $"a frame from seat {from} to seat {to}, host {host}, kind {kind}, cannot come from node {node}");
        }

        // The draw is a function of the seed, the source and the time, as in a checkpoint.
        ulong draw = Mixing.Of(_simulation.Seed, source, (ulong)arrivalNs);
        SimMessage sent = _simulation.Registry.Deserialize((ushort)kind, message);
        _seats[from].Notes[parity].Add(
            to, new Frame(arrivalNs, draw, source, sequence, host, (int)target, sent, cause));
    }
}
