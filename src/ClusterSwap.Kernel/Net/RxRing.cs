// The receive ring of a NIC: filled descriptors, refill in batches, and what happens when refill fails.
using ClusterSwap.Kernel.Memory;
using MemoryPack;

namespace ClusterSwap.Kernel.Net;

/// <summary>How a driver gets its receive memory.</summary>
public enum RxPath : byte
{
    /// <summary>e1000e: one buffer of page fragment per descriptor.</summary>
    Fragment,

    /// <summary>igb: a header buffer and half a page per descriptor.</summary>
    Paged,

    /// <summary>r8169: fixed memory; each frame is copied into a new buffer.</summary>
    CopyBreak,

    /// <summary>User-Mode Linux: no ring; a buffer for each frame when it arrives, or the frame is lost.</summary>
    PerFrame,
}

/// <summary>
/// 256 descriptors. A frame that finds no filled one is lost in hardware. After a failed refill the ring stays short
/// until the next poll or the watchdog, which comes every 2 s whether frames arrive or not.
/// </summary>
[MemoryPackable]
public sealed partial class RxRing
{
    /// <summary>Refill happens whenever so many descriptors were emptied in a poll.</summary>
    public const int RefillBatch = 16;

    /// <summary>Watchdog interval, ns.</summary>
    public const long WatchdogNs = 2 * TcpParameters.SecondNs;

    /// <summary>How the driver gets its memory.</summary>
    public RxPath Path;

    /// <summary>Descriptors.</summary>
    public int Size;

    /// <summary>No descriptor holds memory between frames that the blade would have to give.</summary>
    [MemoryPackIgnore]
    public bool AllocatesPerFrame => Path is RxPath.CopyBreak or RxPath.PerFrame;

    /// <summary>Buffers in filled descriptors, in the order in which the NIC uses them.</summary>
    public Fifo<SkBuff> Filled = new();

    /// <summary>Paged: pages that empty descriptors kept, or −1, in the order in which they are refilled.</summary>
    public Fifo<int> KeptPages = new();

    /// <summary>Paged: header buffer of the descriptor whose page could not be had.</summary>
    public SkBuff PendingHeader = SkBuff.None;

    /// <summary>Descriptors emptied since the last refill.</summary>
    public int Cleaned;

    /// <summary>Refills that failed (alloc_rx_buff_failed).</summary>
    public long RxAllocFailed;

    /// <summary>Frames that found no descriptor filled (rx_missed, rx_no_buffer_count).</summary>
    public long RxMissed;

    /// <summary>CopyBreak, PerFrame: frames for which no buffer could be had.</summary>
    public long RxDropped;

    /// <summary>When the watchdog comes next, ns.</summary>
    public long NextWatchdogNs = WatchdogNs;

    [MemoryPackIgnore]
    private SkbAllocator _skbs = null!;

    /// <summary>For the serializer.</summary>
    [MemoryPackConstructor]
    private RxRing()
    {
    }

    /// <summary>An empty ring; <see cref="Refill"/> fills it.</summary>
    public RxRing(RxPath path, int size = 256)
    {
        Path = path;
        Size = size;
    }

    /// <summary>Connects the ring with the blade's allocator; again after deserialization.</summary>
    public void Attach(SkbAllocator skbs) => _skbs = skbs;

    /// <summary>
    /// The buffer of an arriving frame with so much payload; false when the frame is lost. Refills when a batch is
    /// empty.
    /// </summary>
    public bool Take(int payload, int cpu, out SkBuff skb)
    {
        if (AllocatesPerFrame)
        {
            var outcome = Path == RxPath.PerFrame
                ? _skbs.AllocRxPerFrame(cpu, out skb)
                : _skbs.AllocRx(cpu, payload + SkbSizes.FrameHeaders, out skb);
            if (outcome == AllocOutcome.Granted)
            {
                skb.Length = payload;
                return true;
            }

            RxDropped++;
            return false;
        }

        if (Filled.Count == 0)
        {
            RxMissed++;
            skb = SkBuff.None;
            return false;
        }

        skb = Filled.Take();
        if (Path == RxPath.Paged)
        {
            LeavePage(ref skb, payload);
        }

        skb.Length = payload;
        if (++Cleaned >= RefillBatch)
        {
            Refill(cpu);
        }

        return true;
    }

    /// <summary>
    /// Fills empty descriptors until the ring is full or memory fails: at the end of a poll, and when a batch is empty.
    /// Returns how many were filled.
    /// </summary>
    public int Refill(int cpu)
    {
        Cleaned = 0;
        var filled = 0;
        while (!AllocatesPerFrame && Filled.Count < Size)
        {
            if (!TryFill(cpu, out var skb))
            {
                RxAllocFailed++;
                break;
            }

            Filled.Add(skb);
            filled++;
        }

        return filled;
    }

    /// <summary>
    /// The watchdog raises an interrupt: the ring is refilled although no frame came. Returns how many.
    /// </summary>
    public int OnWatchdog(long nowNs, int cpu)
    {
        if (nowNs < NextWatchdogNs)
        {
            return 0;
        }

        NextWatchdogNs = nowNs + WatchdogNs;
        return Refill(cpu);
    }

    /// <summary>Checks the numbers of descriptors and kept pages.</summary>
    public void AssertInvariants()
    {
        if (Filled.Count > Size || (Path == RxPath.Paged && KeptPages.Count > Size - Filled.Count))
        {
            throw new InvalidOperationException(
                $"ring of {Size}: {Filled.Count} filled, {KeptPages.Count} kept pages");
        }
    }

    /// <summary>
    /// The frame leaves with its half page if it has payload; the descriptor keeps the other half if it may.
    /// </summary>
    private void LeavePage(ref SkBuff skb, int payload)
    {
        var page = skb.Fragment;
        skb.Fragment = PageFrame.None;
        if (payload > 0)
        {
            _skbs.FillPage(ref skb, page, payload);
            page = _skbs.KeepHalf(page) ? page : PageFrame.None;
        }

        KeptPages.Add(page);
    }

    private bool TryFill(int cpu, out SkBuff skb)
    {
        if (Path == RxPath.Fragment)
        {
            return _skbs.AllocRx(cpu, out skb) == AllocOutcome.Granted;
        }

        skb = PendingHeader;
        if (skb.Head == PageFrame.None && _skbs.AllocRxHeader(cpu, out skb) != AllocOutcome.Granted)
        {
            return false;
        }

        var page = KeptPages.Count > 0 ? KeptPages[0] : PageFrame.None;
        page = page >= 0 ? page : _skbs.AllocRxPage(cpu, ref skb);
        if (page < 0)
        {
            PendingHeader = skb;
            return false;
        }

        if (KeptPages.Count > 0)
        {
            KeptPages.Take();
        }

        PendingHeader = SkBuff.None;
        skb.Fragment = page;
        return true;
    }
}
