// The event heap against a sorted model.
using ClusterSwap.Engine;
using CsCheck;

namespace ClusterSwap.Engine.Tests;

public sealed class EventHeapTests
{
    [Fact]
    public void Events_come_out_in_the_total_order_whatever_was_pushed_and_popped_before()
    {
        // Small ranges make ties of time, draw and source common. A negative time stands for a pop.
        Gen.Select(Gen.Long[-3, 6], Gen.ULong[0, 2], Gen.ULong[0, 2]).Array[0, 200].Sample(
            steps =>
            {
                var heap = new EventHeap();
                var model = new SortedSet<(long At, ulong Draw, ulong Source, ulong Sequence)>();
                ulong sequence = 0;
                foreach ((long at, ulong draw, ulong source) in steps)
                {
                    if (at < 0)
                    {
                        PopAndCompare(heap, model);
                        continue;
                    }

                    var work = new Work { Id = (int)sequence };
                    heap.Push(at, draw, source, sequence, (int)sequence, work, cause: (long)sequence);
                    model.Add((at, draw, source, sequence++));
                }

                Assert.Equal(model, heap.InOrder().Select(e => (e.AtNs, e.Draw, e.Source, e.Sequence)));
                while (model.Count > 0)
                {
                    PopAndCompare(heap, model);
                }

                Assert.Equal(long.MaxValue, heap.NextNs);
            },
            iter: 500,
            threads: 1);
    }

    private static void PopAndCompare(
        EventHeap heap, SortedSet<(long At, ulong Draw, ulong Source, ulong Sequence)> model)
    {
        Assert.Equal(model.Count, heap.Count);
        if (model.Count == 0)
        {
            return;
        }

        (long at, _, ulong source, ulong sequence) = model.Min;
        Assert.Equal(at, heap.NextNs);
        var work = (Work)heap.Pop(out int actor, out ulong foundSource, out long cause);
        Assert.Equal((source, (int)sequence, (int)sequence, (long)sequence), (foundSource, actor, work.Id, cause));
        model.Remove(model.Min);
    }
}

public sealed class HostQueueTests
{
    [Fact]
    public void First_and_second_are_the_smallest_keys_after_any_changes()
    {
        Gen.Select(Gen.Int[1, 9], Gen.Select(Gen.Int[0, 8], Gen.Long[0, 5]).Array[0, 60]).Sample(
            (hosts, changes) =>
            {
                var queue = new HostQueue(hosts);
                long[] model = Enumerable.Repeat(long.MaxValue, hosts).ToArray();
                foreach ((int host, long key) in changes)
                {
                    queue.Set(host % hosts, model[host % hosts] = key);
                    long[] sorted = [.. model.Order()];
                    Assert.Equal(sorted[0], queue.FirstKey);
                    Assert.Equal(sorted[0], model[queue.First]);
                    Assert.Equal(hosts > 1 ? sorted[1] : long.MaxValue, queue.SecondKey);
                }
            },
            iter: 1_000,
            threads: 1);
    }
}
