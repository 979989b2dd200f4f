// The page tables and the swap cache as reclaim sees them.
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Reclaim;
using ClusterSwap.Kernel.Slab;

namespace ClusterSwap.Kernel.Swap;

/// <summary>
/// What <c>shrink_page_list</c> asks of page tables and swap (<c>mm/rmap.c</c>, <c>mm/swap_state.c</c>,
/// <c>mm/swapfile.c</c>, 3.6). Holds no state: it is made anew after a restore.
/// </summary>
public sealed class SwapSide(
    PageFrame[] frames, AddressSpaces spaces, SwapMap map, SwapCache cache) : ISwapSide
{
    // add_to_swap, 3.6: no waiting, and never from the reserve.
    private const Gfp NodeGfp = Gfp.High | Gfp.NoMemAlloc | Gfp.NoWarn;

    /// <summary>
    /// CPU of the present turn: a tree node that is freed goes back to it. Set it at the start of a turn of reclaim.
    /// </summary>
    public int Cpu
    {
        get => cache.Cpu;
        set => cache.Cpu = value;
    }

    /// <inheritdoc/>
    public long FreeSlots => map.FreeSlots;

    /// <inheritdoc/>
    public bool SwapIsFull => map.IsFull;

    /// <inheritdoc/>
    public int TestAndClearReferenced(int page) => spaces.TestAndClearYoung(page);

    /// <inheritdoc/>
    public bool AddToSwap(int page, TaskFlags task, AllocContext context, int cpu)
    {
        cache.Cpu = cpu;
        var slot = map.Take(cache, cpu);
        if (slot == SwapMap.NoSlot)
        {
            return false;
        }

        var call = SlabCall.For(NodeGfp, task, context, cpu);
        var outcome = cache.Prepare(slot, ref call);
        if (outcome != AllocOutcome.Granted)
        {
            if (outcome != AllocOutcome.Failed)
            {
                throw new InvalidOperationException(
                    $"a tree node for slot {slot} asked to wait ({outcome}) with {NodeGfp}");
            }

            map.DropCache(slot);
            return false;
        }

        cache.Insert(page, slot);
        frames[page].Set(PageFlags.Dirty);
        return true;
    }

    /// <inheritdoc/>
    public void RememberEviction(int page, uint age) => cache.RememberEviction(page, age);

    /// <inheritdoc/>
    public void Unmap(int page) => spaces.Unmap(page);

    /// <inheritdoc/>
    public bool SlotIsUnneeded(int page) => cache.SlotIsUnneeded(page);

    /// <inheritdoc/>
    /// <remarks>
    /// Also the second half of <c>try_to_free_swap</c>: a mapped page is Dirty afterwards.
    /// </remarks>
    public void RemoveFromSwapCache(int page) => cache.Delete(page);

    /// <summary>
    /// Indicates that nobody maps or caches this anonymous page any more: its process ended while a reclaimer had
    /// isolated or locked it. Who holds it frees it instead of putting it back.
    /// </summary>
    public bool IsOrphan(int page)
    {
        ref readonly var frame = ref frames[page];
        return frame.Owner == PageOwner.Anon && frame.Mapping == PageFrame.None && !frame.Has(PageFlags.SwapCache);
    }
}
