// A machine of a few pages: a free list, a tiny reclaim by the order of shrink_page_list, and a device of stamps.
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Reclaim;
using ClusterSwap.Kernel.Swap;

namespace ClusterSwap.Kernel.Tests.Swap;

internal sealed class SmallBlade
{
    private readonly Stack<int> _free = new();

    public SmallBlade(int frames, int processes, int pagesPerProcess, int devicePages, int position = 1)
    {
        Frames = new PageFrame[frames];
        for (var page = frames - 1; page >= 0; page--)
        {
            Frames[page].Mapping = PageFrame.None;
            _free.Push(page);
        }

        Lru = new FakeLru(Frames);
        Map = new SwapMap(devicePages, position);
        Cache = new SwapCache(devicePages);
        Spaces = new AddressSpaces(processes, pagesPerProcess);
        Device = new uint[devicePages];
        Spaces.Attach(Frames, Lru, Stat, Cost, Map, Cache, Nodes);
        Side = new SwapSide(Frames, Spaces, Map, Cache);
        In = new SwapIn(Frames, Lru, Stat, Map, Cache);
    }

    public PageFrame[] Frames { get; }

    public FakeLru Lru { get; }

    public FakeNodes Nodes { get; } = new();

    public VmStat Stat { get; } = new();

    public CostModel Cost { get; } = new() { TouchNs = 100 };

    public SwapMap Map { get; }

    public SwapCache Cache { get; }

    public AddressSpaces Spaces { get; }

    public SwapSide Side { get; }

    public SwapIn In { get; }

    public uint[] Device { get; }

    /// <summary>Writes under way: page, slot, contents when it was submitted.</summary>
    public List<(int Page, int Slot, uint Stamp)> Writes { get; } = [];

    /// <summary>Pages whose read is under way.</summary>
    public List<int> Reads { get; } = [];

    public int FreePages => _free.Count;

    /// <summary>A wrong reclaim: it forgets what the hardware wrote, as if unmapping ignored the dirty bit.</summary>
    public bool ForgetsDirty { get; set; }

    public int Alloc(PageOwner owner)
    {
        for (var round = 0; _free.Count == 0 && round < 1000; round++)
        {
            Deactivate(4);
            Shrink(4);
            FinishWrites();
            FinishReads();
        }

        var page = _free.Pop();
        Frames[page].Owner = owner;
        Assert.Equal(PageFlags.None, Frames[page].Flags);
        return page;
    }

    public void Free(int page)
    {
        Assert.Equal(PageFrame.None, Frames[page].Mapping);
        Assert.False(Frames[page].Has(PageFlags.SwapCache));
        Assert.False(Frames[page].Has(PageFlags.Lru));
        Frames[page].Flags = PageFlags.None;
        Frames[page].Owner = PageOwner.Free;
        _free.Push(page);
    }

    /// <summary>Touches one page until it is done; false when its stamp is wrong.</summary>
    public bool TouchOne(int vpn, bool write, uint expected, uint stamp, bool finishReadahead = true)
    {
        var call = new TouchCall
        {
            Process = vpn / Spaces.PagesPerProcess,
            Offset = vpn % Spaces.PagesPerProcess,
            Write = write,
            Expected = expected,
            Stamp = stamp,
        };
        for (var round = 0; round < 1000; round++)
        {
            call.BudgetNs = 1;
            Spaces.Touch(ref call);
            if (call.Touched == 1)
            {
                return true;
            }

            if (call.Stop == TouchStop.BadStamp)
            {
                return false;
            }

            Handle(call, finishReadahead);
        }

        throw new InvalidOperationException($"page {vpn} is never touched: {call.Stop}");
    }

    /// <summary>What a process does when Touch comes back.</summary>
    public void Handle(in TouchCall call, bool finishReadahead = true)
    {
        var vpn = Spaces.Vpn(call.Process, call.Offset);
        switch (call.Stop)
        {
            case TouchStop.NeedsPageTable:
                Assert.True(Spaces.AddPageTable(vpn, Alloc(PageOwner.PageTable)));
                break;
            case TouchStop.AnonFault:
                Spaces.MapNewAnon(vpn, Alloc(PageOwner.Anon), call.Write, 0);
                break;
            case TouchStop.SwapFault:
                ReadAround(call.Slot);
                Swapped(vpn, call, finishReadahead);
                break;
            case TouchStop.PageLocked:
                FinishRead(call.Page);
                break;
            case TouchStop.SliceOver or TouchStop.PassEnd:
                break;
            default:
                throw new InvalidOperationException($"{call.Stop} at {vpn}");
        }
    }

