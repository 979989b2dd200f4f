// A UDP socket: the receive buffer of a bystander.
using MemoryPack;

namespace ClusterSwap.Kernel.Net;

/// <summary>What became of a datagram.</summary>
public enum UdpOutcome : byte
{
    /// <summary>The socket holds the buffer.</summary>
    Queued,

    /// <summary>RcvbufErrors: the socket's buffer is full; the caller frees the buffer.</summary>
    BufferFull,

    /// <summary>udp_mem refuses; the caller frees the buffer.</summary>
    QuotaRefused,
}

/// <summary>Receive side of a UDP socket (<c>sock_queue_rcv_skb</c>, 3.6). sk_filter comes before it.</summary>
[MemoryPackable]
public sealed partial class UdpSocket
{
    /// <summary>net.core.rmem_default, bytes of truesize.</summary>
    public const int DefaultRcvBuf = 212_992;

    /// <summary>sk_rcvbuf, bytes.</summary>
    public int RcvBuf = DefaultRcvBuf;

    /// <summary>Truesize of everything queued, bytes.</summary>
    public int RmemAlloc;

    /// <summary>Taken ahead from the quota, bytes.</summary>
    public int ForwardAlloc;

    /// <summary>Datagrams in order of arrival.</summary>
    public Fifo<SkBuff> Queue = new();

    /// <summary>Datagrams dropped because the buffer was full.</summary>
    public long RcvbufErrors;

    /// <summary>Datagrams dropped because udp_mem refused.</summary>
    public long MemErrors;

    /// <summary>The blade's quota.</summary>
    [MemoryPackIgnore]
    public UdpMemory Memory = null!;

    /// <summary>Puts the socket under the blade's quota; again after deserialization.</summary>
    public void Attach(UdpMemory memory) => Memory = memory;

    /// <summary>
    /// Queues a datagram. The buffer test looks at what is there without it: at truesize 2,176 the default buffer takes
    /// 98.
    /// </summary>
    public UdpOutcome TryQueue(in SkBuff skb)
    {
        if (RmemAlloc >= RcvBuf)
        {
            RcvbufErrors++;
            return UdpOutcome.BufferFull;
        }

        if (!Memory.Quota.TryCharge(
            ref ForwardAlloc, skb.TrueSize, RmemAlloc < UdpMemory.Guarantee, (long)RmemAlloc + ForwardAlloc))
        {
            MemErrors++;
            return UdpOutcome.QuotaRefused;
        }

        RmemAlloc += skb.TrueSize;
        Queue.Add(skb);
        return UdpOutcome.Queued;
    }

    /// <summary>The oldest datagram; the caller frees its buffer.</summary>
    public bool TryRead(out SkBuff skb)
    {
        skb = SkBuff.None;
        if (Queue.Count == 0)
        {
            return false;
        }

        skb = Queue.Take();
        RmemAlloc -= skb.TrueSize;
        Memory.Quota.Release(ref ForwardAlloc, skb.TrueSize);
        return true;
    }

    /// <summary>Checks the account.</summary>
    public void AssertInvariants()
    {
        var sum = 0L;
        for (var i = 0; i < Queue.Count; i++)
        {
            sum += Queue[i].TrueSize;
        }

        if (sum != RmemAlloc || ForwardAlloc < 0)
        {
            throw new InvalidOperationException(
                $"udp socket holds {sum} bytes, its account says {RmemAlloc}, forward {ForwardAlloc}");
        }
    }
}
