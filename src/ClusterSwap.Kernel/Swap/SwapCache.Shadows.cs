// What the swap cache's tree remembers of pages that left it: when they were evicted (5.9).
using ClusterSwap.Kernel.Memory;

namespace ClusterSwap.Kernel.Swap;

public sealed partial class SwapCache
{
    /// <summary>
    /// <c>workingset_eviction</c>, 5.9: the slot of a page that is about to leave the cache remembers that it was the
    /// <paramref name="age"/>-th evicted. The entry keeps its tree node until the slot is free.
    /// </summary>
    public void RememberEviction(int page, uint age)
    {
        if (_shadows.Length == 0)
        {
            _shadows = new uint[_pages.Length];
        }

        _shadows[_frames[page].Private] = Math.Max(1, unchecked(age + 1));
    }

    /// <summary>
    /// Takes what the slot remembers, when a page is about to enter the cache for it. False: nothing.
    /// </summary>
    public bool TryTakeShadow(int slot, out uint evictedAt)
    {
        evictedAt = 0;
        if (!HasShadow(slot))
        {
            return false;
        }

        // Insert counted the slot while it was remembered: from here on the page stands for it.
        evictedAt = unchecked(_shadows[slot] - 1);
        _shadows[slot] = 0;
        return true;
    }

    /// <inheritdoc/>
    /// <remarks><c>clear_shadow_from_swap_cache</c>, 5.9.</remarks>
    public void SlotFreed(int slot)
    {
        if (!HasShadow(slot))
        {
            return;
        }

        _shadows[slot] = 0;
        if (_pages[slot] == PageFrame.None)
        {
            ReleaseLeaf(slot / LeafSlots);
        }
    }

    /// <summary>A page stands for the slot, or the slot remembers one: its leaf has a node.</summary>
    public bool NeedsNode(int slot) => _pages[slot] != PageFrame.None || HasShadow(slot);

    private bool HasShadow(int slot) => _shadows.Length > 0 && _shadows[slot] != 0;
}
