// Buffers that TCP keeps for the reader, in order and out of order, and the backlog of an owned socket.
using System.Runtime.InteropServices;
using MemoryPack;

namespace ClusterSwap.Kernel.Net;

/// <summary>A received buffer and the stream bytes in it.</summary>
[MemoryPackable]
[StructLayout(LayoutKind.Sequential, Pack = 4)]
public partial struct ReceivedSkb
{
    /// <summary>The buffer.</summary>
    public SkBuff Skb;

    /// <summary>First byte.</summary>
    public long Start;

    /// <summary>Behind the last byte.</summary>
    public long End;
}

/// <summary>sk_receive_queue and the out-of-order queue: one buffer per frame, owned until read.</summary>
[MemoryPackable]
public sealed partial class ReceiveQueue
{
    /// <summary>Buffers in order, oldest first.</summary>
    public Fifo<ReceivedSkb> InOrder = new();

    /// <summary>Buffers above a gap, by first byte.</summary>
    public Fifo<ReceivedSkb> OutOfOrder = new();

    /// <summary>Behind the last byte in order: the connection's RcvNxt.</summary>
    public long RcvNxt;

    /// <summary>Next byte of the reader: the connection's CopiedSeq.</summary>
    public long CopiedSeq;

    /// <summary>
    /// Adds the buffer of one frame. False: every byte of it is here already, the caller frees the buffer.
    /// </summary>
    public bool Add(in SkBuff skb, long seq, int length)
    {
        var item = new ReceivedSkb { Skb = skb, Start = seq, End = seq + length };
        if (item.End <= RcvNxt)
        {
            return false;
        }

        if (seq > RcvNxt)
        {
            return AddOutOfOrder(item);
        }

        InOrder.Add(item);
        RcvNxt = item.End;
        return true;
    }

    /// <summary>
    /// Moves buffers whose gap was filled behind the ones in order (<c>tcp_ofo_queue</c>); those that bring nothing
    /// new are
    /// added to <paramref name="freed"/>. Returns the truesize of the freed ones.
    /// </summary>
    public int Absorb(List<SkBuff> freed)
    {
        var trueSize = 0;
        while (OutOfOrder.Count > 0 && OutOfOrder[0].Start <= RcvNxt)
        {
            var item = OutOfOrder.Take();
            if (item.End <= RcvNxt)
            {
                trueSize += item.Skb.TrueSize;
                freed.Add(item.Skb);
            }
            else
            {
                InOrder.Add(item);
                RcvNxt = item.End;
            }
        }

        return trueSize;
    }

    /// <summary>
    /// The reader takes bytes: buffers that are wholly consumed are added to <paramref name="freed"/>. Returns their
    /// truesize, for <see cref="TcpConnection.Read"/>.
    /// </summary>
    public int Read(int bytes, List<SkBuff> freed)
    {
        if (bytes < 0 || bytes > RcvNxt - CopiedSeq)
        {
            throw new InvalidOperationException($"read of {bytes} bytes, {RcvNxt - CopiedSeq} are there");
        }

        CopiedSeq += bytes;
        var trueSize = 0;
        while (InOrder.Count > 0 && InOrder[0].End <= CopiedSeq)
        {
            var skb = InOrder.Take().Skb;
            trueSize += skb.TrueSize;
            freed.Add(skb);
        }

        return trueSize;
    }

    /// <summary><c>tcp_prune_ofo_queue</c>: gives up what is out of order. Returns its truesize.</summary>
    public int PruneOutOfOrder(List<SkBuff> freed)
    {
        var trueSize = 0;
        while (OutOfOrder.Count > 0)
        {
            var skb = OutOfOrder.Take().Skb;
            trueSize += skb.TrueSize;
            freed.Add(skb);
        }

        return trueSize;
    }

