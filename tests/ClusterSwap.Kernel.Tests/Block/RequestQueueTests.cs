using ClusterSwap.Kernel.Block;
using CsCheck;
using MemoryPack;

namespace ClusterSwap.Kernel.Tests.Block;

public class RequestQueueTests
{
    private const long Ms = 1_000_000;
    private readonly RequestQueue _queue = new();

    private List<BlockRequest> Get(int count, int task = 0, long now = 0, bool write = true)
    {
        var list = new List<BlockRequest>();
        for (var i = 0; i < count; i++)
        {
            Assert.True(_queue.TryGetRequest(write, task, now, out var request));
            list.Add(request);
        }

        return list;
    }

    private bool Try(int task, long now = 0, bool write = true) => _queue.TryGetRequest(write, task, now, out _);

    [Fact]
    public void Congestion_begins_with_request_113_and_ends_below_103()
    {
        var requests = Get(112);
        Assert.False(_queue.Congested(true));
        requests.AddRange(Get(1));
        Assert.True(_queue.Congested(true));
        for (var left = 113; left > 103; left--)
        {
            _queue.PutRequest(requests[left - 1], 0);
        }

        Assert.True(_queue.Congested(true));
        _queue.PutRequest(requests[102], 0);
        Assert.False(_queue.Congested(true));
        Assert.Equal(102, _queue.InFlight(true));
        _queue.AssertInvariants();
    }

    [Fact]
    public void Who_takes_request_128_is_a_batcher_and_others_sleep()
    {
        Get(127, task: 1);
        Assert.False(_queue.Full(true));
        Get(1, task: 2);
        Assert.True(_queue.Full(true));
        Assert.False(Try(1));
        // 32 in all for the batcher, of which 128 was the first.
        Get(31, task: 2);
        Assert.False(Try(2));
        Assert.Equal(159, _queue.InFlight(true));
        Assert.Equal(2, _queue.SleepRq);
        _queue.AssertInvariants();
    }

    [Fact]
    public void A_batch_ends_after_20_ms()
    {
        Get(127, task: 1);
        Get(2, task: 2);
        Assert.False(Try(2, 20 * Ms));
    }

    [Fact]
    public void No_batcher_passes_192()
    {
        Get(127, task: 9);
        Get(32, task: 2);
        var first = _queue[0];
        // Two tasks sleep and are woken: each may take a batch.
        Assert.False(Try(3));
        Assert.False(Try(4));
        Assert.Equal(-1, _queue.PutRequest(first, 0));
        for (var tag = 1; _queue.InFlight(true) > 127; tag++)
        {
            _queue.PutRequest(_queue[tag], 0);
        }

        Assert.True(_queue.Sleepers(true) == 1);
        _queue.PutRequest(_queue[100], 0);
        Assert.Equal(0, _queue.Sleepers(true));
        Get(32, task: 3);
        Get(32, task: 4);
        Assert.Equal(190, _queue.InFlight(true));
        _queue.AssertInvariants();
        Assert.Equal(192, new RequestQueue().HardLimit);
    }

    [Fact]
    public void Sleepers_are_woken_in_order_one_for_each_request()
    {
        var requests = Get(128, task: 0);
        requests.AddRange(Get(31, task: 0));
        foreach (var task in new[] { 5, 3, 4 })
        {
            Assert.False(Try(task));
            Assert.False(Try(task));
        }

        Assert.Equal(3, _queue.Sleepers(true));
        Assert.Equal(3, _queue.SleepRq);
        // 159 in flight: nobody is woken until one more fits under 128.
        var woken = requests.Take(35).Select(request => _queue.PutRequest(request, 0)).ToArray();
        Assert.All(woken[..31], task => Assert.Equal(-1, task));
        Assert.Equal([5, 3, 4, -1], woken[31..]);
        _queue.AssertInvariants();
    }

