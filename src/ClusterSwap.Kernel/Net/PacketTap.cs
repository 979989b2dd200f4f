// A packet tap: an AF_PACKET socket that gets a clone of every received frame before its protocol does.
using MemoryPack;

namespace ClusterSwap.Kernel.Net;

/// <summary>
/// Receive side of an AF_PACKET socket for all protocols (<c>packet_rcv</c>, 3.6). It asks neither sk_filter nor a
/// quota: only its buffer limits what it holds, and only patch 12 keeps it from frames of the reserve.
/// </summary>
[MemoryPackable]
public sealed partial class PacketTap
{
    /// <summary>sk_rcvbuf, bytes of truesize.</summary>
    public int RcvBuf = UdpSocket.DefaultRcvBuf;

    /// <summary>Truesize of everything queued, bytes.</summary>
    public int RmemAlloc;

    /// <summary>Clones in order of arrival.</summary>
    public Fifo<SkBuff> Queue = new();

    /// <summary>tp_packets less tp_drops: frames that were queued.</summary>
    public long Queued;

    /// <summary>Frames that found the buffer full.</summary>
    public long RcvbufDrops;

    /// <summary>Frames for which no header could be had.</summary>
    public long CloneFailures;

    /// <summary>Frames that were not shown to taps, because they came from the reserve (patch 12).</summary>
    public long Skipped;

    /// <summary>Frames read.</summary>
    public long Read;

    /// <summary>
    /// A frame comes up: skipped by <paramref name="rule"/>, refused, or cloned and queued. The buffer test looks at
    /// what is there without the frame. Returns whether it was queued.
    /// </summary>
    public bool Take(ref SkBuff skb, ReceiveRule rule, SkbAllocator skbs, int cpu)
    {
        if (rule.TapsSkipped)
        {
            Skipped++;
            return false;
        }

        if (RmemAlloc >= RcvBuf)
        {
            RcvbufDrops++;
            return false;
        }

        if (skbs.CloneReceived(ref skb, cpu, out var clone) != Memory.AllocOutcome.Granted)
        {
            CloneFailures++;
            return false;
        }

        Queued++;
        RmemAlloc += clone.TrueSize;
        Queue.Add(clone);
        return true;
    }

    /// <summary>The oldest frame; the caller frees its buffer.</summary>
    public bool TryRead(out SkBuff skb)
    {
        skb = SkBuff.None;
        if (Queue.Count == 0)
        {
            return false;
        }

        skb = Queue.Take();
        RmemAlloc -= skb.TrueSize;
        Read++;
        return true;
    }

    /// <summary>Checks the accounts.</summary>
    public void AssertInvariants()
    {
        var sum = 0L;
        for (var i = 0; i < Queue.Count; i++)
        {
            sum += Queue[i].TrueSize;
        }

        if (sum != RmemAlloc || Queued != Read + Queue.Count)
        {
            throw new InvalidOperationException(
                $"tap holds {sum} bytes, its account says {RmemAlloc}; {Queued} queued, {Read} read, {Queue.Count} left");
        }
    }
}
