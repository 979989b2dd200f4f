// Who among sockets may touch the reserve, and what a packet made from it may do: patches 7, 8, 9, 10, 11, 12, 14.
using ClusterSwap.Kernel.Memory;

namespace ClusterSwap.Kernel.Net;

/// <summary>Flags of a socket that the reserve rules look at.</summary>
[Flags]
public enum SocketFlags : byte
{
    None = 0,

    /// <summary>SOCK_MEMALLOC: the machine needs this socket to free memory.</summary>
    MemAlloc = 0x1,
}

/// <summary>Protocol of a frame, as the receive path tells them apart.</summary>
public enum EtherProtocol : byte
{
    Arp,
    Ipv4,
    Ipv6,
    Vlan,
    Other,
}

/// <summary>How a frame is to be taken in (<c>__netif_receive_skb</c>, 3.6).</summary>
/// <param name="Task">Flags that the CPU's current task has while the frame is processed.</param>
/// <param name="TapsSkipped">Packet taps do not see the frame.</param>
/// <param name="Dropped">The frame is dropped before its protocol sees it: rx_dropped of the device.</param>
public readonly record struct ReceiveRule(TaskFlags Task, bool TapsSkipped, bool Dropped);

/// <summary>
/// The socket side of the series. Each method that takes a <see cref="KernelRules"/> is the rule of one patch; nobody
/// else asks about that patch.
/// </summary>
public static class SocketRules
{
    /// <summary>
    /// Patch 9: socket buffers know the reserve. It is the receive grant, the second try of kmalloc_reserve, the tag,
    /// the static key and the drop in sk_filter.
    /// </summary>
    public static bool BuffersKnowReserve(KernelRules rules) => rules.Has(9);

    /// <summary>
    /// Patch 10: a fragment page from the reserve tags the buffer it is attached to (<c>__skb_fill_page_desc</c>).
    /// </summary>
    public static bool FragmentTagsBuffer(KernelRules rules, bool pagePfMemAlloc) =>
        rules.Has(10) && BuffersKnowReserve(rules) && pagePfMemAlloc;

    /// <summary>
    /// Patch 11: a driver that asks for pages through <c>__skb_alloc_page</c> may use the reserve, memalloc socket or
    /// not, and its buffer is tagged. Without it drivers use alloc_page with their own flags.
    /// </summary>
    public static Gfp DriverPage(KernelRules rules, Gfp gfp) =>
        rules.Has(11) && (gfp & Gfp.NoMemAlloc) == 0 ? gfp | Gfp.MemAlloc : gfp;

    /// <summary>
    /// Tag that <c>__skb_alloc_page</c> puts on the buffer; the request is known by the flag that patch 11 added.
    /// </summary>
    public static bool DriverPageTagsBuffer(KernelRules rules, Gfp request, bool pagePfMemAlloc) =>
        (request & Gfp.MemAlloc) != 0 && BuffersKnowReserve(rules) && pagePfMemAlloc;

    /// <summary>
    /// Patch 7: <c>sk_gfp_atomic</c>, flags of atomic requests for a socket: ACKs, transmission of queued data, window
    /// probes. Retransmission uses plain GFP_ATOMIC.
    /// </summary>
    public static Gfp SkGfpAtomic(KernelRules rules, Gfp socketAllocation, Gfp gfp) =>
        rules.Has(7) ? gfp | (socketAllocation & Gfp.MemAlloc) : gfp;

    /// <summary>
    /// Patch 8: <c>sk_set_memalloc</c>. Marks the socket and adds MEMALLOC to its allocation mode. Returns whether the
    /// static key "a memalloc socket exists" (which patch 9 brought) goes up by one.
    /// </summary>
    public static bool SetMemalloc(KernelRules rules, ref SocketFlags flags, ref Gfp allocation)
    {
        if (!rules.Has(8))
        {
            return false;
        }

        flags |= SocketFlags.MemAlloc;
        allocation |= Gfp.MemAlloc;
        return BuffersKnowReserve(rules);
    }

    /// <summary>
    /// Patch 14: at NBD_DO_IT the driver marks its socket. It is never unmarked in 3.6. Returns as
    /// <see cref="SetMemalloc"/>.
    /// </summary>
    public static bool MarkNbdSocket(KernelRules rules, ref SocketFlags flags, ref Gfp allocation) =>
        rules.Has(14) && SetMemalloc(rules, ref flags, ref allocation);

    /// <summary>A machine that swaps over NBD has the static key of patch 9 up, as its socket is marked.</summary>
    public static bool NbdRaisesKey(KernelRules rules)
    {
        var flags = SocketFlags.None;
        var allocation = Gfp.None;
        return MarkNbdSocket(rules, ref flags, ref allocation);
    }

    /// <summary>
    /// sock_xmit: allocation mode of the socket and flags that the sending task has in addition while it sends or
    /// receives. 3.5: GFP_NOIO and none. A socket that patch 14 marked: GFP_NOIO|MEMALLOC and PF_MEMALLOC.
    /// </summary>
    public static (Gfp Allocation, TaskFlags Task) NbdTransmit(SocketFlags flags) =>
        (flags & SocketFlags.MemAlloc) != 0
            ? (Gfp.NoIo | Gfp.MemAlloc, TaskFlags.MemAlloc)
            : (Gfp.NoIo, TaskFlags.None);

