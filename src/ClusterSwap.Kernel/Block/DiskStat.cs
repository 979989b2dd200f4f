// What a block device has done, as /sys/block/*/stat shows it.
using MemoryPack;

namespace ClusterSwap.Kernel.Block;

/// <summary>
/// <c>struct disk_stats</c> of a device (<c>drive_stat_acct</c>, <c>blk_account_io_done</c>, <c>part_round_stats</c>,
/// 3.6). A request counts from the moment in which it is plugged until it is completed. Times are exact nanoseconds,
/// where the kernel counts whole ticks. Index 0 is reads, 1 is writes.
/// </summary>
[MemoryPackable]
public sealed partial class DiskStat
{
    /// <summary>Requests completed.</summary>
    public long[] Ios = new long[2];

    /// <summary>Bios that joined another's request.</summary>
    public long[] Merges = new long[2];

    /// <summary>Sectors of completed requests.</summary>
    public long[] Sectors = new long[2];

    /// <summary>Time from getting a request to its completion, summed, ns.</summary>
    public long[] TicksNs = new long[2];

    /// <summary>Requests plugged and not completed.</summary>
    public int[] InFlight = new int[2];

    /// <summary>Time with something in flight, ns, up to <see cref="StampNs"/>.</summary>
    public long IoTicksNs;

    /// <summary>Time × requests in flight, ns, up to <see cref="StampNs"/>.</summary>
    public long TimeInQueueNs;

    /// <summary>Until when the two sums above are counted, ns.</summary>
    public long StampNs;

    /// <summary>A request was plugged.</summary>
    public void Begin(bool write, long nowNs)
    {
        Round(nowNs);
        InFlight[IndexOf(write)]++;
    }

    /// <summary>A bio joined a request.</summary>
    public void Merge(bool write) => Merges[IndexOf(write)]++;

    /// <summary>A request is completed. One that was never plugged has no pages, and counts for nothing.</summary>
    public void Done(BlockRequest request, long nowNs)
    {
        if (request.Count == 0)
        {
            return;
        }

        Round(nowNs);
        var index = IndexOf(request.Write);
        Ios[index]++;
        Sectors[index] += request.LengthBytes / BlockRequest.SectorBytes;
        TicksNs[index] += nowNs - request.QueuedNs;
        InFlight[index]--;
    }

    /// <summary>Time with something in flight up to <paramref name="nowNs"/>, ns.</summary>
    public long IoTicksAt(long nowNs) => IoTicksNs + (Total > 0 ? nowNs - StampNs : 0);

    /// <summary>Time × requests in flight up to <paramref name="nowNs"/>, ns.</summary>
    public long TimeInQueueAt(long nowNs) => TimeInQueueNs + Total * (nowNs - StampNs);

    private long Total => InFlight[0] + InFlight[1];

    private void Round(long nowNs)
    {
        IoTicksNs = IoTicksAt(nowNs);
        TimeInQueueNs = TimeInQueueAt(nowNs);
        StampNs = nowNs;
    }

    private static int IndexOf(bool write) => write ? 1 : 0;
}
