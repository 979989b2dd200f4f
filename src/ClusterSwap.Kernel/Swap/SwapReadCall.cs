// A major fault's readahead block under way: pages, tree nodes and slots, resumable wherever an allocation has to wait.
using ClusterSwap.Kernel.Memory;
using MemoryPack;

namespace ClusterSwap.Kernel.Swap;

/// <summary>
/// <c>swapin_readahead</c> of one fault as data. The first <see cref="Ready"/> entries have a page in the swap cache,
/// locked, whose read is to be submitted; the caller counts in <see cref="HandedOver"/> how many it has taken over.
/// </summary>
[MemoryPackable]
public sealed partial class SwapReadCall
{
    /// <summary>The slot that faulted.</summary>
    public int TargetSlot;

    /// <summary>Its page once that is in the swap cache, or −1: somebody else was faster.</summary>
    public int TargetPage = PageFrame.None;

    /// <summary>Flags of the task.</summary>
    public TaskFlags Task;

    /// <summary>The CPU of this section.</summary>
    public int Cpu;

    /// <summary>Slots of the block.</summary>
    public int[] Slots = new int[SwapReadahead.MaxSlots];

    /// <summary>Pages, by entry.</summary>
    public int[] Pages = new int[SwapReadahead.MaxSlots];

    /// <summary>Slots to read.</summary>
    public int Count;

    /// <summary>Next slot of the block to look at.</summary>
    public int Next;

    /// <summary>Entries, from the first, whose pages are ready to be read.</summary>
    public int Ready;

    /// <summary>Entries, from the first, that the caller has taken over to submit their reads.</summary>
    public int HandedOver;

    /// <summary>The page allocation under way.</summary>
    public AllocCall Page;

    /// <summary>The insertion into the swap cache under way.</summary>
    public SwapInCall Insert;

    /// <summary>What <see cref="Insert"/> holds is under way, not <see cref="Page"/>.</summary>
    public bool Inserting;

    /// <summary>The virtual page that faulted.</summary>
    public int TargetVpn;

    /// <summary>
    /// Its place in its mapping and one more: by it an interleaving policy chooses the node of the whole block.
    /// </summary>
    public int SpreadBy;

    /// <summary>The page allocation that stopped the call.</summary>
    [MemoryPackIgnore]
    public AllocCall Stopped => Inserting ? Insert.Node.Pages : Page;

    /// <summary>Starts with the block around the slot or, since 4.14, around the virtual page.</summary>
    public void Begin(SwapMap map, AddressSpaces spaces, int pageCluster)
    {
        Count = spaces.ReadsNeighbours
            ? spaces.ReadaheadWindow(TargetVpn, pageCluster, Slots)
            : SwapReadahead.Window(map, pageCluster, TargetSlot, Slots);
        Next = 0;
        Ready = 0;
        HandedOver = 0;
        TargetPage = PageFrame.None;
        Inserting = false;
        Page = default;
    }

    /// <summary>Direct reclaim has ended with so much progress: hands it to the allocation that asked.</summary>
    public void SetReclaimed(int pages)
    {
        if (Inserting)
        {
            Insert.Node.Pages.Reclaimed = pages;
        }
        else
        {
            Page.Reclaimed = pages;
        }
    }
}

/// <summary>Runs <see cref="SwapReadCall"/>s. Holds no state.</summary>
public sealed class SwapReader(PageAllocator pages, SwapIn swapIn, SwapMap map, CostModel cost)
{
    /// <summary>
    /// Goes on until every slot of the block has a page or is not needed any more (Granted), or until an allocation has
    /// to reclaim or wait. <paramref name="costNs"/> grows by the CPU time.
    /// </summary>
    public AllocOutcome Continue(SwapReadCall call, ref long costNs)
    {
        while (call.Next < call.Count)
        {
            var outcome = call.Inserting ? ContinueInsert(call) : ContinuePage(call, ref costNs);
            if (outcome is not (AllocOutcome.Granted or AllocOutcome.Failed))
            {
                return outcome;
            }
        }

        return AllocOutcome.Granted;
    }

    private AllocOutcome ContinuePage(SwapReadCall call, ref long costNs)
    {
        var slot = call.Slots[call.Next];
        if (call.Page.Owner != PageOwner.Anon || call.Page.Step == AllocStep.Ended)
        {
            if (!map.IsUsedByPte(slot) || map.IsCached(slot))
            {
                call.Next++;
                return AllocOutcome.Granted;
            }

            call.Page = AllocCall.For(PageOwner.Anon, Gfp.HighUserMovable, call.Task, AllocContext.Task, call.Cpu);
            call.Page.SpreadBy = call.SpreadBy;
        }

        call.Page.Task = call.Task;
        call.Page.Cpu = (byte)call.Cpu;
        costNs += cost.PagePairNs;
        var outcome = pages.Continue(ref call.Page);
        if (outcome == AllocOutcome.Granted)
        {
            call.Insert = SwapInCall.For(slot, call.Page.Page, call.Task, call.Cpu);
            call.Inserting = true;
            costNs += cost.AddToSwapNs;
        }
        else if (outcome == AllocOutcome.Failed)
        {
            call.Next++;
        }

        return outcome;
    }

    private AllocOutcome ContinueInsert(SwapReadCall call)
    {
        call.Insert.Node.Task = call.Task;
        call.Insert.Node.Cpu = (byte)call.Cpu;
        var outcome = swapIn.AddForRead(ref call.Insert);
        switch (outcome)
        {
            case AllocOutcome.Granted:
                call.Slots[call.Ready] = call.Insert.Slot;
                call.Pages[call.Ready] = call.Insert.Page;
                call.Ready++;
                if (call.Insert.Slot == call.TargetSlot)
                {
                    call.TargetPage = call.Insert.Page;
                }

                break;
            case AllocOutcome.Failed:
                pages.Free(call.Insert.Page, 0, call.Cpu);
                break;
            default:
                return outcome;
        }

        call.Inserting = false;
        call.Next++;
        return outcome;
    }
}