    public void ReadAround(int slot)
    {
        Span<int> slots = stackalloc int[SwapReadahead.MaxSlots];
        var count = SwapReadahead.Window(Map, SwapReadahead.PageCluster, slot, slots);
        foreach (var next in slots[..count])
        {
            var call = SwapInCall.For(next, Alloc(PageOwner.Anon), TaskFlags.None, 0);
            if (In.AddForRead(ref call) == AllocOutcome.Granted)
            {
                Reads.Add(call.Page);
            }
            else
            {
                Free(call.Page);
            }
        }
    }

    public void FinishRead(int page)
    {
        Assert.True(Reads.Remove(page));
        In.ReadCompleted(page, Device[Frames[page].Private]);
    }

    public void FinishReads()
    {
        while (Reads.Count > 0)
        {
            FinishRead(Reads[0]);
        }
    }

    /// <summary>Ends a write; what arrived is what was there at its start, or what is there now.</summary>
    public void FinishWrite(int index, bool late = false)
    {
        var (page, slot, stamp) = Writes[index];
        Writes.RemoveAt(index);
        Device[slot] = late ? Frames[page].Stamp : stamp;
        Frames[page].Clear(PageFlags.Writeback);
        if (Frames[page].Has(PageFlags.Reclaim))
        {
            Frames[page].Clear(PageFlags.Reclaim);
            Lru.RotateReclaimable(page);
        }
    }

    public void FinishWrites()
    {
        while (Writes.Count > 0)
        {
            FinishWrite(0);
        }
    }

    /// <summary>shrink_active_list: the oldest active pages become inactive.</summary>
    public void Deactivate(int count)
    {
        for (; count > 0 && Lru.Active.Count > 0; count--)
        {
            var page = Lru.Active[0];
            Side.TestAndClearReferenced(page);
            Lru.Delete(page);
            Lru.Add(page, LruList.InactiveAnon);
        }
    }

    /// <summary>shrink_inactive_list over the oldest pages, by the order of kernel facts 6.2.</summary>
    public void Shrink(int count)
    {
        foreach (var page in Lru.Inactive.Take(count).ToArray())
        {
            Lru.Delete(page);
            ShrinkPage(page);
        }
    }

    private void ShrinkPage(int page)
    {
        ref var frame = ref Frames[page];
        if (frame.Has(PageFlags.Locked))
        {
            Lru.Add(page, LruList.InactiveAnon);
            return;
        }

        if (frame.Has(PageFlags.Writeback))
        {
            frame.Set(PageFlags.Reclaim);
            Lru.Add(page, LruList.InactiveAnon);
            return;
        }

        if (Side.TestAndClearReferenced(page) > 0
            || (!frame.Has(PageFlags.SwapCache) && !Side.AddToSwap(page, TaskFlags.MemAlloc, AllocContext.Task, 1)))
        {
            if (Side.SwapIsFull && Side.SlotIsUnneeded(page))
            {
                Side.RemoveFromSwapCache(page);
            }

            Lru.Add(page, LruList.ActiveAnon);
            return;
        }

        if (frame.Mapping != PageFrame.None)
        {
            Side.Unmap(page);
        }

        if (frame.Has(PageFlags.Dirty) && !Side.SlotIsUnneeded(page) && !ForgetsDirty)
        {
            frame.Clear(PageFlags.Dirty);
            frame.Set(PageFlags.Writeback | PageFlags.Reclaim);
            Writes.Add((page, frame.Private, frame.Stamp));
            Lru.Add(page, LruList.InactiveAnon);
            return;
        }

        Side.RemoveFromSwapCache(page);
        Free(page);
    }

    private void Swapped(int vpn, in TouchCall call, bool finishReadahead)
    {
        var page = Cache.Lookup(call.Slot);
        if (finishReadahead)
        {
            FinishReads();
        }
        else if (page != PageFrame.None && Reads.Contains(page))
        {
            FinishRead(page);
        }

        if (page != PageFrame.None)
        {
            Spaces.MapSwapIn(vpn, page, call.Write, call.Cpu);
        }
    }
}
