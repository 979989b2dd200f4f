// State of the ordinary sockets of a blade: none of them is needed to free memory.
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Net;
using MemoryPack;

namespace ClusterSwap.Blades.Actors;

/// <summary>The UDP sockets of a blade, with the quota that they share and the tasks that read them.</summary>
[MemoryPackable]
public sealed partial class BystanderState
{
    /// <summary>udp_mem.</summary>
    public UdpMemory Memory = null!;

    /// <summary>By number: the sockets.</summary>
    public UdpSocket[] Sockets = [];

    /// <summary>By socket: the task that reads it. Stalled sockets, which come last, have none.</summary>
    public TaskState[] Readers = [];

    /// <summary>UdpInDatagrams: datagrams read.</summary>
    public long Read;

    /// <summary>Datagrams dropped by sk_filter because they came from the reserve (no counter in 3.6).</summary>
    public long FilterDrops;

    /// <summary>Datagrams that came up to the sockets.</summary>
    public long Arrived;

    /// <summary>Most pages of udp_mem that were ever taken.</summary>
    public long MostQuotaPages;

    /// <summary>Datagrams that lie in sockets.</summary>
    [MemoryPackIgnore]
    public int Queued => Sockets.Sum(socket => socket.Queue.Count);

    /// <summary>UdpRcvbufErrors.</summary>
    [MemoryPackIgnore]
    public long RcvbufErrors => Sockets.Sum(socket => socket.RcvbufErrors);

    /// <summary>Datagrams that udp_mem refused.</summary>
    [MemoryPackIgnore]
    public long MemErrors => Sockets.Sum(socket => socket.MemErrors);

    /// <summary>
    /// Datagrams in sockets whose memory, or part of it, came from the reserve, tagged or not: what the drop rule of
    /// patch 9 is to keep
    /// at 0. A slab's page counts for all its objects.
    /// </summary>
    public int HoldingReserve(PageFrame[] frames)
    {
        var holding = 0;
        foreach (var socket in Sockets)
        {
            for (var i = 0; i < socket.Queue.Count; i++)
            {
                ref var skb = ref socket.Queue[i];
                holding += skb.PfMemAlloc || (skb.Fragment >= 0 && frames[skb.Fragment].Has(PageFlags.PfMemAlloc)) ? 1 : 0;
            }
        }

        return holding;
    }

    /// <summary>Checks the accounts of all sockets against each other and the quota.</summary>
    public void AssertInvariants()
    {
        var pages = 0L;
        foreach (var socket in Sockets)
        {
            socket.AssertInvariants();
            pages += (socket.RmemAlloc + socket.ForwardAlloc) / SkbSizes.Page;
        }

        if (pages != Memory.Quota.AllocatedPages)
        {
            throw new InvalidOperationException(
                $"udp sockets hold {pages} pages of quota, the quota says {Memory.Quota.AllocatedPages}");
        }

        if (Arrived != Read + FilterDrops + RcvbufErrors + MemErrors + Queued)
        {
            throw new InvalidOperationException(
                $"{Arrived} datagrams arrived; read {Read}, filtered {FilterDrops}, no room {RcvbufErrors}, no quota {MemErrors}, "
                + $"queued {Queued}");
        }
    }
}