    /// <summary>Truesize of everything here: at barriers it equals the connection's RmemAlloc.</summary>
    public long TrueSize()
    {
        var sum = 0L;
        for (var i = 0; i < InOrder.Count; i++)
        {
            sum += InOrder[i].Skb.TrueSize;
        }

        for (var i = 0; i < OutOfOrder.Count; i++)
        {
            sum += OutOfOrder[i].Skb.TrueSize;
        }

        return sum;
    }

    /// <summary>Checks the order of both parts.</summary>
    public void AssertInvariants()
    {
        var end = CopiedSeq;
        for (var i = 0; i < InOrder.Count; i++)
        {
            var item = InOrder[i];
            if (item.End <= end || (item.Start > end))
            {
                throw new InvalidOperationException($"receive queue: {item.Start} to {item.End} behind {end}");
            }

            end = item.End;
        }

        if (end != RcvNxt)
        {
            throw new InvalidOperationException($"receive queue ends at {end}, next is {RcvNxt}");
        }

        for (var i = 1; i < OutOfOrder.Count; i++)
        {
            if (OutOfOrder[i].Start < OutOfOrder[i - 1].Start)
            {
                throw new InvalidOperationException($"out-of-order queue: {OutOfOrder[i].Start} after a later one");
            }
        }
    }

    private bool AddOutOfOrder(in ReceivedSkb item)
    {
        // Frames come mostly in rising order: search from the end.
        var i = OutOfOrder.Count;
        while (i > 0 && OutOfOrder[i - 1].Start > item.Start)
        {
            i--;
        }

        if (i > 0 && OutOfOrder[i - 1].End >= item.End
            || i < OutOfOrder.Count && OutOfOrder[i].Start == item.Start && OutOfOrder[i].End >= item.End)
        {
            return false;
        }

        OutOfOrder.Insert(i, item);
        return true;
    }
}

/// <summary>A frame that arrived while a task owned the socket.</summary>
[MemoryPackable]
[StructLayout(LayoutKind.Sequential, Pack = 4)]
public partial struct BacklogFrame
{
    /// <summary>The frame.</summary>
    public TcpSegment Segment;

    /// <summary>Its buffer.</summary>
    public SkBuff Skb;
}

/// <summary>
/// sk_backlog: frames wait here unprocessed until the owner lets go of the socket. This is where the ACKs and replies
/// lie that would free the memory for which the owner waits.
/// </summary>
[MemoryPackable]
public sealed partial class Backlog
{
    /// <summary>Frames in order of arrival.</summary>
    public Fifo<BacklogFrame> Frames = new();

    /// <summary>Truesize of the frames, bytes.</summary>
    public long TrueSize;

    /// <summary>TCPBacklogDrop: frames refused.</summary>
    public long Drops;

    /// <summary>
    /// <c>sk_add_backlog</c>, 3.6: refuses when backlog and receive queue together are above <paramref name="limit"/>
    /// (rcvbuf + sndbuf) already. False: the caller frees the buffer.
    /// </summary>
    public bool TryAdd(in SkBuff skb, in TcpSegment frame, long limit, int rmemAlloc)
    {
        if (TrueSize + rmemAlloc > limit)
        {
            Drops++;
            return false;
        }

        Frames.Add(new BacklogFrame { Segment = frame, Skb = skb });
        TrueSize += skb.TrueSize;
        return true;
    }

    /// <summary>The oldest frame, when the socket is released (<c>__release_sock</c>).</summary>
    public bool TryTake(out BacklogFrame frame)
    {
        frame = default;
        if (Frames.Count == 0)
        {
            return false;
        }

        frame = Frames.Take();
        TrueSize -= frame.Skb.TrueSize;
        return true;
    }

    /// <summary>Checks the account.</summary>
    public void AssertInvariants()
    {
        var sum = 0L;
        for (var i = 0; i < Frames.Count; i++)
        {
            sum += Frames[i].Skb.TrueSize;
        }

        if (sum != TrueSize)
        {
            throw new InvalidOperationException($"backlog holds {sum} bytes, its account says {TrueSize}");
        }
    }
}