    [Fact]
    public void A_woken_task_gets_at_least_one_request_although_the_queue_is_full_again()
    {
        var requests = Get(128);
        Assert.False(Try(7));
        Assert.Equal(7, _queue.PutRequest(requests[0], 50 * Ms));
        Get(1, task: 8, now: 50 * Ms);
        Assert.True(_queue.Full(true));
        // It runs a second later: its batch begins when it runs.
        Assert.True(Try(7, 1050 * Ms));
        Assert.True(Try(7, 1051 * Ms));
        Assert.False(Try(7, 1070 * Ms));
    }

    [Fact]
    public void Reads_and_writes_are_counted_apart()
    {
        Get(128);
        Assert.False(Try(3));
        Get(100, write: false);
        Assert.False(_queue.Congested(false));
        Assert.Equal(-1, _queue.PutRequest(_queue[200], 0));
        Assert.Equal(1, _queue.Sleepers(true));
        _queue.AssertInvariants();
    }

    [Fact]
    public void Objects_are_used_again_and_handles_are_not()
    {
        var first = Get(1)[0];
        var handle = first.Handle;
        Assert.Same(first, _queue.Find(handle));
        _queue.PutRequest(first, 5);
        Assert.Null(_queue.Find(handle));
        var second = Get(1)[0];
        Assert.Same(first, second);
        Assert.NotEqual(handle, second.Handle);
        Assert.Null(_queue.Find(handle));
        Assert.Null(_queue.Find(ulong.MaxValue));
        Assert.Equal(1, _queue.Created);
    }

    [Fact]
    public void A_request_completed_twice_stops_the_run()
    {
        var request = Get(1)[0];
        _queue.PutRequest(request, 0);
        Assert.Throws<InvalidOperationException>(() => _queue.PutRequest(request, 0));
    }

    [Fact]
    public void State_survives_a_round_trip()
    {
        var requests = Get(128);
        for (var task = 1; task < 40; task++)
        {
            Assert.False(Try(task));
        }

        _queue.PutRequest(requests[5], 0);
        var bytes = MemoryPackSerializer.Serialize(_queue);
        var copy = MemoryPackSerializer.Deserialize<RequestQueue>(bytes)!;
        copy.AssertInvariants();
        Assert.Equal(bytes, MemoryPackSerializer.Serialize(copy));
        Assert.Equal(2, copy.PutRequest(copy[6], 0));
        Assert.Equal(37, copy.Sleepers(true));
    }

    // Property: no sleeper is forgotten. Every task does its part of gets and puts and runs again when woken; in the
    // end all requests are back and nobody sleeps.
    [Fact]
    public void Nobody_sleeps_for_ever() => Gen.Select(Gen.Int[0, 20], Gen.Bool, Gen.Int[0, 4]).Array[1, 2000].Sample(
        steps =>
        {
            var queue = new RequestQueue();
            var inFlight = new Queue<BlockRequest>();
            var now = 0L;
            foreach (var (task, write, what) in steps)
            {
                now += Ms / 10;
                if (what == 0 && inFlight.TryDequeue(out var done))
                {
                    Retry(queue, inFlight, queue.PutRequest(done, now), done.Write, now);
                }
                else if (queue.TryGetRequest(write, task, now, out var request))
                {
                    inFlight.Enqueue(request);
                }
            }

            queue.AssertInvariants();
            while (inFlight.TryDequeue(out var last))
            {
                Retry(queue, inFlight, queue.PutRequest(last, now), last.Write, now);
            }

            queue.AssertInvariants();
            Assert.Equal(0, queue.Sleepers(true) + queue.Sleepers(false));
            Assert.Equal(0, queue.InFlight(true) + queue.InFlight(false));
        },
        iter: 200);

    private static void Retry(RequestQueue queue, Queue<BlockRequest> inFlight, int task, bool write, long now)
    {
        if (task >= 0 && queue.TryGetRequest(write, task, now, out var request))
        {
            inFlight.Enqueue(request);
        }
    }
}
