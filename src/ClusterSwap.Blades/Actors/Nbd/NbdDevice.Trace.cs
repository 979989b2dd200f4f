// What the block layer and the socket tell of themselves.
using ClusterSwap.Kernel.Block;
using ClusterSwap.Kernel.Net;
using ClusterSwap.Kernel.Tracing;

namespace ClusterSwap.Blades.Actors;

/// <summary>Where a packet was dropped.</summary>
public enum SkbDrop
{
    /// <summary><c>sk_filter</c>: it came from the reserve and the socket does not free memory.</summary>
    Filter,

    /// <summary><c>tcp_v4_rcv</c>: the backlog is full.</summary>
    Backlog,

    /// <summary><c>tcp_data_queue</c>: the receive buffer is full.</summary>
    ReceiveBuffer,

    /// <summary><c>__udp_queue_rcv_skb</c>: the receive buffer or udp_mem is full.</summary>
    Udp,
}

public sealed partial class NbdDevice
{
    private void TraceBio(TraceEvent which, int task, in Bio bio) =>
        _trace?.Add(which, _trace.CpuOf(task), bio.Write ? 1 : 0, bio.Slot, 1);

    // The elevator gets all requests of a plug, and the driver takes them at once (blk_flush_plug_list, 3.6).
    private void TraceFlush(int task, int count)
    {
        if (_trace is null || count == 0)
        {
            return;
        }

        var cpu = _trace.CpuOf(task);
        TraceRequests(TraceEvent.block_rq_insert, cpu, count);
        _trace.Add(TraceEvent.block_unplug, cpu, count);
        TraceRequests(TraceEvent.block_rq_issue, cpu, count);
    }

    private void TraceRequests(TraceEvent which, int cpu, int count)
    {
        for (var i = 0; i < count; i++)
        {
            var request = State.Queue[_flushed[i]];
            _trace!.Add(which, cpu, request.Write ? 1 : 0, request.FirstSlot, request.Count);
        }
    }

    // The driver of 3.6 has no trace points.
    private void TraceNbd(TraceEvent which, int cpu, int tag, ulong handle)
    {
        if (_multiQueue)
        {
            _trace?.Add(which, cpu, tag, (long)handle);
        }
    }

    private void TraceSent(TraceEvent which, int tag) => TraceNbd(which, _sender.Cpu, tag, State.Queue[tag].Handle);

    // The header is on its way when no more than the data is left to be copied.
    private void TraceHeader(int leftBefore)
    {
        var request = State.Queue[State.Sending];
        var data = request.Write ? request.LengthBytes : 0;
        if (leftBefore > data && State.SendLeft <= data)
        {
            TraceSent(TraceEvent.nbd_header_sent, State.Sending);
        }
    }

    private void TraceDrops(ReadOnlySpan<SkBuff> buffers, SkbDrop where)
    {
        if (_trace is null)
        {
            return;
        }

        foreach (ref readonly var buffer in buffers)
        {
            _trace.Add(TraceEvent.kfree_skb, SoftirqCpu, buffer.Head, (long)where, softirq: true);
        }
    }
}