    /// <summary>
    /// <c>sk_filter</c>: a tagged buffer is dropped unless its socket is marked. Not behind the static key: a stale tag
    /// drops ordinary packets too. Tags exist only with patch 9, so the rule asks for the tag alone.
    /// </summary>
    public static bool FilterDrops(bool tagged, SocketFlags flags) =>
        tagged && (flags & SocketFlags.MemAlloc) == 0;

    /// <summary>As <see cref="FilterDrops(bool, SocketFlags)"/>, unless the drop is taken out of patch 9.</summary>
    public static bool FilterDrops(KernelRules rules, bool tagged, SocketFlags flags) =>
        !rules.Has(KernelChange.NoReserveDrop) && FilterDrops(tagged, flags);

    /// <summary>
    /// A receive fragment from a reserve page tags its buffer (79930f5892e, 4.1); 3.6 leaves these untagged.
    /// </summary>
    public static bool ReceiveFragmentTagsBuffer(KernelRules rules, bool pagePfMemAlloc) =>
        pagePfMemAlloc && rules.Has(KernelChange.RxFragmentTag) && BuffersKnowReserve(rules);

    /// <summary>
    /// A fragment page from the reserve is not cut anew but given back (2020), so that good packets are not tagged for
    /// ever.
    /// </summary>
    public static bool DiscardsFragmentPage(KernelRules rules, bool pagePfMemAlloc) =>
        pagePfMemAlloc && rules.Has(KernelChange.RxFragmentDiscard);

    /// <summary>TCP builds its buffers of fragments whatever the NIC can do.</summary>
    public static bool AlwaysGathers(KernelRules rules) => rules.Has(KernelChange.TcpAlwaysSg);

    /// <summary>
    /// Order of the block that send fragments are cut from, if it can be had without reclaim
    /// (<c>skb_page_frag_refill</c>).
    /// </summary>
    public static int TransmitFragmentOrder(KernelRules rules) => rules.Has(KernelChange.TxFragmentOrder3) ? 3 : 0;

    /// <summary>
    /// Order of the block that receive fragments are cut from, if it can be had above the watermarks
    /// (<c>__page_frag_cache_refill</c>).
    /// </summary>
    public static int ReceiveFragmentOrder(KernelRules rules) => rules.Has(KernelChange.RxFragmentOrder3) ? 3 : 0;

    /// <summary>
    /// What the header of a received packet is allocated with: plain GFP_ATOMIC (<c>build_skb</c>), or, repaired, what
    /// its data was.
    /// </summary>
    public static Gfp ReceiveHead(KernelRules rules, Gfp dataGfp) =>
        rules.Has(KernelChange.RxHeadReserve) ? dataGfp : Gfp.Atomic;

    /// <summary>Where User-Mode Linux takes a frame in: in its hard interrupt, or, repaired, in softirq.</summary>
    public static AllocContext PerFrameContext(KernelRules rules) =>
        rules.Has(KernelChange.RxInSoftirq) ? AllocContext.Softirq : AllocContext.HardIrq;

    /// <summary>
    /// <c>tcp_data_queue</c>, 6.1: data for an empty receive queue is charged whatever the quota says
    /// (<c>sk_forced_mem_schedule</c>).
    /// </summary>
    public static bool ForcesReceive(KernelRules rules, bool queueIsEmpty) =>
        queueIsEmpty && rules.Has(KernelChange.RmemForced);

    /// <summary>
    /// A tagged buffer is admitted when the quota of its protocol is used up (<c>sk_rmem_schedule</c>, 3.6, from the
    /// series for swap over NFS). The limit of the socket itself holds.
    /// </summary>
    public static bool PassesQuota(KernelRules rules, bool tagged) => tagged && rules.Has(KernelChange.RmemQuotaBypass);

    /// <summary>
    /// Patch 12: a tagged frame is processed with PF_MEMALLOC, unseen by taps, and only if its protocol is needed to
    /// keep the connection of the swap alive.
    /// </summary>
    public static ReceiveRule Receive(KernelRules rules, bool keyOn, bool tagged, EtherProtocol protocol) =>
        rules.Has(12) && keyOn && tagged
            ? new ReceiveRule(TaskFlags.MemAlloc, TapsSkipped: true, Dropped: protocol == EtherProtocol.Other)
            : default;

    /// <summary>
    /// <c>sk_backlog_rcv</c>: flags while a buffer of the backlog is processed, by the rule that
    /// <see cref="Receive"/> applies to frames. A tagged buffer that the filter drops is a bug here.
    /// </summary>
    public static TaskFlags ReceiveBacklog(KernelRules rules, bool keyOn, bool tagged, SocketFlags flags)
    {
        var rule = Receive(rules, keyOn, tagged, EtherProtocol.Ipv4);
        if (rule.Task != TaskFlags.None && FilterDrops(rules, tagged, flags))
        {
            throw new InvalidOperationException("tagged buffer in the backlog of a socket that is not SOCK_MEMALLOC");
        }

        return rule.Task;
    }
}
