// blk-mq: shared tags, the plug that merges with its last request only, and the order of mq-deadline.
using ClusterSwap.Kernel.Block;
using ClusterSwap.Kernel.Net;

namespace ClusterSwap.Kernel.Tests.Block;

public sealed class MultiQueueTests
{
    private static readonly KernelRules Rules = KernelRules.Of(Era.Linux61);

    private readonly RequestQueue _queue = BlockRules.NewQueue(Rules);

    [Fact]
    public void Reads_and_writes_take_their_tags_out_of_the_same_128()
    {
        for (var i = 0; i < 128; i++)
        {
            Assert.True(_queue.TryGetRequest(i % 2 == 0, task: 1, nowNs: 0, out _));
        }

        Assert.False(_queue.TryGetRequest(write: true, task: 1, nowNs: 0, out _));
        Assert.False(_queue.TryGetRequest(write: false, task: 2, nowNs: 0, out _));
        Assert.Equal(2, _queue.Sleepers(write: false));
        Assert.False(_queue.Congested(write: true));
        _queue.AssertInvariants();
    }

    [Fact]
    public void A_tag_that_comes_back_wakes_whoever_has_waited_longest_for_a_read_or_a_write()
    {
        var first = Fill();
        _queue.TryGetRequest(write: true, task: 1, nowNs: 0, out _);
        _queue.TryGetRequest(write: false, task: 2, nowNs: 0, out _);
        Assert.Equal(1, _queue.PutRequest(first, nowNs: 1));
        Assert.True(_queue.TryGetRequest(write: true, task: 1, nowNs: 1, out var again));
        Assert.Equal(2, _queue.PutRequest(again, nowNs: 2));
    }

    [Fact]
    public void A_request_takes_32_pages()
    {
        Assert.True(_queue.TryGetRequest(write: true, task: 0, nowNs: 0, out var request));
        request.Begin(Bio(0));
        for (var slot = 1; slot < 32; slot++)
        {
            Assert.True(request.TryBackMerge(Bio(slot)));
        }

        Assert.False(request.TryBackMerge(Bio(32)));
    }

    [Fact]
    public void A_plug_merges_with_its_last_request_only()
    {
        var plug = BlockRules.NewPlug(Rules);
        Plug(plug, slot: 10);
        Plug(plug, slot: 50);
        Assert.False(plug.Add(_queue, Bio(11)));
        Assert.True(plug.Add(_queue, Bio(51)));
        Assert.True(plug.Add(_queue, Bio(49)));
    }

    [Fact]
    public void A_plug_is_flushed_at_32_requests_or_when_its_last_has_128_KiB()
    {
        var many = BlockRules.NewPlug(Rules);
        for (var i = 0; i < 31; i++)
        {
            Plug(many, slot: i * 100);
        }

        Assert.False(many.MustFlush(_queue));
        Plug(many, slot: 5_000);
        Assert.True(many.MustFlush(_queue));

        var large = BlockRules.NewPlug(Rules);
        Plug(large, slot: 10_000);
        for (var slot = 10_001; slot < 10_032; slot++)
        {
            Assert.False(large.MustFlush(_queue));
            Assert.True(large.Add(_queue, Bio(slot)));
        }

        Assert.True(large.MustFlush(_queue));
    }

    [Fact]
    public void Direct_issue_begins_with_the_request_plugged_last()
    {
        var plug = BlockRules.NewPlug(Rules);
        Plug(plug, slot: 10);
        Plug(plug, slot: 50);
        Assert.Equal(50, _queue[plug.TakeLast(_queue)].FirstSlot);
        Assert.Equal(10, _queue[plug.TakeLast(_queue)].FirstSlot);
    }

    [Fact]
    public void The_deadline_scheduler_reads_first_and_lets_writes_in_after_two_batches()
    {
        var waiting = new Fifo<int>();
        for (var i = 0; i < 80; i++)
        {
            _queue.TryGetRequest(write: i < 20, task: 0, nowNs: 0, out var request);
            waiting.Add(request!.Tag);
        }

        var state = default(DeadlineState);
        var order = "";
        while (waiting.Count > 0)
        {
            order += _queue[MqDeadline.Take(_queue, waiting, ref state)].Write ? 'w' : 'r';
        }

        Assert.Equal(new string('r', 32) + new string('w', 16) + new string('r', 28) + new string('w', 4), order);
    }

    [Fact]
    public void The_deadline_scheduler_merges_a_bio_with_a_request_that_another_task_inserted()
    {
        Assert.True(_queue.TryGetRequest(write: true, task: 3, nowNs: 0, out var request));
        request.Begin(Bio(100));
        var waiting = new Fifo<int>();
        waiting.Add(request.Tag);
        Assert.True(MqDeadline.TryMerge(_queue, waiting, Bio(101)));
        Assert.True(MqDeadline.TryMerge(_queue, waiting, Bio(99)));
        Assert.False(MqDeadline.TryMerge(_queue, waiting, Bio(103)));
        Assert.Equal((99, 3), (request.FirstSlot, request.Count));
    }

    [Fact]
    public void A_kernel_knows_the_schedulers_of_its_block_layer()
    {
        KernelRules older = PatchSet.All;
        Assert.True(BlockRules.Knows(older, IoScheduler.Cfq));
        Assert.False(BlockRules.Knows(older, IoScheduler.None));
        Assert.False(BlockRules.Knows(Rules, IoScheduler.Cfq));
        Assert.True(BlockRules.Knows(Rules, IoScheduler.MqDeadline));
        Assert.Equal(IoScheduler.None, BlockRules.DefaultScheduler(Rules));
        Assert.Equal(IoScheduler.Cfq, BlockRules.DefaultScheduler(older));
        Assert.Equal(IssuedBy.Worker, BlockRules.IssuerOf(IoScheduler.MqDeadline));
    }

    private BlockRequest Fill()
    {
        Assert.True(_queue.TryGetRequest(write: false, task: 0, nowNs: 0, out var first));
        for (var i = 1; i < 128; i++)
        {
            Assert.True(_queue.TryGetRequest(write: true, task: 0, nowNs: 0, out _));
        }

        return first;
    }

    private void Plug(Plug plug, int slot)
    {
        Assert.True(_queue.TryGetRequest(write: true, task: 0, nowNs: 0, out var request));
        plug.Insert(_queue, request, Bio(slot));
    }

    private static Bio Bio(int slot) => new() { Write = true, Page = slot, Slot = slot };
}
