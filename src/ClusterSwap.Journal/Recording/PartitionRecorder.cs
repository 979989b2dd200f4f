// One partition's side of recording: its thread packs blocks here and hands them to its recorder.
using ClusterSwap.Blades;
using ClusterSwap.Blades.Tracing;
using ClusterSwap.Engine;
using ClusterSwap.Kernel.Tracing;

namespace ClusterSwap.Journal;

/// <summary>
/// Takes deliveries and decisions of a partition's hosts in, on the thread that runs it, and cuts them into blocks. At
/// barriers, when all threads rest, it takes digests, checkpoints and the verdict too.
/// </summary>
internal sealed class PartitionRecorder
{
    private readonly StreamName _stream;
    private readonly ulong _run;
    private readonly HostContext[] _hosts;
    private readonly EventPacker _packer;
    private readonly RowBuffers _buffers;
    private long _sequence;

    public PartitionRecorder(
        StreamName stream, HostContext[] hosts, int allHosts, BlockQueue queue, int blockBytes = JournalFormat.BlockBytes)
    {
        _stream = stream;
        _run = BlockHead.RunWord(stream.RunId);
        _hosts = hosts;
        _packer = new EventPacker(allHosts, blockBytes);
        _buffers = new RowBuffers(BlockQueue.BlocksMax, from: _packer.ArrayBytes);
        Queue = queue;
    }

    public BlockQueue Queue { get; }

    /// <summary>Who takes the blocks of events instead of the queue; null on the node that writes.</summary>
    public Action<RecordedBlock>? Divert { get; init; }

    /// <summary>Messages and decisions so far.</summary>
    public long Events { get; private set; }

    /// <summary>The observer of a host's deliveries.</summary>
    public HostObserver Deliveries(int host) => new DeliveryTap(this, host);

    /// <summary>The listener of a host's decisions.</summary>
    public ITraceListener Decisions(HostContext host) => new DecisionTap(this, host);

    /// <summary>Adds a barrier. With <paramref name="flush"/>, all up to it goes to the database now.</summary>
    public void Barrier(long timeNs, bool flush)
    {
        _packer.AddBarrier(timeNs, _hosts);
        if (flush || _packer.IsFull)
        {
            Flush();
        }
    }

    /// <summary>Adds a block of its own kind, behind all events so far.</summary>
    public void Add(BlockKind kind, long timeNs, byte[] payload)
    {
        Flush();
        Send(new BlockHead { Kind = kind, FirstNs = timeNs, LastNs = timeNs }, payload);
    }

    /// <summary>Adds a row of a checkpoint, whose array goes back to its owner.</summary>
    public void AddCheckpoint(long timeNs, ReadOnlyMemory<byte> payload, RowBuffers owner)
    {
        Flush();
        Send(new BlockHead { Kind = BlockKind.Checkpoint, FirstNs = timeNs, LastNs = timeNs }, payload, owner);
    }

    /// <summary>Hands the open block over, if anything is in it.</summary>
    public void Flush()
    {
        if (_packer.IsEmpty)
        {
            return;
        }

        var head = new BlockHead
        {
            Kind = BlockKind.Events,
            FirstNs = _packer.FirstNs,
            LastNs = _packer.LastNs,
            Messages = _packer.Messages,
            Decisions = _packer.Decisions,
            Barriers = _packer.Barriers,
            TailBytes = _packer.TailBytes,
        };
        Events += head.Messages + head.Decisions;
        Send(head, _packer.Take(_buffers), _buffers);
    }

    /// <summary>Adds a block that another node packed.</summary>
    public void Take(RecordedBlock block)
    {
        Events += block.Messages + block.Decisions;
        Send(
            new BlockHead
            {
                Kind = BlockKind.Events,
                FirstNs = block.FirstNs,
                LastNs = block.LastNs,
                Messages = block.Messages,
                Decisions = block.Decisions,
                Barriers = block.Barriers,
                TailBytes = block.TailBytes,
            },
            block.Payload);
    }

    /// <summary>Listens to the hosts: to their messages, if all is recorded, and to what blades decide.</summary>
    public void Attach(Cluster cluster, JournalLevel level)
    {
        foreach (HostContext host in _hosts)
        {
            if (level == JournalLevel.All)
            {
                host.Observer = Deliveries(host.HostId);
            }

            if (cluster.Blades.FirstOrDefault(blade => blade.Host == host.HostId) is { } place)
            {
                FtraceFiles.LogOf(cluster, place).Listen(DecisionEvents.Mask, Decisions(host));
            }
        }
    }

    private static RecordedBlock Recorded(in BlockHead head, ReadOnlyMemory<byte> payload) => new()
    {
        FirstNs = head.FirstNs,
        LastNs = head.LastNs,
        Messages = head.Messages,
        Decisions = head.Decisions,
        Barriers = head.Barriers,
        TailBytes = head.TailBytes,
        Payload = payload.ToArray(),
    };

    private void Send(BlockHead head, ReadOnlyMemory<byte> payload, RowBuffers? owner = null)
    {
        if (Divert is not null)
        {
            Divert(Recorded(in head, payload));
            return;
        }

        Queue.Add(new OpenBlock(Named(head), payload, owner));
    }

    private BlockHead Named(BlockHead head)
    {
        head.Run = _run;
        head.Partition = _stream.Partition;
        head.Epoch = _stream.Epoch;
        head.Sequence = ++_sequence;
        return head;
    }

    private sealed class DeliveryTap(PartitionRecorder partition, int host) : HostObserver
    {
        private readonly EventPacker _packer = partition._packer;

        public override void Delivered(in Delivery delivery)
        {
            if (_packer.IsFull)
            {
                partition.Flush();
            }

            _packer.Add(host, in delivery);
        }
    }

    private sealed class DecisionTap(PartitionRecorder partition, HostContext host) : ITraceListener
    {
        public void Traced(in TraceRecord record)
        {
            if (partition._packer.IsFull)
            {
                partition.Flush();
            }

            partition._packer.Add(host.HostId, host.Messages, in record);
        }
    }
}
