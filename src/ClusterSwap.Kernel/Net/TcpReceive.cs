// Admission of arriving data to a TCP socket: its buffer limit, the quota, pruning, and the queue.
namespace ClusterSwap.Kernel.Net;

/// <summary>What admission had to do.</summary>
public struct ReceiveCounts
{
    /// <summary>PruneCalled: the receive buffer was full, or the quota refused, and the queues were pruned.</summary>
    public int PruneCalled;

    /// <summary>RcvPruned: buffers refused all the same.</summary>
    public int Pruned;
}

/// <summary>Receives a train into a socket (<c>tcp_data_queue</c>, <c>tcp_try_rmem_schedule</c>, 3.6).</summary>
/// <param name="tcp">The connection.</param>
/// <param name="queue">Its receive queue.</param>
/// <param name="rules">The kernel's rules.</param>
/// <param name="freed">Takes the buffers that nobody needs any more.</param>
public readonly ref struct TcpReceive(TcpConnection tcp, ReceiveQueue queue, KernelRules rules, List<SkBuff> freed)
{
    /// <summary>
    /// Admits the buffers of a train with payload, one a frame, until one is refused; TCP processes what was admitted,
    /// and of a train that was refused its ACK alone. Returns how many were admitted.
    /// </summary>
    public int Data(
        TcpSegment segment, ReadOnlySpan<SkBuff> buffers, long nowNs, ref TcpEffects fx, ref ReceiveCounts counts)
    {
        var admitted = 0;
        while (admitted < buffers.Length && Admit(buffers[admitted], first: admitted == 0, ref counts))
        {
            admitted++;
        }

        counts.Pruned += buffers.Length - admitted;
        for (var i = admitted; i < buffers.Length; i++)
        {
            freed.Add(buffers[i]);
        }

        if (admitted == 0)
        {
            tcp.OnAck(segment, nowNs, ref fx);
            return 0;
        }

        var mss = tcp.Parameters.Mss;
        if (admitted < buffers.Length)
        {
            segment.Length = Math.Min(segment.Length, admitted * mss);
            segment.Segments = admitted;
        }

        tcp.OnSegment(segment, nowNs, ref fx);
        for (var i = 0; i < admitted; i++)
        {
            var seq = segment.Seq + (long)i * mss;
            var length = (int)Math.Min(mss, segment.End - seq);
            if (fx.Data == TcpData.NotKept || !queue.Add(buffers[i], seq, length))
            {
                tcp.ReleaseReceive(buffers[i].TrueSize);
                freed.Add(buffers[i]);
            }
        }

        tcp.ReleaseReceive(queue.Absorb(freed));
        return admitted;
    }

    private bool Admit(in SkBuff buffer, bool first, ref ReceiveCounts counts)
    {
        var trueSize = buffer.TrueSize;
        if (SocketRules.ForcesReceive(rules, first && queue.InOrder.Count == 0))
        {
            tcp.ForceReceive(trueSize);
            return true;
        }

        var passes = SocketRules.PassesQuota(rules, buffer.PfMemAlloc);
        if (!tcp.CanReceive(trueSize, passes))
        {
            counts.PruneCalled++;
            if (!tcp.PruneOutOfOrder())
            {
                return false;
            }

            tcp.ReleaseReceive(queue.PruneOutOfOrder(freed));
            if (!tcp.CanReceive(trueSize, passes))
            {
                return false;
            }
        }

        tcp.ChargeReceive(trueSize, passes);
        return true;
    }
}
