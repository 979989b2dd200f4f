// What of a run the predictions of the kernel facts speak of.
namespace ClusterSwap.Exploration.Pairs;

/// <summary>Counters of one run at its end, over all of its blades, under the names that reports give them.</summary>
public sealed record Measures
{
    /// <summary>Fewest free pages that any blade ever had.</summary>
    public long MinFreePages { get; init; }

    /// <summary>Pages that passes without watermarks gave.</summary>
    public long ReservePagesTaken { get; init; }

    /// <summary>Pages swapped out.</summary>
    public long PagesOut { get; init; }

    /// <summary>Entries into direct reclaim.</summary>
    public long AllocStall { get; init; }

    /// <summary>Times that a direct reclaimer was throttled.</summary>
    public long Throttled { get; init; }

    /// <summary>
    /// Direct reclaims of tasks that are no kernel threads, for requests with FS, that began while no more than half of
    /// the reserve was free: those that the throttle is there for.
    /// </summary>
    public long ReclaimsBelowHalf { get; init; }

    /// <summary>Times that the NBD sender waited for memory.</summary>
    public long SenderMemoryWaits { get; init; }

    /// <summary>Refills of receive rings that failed.</summary>
    public long RefillsFailed { get; init; }

    /// <summary>Frames that found no receive buffer, or no memory to be copied to.</summary>
    public long FramesLost { get; init; }

    /// <summary>Packets of the reserve that filters of ordinary sockets dropped.</summary>
    public long PacketsFiltered { get; init; }

    /// <summary>Most frames with memory of the reserve that taps held at a barrier.</summary>
    public long TapReserveMost { get; init; }

    /// <summary>ARP frames for which a blade had no buffer.</summary>
    public long ArpAllocFailed { get; init; }

    /// <summary>Each with the name that it has in reports and files.</summary>
    public IReadOnlyList<KeyValuePair<string, long>> Named =>
    [
        new("min_free_pages", MinFreePages),
        new("reserve_pages_taken", ReservePagesTaken),
        new("pswpout", PagesOut),
        new("allocstall", AllocStall),
        new("pgscan_direct_throttle", Throttled),
        new("reclaims_below_half", ReclaimsBelowHalf),
        new("tx_memory_waits", SenderMemoryWaits),
        new("alloc_rx_buff_failed", RefillsFailed),
        new("rx_missed_errors", FramesLost),
        new("filter_pfmemalloc_drop", PacketsFiltered),
        new("tap_queued_from_reserve_most", TapReserveMost),
        new("arp_alloc_failed", ArpAllocFailed),
    ];
}
