// What /sys/block/*/stat shows of a queue.
using ClusterSwap.Kernel.Block;

namespace ClusterSwap.Kernel.Tests.Block;

public sealed class DiskStatTests
{
    [Fact]
    public void A_request_counts_when_it_is_done_with_its_merges_sectors_and_time()
    {
        var queue = new RequestQueue();
        var plug = new Plug();
        var first = Plugged(queue, plug, slot: 10, nowNs: 1_000);
        Assert.True(plug.Add(queue, new Bio { Write = true, Slot = 11 }));
        Assert.True(plug.Add(queue, new Bio { Write = true, Slot = 9 }));
        var second = Plugged(queue, plug, slot: 100, nowNs: 3_000);
        Assert.Equal((0, 2, 0), (queue.Disk.Ios[1], queue.Disk.Merges[1], queue.Disk.Sectors[1]));
        Assert.Equal(2, queue.Disk.InFlight[1]);
        queue.PutRequest(first, 6_000);
        queue.PutRequest(second, 7_000);
        Assert.Equal((2, 2, 32), (queue.Disk.Ios[1], queue.Disk.Merges[1], queue.Disk.Sectors[1]));
        Assert.Equal((5_000 + 4_000, 0), (queue.Disk.TicksNs[1], queue.Disk.InFlight[1]));
        Assert.Equal(0, queue.Disk.Ios[0]);

        // Busy from 1,000 to 7,000; one request, then two, then one.
        Assert.Equal(6_000, queue.Disk.IoTicksAt(9_000));
        Assert.Equal(2_000 + 2 * 3_000 + 1_000, queue.Disk.TimeInQueueAt(9_000));
    }

    [Fact]
    public void Time_in_flight_runs_on_until_it_is_looked_at()
    {
        var queue = new RequestQueue();
        Plugged(queue, new Plug(), slot: 1, nowNs: 5);
        Assert.Equal((10, 10), (queue.Disk.IoTicksAt(15), queue.Disk.TimeInQueueAt(15)));
    }

    private static BlockRequest Plugged(RequestQueue queue, Plug plug, int slot, long nowNs)
    {
        Assert.True(queue.TryGetRequest(write: true, task: 0, nowNs, out var request));
        plug.Insert(queue, request, new Bio { Write = true, Slot = slot });
        return request;
    }
}
