using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Swap;
using MemoryPack;

namespace ClusterSwap.Kernel.Tests.Swap;

public sealed class WorkloadTests
{
    [Theory]
    [InlineData(PassKind.Write)]
    [InlineData(PassKind.ReadAfterFill)]
    public void Two_processes_twice_the_size_of_memory_pass_over_their_pages_and_find_every_stamp(PassKind kind)
    {
        var blade = new SmallBlade(frames: 64, processes: 2, pagesPerProcess: 60, devicePages: 300);
        var work = new Workload(2, 60, passes: 3, kind);
        Run(blade, work);
        Assert.Equal(360, work.Touched);
        Assert.Equal(work.TotalTouches, work.Touched);
        Assert.Equal(0, work.Running);
        Assert.True(blade.Stat[VmCounter.pgmajfault] > 0);
        var version = kind == PassKind.Write ? 3u : 1u;
        for (var vpn = 0; vpn < 120; vpn++)
        {
            Assert.True(blade.TouchOne(vpn, write: false, version, 0));
        }
    }

    [Fact]
    public void Reading_alone_takes_page_tables_and_nothing_else()
    {
        var blade = new SmallBlade(frames: 4, processes: 2, pagesPerProcess: 60, devicePages: 300);
        Run(blade, new Workload(2, 60, passes: 2, PassKind.Read));
        Assert.Equal(2, blade.FreePages);
        Assert.Equal(120, blade.Stat[VmCounter.pgfault]);
    }

    [Fact]
    public void A_page_table_page_serves_512_pages()
    {
        var blade = new SmallBlade(frames: 1300, processes: 2, pagesPerProcess: 600, devicePages: 1300);
        Run(blade, new Workload(2, 600, passes: 1, PassKind.Write));
        Assert.Equal(4, blade.Stat[VmGauge.nr_page_table_pages]);
        Assert.Equal(2, blade.Spaces.TablesPerProcess);
        Assert.False(blade.Spaces.AddPageTable(600, 0));
    }

    [Fact]
    public void Expected_versions_follow_pass_and_position()
    {
        var work = new Workload(1, 4, passes: 2, PassKind.Write);
        Assert.Equal((1u, 0u), (work.Next(0, 1, 0).Stamp, work.Next(0, 1, 0).Expected));
        work.Advance(new TouchCall { Offset = 2, Touched = 2 });
        Assert.Equal([1u, 1u, 0u, 0u], Enumerable.Range(0, 4).Select(offset => work.ExpectedVersion(0, offset)));
        Assert.Equal(Stamps.Of(1, 1), work.ExpectedStamp(0, 1, 1));
        Assert.False(work.Advance(new TouchCall { Offset = 4, Touched = 2, Stop = TouchStop.PassEnd }));
        Assert.Equal((1, 0), (work.Pass(0), work.Position(0)));
        Assert.True(work.Advance(new TouchCall { Offset = 4, Touched = 4, Stop = TouchStop.PassEnd }));
        Assert.True(work.IsDone(0));
        Assert.Equal(2u, work.ExpectedVersion(0, 3));
        work.AssertInvariants();
        Assert.Throws<InvalidOperationException>(() => work.Next(0, 1, 0));
    }

    [Fact]
    public void Advancing_by_more_than_was_touched_is_refused()
    {
        var work = new Workload(1, 4, passes: 2, PassKind.Write);
        Assert.Throws<InvalidOperationException>(() => work.Advance(new TouchCall { Offset = 3, Touched = 2 }));
    }

    [Fact]
    public void Half_done_work_read_back_goes_on_alike()
    {
        var (blade, work) = HalfDone();
        var copy = Copy(work);
        copy.AssertInvariants();
        Assert.Equal(MemoryPackSerializer.Serialize(work), MemoryPackSerializer.Serialize(copy));
        Run(blade, copy);
        Assert.Equal(360, copy.Touched);
    }

    [Fact]
    public void Page_tables_slots_and_cache_read_back_are_the_same_and_consistent()
    {
        var (blade, _) = HalfDone();
        var map = Copy(blade.Map);
        var cache = Copy(blade.Cache);
        var spaces = Copy(blade.Spaces);
        spaces.Attach(blade.Frames, blade.Lru, Copy(blade.Stat), blade.Cost, map, cache, blade.Nodes);
        spaces.AssertInvariants();
        Assert.Equal(blade.Cache.Count, cache.Count);
        Assert.Equal(blade.Spaces.Processes, spaces.Processes);
        Assert.Equal(blade.Spaces.PagesPerProcess, spaces.PagesPerProcess);
        Assert.All(Enumerable.Range(0, 120), vpn => Assert.Equal(blade.Spaces.Entry(vpn), spaces.Entry(vpn)));
        Assert.Equal(MemoryPackSerializer.Serialize(blade.Spaces), MemoryPackSerializer.Serialize(spaces));
        Assert.Equal(MemoryPackSerializer.Serialize(blade.Cache), MemoryPackSerializer.Serialize(cache));
    }

    [Fact]
    public void Calls_read_back_are_the_same()
    {
        var touch = new Workload(2, 60, passes: 3, PassKind.Write).Next(1, 5_000, 1);
        touch.Stop = TouchStop.PageLocked;
        Assert.Equal(touch, Copy(touch));
        var read = SwapInCall.For(7, 9, TaskFlags.MemAlloc, 3);
        Assert.Equal(read, Copy(read));
    }

    private static (SmallBlade Blade, Workload Work) HalfDone()
    {
        var blade = new SmallBlade(frames: 64, processes: 2, pagesPerProcess: 60, devicePages: 300);
        var work = new Workload(2, 60, passes: 3, PassKind.Write);
        Run(blade, work, turns: 150);
        Assert.Equal(2, work.Running);
        return (blade, work);
    }

    private static T Copy<T>(T state) => MemoryPackSerializer.Deserialize<T>(MemoryPackSerializer.Serialize(state))!;

    private static void Run(SmallBlade blade, Workload work, int turns = int.MaxValue)
    {
        for (; turns > 0 && work.Running > 0; turns--)
        {
            var process = turns % 2;
            if (work.IsDone(process))
            {
                continue;
            }

            var call = work.Next(process, 700, 0);
            blade.Spaces.Touch(ref call);
            work.Advance(call);
            blade.Handle(call);
            work.AssertInvariants();
        }

        blade.Spaces.AssertInvariants();
    }
}
