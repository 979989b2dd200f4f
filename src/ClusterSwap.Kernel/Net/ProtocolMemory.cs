// The memory quotas of a protocol on one blade: tcp_mem and udp_mem.
using MemoryPack;

namespace ClusterSwap.Kernel.Net;

/// <summary>
/// Quota of a protocol in pages, and the rule who may still take from it (<c>__sk_mem_schedule</c>, 3.6). Sockets take
/// whole pages ahead and keep what they do not use (<c>sk_forward_alloc</c>).
/// </summary>
[MemoryPackable]
public partial struct MemoryQuota
{
    /// <summary>Up to here everybody gets what he asks, pages.</summary>
    public long Min;

    /// <summary>Above it the protocol is under pressure, pages.</summary>
    public long Pressure;

    /// <summary>Above it nobody gets anything, pages.</summary>
    public long Max;

    /// <summary>Taken by all sockets, pages.</summary>
    public long AllocatedPages;

    /// <summary>Sockets of the protocol.</summary>
    public long Sockets;

    /// <summary>How often pressure was entered: TCPMemoryPressures.</summary>
    public long Pressures;

    /// <summary>The protocol knows pressure: TCP does, UDP does not.</summary>
    public bool KnowsPressure;

    /// <summary>Pressure is on; it goes off when a request finds the protocol at or below Min.</summary>
    public bool UnderPressure;

    /// <summary>
    /// Limits of a machine: limit = max(free buffer pages / 8, 128); {limit / 4 · 3, limit, 2 · first}, divisions round
    /// down (<c>tcp_init_mem</c>, <c>udp_init</c>, 3.6).
    /// </summary>
    public static MemoryQuota ForMachine(long freeBufferPages, bool knowsPressure)
    {
        var limit = Math.Max(freeBufferPages / 8, 128);
        var min = limit / 4 * 3;
        return new MemoryQuota { Min = min, Pressure = limit, Max = min * 2, KnowsPressure = knowsPressure };
    }

    /// <summary>
    /// Takes <paramref name="bytes"/> out of the socket's forward allocation, filling it up from the quota.
    /// </summary>
    /// <param name="forward">The socket's forward allocation, bytes.</param>
    /// <param name="bytes">Truesize to charge.</param>
    /// <param name="belowGuarantee">The socket holds less than the smallest buffer that it is guaranteed.</param>
    /// <param name="socketBytes">Everything that the socket holds: queued, received and forward, bytes.</param>
    public bool TryCharge(ref int forward, int bytes, bool belowGuarantee, long socketBytes)
    {
        if (forward < bytes)
        {
            var pages = PagesFor(bytes - forward);
            if (!MayTake(pages, belowGuarantee, socketBytes + pages * SkbSizes.Page))
            {
                return false;
            }

            AllocatedPages += pages;
            forward += (int)(pages * SkbSizes.Page);
        }

        forward -= bytes;
        return true;
    }

    /// <summary>Takes <paramref name="bytes"/> whatever the limits say (<c>sk_forced_mem_schedule</c>, 6.1).</summary>
    public void ForceCharge(ref int forward, int bytes)
    {
        if (forward < bytes)
        {
            var pages = PagesFor(bytes - forward);
            AllocatedPages += pages;
            forward += (int)(pages * SkbSizes.Page);
        }

        forward -= bytes;
    }

    /// <summary>
    /// Gives a charge back; whole pages beyond the first byte return to the quota (<c>sk_mem_reclaim</c>).
    /// </summary>
    public void Release(ref int forward, int bytes)
    {
        forward += bytes;
        var pages = Math.Max(forward, 0) / SkbSizes.Page;
        forward -= pages * SkbSizes.Page;
        AllocatedPages -= pages;
        if (AllocatedPages < 0)
        {
            throw new InvalidOperationException($"quota went below zero: {AllocatedPages} pages after {bytes} bytes");
        }

        if (AllocatedPages < Min)
        {
            UnderPressure = false;
        }
    }

    /// <summary>
    /// An allocation for a socket failed: pressure without a look at the quota (<c>tcp_enter_memory_pressure</c>).
    /// </summary>
    public void EnterPressure()
    {
        if (KnowsPressure && !UnderPressure)
        {
            UnderPressure = true;
            Pressures++;
        }
    }

    private static long PagesFor(int bytes) => (bytes + SkbSizes.Page - 1) / SkbSizes.Page;

    private bool MayTake(long pages, bool belowGuarantee, long socketBytes)
    {
        var after = AllocatedPages + pages;
        if (after <= Min)
        {
            UnderPressure = false;
            return true;
        }

        if (after > Pressure)
        {
            EnterPressure();
        }

        if (after > Max)
        {
            return false;
        }

        if (belowGuarantee)
        {
            return true;
        }

        // Between Min and Max only a protocol that knows pressure goes on, and under pressure only a socket whose
        // share of the quota would suffice for all sockets.
        return KnowsPressure && (!UnderPressure || Max > Math.Max(Sockets, 1) * ((socketBytes + 4095) / 4096));
    }
}

/// <summary>
/// tcp_mem of a blade: one counter for all TCP sockets, the swap's and the ordinary ones (<c>tcp_memory_allocated</c>).
/// They charge it directly, as in the kernel; limits as above, and no sysctl.
/// </summary>
[MemoryPackable]
public sealed partial class TcpMemory
{
    /// <summary>The quota.</summary>
    public MemoryQuota Quota;

    /// <summary>
    /// The quota of a machine with so many free buffer pages (zones below highmem, above their high marks).
    /// </summary>
    public static TcpMemory ForMachine(long freeBufferPages) =>
        new() { Quota = MemoryQuota.ForMachine(freeBufferPages, knowsPressure: true) };
}

/// <summary>udp_mem of a blade: no pressure, so nobody above Min unless his socket is nearly empty.</summary>
[MemoryPackable]
public sealed partial class UdpMemory
{
    /// <summary>udp_rmem_min: a socket that holds less may take between Min and Max, bytes.</summary>
    public const int Guarantee = 4096;

    /// <summary>The quota.</summary>
    public MemoryQuota Quota;

    /// <summary>The quota of a machine with so many free buffer pages.</summary>
    public static UdpMemory ForMachine(long freeBufferPages) =>
        new() { Quota = MemoryQuota.ForMachine(freeBufferPages, knowsPressure: false) };
}
