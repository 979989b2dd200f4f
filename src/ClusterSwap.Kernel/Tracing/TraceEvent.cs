// Trace events under the kernel's names, and a few of our own where the kernel has none.
namespace ClusterSwap.Kernel.Tracing;

/// <summary>
/// Events, spelled as the kernel spells them (<c>include/trace/events/*.h</c>, 3.6). The kernel has none from
/// <see cref="page_refused"/> on: a request for pages that failed; the first page of the reserve given, and the last one
/// back; a zone's free pages above more or fewer of its marks; a direct reclaimer held until half of the reserve is free,
/// and let go; frames that found no receive buffer; a fault of the scenario begins, and ends; the swap device's
/// connection is lost, a request of it failed. Journals keep the numbers: new events come last.
/// </summary>
public enum TraceEvent : byte
{
    mm_vmscan_kswapd_sleep, mm_vmscan_kswapd_wake, mm_vmscan_wakeup_kswapd, mm_vmscan_direct_reclaim_begin,
    mm_vmscan_direct_reclaim_end, mm_vmscan_lru_isolate, mm_vmscan_writepage, mm_vmscan_lru_shrink_inactive,
    block_plug, block_unplug, block_getrq, block_sleeprq, block_rq_insert, block_rq_issue, block_rq_complete,
    kfree_skb, mm_page_alloc, page_refused, reserve_entered, reserve_left, watermark_crossed, reclaim_throttled,
    reclaim_released,

    // Of 6.1 only.
    mm_vmscan_throttled, nbd_send_request, nbd_header_sent, nbd_payload_sent, nbd_header_received, nbd_payload_received,

    // Of the rules, as those before 6.1.
    ring_overrun,

    // Of the scenario.
    fault_begin, fault_end,

    // Of the device: the driver prints them, without a trace point.
    nbd_disconnected, request_failed,
}

/// <summary>What became of the pages of a batch (<c>struct reclaim_stat</c>, 6.1), in one value of a record.</summary>
/// <param name="Writeback">Under writeback.</param>
/// <param name="Immediate">Under writeback, and met again by kswapd.</param>
/// <param name="Activated">Moved to the active list.</param>
/// <param name="ReferenceKept">Spared for a first reference.</param>
public readonly record struct BatchCounts(int Writeback, int Immediate, int Activated, int ReferenceKept)
{
    // A batch has 32 pages.
    private const int Bits = 8;
    private const int Mask = (1 << Bits) - 1;

    /// <summary>All four as one number.</summary>
    public long Packed => (uint)(Writeback | Immediate << Bits | Activated << 2 * Bits | ReferenceKept << 3 * Bits);

    /// <summary>Reads what <see cref="Packed"/> wrote.</summary>
    public static BatchCounts From(long packed) => new(
        (int)packed & Mask, (int)(packed >> Bits) & Mask, (int)(packed >> 2 * Bits) & Mask, (int)(packed >> 3 * Bits) & Mask);
}

/// <summary>One event. What <see cref="A"/> to <see cref="F"/> hold depends on the event.</summary>
public struct TraceRecord
{
    /// <summary>Start of the section in which it happened, ns of virtual time.</summary>
    public long TimeNs;

    /// <summary>Which event.</summary>
    public TraceEvent Event;

    /// <summary>It happened in a softirq, which borrows whatever task its CPU runs.</summary>
    public bool Softirq;

    /// <summary>Task on the CPU; −1 is the idle task.</summary>
    public int Task;

    /// <summary>CPU, from 0.</summary>
    public int Cpu;

    /// <summary>First value.</summary>
    public long A;

    /// <summary>Second value.</summary>
    public long B;

    /// <summary>Third value.</summary>
    public long C;

    /// <summary>Fourth value.</summary>
    public long D;

    /// <summary>Fifth value.</summary>
    public long E;

    /// <summary>Sixth value.</summary>
    public long F;
}
