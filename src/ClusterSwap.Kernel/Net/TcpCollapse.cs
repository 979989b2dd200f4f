// A receive queue full of nearly empty buffers is copied into fuller ones.
using ClusterSwap.Kernel.Memory;

namespace ClusterSwap.Kernel.Net;

/// <summary>
/// <c>tcp_collapse</c>, 3.6: from the first buffer on that holds less payload than half of its truesize, the queue in
/// order is copied into buffers of up to a page, GFP_ATOMIC, until one cannot be had. The queue out of order is left
/// alone, unlike in the kernel.
/// </summary>
public static class TcpCollapse
{
    /// <summary>Head room of a received TCP frame, which the copies keep: pad and headers, bytes.</summary>
    public const int HeadRoom = SkbSizes.ReceivePad + SkbSizes.FrameHeaders;

    /// <summary>Most payload of a copy: a page less head room and skb_shared_info (SKB_MAX_ORDER), bytes.</summary>
    public const int Payload = SkbSizes.Page - SkbSizes.SharedInfo - HeadRoom;

    /// <summary>
    /// The buffers hold more truesize than the socket may have, and collapsing would help (<c>tcp_prune_queue</c>).
    /// </summary>
    public static bool IsDue(TcpConnection tcp, ReceiveQueue queue) =>
        tcp.RmemAlloc > tcp.RcvBuf && FirstBloated(queue) < queue.InOrder.Count - 1;

    /// <summary>
    /// Collapses the queue; what was copied is freed. Returns the buffers freed (TCPRcvCollapsed); the truesize that
    /// the queue has lost is in <paramref name="trueSize"/>, for <see cref="TcpConnection.ReleaseReceive"/>.
    /// </summary>
    public static int Run(ReceiveQueue queue, SkbAllocator skbs, int cpu, out int trueSize)
    {
        trueSize = 0;
        var before = queue.InOrder.Count;
        var kept = FirstBloated(queue);
        var old = queue.InOrder;
        queue.InOrder = new Fifo<ReceivedSkb>();
        for (var i = 0; i < kept; i++)
        {
            queue.InOrder.Add(old[i]);
        }

        var next = kept;
        var from = next < before ? Math.Max(old[next].Start, queue.CopiedSeq) : queue.RcvNxt;
        while (from < queue.RcvNxt)
        {
            var end = Math.Min(from + Payload, queue.RcvNxt);
            if (skbs.AllocCollapsed((int)(end - from) + HeadRoom, cpu, out var copy) != AllocOutcome.Granted)
            {
                break;
            }

            copy.Length = (int)(end - from);
            queue.InOrder.Add(new ReceivedSkb { Skb = copy, Start = from, End = end });
            trueSize -= copy.TrueSize;
            for (from = end; next < before && old[next].End <= from; next++)
            {
                trueSize += old[next].Skb.TrueSize;
                skbs.Free(old[next].Skb, cpu);
            }
        }

        for (var i = next; i < before; i++)
        {
            queue.InOrder.Add(old[i]);
        }

        return next - kept;
    }

    // tcp_win_from_space(truesize) > len, with tcp_adv_win_scale 1.
    private static int FirstBloated(ReceiveQueue queue)
    {
        var i = 0;
        while (i < queue.InOrder.Count
            && queue.InOrder[i].Skb.TrueSize / 2 <= queue.InOrder[i].End - queue.InOrder[i].Start)
        {
            i++;
        }

        return i;
    }
}
